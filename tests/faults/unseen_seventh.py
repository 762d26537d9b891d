# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The seventh part of the unseen faults (``-m unseen7``): a sample of what is met in practice, weighted by how often it is."""

from __future__ import annotations

import dataclasses
from typing import Any
from urllib.parse import quote

from . import injections as i
from . import injections_fourth as fourth
from . import injections_operators as o
from . import injections_processes as p
from . import injections_servers as s
from . import injections_seventh as f
from . import injections_sixth as sixth
from . import noise
from .combine import pair, with_noise
from .faults_servers import ALL, DEPLOY, FLYWAY, PG_ACTIVITY, POOLS
from .model import ANY, READ, Expected, Fault, no_traffic
from .proxies import listens
from .stand import CLOSED_PORT, MAX_CONNECTIONS, REDIS_PORT, SECRETS, Stand
from .unseen_fifth import LOCKED
from .unseen_seventh_services import SERVICES
from .unseen_third import APPROVE, AROUND_AUTH, AROUND_REDIS, new_task

# fmt: off
ERROR_TEXTS = (
    "java.lang.OutOfMemoryError: Java heap space", "FATAL: password authentication failed for user dwp_user",
    "No space left on device", "Connection to 127.0.0.1:5432 refused",
)


def of_support(traffic: Any) -> None:
    """Who helps users pastes what a ticket says into the field for the number of a request."""
    for text in ERROR_TEXTS:
        traffic.call("GET", f"/api/aura/hitl/requests/{quote(text)}")


def too_late(stand: Stand) -> bool:
    return stand.traffic.call("GET", "/api/approval/info", timeout=8)[0] == 504


POSTGRES = (
    Fault(
        "password-in-quotes", "auth's DB_PASSWORD was copied with the quotes around it, and they are part of it now",
        i.environment("auth", DB_PASSWORD=f'"{SECRETS["database"]}"'),
        Expected("PG_AUTH", "auth", rf"(?i)password|{DEPLOY}", may=AROUND_AUTH),
        {"auth": "password authentication failed"}, differences="DB_PASSWORD",
    ),
    Fault(
        "database-name-in-capitals", "chat's DB_NAME is written in capitals, which are other letters to PostgreSQL",
        i.environment("chat", DB_NAME="DWP_CHAT"),
        Expected("PG_NODB", "chat", rf"DB_NAME|DWP_CHAT|{DEPLOY}", risk=ANY),
        {"chat": 'database "DWP_CHAT" does not exist'}, differences="DB_NAME",
    ),
    Fault(
        "reserved-for-administrators", "PostgreSQL was restarted and keeps all sessions but eight for administrators, by a typing error",
        o.configured("postgres", f"max_connections = '{MAX_CONNECTIONS}'", f"max_connections = '{MAX_CONNECTIONS}'\n"
                     f"superuser_reserved_connections = '{MAX_CONNECTIONS - 8}'"),
        Expected("PG_FULL", f"postgres|{POOLS}", rf"(?i){PG_ACTIVITY}|max_connections|reserved|postgres|{DEPLOY}", risk=ANY, may=ALL),
        {"*": "remaining connection slots are reserved"},
    ),
    Fault(
        "import-not-committed", "an import of tasks by hand is not committed, and each new task waits to see whether its number is taken",
        sixth.in_transaction(
            "dwp_main", "DBeaver 24", "INSERT INTO agent_tasks (task_id, tenant_id, title) "
            "SELECT last_value + n, 1, 'imported' FROM agent_tasks_task_id_seq, generate_series(1, 2000) AS n",
        ),
        Expected(f"{LOCKED}|PG_IDLE_IN_TRANSACTION", "main|postgres", PG_ACTIVITY, risk=ANY),
        {"main": "Connection is not available, request timed out"}, check=s.waits_for_a_lock, use=f.tasks_at_once,
    ),
    Fault(
        "function-denied", "a script took a function of synapsex from its role: dashboards end with 500, all else is well",
        i.sql(
            "dwp_aura", "ALTER FUNCTION dwp_aura.open_case_count(bigint) OWNER TO postgres; "
            "REVOKE ALL ON FUNCTION dwp_aura.open_case_count(bigint) FROM PUBLIC, dwp_user",
            "ALTER FUNCTION dwp_aura.open_case_count(bigint) OWNER TO dwp_user; "
            "GRANT EXECUTE ON FUNCTION dwp_aura.open_case_count(bigint) TO PUBLIC",
        ),
        Expected("PG_PERM", "synapsex", "(?i)grant|owner|execute|open_case_count", risk=ANY),
        {"synapsex": "permission denied for function open_case_count"},
        use=i.calls(lambda traffic: traffic.call("GET", "/api/synapse/dashboard/summary")),
    ),
    Fault(
        "sessions-crash", "one session of PostgreSQL crashes after the other, and each time all others end and it recovers",
        f.sessions_crash,
        Expected("PG_STARTING|PG_TERMINATED|HIKARI_STALE|DB_UNREACHABLE|PG_CRASH|PG_CRASHED|X_PG_CRASH", "postgres",
                 "(?i)postgres|psql|pg_|dmesg|log", risk=ANY, may=ALL),
        {"*": "because of crash of another server process|system is in recovery mode|Failed to validate connection"},
        use=s.now_and_then("/api/mail/info"),
    ),
    Fault(
        "answers-too-late", "approval's only query takes a minute since somebody changed a function, and the gateway waits four seconds",
        s.slow_clock(60, "dwp_approval"),
        Expected("GW_504|PG_SLOW_QUERY|PG_LONG_QUERY|SLOW_QUERY|HIKARI_TIMEOUT|HEALTH_SLOW|NOT_ANSWERING", "approval|postgres",
                 rf"(?i){PG_ACTIVITY}|approval|jstack|jcmd", risk=ANY),
        check=too_late,
    ),
    Fault(
        "row-security", "an auditor switched row security on for main's table and made no rule: all tasks are gone, and none can be made",
        i.sql("dwp_main", "ALTER TABLE agent_tasks ENABLE ROW LEVEL SECURITY; ALTER TABLE agent_tasks FORCE ROW LEVEL SECURITY",
              "ALTER TABLE agent_tasks NO FORCE ROW LEVEL SECURITY; ALTER TABLE agent_tasks DISABLE ROW LEVEL SECURITY"),
        Expected("unknown|PG_PERM|X_PG_RLS|PG_RLS|PG_POLICY", "main|postgres", ".", risk=ANY), outside=True,
        shows={"main": 'new row violates row-level security policy for table "agent_tasks"'}, use=i.calls(new_task),
    ),
)

SCHEMAS = (
    Fault(
        "migration-syntax", "a new migration of synapsex has a comma too many",
        i.jar("synapsex", p.with_migration("V6__case_due_date.sql", "ALTER TABLE dwp_aura.agent_cases ADD COLUMN due_at TIMESTAMPTZ,;\n")),
        Expected("FLYWAY_SQL|FLYWAY_FAILED", "synapsex", FLYWAY, risk=ANY),
        {"synapsex": "syntax error at"},
    ),
    Fault(
        "view-loses-column", "a release of auth has a view without one of its columns, which PostgreSQL does not replace",
        i.jar("auth", fourth.edited_migration("R__user_role_overview.sql", "u.display_name, ", "")),
        Expected("FLYWAY_SQL|FLYWAY_FAILED", "auth", rf"(?i)view|v_user_roles|{FLYWAY}", risk=ANY, may=AROUND_AUTH),
        {"auth": "cannot drop columns from view|cannot change name of view column"},
    ),
    Fault(
        "history-archived", "main's schema history was renamed by a clean-up, and Flyway was told not to begin one on its own",
        i.all_of(
            i.sql("dwp_main", "ALTER TABLE flyway_schema_history RENAME TO flyway_schema_history_2025",
                  "ALTER TABLE flyway_schema_history_2025 RENAME TO flyway_schema_history"),
            i.environment("main", SPRING_FLYWAY_BASELINEONMIGRATE="false"),
            fourth.held_back("main"),
        ),
        Expected("FLYWAY_NONEMPTY", "main", rf"{FLYWAY}|flyway_schema_history", risk=ANY),
        {"main": r"Found non-empty schema\(s\) .* but no schema history table"},
    ),
    Fault(
        "migration-lost-in-build", "the build of auth's release lost a migration in the middle, which was applied long ago",
        i.jar("auth", fourth.without("db/migration/V6__create_monitoring_configs.sql")),
        Expected("FLYWAY_MISSING", "auth", FLYWAY, risk=ANY, may=AROUND_AUTH),
        {"auth": "Detected applied migration not resolved locally: 6"},
    ),
)

REDIS = (
    Fault(
        "redis-bound-elsewhere", "Redis was restarted and listens on another address of the host; nobody else was told",
        f.redis_bound_elsewhere,
        Expected("REDIS_REFUSED|LISTENS_ELSEWHERE", "redis", r"(?i)redis|deploy\.yml", risk=ANY, victims="main", may=AROUND_REDIS),
        {"main": "Unable to connect to|Connection refused|Redis health check failed"},
        check=lambda _stand: listens(f.OTHER_ADDRESS, REDIS_PORT) and not listens("127.0.0.1", REDIS_PORT),
    ),
    Fault(
        "redis-url-left", "an address of Redis from a test, under Spring's own name for it, wins over main's REDIS_HOST and REDIS_PORT",
        i.environment("main", SPRING_DATA_REDIS_URL=f"redis://127.0.0.1:{CLOSED_PORT}"),
        Expected("REDIS_REFUSED|WRONG_URL", "main", rf"SPRING_DATA_REDIS_URL|{DEPLOY}"),
        {"main": "Unable to connect to (Redis|127)"}, use=APPROVE, differences="SPRING_DATA_REDIS_URL",
    ),
    Fault(
        "redis-loading", "Redis was restarted and needs minutes to read its data; to wait is all that helps",
        f.loads_for_minutes,
        Expected("unknown|REDIS_LOADING|X_REDIS_LOADING|REDIS_STARTING|REDIS_SLOW", "redis|chat|main", ".", risk=READ,
                 may=f"redis {AROUND_REDIS}"),
        {"chat": "LOADING Redis is loading the dataset in memory"}, outside=True,
    ),
    Fault(
        "redis-user-unknown", "synapsex was given a user of Redis of its own before anybody had made that user, and ends at each start",
        i.environment("synapsex", SPRING_DATA_REDIS_USERNAME="synapsex"),
        Expected("REDIS_AUTH", "synapsex", rf"(?i)password|username|acl|{DEPLOY}"),
        {"synapsex": "WRONGPASS|NOAUTH|invalid username-password"}, differences="SPRING_DATA_REDIS_USERNAME",
    ),
)

BY_ID = {fault.id: fault for fault in (*POSTGRES, *SCHEMAS, *REDIS, *SERVICES)}

NOISY = (
    with_noise(BY_ID["redis-url-left"], "old-errors", "errors of yesterday in auth and approval", noise.old_errors("auth", "approval")),
    with_noise(BY_ID["migration-lost-in-build"], "warnings", "thousands of warnings in chat", noise.warnings("chat")),
    with_noise(BY_ID["heap-by-environment"], "red-herring", "a stack trace in mail that hurts nobody", noise.red_herring("mail")),
    with_noise(BY_ID["corrected-not-restarted"], "restart", "mail was restarted by somebody", noise.restarted("mail")),
    with_noise(BY_ID["letter-for-digit"], "port-scan", "somebody has scanned all ports", f.port_scan),
)

PAIRS = (
    pair(BY_ID["database-name-in-capitals"], BY_ID["migration-syntax"]),
    pair(BY_ID["threads-at-start"], BY_ID["naming-strategy"]),
    pair(BY_ID["proxy-cuts-answers"], BY_ID["datasource-url-foreign"]),
    pair(BY_ID["jwt-base64"], BY_ID["two-left-stopped"]),
)

SEVENTH = tuple(dataclasses.replace(fault, batch=7) for fault in (*BY_ID.values(), *NOISY, *PAIRS))

WELL = Expected("unknown", "none")

SEVENTH_QUIET = tuple(dataclasses.replace(fault, batch=7) for fault in (
    Fault("quiet-port-scan", "all ports were opened, and asked in languages that they do not speak", f.port_scan, WELL),
    Fault("quiet-many-sessions", "a program for reports holds ten sessions of PostgreSQL; there are some left", f.many_sessions, WELL,
          check=lambda stand: len(stand.sql("postgres", "SELECT 1 FROM pg_stat_activity WHERE application_name = 'Superset'")) == 10),
    Fault("quiet-deadlock-of-analysts", "two people locked each other out of a table of their own", f.deadlock_of_analysts, WELL,
          check=lambda stand: stand.sql("postgres", "SELECT deadlocks FROM pg_stat_database WHERE datname = 'dwp_main'")[0][0] > 0),
    Fault("quiet-error-in-a-name", "somebody looks for requests by the texts of errors, which are told as unknown", no_traffic, WELL,
          {"main": "unknown or expired: java.lang.OutOfMemoryError"}, use=i.calls(of_support, times=2)),
))
