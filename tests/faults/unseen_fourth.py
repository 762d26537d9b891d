# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fourth part of the unseen faults (``-m unseen4``): what those on call meet in the field, by how often they meet it."""

from __future__ import annotations

import dataclasses
from typing import Any

from . import injections as i
from . import injections_fourth as f
from . import injections_operators as o
from . import injections_processes as p
from . import noise, proxies
from .combine import pair, with_noise
from .faults_servers import ALL, DEPLOY, FLYWAY
from .model import ANY, Expected, Fault, no_traffic
from .stand import MAX_CONNECTIONS, PORTS, POSTGRES_PORT, Stand
from .unseen_third import APPROVE, AROUND_AUTH, AROUND_REDIS, new_task

#: What an operator may call a setting that does not fit, whatever it does to the service.
SETTING = "ENVIRONMENT_RULE|CHANGED_BY_HAND"
OLD_SERVER = "127.0.0.3"  # this host, and nothing listens there
NOBODYS = "192.0.2.10"  # an address that no host has


def login_and_approve(traffic: Any) -> None:
    traffic.login()
    traffic.approve()


def scan(traffic: Any) -> None:
    for path in ("/wp-login.php", "/.env", "/api/mail/admin.php", "/api/chat/.git/config", "/api/approval/login.jsp", "/api/main/console"):
        traffic.call("GET", path)


def unknown_tenants(traffic: Any) -> None:
    for tenant in ("2", "404", "999"):
        traffic.call("GET", "/api/auth/policy", headers={"X-Tenant-ID": tenant})
        traffic.call("GET", "/api/synapse/dictionary", headers={"X-Tenant-ID": tenant})


def asked(stand: Stand, path: str) -> Any:
    return stand.traffic.ask(stand.traffic.gateway, path)


SETTINGS = (
    Fault(
        "redis-password-unset", "main's REDIS_PASSWORD was lost when somebody tidied its environment",
        i.environment("main", REDIS_PASSWORD=None),
        Expected("REDIS_AUTH|CONFIG_MISSING|PLACEHOLDER", "main", rf"(?i)password|{DEPLOY}"),
        {"main": "NOAUTH"}, use=APPROVE, differences="REDIS_PASSWORD",
    ),
    Fault(
        "database-password-empty", "synapsex has an empty DB_PASSWORD: the vault gave nothing, and nobody looked",
        i.environment("synapsex", DB_PASSWORD=""),
        Expected("PG_AUTH|CONFIG_MISSING|ENVIRONMENT_RULE", "synapsex", rf"(?i)password|{DEPLOY}"),
        {"synapsex": "no password was provided|password is an empty string"}, differences="DB_PASSWORD",
    ),
    Fault(
        "database-host-with-blank", "chat's DB_HOST was copied with a blank at its end",
        i.environment("chat", DB_HOST="127.0.0.1 "),
        Expected("DB_UNREACHABLE|HIKARI_INIT|X_DB_DNS|DB_DNS|PG_DNS|WRONG_URL|ENVIRONMENT_RULE", "chat", rf"DB_HOST|{DEPLOY}"),
        {"chat": "UnknownHostException: 127.0.0.1 "}, differences="DB_HOST",
    ),
    Fault(
        "database-address-old", "PostgreSQL has moved to another server, and auth was restarted with the address of the old one",
        i.environment("auth", DB_HOST=OLD_SERVER),
        Expected("PG_REFUSED|DB_UNREACHABLE|WRONG_URL", "auth", rf"DB_HOST|{OLD_SERVER}|{DEPLOY}", may=AROUND_AUTH),
        {"auth": f"Connection to {OLD_SERVER}:{POSTGRES_PORT} refused"}, differences="DB_HOST",
    ),
    Fault(
        "route-without-scheme", "the gateway's address of chat has no http:// in front",
        i.environment("gateway", SERVICE_CHAT_URL=f"127.0.0.1:{PORTS['chat']}"),
        Expected(f"WRONG_URL|STARTUP_FAILED|X_BIND|CONFIG_INVALID|{SETTING}", "gateway", rf"SERVICE_CHAT_URL|{DEPLOY}"),
        {"gateway": "(?i)scheme|illegal character"}, differences="SERVICE_CHAT_URL",
    ),
    Fault(
        "auth-url-missing", "the gateway has no SERVICE_AUTH_URL and takes the default: nobody can log in",
        i.environment("gateway", SERVICE_AUTH_URL=None),
        Expected("CONFIG_MISSING|PLACEHOLDER|GW_REFUSED|WRONG_URL", "gateway", rf"SERVICE_AUTH_URL|{DEPLOY}"),
        {"gateway": "Connection refused: localhost/127.0.0.1:8001"}, differences="SERVICE_AUTH_URL",
    ),
    Fault(
        "environment-from-windows", "the environment of approval was edited on Windows: each value ends with a carriage return",
        p.environment_text("approval", lambda text: text.replace("\n", "\r\n")),
        Expected(f"STARTUP_FAILED|X_ENV_SYNTAX|ENV_SYNTAX|WRONG_URL|{SETTING}", "approval", rf"(?i)environment|approval|{DEPLOY}"),
        {"approval": "claims to not accept jdbcUrl"},
    ),
    Fault(
        "jwt-rotated-half", "JWT_SECRET was rotated in the environments of auth and main, and main alone was restarted",
        f.secret_rotated,
        Expected("JWT_SIG|RESTART_NEEDED", "auth|main", rf"JWT_SECRET|{DEPLOY}", may="gateway main auth"),
        {"main": "JWT signature validation failed"}, use=i.calls(login_and_approve), differences="JWT_SECRET",
    ),
    Fault(
        "context-path", "approval was given a context path that the gateway knows nothing of: 404 to everything",
        i.environment("approval", SERVER_SERVLET_CONTEXTPATH="/v2"),
        Expected(f"unknown|X_CONTEXT_PATH|{SETTING}", "approval", rf"(?i)context.?path|approval|{DEPLOY}"),
        check=lambda stand: (
            asked(stand, "/api/approval/info") == 404 and stand.traffic.ask(PORTS["approval"], "/v2/approval/info") == 200
        ),
        outside=True, differences="SERVER_SERVLET_CONTEXTPATH",
    ),
    Fault(
        "address-not-here", "synapsex is to listen on an address that the host lost when it was moved",
        i.environment("synapsex", SERVER_ADDRESS=NOBODYS),
        Expected(f"STARTUP_FAILED|X_ADDRESS|BIND_ADDRESS|{SETTING}", "synapsex", rf"SERVER_ADDRESS|{NOBODYS}|{DEPLOY}"),
        {"synapsex": "Cannot assign requested address"}, differences="SERVER_ADDRESS",
    ),
)  # fmt: skip

RELEASES = (
    Fault(
        "bean-cycle", "the new release of mail has two beans that need each other",
        f.with_source("mail", f.CYCLE),
        Expected("STARTUP_FAILED|X_BEAN_CYCLE|BEAN_CYCLE", "mail", r"rollback\.yml|deploy\.yml|log"),
        {"mail": "form a cycle"},
    ),
    Fault(
        "new-variable-unset", "the new release of chat wants a setting that nobody has made",
        f.with_source("chat", f.NEW_SETTING),
        Expected("PLACEHOLDER|CONFIG_MISSING", "chat", rf"(?i)chat.?push|{DEPLOY}"),
        {"chat": "Could not resolve placeholder 'chat.push.api-key'"},
    ),
    Fault(
        "connection-leak", "the new release of chat does not give its connections back: the pool is empty after ten questions",
        f.with_source("chat", f.CONNECTION_LEAK),
        Expected("HIKARI_TIMEOUT|HIKARI_LEAK|PG_IDLE_IN_TRANSACTION|X_PG_IDLE", "chat",
                 rf"(?i)pg_stat_activity|pg_terminate_backend|hikari|pool|leak|jstack|jcmd|{DEPLOY}", risk=ANY),
        {"chat": r"Connection is not available, request timed out after 3\d{4}ms \(total=10, active=10"},
        use=lambda stand: stand.traffic.many(("/api/chat/info",), times=14, workers=14) and None,
    ),
    Fault(
        "memory-leak", "the new release of approval keeps what it has shown, until its heap is full",
        f.with_source("approval", f.MEMORY_LEAK),
        Expected("OOM_HEAP", "approval", "(?i)heap|Xmx|memory|jcmd|jmap|rollback|deploy|restart"),
        {"approval": "OutOfMemoryError: Java heap space"},
        use=lambda stand: stand.traffic.many(("/api/approval/info",), times=24) and None,
    ),
    Fault(
        "class-missing", "the build of main lost a class: that which verifies tokens",
        i.jar("main", f.without("com/dwp/main/hitl/TokenVerifier.class")),
        Expected("STARTUP_FAILED|CLASS_MISSING|X_CLASS", "main", r"rollback\.yml|deploy\.yml|log"),
        {"main": "(NoClassDefFoundError|ClassNotFoundException): com[/.]dwp[/.]main[/.]hitl[/.]TokenVerifier"},
    ),
    Fault(
        "gateway-stopped", "the gateway was stopped, and nobody reaches anything",
        i.stopped("gateway"),
        Expected("PROCESS_STOPPED|X_STOPPED", "gateway", "gateway", risk="restart"),
        check=lambda stand: stand.info("gateway")["statename"] == "STOPPED", use=no_traffic,
    ),
    Fault(
        "proxy-resets", "the gateway reaches auth over something that cuts each connection",
        proxies.in_front_of("auth", f.resets),
        Expected("GW_PREMATURE|GW_RESET|X_GW_RESET|WRONG_URL", "gateway", rf"SERVICE_AUTH_URL|{proxies.PROXY_PORT}|{DEPLOY}"),
        {"gateway": "Connection reset by peer"}, differences="SERVICE_AUTH_URL",
    ),
)  # fmt: skip

SCHEMAS = (
    Fault(
        "migration-edited", "the new release of synapsex corrects a migration that was applied long ago",
        i.jar("synapsex", f.edited_migration("V2__create_dictionary.sql", "Expense booked on a holiday", "Expense of a holiday")),
        Expected("FLYWAY_CHECKSUM", "synapsex", FLYWAY, risk=ANY),
        {"synapsex": "checksum mismatch for migration version 2"},
    ),
    Fault(
        "hotfix-merged-late", "the new release of auth has the migration of a hotfix, older than the newest one that was applied",
        i.jar("auth", p.with_migration("V6_1__index_users.sql", "CREATE INDEX ix_sys_users_status ON sys_users (tenant_id, status);\n")),
        Expected("FLYWAY_OUT_OF_ORDER", "auth", FLYWAY, risk=ANY, may=AROUND_AUTH),
        {"auth": "Detected resolved migration not applied to database: 6.1"},
    ),
    Fault(
        "migration-owner", "a table of main came back from a backup as the administrator's; a new migration wants to change it",
        i.all_of(
            i.sql("dwp_main", "ALTER TABLE agent_task_events OWNER TO postgres; GRANT ALL ON agent_task_events TO dwp_user",
                  "ALTER TABLE agent_task_events OWNER TO dwp_user"),
            i.jar("main", p.with_migration("V5__event_actor.sql", "ALTER TABLE agent_task_events ADD COLUMN actor VARCHAR(100);\n")),
            f.held_back("main"),
        ),
        Expected("PG_PERM|FLYWAY_SQL", "main", rf"(?i)owner|grant|{FLYWAY}", risk=ANY),
        {"main": "must be owner of table agent_task_events"},
    ),
    Fault(
        "rolled-back-behind-schema", "auth was rolled back and its schema was not: main's audit entries lack a column that must be filled",
        i.sql(
            "dwp_auth",
            "INSERT INTO flyway_schema_history VALUES "
            "(99, '8', 'audit source', 'SQL', 'V8__audit_source.sql', 1, 'dwp_user', now(), 5, true); "
            "ALTER TABLE sys_audit_logs ADD COLUMN source VARCHAR(20) NOT NULL DEFAULT 'main'; "
            "ALTER TABLE sys_audit_logs ALTER COLUMN source DROP DEFAULT",
            "DELETE FROM flyway_schema_history WHERE installed_rank = 99; ALTER TABLE sys_audit_logs DROP COLUMN source", restart="auth",
        ),
        Expected("FLYWAY_NEWER_DB|PG_NOT_NULL|X_PG_NOT_NULL", "auth", rf"{FLYWAY}|sys_audit_logs|source", risk=ANY, may="gateway main"),
        {"auth": 'null value in column "source" of relation "sys_audit_logs"', "main": "Failed to write audit log"}, use=APPROVE,
    ),
    Fault(
        "login-column-renamed", "somebody renamed a column of the users by hand while auth runs: no login works",
        i.sql("dwp_auth", "ALTER TABLE sys_users RENAME COLUMN display_name TO full_name",
              "ALTER TABLE sys_users RENAME COLUMN full_name TO display_name"),
        Expected("unknown|X_PG_COLUMN|PG_NOCOLUMN|PG_NO_COLUMN|PG_COLUMN", "auth", ".", risk=ANY),
        {"auth": "column \\S*display_name does not exist"}, outside=True,
    ),
)  # fmt: skip

SERVERS = (
    Fault(
        "database-disk-full", "the disk of PostgreSQL on which main's tasks lie is full: they can be read, and none can be made",
        f.tasks_on_a_full_disk,
        Expected("DISK_FULL|PG_DISK_FULL|X_PG_DISK", "postgres|main", "(?i)df|du|disk|space|psql", risk=ANY),
        {"main": "could not extend file .*No space left on device"}, use=i.calls(new_task, times=40), needs_root=True,
    ),
    Fault(
        "temporary-files-limited", "auth's role may have hardly any temporary files since somebody limited them, and a view needs more",
        i.sql(
            "dwp_auth",
            "ALTER ROLE dwp_user IN DATABASE dwp_auth SET temp_file_limit = '64kB'; "
            "ALTER ROLE dwp_user IN DATABASE dwp_auth SET work_mem = '64kB'; "
            "ALTER TABLE sys_auth_policies RENAME TO sys_auth_policies_kept; SET ROLE dwp_user; CREATE VIEW sys_auth_policies AS "
            "SELECT k.* FROM sys_auth_policies_kept k, "
            "(SELECT count(*) FROM (SELECT n FROM generate_series(1, 100000) AS n ORDER BY n % 7, n) AS sorted) AS report",
            "DROP VIEW sys_auth_policies; ALTER TABLE sys_auth_policies_kept RENAME TO sys_auth_policies; "
            "ALTER ROLE dwp_user IN DATABASE dwp_auth RESET temp_file_limit; ALTER ROLE dwp_user IN DATABASE dwp_auth RESET work_mem",
            drop=True,
        ),
        Expected("unknown|X_PG_TEMP|PG_TEMP|PG_TEMP_LIMIT|PG_TEMP_FILES", "auth|postgres", ".", risk=ANY),
        {"auth": "temporary file size exceeds"}, outside=True,
    ),
    Fault(
        "postgres-setting-wrong", "PostgreSQL was restarted with a setting that it cannot read, and does not come back",
        o.configured("postgres", f"max_connections = '{MAX_CONNECTIONS}'",
                     f"max_connections = '{MAX_CONNECTIONS}'\nwork_mem = '64 megabytes'", seconds=1),
        Expected("PG_REFUSED|DB_UNREACHABLE|PROCESS_STOPPED|X_PG_CONFIG|PG_CONFIG", "postgres", r"(?i)postgres|deploy\.yml", risk=ANY,
                 victims="auth main synapsex", may=ALL),
        {"main": "Connection to 127.0.0.1:\\d+ refused|Connection is not available"}, check=o.has_ended("infra-postgres"),
    ),
    Fault(
        "became-standby", "PostgreSQL is a standby since a switch of servers: everything can be read, nothing written",
        f.became_standby,
        Expected("PG_READONLY|PG_READ_ONLY|X_PG_READ_ONLY|PG_STANDBY|X_PG_STANDBY|unknown", "postgres", ".", risk=ANY, may=ALL),
        {"main": "cannot execute INSERT in a read-only transaction", "auth": "cannot execute INSERT in a read-only transaction"},
        use=i.calls(new_task, times=2), outside=True,
    ),
    Fault(
        "redis-user-off", "Redis got users with names, and the one that all services use was switched off",
        f.default_user_off,
        Expected("REDIS_AUTH", "redis|main|chat|synapsex", rf"(?i)password|acl|{DEPLOY}", may=f"redis {AROUND_REDIS}"),
        {"main": "WRONGPASS|NOAUTH|invalid username-password", "chat": "WRONGPASS|NOAUTH|invalid username-password"},
    ),
    Fault(
        "redis-replicas-gone", "Redis takes no writes as long as its replicas are gone",
        i.all_of(i.approval_waits, i.redis_config("min-replicas-to-write", "1", "0")),
        Expected("unknown|X_REDIS_NOREPLICAS|REDIS_NOREPLICAS|REDIS_REPLICAS|REDIS_REPLICA|REDIS_READONLY|REDIS_READ_ONLY",
                 "main|redis", ".", risk=ANY),
        {"main": "NOREPLICAS"}, use=i.approve, outside=True,
    ),
)  # fmt: skip

BY_ID = {fault.id: fault for fault in (*SETTINGS, *RELEASES, *SCHEMAS, *SERVERS)}

COMBINED = (
    with_noise(BY_ID["redis-password-unset"], "old-errors", "errors of yesterday in auth and chat", noise.old_errors("auth", "chat")),
    with_noise(BY_ID["hotfix-merged-late"], "red-herring", "a stack trace in approval that hurts nobody", noise.red_herring("approval")),
    pair(BY_ID["new-variable-unset"], BY_ID["migration-edited"]),
    pair(BY_ID["jwt-rotated-half"], BY_ID["bean-cycle"]),
)

FOURTH = tuple(dataclasses.replace(fault, batch=4) for fault in (*BY_ID.values(), *COMBINED))

WELL = Expected("unknown", "none")

FOURTH_QUIET = tuple(dataclasses.replace(fault, batch=4) for fault in (
    Fault("quiet-redis-restarted", "Redis was restarted, and everybody has connected anew", f.redis_restarted, WELL,
          {"*": "(?i)reconnected to"}),
    Fault("quiet-scanner", "somebody's scanner tries paths that do not exist, and gets 404 and 500", no_traffic, WELL,
          {"mail": "No static resource mail/admin.php", "chat": "No static resource chat/.git/config"}, use=i.calls(scan)),
    Fault("quiet-unknown-tenants", "a customer's program asks for tenants that there are none", no_traffic, WELL,
          {"auth": "Request refused: E3000"}, use=i.calls(unknown_tenants)),
    Fault("quiet-administrator", "an administrator mistypes statements, and a colleague's tool has an old password",
          f.mistakes_of_an_administrator, WELL),
))  # fmt: skip
