# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The third part of the unseen faults (``-m unseen3``): what operators, administrators, reboots and deployments leave behind."""

from __future__ import annotations

import dataclasses
from typing import Any

from . import injections as i
from . import injections_operators as o
from . import injections_processes as p
from . import injections_servers as s
from . import proxies
from .faults_servers import ALL, DEPLOY, FLYWAY, PG_ACTIVITY, POOLS
from .model import ANY, Expected, Fault
from .stand import MAX_CONNECTIONS, PORTS, REDIS_PORT, SECRETS, Stand

AROUND_AUTH = "gateway main synapsex"
AROUND_REDIS = "gateway main chat synapsex"
APPROVE = i.all_of(i.approval_waits, i.approve)


def of_a_new_admin(traffic: Any) -> Any:
    """Whose rights are in no cache yet."""
    return traffic.call("GET", "/api/synapse/admin/whoami", headers={"X-Tenant-ID": "1", "X-User-ID": "77"})


def new_task(traffic: Any, title: str = "a task") -> Any:
    return traffic.call("POST", "/api/main/tasks", {"title": title})


def evicted(stand: Stand) -> bool:
    return bool(stand.redis("INFO", "stats")["evicted_keys"])


SERVERS = (
    Fault(
        "hba-hardened", "a hardened pg_hba.conf wants TLS from all services, which have none",
        o.hba_wants_tls,
        Expected("PG_AUTH|X_PG_HBA|PG_HBA", f"postgres|{POOLS}", rf"(?i)pg_hba|postgres|psql|{DEPLOY}", risk=ANY, may=ALL),
        {"main": "no pg_hba.conf entry for host .* no encryption"},
    ),
    Fault(
        "fewer-connections", "PostgreSQL was restarted with room for four sessions of services, for six pools",
        o.configured("postgres", f"max_connections = '{MAX_CONNECTIONS}'", "max_connections = '7'"),
        Expected("PG_FULL", f"postgres|{POOLS}", rf"(?i){PG_ACTIVITY}|max_connections|postgres|{DEPLOY}", risk=ANY, may=ALL),
        {"*": "remaining connection slots are reserved|too many clients"},
    ),
    Fault(
        "data-for-everybody", "PostgreSQL does not start again: its files may be read by everybody",
        o.data_for_everybody,
        Expected("PG_REFUSED|DB_UNREACHABLE|X_PG_DATA|PROCESS_STOPPED", "postgres", r"(?i)postgres|chmod|deploy\.yml", risk=ANY,
                 victims="auth main synapsex", may=ALL),
        {"main": "Connection to 127.0.0.1:\\d+ refused|Connection is not available"},
    ),
    Fault(
        "standby-missing", "PostgreSQL was told to wait for a standby that does not exist: reading works, no commit ends",
        o.standby_missing,
        Expected("unknown|HIKARI_TIMEOUT|PG_SLOW_QUERY|NOT_ANSWERING|X_PG_SYNC", "postgres|auth", ".", risk=ANY,
                 may=f"{AROUND_AUTH} auth"),
        {"auth": "Connection is not available, request timed out"}, check=o.commits_wait, outside=True,
    ),
    Fault(
        "change-waits", "a change of main's table waits for a long report, and every reader waits for the change",
        o.change_waits,
        Expected("X_PG_LOCK|PG_LOCK|PG_LOCKED|LOCK_HELD|HIKARI_TIMEOUT", "main|postgres", PG_ACTIVITY, risk=ANY),
        {"main": "Connection is not available, request timed out"}, check=s.waits_for_a_lock,
        use=i.waiting_requests(("/api/main/tasks",)),
    ),
    Fault(
        "permissions-locked", "a transaction holds the permissions in auth's database: synapsex's administrators wait, nobody else",
        s.locked("dwp_auth", "sys_role_permissions"),
        Expected("X_PG_LOCK|PG_LOCK|PG_LOCKED|LOCK_HELD|HIKARI_TIMEOUT", "auth|postgres", PG_ACTIVITY, risk=ANY, may="gateway synapsex"),
        check=s.waits_for_a_lock, use=i.calls(of_a_new_admin, times=2),
    ),
    Fault(
        "connect-revoked", "an administrator took from everybody the right to connect to chat's database",
        i.sql("postgres", "REVOKE CONNECT ON DATABASE dwp_chat FROM PUBLIC, dwp_user",
              "GRANT CONNECT ON DATABASE dwp_chat TO PUBLIC, dwp_user", drop=True),
        Expected("PG_PERM|PG_AUTH|X_PG_CONNECT", "chat|postgres", "(?i)grant|connect|dwp_chat", risk=ANY),
        {"chat": 'permission denied for database "dwp_chat"'},
    ),
    Fault(
        "role-expired", "the password of the services' role was valid until a day that is over",
        i.sql("postgres", "ALTER ROLE dwp_user VALID UNTIL '2025-12-31'", "ALTER ROLE dwp_user VALID UNTIL 'infinity'", drop=True),
        Expected("PG_AUTH", f"postgres|{POOLS}", rf"(?i)password|valid until|{DEPLOY}", risk=ANY, may=ALL),
        {"synapsex": "password authentication failed"},
    ),
    Fault(
        "search-path-of-the-role", "the role of all services got a search_path: auth and main find no table, synapsex names its schema",
        i.sql("postgres", "ALTER ROLE dwp_user SET search_path = reporting", "ALTER ROLE dwp_user RESET search_path", drop=True),
        Expected("PG_NOTABLE", "auth|main|postgres", r"flyway_status|(?i:search_path)|sys_|agent_tasks|dwp_|\\d", risk=ANY,
                 may=f"{AROUND_AUTH} auth"),
        {"main": 'relation "agent_tasks" does not exist', "auth": 'relation "sys_\\w+" does not exist'},
    ),
    Fault(
        "redis-moved", "somebody gave Redis another port and restarted it; nobody else knows",
        o.configured("redis", f"port {REDIS_PORT}", f"port {o.MOVED_PORT}", seconds=1),
        Expected("REDIS_REFUSED|LISTENS_ELSEWHERE", "redis", r"(?i)redis|deploy\.yml", victims="main", may=AROUND_REDIS),
        {"main": "Unable to connect to|Connection refused|Redis health check failed"},
        check=lambda _stand: proxies.listens("127.0.0.1", o.MOVED_PORT),
    ),
    Fault(
        "redis-file-damaged", "Redis ends at each start: the end of its append-only file is damaged",
        o.zeros_at_the_end,
        Expected("REDIS_REFUSED|REDIS_PERSISTENCE|X_REDIS_AOF|PROCESS_STOPPED", "redis", r"(?i)redis|deploy\.yml", risk=ANY, victims="main",
                 may=AROUND_REDIS),
        {"main": "Unable to connect to|Connection refused|Redis health check failed"}, check=o.has_ended("infra-redis"),
    ),
    Fault(
        "redis-script", "a script without end keeps Redis busy",
        o.script_without_end,
        Expected("REDIS_SLOW|X_REDIS_BUSY|REDIS_BUSY", "redis", "(?i)redis|script", risk=ANY, victims="main", may=AROUND_REDIS),
        {"chat": "BUSY Redis is busy running a script"},
    ),
    Fault(
        "redis-wrong-type", "another program wrote a text where chat keeps a set",
        i.all_of(lambda stand: stand.undo.append(lambda: stand.redis("DEL", "chat:presence:1")),
                 lambda stand: stand.redis("SET", "chat:presence:1", "admin")),
        Expected("unknown|X_REDIS_TYPE|REDIS_WRONGTYPE|REDIS_TYPE", "chat|redis", ".", risk=ANY),
        {"chat": "WRONGTYPE Operation against a key"}, outside=True,
    ),
    Fault(
        "redis-evicts", "Redis has too little memory and throws away what waits for approval: 404 to everybody who decides",
        i.all_of(i.approval_waits, i.redis_config("maxmemory-policy", "allkeys-lru", "noeviction"), i.redis_config("maxmemory", "1", "0")),
        Expected("unknown|X_REDIS_EVICTS|REDIS_MEMORY|REDIS_EVICTION|REDIS_OOM|REDIS_FULL|REDIS_EVICTS", "main|redis", ".", risk=ANY),
        {"main": "HITL request unknown or expired: faults"}, use=i.approve, check=evicted, outside=True,
    ),
)

SCHEMAS = (
    Fault(
        "sequence-denied", "the right to main's sequence was lost: tasks can be read, and none can be made",
        i.sql("dwp_main", "REVOKE ALL ON SEQUENCE agent_tasks_task_id_seq FROM dwp_user",
              "GRANT ALL ON SEQUENCE agent_tasks_task_id_seq TO dwp_user"),
        Expected("PG_PERM", "main", "(?i)grant|owner|agent_tasks", risk=ANY),
        {"main": "permission denied for sequence agent_tasks_task_id_seq"}, use=i.calls(new_task),
    ),
    Fault(
        "trigger-without-archive", "a trigger of somebody copies auth's audit log into an archive that is gone: main's entries are lost",
        i.sql(
            "dwp_auth",
            "CREATE FUNCTION keep_audit() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN INSERT INTO archive.sys_audit_logs SELECT NEW.*; RETURN NEW; END'; "
            "CREATE TRIGGER keep_audit AFTER INSERT ON sys_audit_logs FOR EACH ROW EXECUTE FUNCTION keep_audit()",
            "DROP TRIGGER keep_audit ON sys_audit_logs; DROP FUNCTION keep_audit()",
        ),
        Expected("PG_NOTABLE", "auth", r"(?i)flyway_status|sys_audit_logs|archive|trigger|dwp_auth|\\d", risk=ANY, may="gateway main"),
        {"auth": 'relation "archive.sys_audit_logs" does not exist', "main": "Failed to write audit log"}, use=APPROVE,
    ),
    Fault(
        "history-denied", "synapsex may not read its own schema history any more, and was restarted",
        i.sql("dwp_aura", "REVOKE ALL ON dwp_aura.flyway_schema_history FROM dwp_user",
              "GRANT ALL ON dwp_aura.flyway_schema_history TO dwp_user", restart="synapsex"),
        Expected("PG_PERM", "synapsex", "(?i)grant|owner|flyway_schema_history", risk=ANY),
        {"synapsex": "permission denied for table flyway_schema_history"},
    ),
    Fault(
        "migration-against-view", "a new migration of auth changes a column that a view shows",
        i.jar("auth", p.with_migration("V8__wider_status.sql", "ALTER TABLE sys_users ALTER COLUMN status TYPE varchar(40);\n")),
        Expected("FLYWAY_SQL|FLYWAY_FAILED", "auth", rf"(?i)view|v_user_roles|{FLYWAY}", risk=ANY, may=AROUND_AUTH),
        {"auth": "cannot alter type of a column used by a view or rule"},
    ),
    Fault(
        "column-bytea", "somebody made a column of main's table binary, and main does not start with it",
        i.sql("dwp_main", "ALTER TABLE agent_tasks ALTER title TYPE bytea USING convert_to(title, 'UTF8')",
              "ALTER TABLE agent_tasks ALTER title TYPE varchar(300) USING convert_from(title, 'UTF8')", restart="main"),
        Expected("SCHEMA_VALIDATE", "main", rf"{FLYWAY}|title|agent_tasks", risk=ANY),
        {"main": "Schema-validation: wrong column type encountered in column \\[title\\]"},
    ),
)

PROCESSES = (
    Fault(
        "too-early-for-redis", "after a reboot synapsex came before Redis and gave up; Redis is well by now",
        o.gave_up("synapsex", "redis"),
        Expected("PROCESS_STOPPED|REDIS_REFUSED|STARTUP_FAILED|GW_REFUSED", "synapsex", "synapsex"),
        {"synapsex": "Unable to connect to"}, check=o.has_ended("synapsex"),
    ),
    Fault(
        "too-early-for-postgres", "after a reboot main came before PostgreSQL and gave up; PostgreSQL is well by now",
        o.gave_up("main", "postgres"),
        Expected("PROCESS_STOPPED|PG_REFUSED|PG_STARTING|DB_UNREACHABLE|HIKARI_INIT|STARTUP_FAILED|GW_REFUSED", "main", "main"),
        {"main": "Connection to 127.0.0.1:\\d+ refused"}, check=o.has_ended("main"),
    ),
    Fault(
        "jar-unreadable", "a deployment left a jar of auth that its user may not read",
        o.jar_unreadable("auth"),
        Expected("unknown|X_JAR|JAR_UNREADABLE|JAR_CORRUPT", "auth", "(?i)auth|chmod|chown|deploy|rollback", risk=ANY, may=AROUND_AUTH),
        {"auth": "Unable to access jarfile"}, outside=True,
    ),
    Fault(
        "release-removed", "somebody cleared old releases away, and that of chat which runs with them; it was restarted",
        o.release_removed("chat"),
        Expected("unknown|PROCESS_STOPPED|GW_REFUSED|NOT_ANSWERING|X_RELEASE|NOT_DEPLOYED", "chat", "chat|deploy|rollback"),
        {"gateway": "Connection refused"}, check=o.has_ended("chat"), outside=True,
    ),
    Fault(
        "agent-missing", "the gateway is started with a monitoring agent that is not on the host: nobody reaches anything",
        i.launcher("gateway", "-Xshare:auto", "-Xshare:auto -javaagent:/opt/apm/agent.jar"),
        Expected("unknown|X_AGENT|JVM_OPTION", "gateway", "(?i)gateway|agent|jvm_options|deploy|rollback"),
        {"gateway": "Error opening zip file or JAR manifest missing"}, outside=True,
    ),
    Fault(
        "waits-for-debugger", "approval waits at its start for a debugger that somebody wanted once",
        i.launcher("approval", "-Xshare:auto",
                   f"-Xshare:auto -agentlib:jdwp=transport=dt_socket,server=y,suspend=y,address=127.0.0.1:{o.MOVED_PORT}"),
        Expected("unknown|GW_REFUSED|NOT_ANSWERING|X_STARTING|STARTING|START_SLOW|JVM_OPTION", "approval", "approval|deploy|rollback"),
        {"approval": "Listening for transport dt_socket", "gateway": "Connection refused"}, outside=True,
    ),
    Fault(
        "temporary-files-gone", "mail's directory for temporary files was cleared away, and mail does not start without it",
        i.launcher("mail", "-Xshare:auto", "-Xshare:auto -Djava.io.tmpdir=/srv/dwp/tmp"),
        Expected("STARTUP_FAILED|unknown|X_TMPDIR", "mail", "(?i)mail|tmp|mkdir|deploy|rollback", risk=ANY),
        {"mail": "Unable to create tempDir"},
    ),
)

SETTINGS = (
    Fault(
        "header-limit", "approval takes so little header that no request of the gateway fits: 400",
        i.environment("approval", SERVER_MAXHTTPREQUESTHEADERSIZE="300B"),
        Expected("unknown|X_HEADER|ENVIRONMENT_RULE|CHANGED_BY_HAND", "approval", rf"(?i)header|approval|{DEPLOY}"),
        {"approval": "Request header is too large"}, outside=True,
        check=lambda stand: stand.traffic.ask(stand.traffic.gateway, "/api/approval/info") == 400,
    ),
    Fault(
        "health-moved", "main's actuator was given a port of its own, and nobody who asks for main's health was told",
        i.environment("main", MANAGEMENT_SERVER_PORT=str(o.MOVED_PORT)),
        Expected("ACTUATOR_ABSENT|LISTENS_ELSEWHERE|ENVIRONMENT_RULE|CHANGED_BY_HAND|unknown", "main",
                 rf"MANAGEMENT_SERVER_PORT|main|{DEPLOY}",
                 status="healthy|degraded|down"),
        check=lambda stand: [stand.traffic.ask(port, "/actuator/health") for port in (PORTS["main"], o.MOVED_PORT)] == [500, 200],
    ),
    Fault(
        "jwt-with-blank", "auth's JWT_SECRET was copied with a blank at its end",
        i.environment("auth", JWT_SECRET=f"{SECRETS['jwt']} "),
        Expected("JWT_SIG", "auth|main", rf"JWT_SECRET|{DEPLOY}", may="gateway main auth"),
        {"main": "JWT signature validation failed"}, use=i.calls(lambda traffic: (traffic.login(), traffic.approve())),
        differences="JWT_SECRET",
    ),
    Fault(
        "database-behind-firewall", "approval's address of PostgreSQL leads to something that lets no connection in and refuses none",
        i.all_of(proxies.never_accepts, i.environment("approval", DB_PORT=str(proxies.PROXY_PORT))),
        Expected("DB_UNREACHABLE|HIKARI_INIT|HIKARI_TIMEOUT|WRONG_URL|X_PG_TIMEOUT|PG_TIMEOUT", "approval", rf"DB_PORT|{DEPLOY}"),
        {"approval": "(?i)connect timed out|The connection attempt failed"}, differences="DB_PORT",
    ),
)

THIRD = tuple(dataclasses.replace(fault, batch=3) for fault in (*SERVERS, *SCHEMAS, *PROCESSES, *SETTINGS))

WELL = Expected("unknown", "none")

THIRD_QUIET = tuple(dataclasses.replace(fault, batch=3) for fault in (
    Fault("quiet-database-restarted", "PostgreSQL was restarted, and every pool has connected anew", o.restarted_server, WELL,
          {"*": "terminating connection due to administrator command|Failed to validate connection"}),
    Fault("quiet-backup", "a backup has had a transaction open for a while, and is in nobody's way", o.backup_reads, WELL,
          check=lambda stand: bool(stand.sql("postgres", "SELECT 1 FROM pg_stat_activity WHERE state = 'idle in transaction'"))),
))  # fmt: skip
