# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The eighth part of the unseen faults (``-m unseen8``): single faults, another sample of what those on call meet most often."""

from __future__ import annotations

import dataclasses
from typing import Any

from . import injections as i
from . import injections_eighth as f
from . import injections_fifth as fifth
from . import injections_fourth as fourth
from . import injections_operators as o
from . import injections_processes as p
from . import injections_servers as s
from . import injections_sixth as sixth
from . import proxies
from .faults_servers import ALL, DEPLOY, FLYWAY, PG_ACTIVITY
from .model import ANY, READ, RESTART, Expected, Fault, no_traffic
from .stand import PORTS, POSTGRES_PORT
from .unseen_addresses import of_an_admin
from .unseen_fifth import LOCKED
from .unseen_fourth import OLD_SERVER, SETTING
from .unseen_sixth_services import asked
from .unseen_third import APPROVE, AROUND_AUTH


# fmt: off
def dashboard(traffic: Any) -> Any:
    return traffic.call("GET", "/api/synapse/dashboard/summary")


def of_another_tenant(traffic: Any) -> Any:
    """A person of tenant 1 who has chosen another tenant on the page."""
    headers = {"X-Tenant-ID": "2", "Authorization": f"Bearer {traffic.token}", "X-User-ID": "1"}
    return traffic.call("POST", "/api/aura/hitl/approve/no-such-request", {}, headers)


POSTGRES = (
    Fault(
        "username-of-the-administrator", "main logs in as postgres since a test, with the password of dwp_user",
        i.environment("main", DB_USERNAME="postgres"),
        Expected("PG_AUTH", "main", rf"(?i)DB_USERNAME|password|{DEPLOY}"),
        {"main": 'password authentication failed for user "postgres"'}, differences="DB_USERNAME",
    ),
    Fault(
        "postgres-moved", "PostgreSQL was restarted with another port after an upgrade, and nobody else was told",
        o.configured("postgres", f"port = {POSTGRES_PORT}", f"port = {o.MOVED_PORT}", seconds=1),
        Expected("PG_REFUSED|DB_UNREACHABLE|LISTENS_ELSEWHERE", "postgres", r"(?i)postgres|deploy\.yml", risk=ANY,
                 victims="auth main synapsex", may=ALL),
        {"main": "Connection to 127.0.0.1:\\d+ refused|Connection is not available"},
        check=lambda _stand: proxies.listens("127.0.0.1", o.MOVED_PORT),
    ),
    Fault(
        "postgres-killed-by-kernel", "the kernel took PostgreSQL for lack of memory, and it is not started again",
        sixth.server_killed_by_the_kernel("postgres", "postgres"),
        Expected("PG_REFUSED|DB_UNREACHABLE|OOM_KILLED|PROCESS_KILLED|PROCESS_STOPPED", "postgres", r"(?i)postgres|deploy\.yml",
                 risk=RESTART, victims="auth main synapsex", may=ALL),
        {"main": "Connection to 127.0.0.1:\\d+ refused|Connection is not available"}, check=o.has_ended("infra-postgres"), needs_root=True,
    ),
    Fault(
        "dictionary-emptied", "somebody is about to fill synapsex's dictionary anew, has emptied it and not committed: all readers wait",
        sixth.in_transaction("dwp_aura", "DBeaver 24", "TRUNCATE dwp_aura.dictionary_terms"),
        Expected(f"{LOCKED}|PG_IDLE_IN_TRANSACTION", "synapsex|postgres", PG_ACTIVITY, risk=ANY),
        check=lambda stand: s.waits_for_a_lock(stand) and stand.traffic.ask(PORTS["synapsex"], "/synapse/dictionary") != 200,
    ),
    Fault(
        "logins-slow", "auth's users are a view since they come from a directory, which takes twenty seconds for each login",
        i.sql(
            "dwp_auth",
            "ALTER TABLE sys_users RENAME TO sys_users_local; SET ROLE dwp_user; "
            "CREATE VIEW sys_users AS SELECT u.* FROM sys_users_local u, (SELECT pg_sleep(20)) AS directory",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'dwp_user' AND datname = 'dwp_auth'; "
            "DROP VIEW sys_users; ALTER TABLE sys_users_local RENAME TO sys_users",
        ),
        Expected("HIKARI_TIMEOUT|PG_SLOW_QUERY|PG_LONG_QUERY|SLOW_QUERY|GW_504", "auth|postgres", PG_ACTIVITY, risk=ANY,
                 may=f"{AROUND_AUTH} auth"),
        use=fifth.many_logins, check=lambda stand: stand.traffic.ask(PORTS["auth"], "/auth/policy") != 200,
    ),
    Fault(
        "tasks-of-the-administrator", "main's table came back from a backup as the administrator's: all who ask for tasks get 500",
        i.sql("dwp_main", "ALTER TABLE agent_tasks OWNER TO postgres", "ALTER TABLE agent_tasks OWNER TO dwp_user"),
        Expected("PG_PERM", "main", "(?i)grant|owner|agent_tasks", risk=ANY),
        {"main": "permission denied for table agent_tasks"},
    ),
    Fault(
        "call-history-renamed", "somebody renamed auth's call history to begin a new one, and did not make it; the rest of auth works",
        i.sql("dwp_auth", "ALTER TABLE sys_api_call_histories RENAME TO sys_api_call_histories_2026",
              "ALTER TABLE sys_api_call_histories_2026 RENAME TO sys_api_call_histories"),
        Expected("PG_NOTABLE", "auth", r"flyway_status|sys_api_call_histories|dwp_auth|\\d", risk=ANY),
        {"auth": 'relation "sys_api_call_histories" does not exist', "gateway": "Failed to send API call history"},
    ),
    Fault(
        "role-read-only", "synapsex's role may only read in its database since a test of a switch of servers: dashboards end with 500",
        i.sql("dwp_aura", "ALTER ROLE dwp_user IN DATABASE dwp_aura SET default_transaction_read_only = on",
              "ALTER ROLE dwp_user IN DATABASE dwp_aura RESET default_transaction_read_only", drop=True),
        Expected("unknown|X_PG_READ_ONLY|PG_READONLY|PG_READ_ONLY", "synapsex|postgres", ".", risk=ANY), outside=True,
        shows={"synapsex": "cannot execute INSERT in a read-only transaction"}, use=i.calls(dashboard),
    ),
)

SCHEMAS = (
    Fault(
        "failed-row-left", "the last migration of synapsex stands in its history as failed, and synapsex was restarted",
        i.sql("dwp_aura", "UPDATE dwp_aura.flyway_schema_history SET success = false WHERE version = '5'",
              "UPDATE dwp_aura.flyway_schema_history SET success = true WHERE version = '5'", restart="synapsex"),
        Expected("FLYWAY_FAILED", "synapsex", FLYWAY, risk=ANY),
        {"synapsex": "(?i)failed migration to version 5"},
    ),
    Fault(
        "index-made-by-hand", "the new migration of main makes an index that somebody made by hand last week, when it was urgent",
        i.all_of(
            i.sql("dwp_main", "CREATE INDEX ix_agent_tasks_created ON agent_tasks (tenant_id, created_at)",
                  "DROP INDEX ix_agent_tasks_created"),
            i.jar("main", p.with_migration("V5__index_tasks.sql",
                                           "CREATE INDEX ix_agent_tasks_created ON agent_tasks (tenant_id, created_at);\n")),
            fourth.held_back("main"),
        ),
        Expected("FLYWAY_SQL|FLYWAY_FAILED", "main", rf"(?i)ix_agent_tasks_created|{FLYWAY}", risk=ANY),
        {"main": 'relation "ix_agent_tasks_created" already exists'},
    ),
)

TOKENS = (
    Fault(
        "aura-signs-with-old-secret", "the AI platform goes on signing with the secret before the last; people who log in are well",
        no_traffic,
        Expected("JWT_SIG", "main|auth|aura|none", ".", risk=READ, status="healthy|degraded"),
        {"main": "JWT signature validation failed: JWT signature does not match"},
        use=i.calls(lambda traffic: traffic.approve(traffic.signed(secret=i.WRONG))),
    ),
    Fault(
        "tenant-empty", "a new version of an app sends the header X-Tenant-ID with nothing in it: 400 to all of its users",
        no_traffic,
        Expected("TENANT_MISSING", "gateway|none", "X-Tenant-ID", risk=READ, status="healthy|degraded"),
        {"gateway": "Missing required header X-Tenant-ID for path: /api/mail/info"},
        use=i.calls(lambda traffic: traffic.call("GET", "/api/mail/info", headers={"X-Tenant-ID": ""})),
    ),
    Fault(
        "tenant-of-another", "a page lets people choose a tenant that their token is not for: 403 to all who decide something",
        no_traffic,
        Expected("unknown|X_TENANT|TENANT_MISMATCH|X_TENANT_MISMATCH", "main|none", ".", risk=READ, status="healthy|degraded"),
        {"main": "Tenant ID mismatch between JWT and header"}, outside=True, use=i.calls(of_another_tenant),
    ),
    Fault(
        "events-without-number", "the AI platform sends events of audit with the name of a tenant in place of its number: all are lost",
        no_traffic,
        Expected("unknown|X_TENANT|TENANT_INVALID|X_AUDIT|AUDIT_DROPPED", "synapsex|aura|none", ".", risk=READ, status="healthy|degraded"),
        {"synapsex": "Audit event dropped"}, outside=True, use=f.events_without_number,
    ),
)

PROCESSES = (
    Fault(
        "port-of-auth-taken", "another program got the port of auth while that was restarted: nobody can log in",
        i.port_taken("auth"),
        Expected("PORT_IN_USE", "auth", rf"{PORTS['auth']}|ss |lsof|kill|fuser", risk=ANY, may=AROUND_AUTH),
        {"auth": f"Port {PORTS['auth']} was already in use"},
    ),
    Fault(
        "heap-begins-too-large", "main was given a heap that begins larger than it may become, and its Java does not start",
        i.launcher("main", "-Xmx160m", "-Xms512m -Xmx160m"),
        Expected("unknown|X_JVM_OPTION|JVM_OPTION", "main", "(?i)main|Xm[sx]|jvm_options|deploy|rollback"),
        {"main": "Initial heap size set to a larger value than the maximum heap size"}, outside=True,
    ),
    Fault(
        "auth-frozen", "auth accepts connections and never answers: nobody can log in",
        i.frozen("auth"),
        Expected("GW_504|HEALTH_SLOW|X_HANGING|NOT_ANSWERING|PROCESS_SUSPENDED", "auth", "auth|restart|jstack|kill", may=AROUND_AUTH),
        check=lambda stand: asked(stand, "/api/auth/policy", 8) == 504,
    ),
    Fault(
        "main-left-stopped", "main was stopped for some work at its database, and nobody has started it again",
        i.stopped("main"),
        Expected("GW_REFUSED|X_STOPPED|PROCESS_STOPPED", "main", "main", risk="restart"),
        {"gateway": "Connection refused"},
    ),
    Fault(
        "gateway-of-a-newer-java", "the gateway's release was built for a Java that this host does not have",
        i.jar("gateway", fifth.all_of_a_newer_java),
        Expected("CLASS_VERSION", "gateway", "(?i)java|deploy|rollback"),
        {"gateway": "UnsupportedClassVersionError|more recent version of the Java Runtime"}, use=no_traffic,
    ),
    Fault(
        "file-not-brought-along", "the new release of approval reads a file at its start that nobody has brought to this host",
        fourth.with_source("approval", f.TEMPLATES),
        Expected("STARTUP_FAILED|CONFIG_MISSING|FILE_MISSING|X_FILE", "approval", r"(?i)rollback\.yml|deploy\.yml|log|approval-templates"),
        {"approval": "NoSuchFileException: /etc/dwp/approval-templates.json"},
    ),
    Fault(
        "gateway-files", "the gateway may open no further file or socket, and so takes no connection any more",
        i.few_files("gateway"),
        Expected("NOFILE", "gateway", "(?i)nofile|fd|file|ulimit|restart"),
        {"gateway": "Too many open files"}, use=i.many_files,
    ),
    Fault(
        "deleted-and-open", "the file system of the logs is full of a file that was deleted, and that a program still has open",
        f.deleted_and_open,
        Expected("DISK_FULL", "none|auth|main|mail|chat|approval|synapsex|gateway", "(?i)df|du|disk|space|lsof|rm ", risk=ANY, may=ALL),
        check=lambda stand: i.free_space(stand) == 0, needs_root=True,
    ),
)

SETTINGS = (
    Fault(
        "redis-address-old", "Redis has moved to another server, and main was restarted with the address of the old one",
        i.environment("main", REDIS_HOST=OLD_SERVER),
        Expected("REDIS_REFUSED|WRONG_URL", "main", rf"REDIS_HOST|{OLD_SERVER}|{DEPLOY}"),
        {"main": "Unable to connect to (Redis|127)"}, use=APPROVE, differences="REDIS_HOST",
    ),
    Fault(
        "keystore-password-wrong", "approval was given a certificate, and a password for it that is not the one of the file",
        p.speaks_tls("approval", "November-2026"),
        Expected(f"TLS|STARTUP_FAILED|CONFIG_INVALID|X_KEYSTORE|KEYSTORE|{SETTING}", "approval",
                 rf"(?i)ssl|keystore|keytool|openssl|certificate|log|{DEPLOY}"),
        {"approval": "(?i)keystore password was incorrect"}, differences="SERVER_SSL_KEYSTOREPASSWORD",
    ),
    Fault(
        "main-by-name-of-compose", "the gateway was given the address of main that holds inside compose, and there is no such name here",
        i.environment("gateway", SERVICE_MAIN_URL=f"http://main-service:{PORTS['main']}"),
        Expected("GW_DNS|WRONG_URL", "gateway", rf"SERVICE_MAIN_URL|main-service|{DEPLOY}"),
        {"gateway": "Failed to resolve|UnknownHost"}, differences="SERVICE_MAIN_URL",
    ),
    Fault(
        "auth-address-lost", "synapsex has lost its SERVICE_AUTH_URL and takes that of a developer's machine: administrators get 500",
        i.environment("synapsex", SERVICE_AUTH_URL=None),
        Expected("CONFIG_MISSING|PLACEHOLDER|FEIGN|WRONG_URL", "synapsex", rf"SERVICE_AUTH_URL|{DEPLOY}"),
        {"synapsex": "feign.RetryableException: Connection refused"}, use=i.calls(of_an_admin), differences="SERVICE_AUTH_URL",
    ),
)

EIGHTH = tuple(dataclasses.replace(fault, batch=8) for fault in (*POSTGRES, *SCHEMAS, *TOKENS, *PROCESSES, *SETTINGS))

WELL = Expected("unknown", "none")

EIGHTH_QUIET = tuple(dataclasses.replace(fault, batch=8) for fault in (
    Fault("quiet-thread-dumps", "an administrator had the threads of main and synapsex written down; both work on",
          f.thread_dumps("main", "synapsex"), WELL, dict.fromkeys(("main", "synapsex"), "Full thread dump")),
    Fault("quiet-copy-of-database", "a programmer's migration failed, on a copy of main's schema that no service uses",
          f.copy_of_a_database, WELL,
          check=lambda stand: bool(stand.sql("dwp_main_copy", "SELECT 1 FROM flyway_schema_history WHERE NOT success"))),
))
