# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unseen faults of PostgreSQL, of its schemas and of Redis."""

from __future__ import annotations

from . import injections as i
from . import injections_processes as p
from . import injections_servers as s
from . import proxies
from .faults_servers import ALL, DEPLOY, FLYWAY, PG_ACTIVITY, POOLS
from .model import ANY, Expected, Fault
from .stand import CLOSED_PORT, PORTS, POSTGRES_PORT, REDIS_PORT

DATABASE_GONE = "DB_UNREACHABLE|HIKARI_INIT|HIKARI_TIMEOUT"
AROUND_AUTH = "gateway main synapsex"

DATABASES = (
    Fault(
        "users-table-denied", "the table of the users belongs to somebody else: no login works, the rest of auth does",
        i.sql("dwp_auth", "ALTER TABLE sys_users OWNER TO postgres", "ALTER TABLE sys_users OWNER TO dwp_user"),
        Expected("PG_PERM", "auth", "(?i)grant|owner|sys_users", risk=ANY),
        {"auth": "permission denied for table sys_users"},
    ),
    Fault(
        "hba-refuses", "a line in pg_hba.conf refuses mail's database",
        s.refused_by_hba("dwp_mail"),
        Expected("PG_AUTH|X_PG_HBA|PG_HBA", "mail|postgres", "(?i)pg_hba|postgres|dwp_mail|psql", risk=ANY),
        {"mail": "pg_hba.conf rejects connection"},
    ),
    Fault(
        "role-without-login", "the role of the services may not log in any more",
        i.sql("postgres", "ALTER ROLE dwp_user NOLOGIN", "ALTER ROLE dwp_user LOGIN", drop=True),
        Expected("PG_AUTH|X_PG_LOGIN|PG_LOGIN", f"postgres|{POOLS}", rf"(?i)login|role|dwp_user|psql|{DEPLOY}", risk=ANY, may=ALL),
        {"synapsex": "is not permitted to log in"},
    ),
    Fault(
        "username-wrong", "approval logs in under a name that PostgreSQL does not know",
        i.environment("approval", DB_USERNAME="dwp_approval"),
        Expected("PG_AUTH", "approval", rf"(?i)DB_USERNAME|password|{DEPLOY}"),
        {"approval": 'password authentication failed for user "dwp_approval"'}, differences="DB_USERNAME",
    ),
    Fault(
        "database-closed", "the database of chat takes no new sessions",
        s.closed("dwp_chat"),
        Expected(f"unknown|X_PG_CLOSED|{DATABASE_GONE}", "chat|postgres", ".", risk=ANY),
        {"chat": 'database "dwp_chat" is not currently accepting connections'}, outside=True,
    ),
    Fault(
        "database-limit", "the database of mail may have no session at all",
        i.sql("postgres", "ALTER DATABASE dwp_mail CONNECTION LIMIT 0", "ALTER DATABASE dwp_mail CONNECTION LIMIT -1", drop=True),
        Expected("PG_FULL", "mail|postgres", rf"(?i){PG_ACTIVITY}|connection limit|max_connections", risk=ANY),
        {"mail": 'too many connections for database "dwp_mail"'},
    ),
    Fault(
        "search-path-wrong", "somebody set a search_path for the role in main's database, in which no table is",
        i.sql("dwp_main", "ALTER ROLE dwp_user IN DATABASE dwp_main SET search_path = reporting",
              "ALTER ROLE dwp_user IN DATABASE dwp_main RESET search_path", drop=True),
        Expected("PG_NOTABLE", "main", r"flyway_status|(?i:search_path)|agent_tasks|dwp_main|\\d", risk=ANY),
        {"main": 'relation "agent_tasks" does not exist'},
    ),
    Fault(
        "pool-of-one", "mail's pool has one connection, and a query takes more than a second",
        i.all_of(s.slow_clock(1.5), i.environment("mail", SPRING_DATASOURCE_HIKARI_MAXIMUMPOOLSIZE="1",
                                                  SPRING_DATASOURCE_HIKARI_CONNECTIONTIMEOUT="1000")),
        Expected("HIKARI_TIMEOUT", "mail", rf"(?i)hikari|pool|{PG_ACTIVITY}|{DEPLOY}", risk=ANY),
        {"mail": r"request timed out after 1\d\d\dms \(total=1, active=1"},
        use=lambda stand: stand.traffic.many(("/api/mail/info",), times=8, workers=8, timeout=6) and None,
    ),
    Fault(
        "pool-too-large", "chat's pool may have 90 connections and took all that were left; main was restarted and finds none",
        s.greedy_pool,
        Expected("PG_FULL", "postgres|chat|main", rf"{PG_ACTIVITY}|max_connections|(?i:pool)|{DEPLOY}", risk=ANY, victims="main", may=ALL),
        {"main": "remaining connection slots are reserved|too many clients"},
    ),
    Fault(
        "deadlock", "a trigger of somebody makes tasks of two kinds lock each other out",
        i.sql("dwp_main", s.LOCKS_IN_ANY_ORDER,
              "DROP TRIGGER count_task ON agent_tasks; DROP FUNCTION count_task(); DROP TABLE task_counters"),
        Expected("PG_DEADLOCK", "main|postgres", ".", risk=ANY),
        {"main": "deadlock detected"}, use=s.tasks_of_two_kinds,
    ),
    Fault(
        "history-locked", "a forgotten transaction holds the call history of auth, and every request at the gateway costs a connection",
        s.locked("dwp_auth", "sys_api_call_histories"),
        Expected("HIKARI_TIMEOUT|X_PG_LOCK|PG_LOCK|PG_LOCKED|LOCK_HELD", "auth|postgres", PG_ACTIVITY, risk=ANY, may=AROUND_AUTH),
        check=lambda stand: stand.traffic.ask(PORTS["auth"], "/auth/policy") != 200,
    ),
    Fault(
        "start-waits-for-lock", "synapsex was restarted and waits in Flyway for the transaction of somebody",
        i.all_of(s.locked("dwp_aura", "dwp_aura.flyway_schema_history"), i.environment("synapsex")),
        Expected("unknown|X_PG_LOCK|PG_LOCK|PG_LOCKED|LOCK_HELD", "synapsex|postgres", rf"{PG_ACTIVITY}|synapsex", risk=ANY), outside=True,
        check=lambda stand: s.waits_for_a_lock(stand) and stand.traffic.ask(PORTS["synapsex"], "/synapse/dictionary") != 200,
    ),
    Fault(
        "sessions-killed", "a job ends the sessions of chat's database several times a second",
        s.sessions_ended("dwp_chat", 0.4),
        Expected("PG_TERMINATED|HIKARI_STALE", "chat|postgres", ".", risk=ANY),
        {"chat": "terminating connection due to administrator command"}, use=s.now_and_then("/api/chat/info"),
    ),
    Fault(
        "idle-sessions-cut", "PostgreSQL ends idle sessions of approval after a tenth of a second, faster than the pool looks",
        i.sql("dwp_approval", "ALTER ROLE dwp_user IN DATABASE dwp_approval SET idle_session_timeout = '100ms'",
              "ALTER ROLE dwp_user IN DATABASE dwp_approval RESET idle_session_timeout", drop=True),
        Expected("unknown|HIKARI_STALE|PG_TERMINATED|X_PG_IDLE", "approval|postgres", ".", risk=ANY),
        {"approval": "terminating connection due to idle-session timeout"}, outside=True, use=s.now_and_then("/api/approval/info"),
    ),
    Fault(
        "statement-timeout", "queries of synapsex may take half a second, and one takes longer",
        i.sql(
            "dwp_aura",
            "ALTER ROLE dwp_user IN DATABASE dwp_aura SET statement_timeout = '500ms'; "
            "ALTER TABLE dwp_aura.dictionary_terms RENAME TO dictionary_kept; SET ROLE dwp_user; CREATE VIEW dwp_aura.dictionary_terms AS "
            "SELECT k.* FROM dwp_aura.dictionary_kept k, (SELECT pg_sleep(5)) AS slow",
            "DROP VIEW dwp_aura.dictionary_terms; ALTER TABLE dwp_aura.dictionary_kept RENAME TO dictionary_terms; "
            "ALTER ROLE dwp_user IN DATABASE dwp_aura RESET statement_timeout", drop=True,
        ),
        Expected("unknown|X_PG_STATEMENT_TIMEOUT|PG_STATEMENT_TIMEOUT|PG_SLOW_QUERY|PG_LONG_QUERY|SLOW_QUERY", "synapsex|postgres",
                 ".", risk=ANY),
        {"synapsex": "canceling statement due to statement timeout"}, outside=True,
    ),
    Fault(
        "sequence-at-end", "the ids of auth's call history are used up",
        i.sql("dwp_auth", "SELECT setval('sys_api_call_histories_call_id_seq', 9223372036854775807)",
              "SELECT setval('sys_api_call_histories_call_id_seq', (SELECT coalesce(max(call_id), 0) + 1 FROM sys_api_call_histories))"),
        Expected("unknown|X_PG_SEQUENCE|PG_SEQUENCE", "auth", ".", risk=ANY),
        {"auth": "reached maximum value of sequence"}, outside=True,
    ),
    Fault(
        "sequence-behind", "main's tasks came back from a dump, and their sequence begins at one again",
        i.sql(
            "dwp_main",
            "INSERT INTO agent_tasks (task_id, tenant_id, title) SELECT n, 1, 'restored' FROM generate_series(1, 2000) AS n "
            "ON CONFLICT DO NOTHING; SELECT setval('agent_tasks_task_id_seq', 1, false)",
            "DELETE FROM agent_tasks WHERE title = 'restored'; "
            "SELECT setval('agent_tasks_task_id_seq', (SELECT coalesce(max(task_id), 0) + 1 FROM agent_tasks))",
        ),
        Expected("unknown|X_PG_UNIQUE|PG_UNIQUE|PG_DUPLICATE", "main", ".", risk=ANY),
        {"main": "duplicate key value violates unique constraint"}, outside=True,
        use=i.calls(lambda traffic: traffic.call("POST", "/api/main/tasks", {"title": "a task"})),
    ),
    Fault(
        "column-not-null", "the audit table of synapsex got a column that the program does not fill",
        i.sql("dwp_aura", "ALTER TABLE dwp_aura.audit_event_log ADD actor text NOT NULL DEFAULT 'system'; "
              "ALTER TABLE dwp_aura.audit_event_log ALTER actor DROP DEFAULT",
              "ALTER TABLE dwp_aura.audit_event_log DROP actor"),
        Expected("unknown|X_PG_NOT_NULL|PG_NOT_NULL", "synapsex", ".", risk=ANY),
        {"synapsex": 'null value in column "actor"'}, outside=True,
        use=i.calls(lambda traffic: traffic.call("GET", "/api/synapse/dashboard/summary")),
    ),
    Fault(
        "database-host-unknown", "synapsex looks for PostgreSQL under the name that it has in compose",
        i.environment("synapsex", DB_HOST="postgres"),
        Expected("DB_UNREACHABLE|HIKARI_INIT|X_DB_DNS|DB_DNS|PG_DNS|WRONG_URL", "synapsex", rf"DB_HOST|{DEPLOY}"),
        {"synapsex": "UnknownHostException: postgres"}, differences="DB_HOST",
    ),
    Fault(
        "database-port-of-redis", "mail's DB_PORT is the port of Redis, which takes the connection and never answers",
        i.environment("mail", DB_PORT=str(REDIS_PORT)),
        Expected(f"unknown|WRONG_URL|{DATABASE_GONE}", "mail", rf"DB_PORT|{DEPLOY}"), outside=True,
        check=lambda stand: stand.traffic.ask(PORTS["mail"], "/mail/info") == "TimeoutError", differences="DB_PORT",
    ),
    Fault(
        "database-without-tls", "chat wants TLS to PostgreSQL, which has none",
        i.environment("chat", SPRING_DATASOURCE_URL=f"jdbc:postgresql://127.0.0.1:{POSTGRES_PORT}/dwp_chat?sslmode=require"),
        Expected("TLS|unknown|DB_UNREACHABLE|HIKARI_INIT", "chat", rf"SPRING_DATASOURCE_URL|(?i:ssl)|{DEPLOY}"),
        {"chat": "The server does not support SSL"},
    ),
)

FLYWAY_FAULTS = (
    Fault(
        "migration-skipped", "a migration in the middle of synapsex's history was never applied",
        i.sql(
            "dwp_aura",
            "CREATE TABLE dwp_aura.history_kept AS SELECT * FROM dwp_aura.flyway_schema_history WHERE version = '3'; "
            "DELETE FROM dwp_aura.flyway_schema_history WHERE version = '3'",
            "INSERT INTO dwp_aura.flyway_schema_history SELECT * FROM dwp_aura.history_kept; DROP TABLE dwp_aura.history_kept",
            restart="synapsex",
        ),
        Expected("FLYWAY_OUT_OF_ORDER", "synapsex", FLYWAY, risk=ANY),
        {"synapsex": "Detected resolved migration not applied to database: 3"},
    ),
    Fault(
        "history-table-renamed", "auth looks for its history in a table of another name and starts at the first migration",
        i.all_of(i.sql("dwp_auth", "SELECT 1", "DROP TABLE IF EXISTS schema_version"),
                 i.environment("auth", SPRING_FLYWAY_TABLE="schema_version")),
        Expected("FLYWAY_FAILED|FLYWAY_SQL|FLYWAY_NONEMPTY", "auth", rf"SPRING_FLYWAY_TABLE|{FLYWAY}", risk=ANY, may=AROUND_AUTH),
        {"auth": 'relation "sys_tenants" already exists'},
    ),
    Fault(
        "migrations-switched-off", "synapsex's schema is a migration behind, and Flyway is switched off",
        i.all_of(
            i.sql(
                "dwp_aura",  # Flyway puts it back when it may
                "DROP INDEX dwp_aura.ux_agent_cases_dedup; ALTER TABLE dwp_aura.agent_cases DROP COLUMN dedup_key; "
                "DELETE FROM dwp_aura.flyway_schema_history WHERE version IN ('4', '5')", "SELECT 1",
            ),
            i.environment("synapsex", SPRING_FLYWAY_ENABLED="false"),
        ),
        Expected("SCHEMA_VALIDATE", "synapsex", rf"{FLYWAY}|dedup_key|agent_cases|SPRING_FLYWAY_ENABLED", risk=ANY),
        {"synapsex": "missing column \\[dedup_key\\]"},
    ),
    Fault(
        "migration-needs-superuser", "a new migration of main makes a role, which its user may not",
        i.jar("main", p.with_migration("V5__reporting_role.sql", "CREATE ROLE reporting;\n")),
        Expected("PG_PERM|FLYWAY_SQL", "main", rf"(?i)grant|role|{FLYWAY}", risk=ANY),
        {"main": "permission denied to create role"},
    ),
    Fault(
        "migration-extension", "a new migration of synapsex wants an extension that the server does not have",
        i.jar("synapsex", p.with_migration("V6__places.sql", "CREATE EXTENSION postgis;\n")),
        Expected("FLYWAY_SQL|FLYWAY_FAILED", "synapsex", rf"(?i)extension|{FLYWAY}", risk=ANY),
        {"synapsex": 'extension "postgis" is not available'},
    ),
    Fault(
        "migration-twice", "two branches gave main two migrations of one version",
        i.jar("main", p.with_migration("V4__task_owner.sql", "ALTER TABLE agent_tasks ADD COLUMN owner text;\n")),
        Expected("unknown|STARTUP_FAILED|X_FLYWAY_DUPLICATE|FLYWAY_DUPLICATE", "main", rf"main|{FLYWAY}", risk=ANY),
        {"main": "Found more than one migration with version 4"}, outside=True,
    ),
    Fault(
        "database-of-another", "auth has main's DB_NAME",
        i.environment("auth", DB_NAME="dwp_main"),
        Expected("FLYWAY_CHECKSUM|FLYWAY_MISSING|FLYWAY_OUT_OF_ORDER", "auth", rf"DB_NAME|{DEPLOY}", risk=ANY, may=AROUND_AUTH),
        {"auth": "(?i)validate failed"}, differences="DB_NAME",
    ),
)

REDIS = (
    Fault(
        "redis-port-wrong", "chat looks for Redis where nothing listens",
        i.environment("chat", SPRING_DATA_REDIS_PORT=str(CLOSED_PORT)),
        Expected("REDIS_REFUSED|WRONG_URL", "chat", rf"SPRING_DATA_REDIS_PORT|{DEPLOY}"),
        {"chat": "Unable to connect to (Redis|127)"}, differences="SPRING_DATA_REDIS_PORT",
    ),
    Fault(
        "redis-host-unknown", "synapsex looks for Redis under the name that it has in compose, and ends at each start",
        i.environment("synapsex", REDIS_HOST="redis"),
        Expected("REDIS_REFUSED|X_REDIS_DNS|REDIS_DNS|WRONG_URL", "synapsex", rf"REDIS_HOST|{DEPLOY}"),
        {"synapsex": "Unable to connect to (Redis|redis)"}, differences="REDIS_HOST",
    ),
    Fault(
        "redis-rights", "the user of Redis may not use a command that chat needs",
        s.less_rights("scard"),
        Expected("unknown|X_REDIS_PERM|REDIS_PERM|REDIS_NOPERM|REDIS_ACL", "chat|redis", ".", risk=ANY),
        {"chat": "NOPERM"}, outside=True,
    ),
    Fault(
        "redis-replica", "Redis was made a replica of another one that is not there: no writes",
        i.all_of(i.approval_waits, s.replica_of(CLOSED_PORT)),
        Expected("unknown|X_REDIS_READONLY|REDIS_READONLY|REDIS_READ_ONLY|REDIS_REPLICA", "main|redis", ".", risk=ANY),
        {"main": "READONLY"}, outside=True, use=i.approve,
    ),
    Fault(
        "redis-snapshot-fails", "Redis cannot write its snapshot and takes no writes for that",
        i.all_of(i.approval_waits, s.snapshot_fails),
        Expected("unknown|X_REDIS_MISCONF|REDIS_MISCONF|REDIS_DISK|REDIS_PERSISTENCE", "main|redis", ".", risk=ANY),
        {"main": "MISCONF"}, outside=True, use=i.approve,
    ),
    Fault(
        "redis-clients", "Redis takes one client, and somebody's program is it",
        s.clients_refused,
        Expected("unknown|REDIS_REFUSED|X_REDIS_CLIENTS|REDIS_CLIENTS|REDIS_MAXCLIENTS|REDIS_FULL", "redis", "(?i)redis|deploy", risk=ANY,
                 victims="main", may="gateway main chat synapsex"),
        {"chat": "max number of clients reached"}, outside=True,
    ),
    Fault(
        "redis-database-wrong", "chat asks for a database of Redis that does not exist",
        i.environment("chat", SPRING_DATA_REDIS_DATABASE="16"),
        Expected("unknown|REDIS_REFUSED|X_REDIS_DB|REDIS_DB|WRONG_URL", "chat", rf"SPRING_DATA_REDIS|{DEPLOY}"),
        {"chat": "DB index is out of range"}, outside=True,
    ),
    Fault(
        "redis-without-tls", "main speaks TLS to Redis, which does not",
        i.all_of(i.approval_waits, i.environment("main", SPRING_DATA_REDIS_SSL_ENABLED="true")),
        Expected("TLS|REDIS_REFUSED|REDIS_SLOW", "main", rf"SPRING_DATA_REDIS_SSL|(?i:ssl|tls)|{DEPLOY}"),
        {"main": "not an SSL/TLS record|SslHandshakeTimeoutException|Unable to connect to"}, use=i.approve,
    ),
    Fault(
        "redis-line-slow", "chat reaches Redis over something that takes three seconds for each answer",
        i.all_of(proxies.proxy(proxies.slow_line), i.environment("chat", SPRING_DATA_REDIS_PORT=str(proxies.PROXY_PORT))),
        Expected("REDIS_SLOW", "chat", rf"(?i)redis|{DEPLOY}"),
        {"chat": "(?i)command timed out|connection initialization timed out"}, differences="SPRING_DATA_REDIS_PORT",
        use=lambda stand: stand.traffic.many(("/api/chat/presence",), times=2) and None,
    ),
)
