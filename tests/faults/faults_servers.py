# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults of PostgreSQL, of its schemas and of Redis."""

from __future__ import annotations

from . import injections as i
from .model import ANY, DATABASE, Expected, Fault
from .stand import CLOSED_PORT, PORTS

ALL = f"gateway {DATABASE}"
POOLS = DATABASE.replace(" ", "|")
DEPLOY = r"deploy\.yml|restart\.yml|rollback\.yml"
PG_ACTIVITY = r"pg_stat_activity|pg_terminate_backend|pg_cancel_backend|pg_blocking_pids|pg_locks"
FLYWAY = r"flyway_(status|repair|rollback|baseline)|deploy\.yml|rollback\.yml|ALTER|INSERT|DELETE"

DATABASES = (
    Fault(
        "database-password-wrong", "main has a database password that is not the server's",
        i.environment("main", DB_PASSWORD="Vienna-1865"),
        Expected("PG_AUTH", "main", rf"(?i)password|{DEPLOY}"),
        {"main": "password authentication failed"},
    ),
    Fault(
        "database-password-rotated", "the password was changed in PostgreSQL and nowhere else",
        i.sql("postgres", "ALTER ROLE dwp_user PASSWORD 'rotated'", f"ALTER ROLE dwp_user PASSWORD '{i.SECRETS['database']}'", drop=True),
        Expected("PG_AUTH", f"postgres|{POOLS}", rf"(?i)password|{DEPLOY}", may=ALL),
        {"synapsex": "password authentication failed"},
    ),
    Fault(
        "database-stopped", "PostgreSQL is stopped",
        i.stopped("infra-postgres"),
        Expected("PG_REFUSED|DB_UNREACHABLE", "postgres", r"(?i)postgres|deploy\.yml", victims="auth main synapsex", may=ALL),
        {"main": "Connection to 127.0.0.1:\\d+ refused|Connection is not available"},
    ),
    Fault(
        "database-frozen", "PostgreSQL accepts connections and never answers",
        i.frozen("infra-postgres"),
        Expected("DB_UNREACHABLE|HIKARI_TIMEOUT|HIKARI_STALE", "postgres", "(?i)postgres|deploy", victims="main", may=ALL),
        check=lambda stand: stand.traffic.ask(PORTS["main"], "/actuator/health") != 200,
    ),
    Fault(
        "database-missing", "the database of approval does not exist any more",
        i.database_renamed("dwp_approval"),
        Expected("PG_NODB", "approval|postgres", "dwp_approval|deploy", risk=ANY),
        {"approval": 'database "dwp_approval" does not exist'},
    ),
    Fault(
        "database-name-wrong", "approval asks for a database with a typing error in its name",
        i.environment("approval", DB_NAME="dwp_aproval"),
        Expected("PG_NODB", "approval", rf"DB_NAME|dwp_aproval|{DEPLOY}", risk=ANY),
        {"approval": 'database "dwp_aproval" does not exist'},
    ),
    Fault(
        "database-port-wrong", "chat looks for PostgreSQL on a port where nothing listens",
        i.environment("chat", DB_PORT=str(CLOSED_PORT)),
        Expected("PG_REFUSED|DB_UNREACHABLE", "chat", rf"DB_PORT|{DEPLOY}"),
        {"chat": f"Connection to 127.0.0.1:{CLOSED_PORT} refused"},
    ),
    Fault(
        "connections-exhausted", "a report of somebody holds every connection that PostgreSQL gives to ordinary users",
        i.connections_taken,
        Expected("PG_FULL", "postgres|main", rf"{PG_ACTIVITY}|max_connections", risk=ANY, may=ALL),
        {"main": "too many clients|remaining connection slots|Connection is not available"},
    ),
    Fault(
        "connections-of-the-role", "the role of the services may hold five connections, for six pools",
        i.sql("postgres", "ALTER ROLE dwp_user CONNECTION LIMIT 5", "ALTER ROLE dwp_user CONNECTION LIMIT -1", drop=True),
        Expected("PG_FULL", f"postgres|{POOLS}", rf"(?i){PG_ACTIVITY}|connection limit|max_connections", risk=ANY, may=ALL),
        {"*": "too many connections for role"},
    ),
    Fault(
        "lock-held", "a forgotten transaction holds a lock on the table of main",
        i.table_locked,
        Expected("HIKARI_TIMEOUT|STARVED|X_PG_LOCK|PG_LOCK|PG_LOCKED|LOCK_HELD", "main|postgres", PG_ACTIVITY, risk=ANY),
        {"main": "Connection is not available, request timed out"},
        use=i.waiting_requests(("/api/main/tasks",)),
    ),
    Fault(
        "query-slow", "a query of main takes half a minute, and the pool runs empty",
        i.sql(
            "dwp_main",
            "INSERT INTO agent_tasks (tenant_id, title) VALUES (1, 'slow'); ALTER TABLE agent_tasks RENAME TO agent_tasks_kept; "
            "SET ROLE dwp_user; CREATE VIEW agent_tasks AS SELECT k.* FROM agent_tasks_kept k, (SELECT pg_sleep(30)) AS slow",
            "DROP VIEW agent_tasks; ALTER TABLE agent_tasks_kept RENAME TO agent_tasks; DELETE FROM agent_tasks WHERE title = 'slow'; "
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'dwp_user' AND datname = 'dwp_main'",
        ),
        Expected("HIKARI_TIMEOUT|STARVED|HEALTH_SLOW|PG_SLOW_QUERY|PG_LONG_QUERY|SLOW_QUERY", "main|postgres", PG_ACTIVITY, risk=ANY),
        {"main": "Connection is not available, request timed out"},
        use=i.waiting_requests(("/api/main/tasks",)),
    ),
    Fault(
        "schema-permission", "synapsex may not use its own schema",
        i.sql(
            "dwp_aura", "ALTER SCHEMA dwp_aura OWNER TO postgres; REVOKE ALL ON SCHEMA dwp_aura FROM dwp_user",
            "ALTER SCHEMA dwp_aura OWNER TO dwp_user",
        ),
        Expected("PG_PERM", "synapsex", "(?i)grant|owner|dwp_aura", risk=ANY),
        {"synapsex": "permission denied for schema dwp_aura"},
    ),
    Fault(
        "table-gone", "a table of synapsex was renamed while it runs",
        i.sql(
            "dwp_aura", "ALTER TABLE dwp_aura.dictionary_terms RENAME TO dictionary_terms_old",
            "ALTER TABLE dwp_aura.dictionary_terms_old RENAME TO dictionary_terms",
        ),
        Expected("PG_NOTABLE", "synapsex", r"flyway_status|dictionary_terms|dwp_aura|\\d", risk=ANY),
        {"synapsex": 'relation "dwp_aura.dictionary_terms" does not exist'},
    ),
)

FLYWAY_FAULTS = (
    Fault(
        "checksum-changed", "a migration of main was edited after it was applied",
        i.sql(
            "dwp_main", "UPDATE flyway_schema_history SET checksum = checksum + 1 WHERE version = '3'",
            "UPDATE flyway_schema_history SET checksum = checksum - 1 WHERE version = '3'", restart="main",
        ),
        Expected("FLYWAY_CHECKSUM", "main", FLYWAY, risk=ANY),
        {"main": "checksum mismatch for migration version 3"},
    ),
    Fault(
        "migration-failed", "a migration of main does not run: what it adds is there",
        i.sql(
            "dwp_main",
            "CREATE TABLE history_kept AS SELECT * FROM flyway_schema_history WHERE version IN ('3', '4'); "
            "DELETE FROM flyway_schema_history WHERE version IN ('3', '4')",
            "DELETE FROM flyway_schema_history WHERE version IN ('3', '4'); "
            "INSERT INTO flyway_schema_history SELECT * FROM history_kept; DROP TABLE history_kept", restart="main",
        ),
        Expected("FLYWAY_FAILED|FLYWAY_SQL", "main", FLYWAY, risk=ANY),
        {"main": 'column "priority" of relation "agent_tasks" already exists'},
    ),
    Fault(
        "migration-half-done", "the last migration of auth stands in its history as failed",
        i.sql(
            "dwp_auth", "UPDATE flyway_schema_history SET success = false WHERE version = '7'",
            "UPDATE flyway_schema_history SET success = true WHERE version = '7'", restart="auth",
        ),
        Expected("FLYWAY_FAILED", "auth", FLYWAY, risk=ANY, may="gateway main synapsex"),
        {"auth": "(?i)failed migration to version 7"},
    ),
    Fault(
        "migration-missing", "the history of synapsex has a version in the middle that the jar lacks",
        i.sql(
            "dwp_aura",
            "INSERT INTO dwp_aura.flyway_schema_history VALUES "
            "(99, '3.5', 'from a branch', 'SQL', 'V3_5__from_a_branch.sql', 1, 'dwp_user', now(), 5, true)",
            "DELETE FROM dwp_aura.flyway_schema_history WHERE installed_rank = 99", restart="synapsex",
        ),
        Expected("FLYWAY_MISSING", "synapsex", FLYWAY, risk=ANY),
        {"synapsex": "not resolved locally: 3.5"},
    ),
    Fault(
        "history-lost", "the schema history of main was dropped; Flyway starts at the first migration again",
        i.sql(
            "dwp_main", "ALTER TABLE flyway_schema_history RENAME TO history_kept; ALTER INDEX flyway_schema_history_pk RENAME TO kept_pk; "
            "ALTER INDEX flyway_schema_history_s_idx RENAME TO kept_s_idx",
            "DROP TABLE IF EXISTS flyway_schema_history; ALTER TABLE history_kept RENAME TO flyway_schema_history; "
            "ALTER INDEX kept_pk RENAME TO flyway_schema_history_pk; ALTER INDEX kept_s_idx RENAME TO flyway_schema_history_s_idx",
            restart="main",
        ),
        Expected("FLYWAY_FAILED|FLYWAY_SQL|FLYWAY_NONEMPTY", "main", FLYWAY, risk=ANY),
        {"main": 'relation "agent_tasks" already exists'},
    ),
    Fault(
        "older-jar", "main's jar is older than its schema, which a newer release has changed",
        i.sql(
            "dwp_main",
            "INSERT INTO flyway_schema_history VALUES "
            "(99, '9', 'rename progress', 'SQL', 'V9__rename_progress.sql', 1, 'dwp_user', now(), 5, true); "
            "ALTER TABLE agent_tasks RENAME COLUMN progress TO percent",
            "DELETE FROM flyway_schema_history WHERE installed_rank = 99; ALTER TABLE agent_tasks RENAME COLUMN percent TO progress",
            restart="main",
        ),
        Expected("FLYWAY_NEWER_DB|SCHEMA_VALIDATE", "main", FLYWAY, risk=ANY),
        {"main": "missing column \\[progress\\]"},
    ),
    Fault(
        "schema-validation", "a column that main's entity has is missing in the table",
        i.sql(
            "dwp_main", "ALTER TABLE agent_tasks RENAME COLUMN progress TO percent",
            "ALTER TABLE agent_tasks RENAME COLUMN percent TO progress", restart="main",
        ),
        Expected("SCHEMA_VALIDATE", "main", rf"{FLYWAY}|progress|agent_tasks", risk=ANY),
        {"main": "missing column \\[progress\\]"},
    ),
)

REDIS = (
    Fault(
        "redis-stopped", "Redis is stopped",
        i.stopped("infra-redis"),
        Expected("REDIS_REFUSED", "redis", r"(?i)redis|deploy\.yml", victims="main", may="gateway main chat synapsex"),
        {"main": "Unable to connect to Redis|Connection refused|Redis health check failed"},
    ),
    Fault(
        "redis-password-rotated", "the password was changed in Redis and nowhere else",
        i.redis_config("requirepass", "rotated", i.SECRETS["redis"], kick=True),
        Expected("REDIS_AUTH", "redis|main|chat|synapsex", rf"(?i)password|{DEPLOY}", victims="", may="gateway redis main chat synapsex"),
        {"main": "WRONGPASS|NOAUTH|invalid username-password"},
    ),
    Fault(
        "redis-password-wrong", "chat has a password that is not the one of Redis",
        i.environment("chat", SPRING_DATA_REDIS_PASSWORD="Vienna-1865"),
        Expected("REDIS_AUTH", "chat", rf"(?i)password|{DEPLOY}"),
        {"chat": "WRONGPASS|NOAUTH|invalid username-password"},
    ),
    Fault(
        "redis-frozen", "Redis accepts connections and never answers",
        i.frozen("infra-redis"),
        Expected("REDIS_SLOW", "redis", "(?i)redis|deploy", victims="main", may="gateway main chat synapsex"),
        {"chat": "(?i)command timed out|timed out"},
        use=lambda stand: stand.traffic.many(("/api/chat/presence", "/api/main/health"), times=2) and None,
    ),
)
