# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sixth part of the unseen faults (``-m unseen6``): a sample of the kinds that are promised, and of what else those on call meet."""

from __future__ import annotations

import dataclasses

from . import injections as i
from . import injections_fourth as fourth
from . import injections_operators as o
from . import injections_processes as p
from . import injections_servers as s
from . import injections_sixth as f
from . import noise
from .combine import pair, with_noise
from .faults_servers import ALL, DEPLOY, FLYWAY, PG_ACTIVITY
from .model import ANY, READ, RESTART, Expected, Fault, no_traffic
from .stand import PORTS, REDIS_PORT
from .unseen_fifth import dashboards
from .unseen_sixth_services import SERVICES
from .unseen_third import new_task

# fmt: off
AROUND_AUTH = "gateway main synapsex"
AROUND_REDIS = "gateway main chat synapsex"
LOCKED = "X_PG_LOCK|PG_LOCK|PG_LOCKED|LOCK_HELD|HIKARI_TIMEOUT"
APPROVE = i.all_of(i.approval_waits, i.approve)


POSTGRES = (
    Fault(
        "lock-file-left", "PostgreSQL does not start after a power failure: its lock file names a program that runs",
        f.lock_file_left,
        Expected("PG_REFUSED|DB_UNREACHABLE|PROCESS_STOPPED|X_PG_LOCK_FILE|PG_LOCK_FILE", "postgres",
                 r"(?i)postgres|postmaster|deploy\.yml", risk=ANY, victims="auth main synapsex", may=ALL),
        {"main": "Connection to 127.0.0.1:\\d+ refused|Connection is not available"},
        check=lambda stand: stand.info("infra-postgres")["statename"] in ("BACKOFF", "FATAL", "EXITED", "STARTING"),
    ),
    Fault(
        "database-named-like-service", "synapsex was given a DB_NAME like those of the others, and there is no such database",
        i.environment("synapsex", DB_NAME="dwp_synapsex"),
        Expected("PG_NODB", "synapsex", rf"DB_NAME|dwp_synapsex|{DEPLOY}", risk=ANY),
        {"synapsex": 'database "dwp_synapsex" does not exist'}, differences="DB_NAME",
    ),
    Fault(
        "reports-take-all", "a program for reports holds all sessions that were left, with a role of its own; chat was restarted",
        f.reports_take_all,
        Expected("PG_FULL", "postgres|chat", rf"(?i){PG_ACTIVITY}|max_connections|metabase", risk=ANY, may=ALL),
        {"chat": "too many clients|remaining connection slots"},
    ),
    Fault(
        "index-in-transaction", "somebody made an index on synapsex's audit table and has not ended the transaction: dashboards wait",
        f.in_transaction("dwp_aura", "pgAdmin 4", "CREATE INDEX ix_audit_event_log_action ON dwp_aura.audit_event_log (action)"),
        Expected(LOCKED, "synapsex|postgres", PG_ACTIVITY, risk=ANY),
        use=dashboards, check=lambda stand: (
            s.waits_for_a_lock(stand) and stand.traffic.ask(PORTS["synapsex"], "/synapse/dictionary") != 200
        ),
    ),
    Fault(
        "trigger-slow", "a trigger that somebody put on auth's call history takes twenty seconds, for each request at the gateway",
        i.sql(
            "dwp_auth",
            "CREATE FUNCTION sum_calls() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(20); RETURN NULL; END $$; "
            "CREATE TRIGGER sum_calls AFTER INSERT ON sys_api_call_histories FOR EACH ROW EXECUTE FUNCTION sum_calls()",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'dwp_user' AND datname = 'dwp_auth'; "
            "DROP TRIGGER sum_calls ON sys_api_call_histories; DROP FUNCTION sum_calls()",
        ),
        Expected("HIKARI_TIMEOUT|PG_SLOW_QUERY|PG_LONG_QUERY|SLOW_QUERY", "auth|postgres",
                 rf"(?i){PG_ACTIVITY}|trigger|sys_api_call_histories", risk=ANY, may=f"{AROUND_AUTH} auth"),
        check=lambda stand: stand.traffic.ask(PORTS["auth"], "/auth/policy") != 200,
    ),
    Fault(
        "schema-unusable", "a hardening script took the schema public of auth's database from everybody: no table is to be found in it",
        f.schema_unusable("dwp_auth"),
        Expected("PG_PERM|PG_NOTABLE", "auth", r"(?i)grant|owner|schema|search_path|\\dn", risk=ANY, may=AROUND_AUTH),
        {"auth": 'relation "sys_\\w+" does not exist|permission denied for schema public'},
    ),
    Fault(
        "constraint-added", "an analyst gave main's table a rule for titles that hardly any task keeps: none can be made",
        i.sql("dwp_main", "ALTER TABLE agent_tasks ADD CONSTRAINT ck_agent_tasks_title CHECK (title ~ '^[A-Z]{3}-[0-9]+') NOT VALID",
              "ALTER TABLE agent_tasks DROP CONSTRAINT ck_agent_tasks_title"),
        Expected("unknown|X_PG_CHECK|PG_CHECK|PG_CONSTRAINT", "main|postgres", ".", risk=ANY), outside=True,
        shows={"main": 'violates check constraint "ck_agent_tasks_title"'}, use=i.calls(new_task),
    ),
    Fault(
        "text-with-zero", "a client sends titles with a character that PostgreSQL keeps in no text: 500",
        no_traffic,
        Expected("unknown|X_PG_ENCODING|PG_ENCODING|PG_DATA|PG_VALUE", "main|none", ".", risk=READ, status="healthy|degraded"),
        {"main": 'invalid byte sequence for encoding "UTF8": 0x00'}, outside=True,
        use=i.calls(lambda traffic: new_task(traffic, "from a\0scanner")),
    ),
)

SCHEMAS = (
    Fault(
        "migration-gave-up-waiting", "a new migration of main waits two seconds for a table that somebody's transaction reads, and fails",
        i.all_of(
            f.in_transaction("dwp_main", "DataGrip", "SELECT count(*) FROM agent_tasks"),
            i.jar("main", p.with_migration("V5__task_owner.sql",
                                           "SET lock_timeout = '2s';\nALTER TABLE agent_tasks ADD COLUMN owner VARCHAR(100);\n")),
            i.sql("dwp_main", "SELECT 1", "ALTER TABLE agent_tasks DROP COLUMN IF EXISTS owner; "
                  "DELETE FROM flyway_schema_history WHERE version = '5'"),
            fourth.held_back("main"),
        ),
        Expected("FLYWAY_SQL|FLYWAY_FAILED|X_PG_LOCK|PG_LOCK|PG_LOCKED|LOCK_HELD|PG_IDLE_IN_TRANSACTION", "main|postgres",
                 rf"{PG_ACTIVITY}|{FLYWAY}", risk=ANY, may="gateway main"),
        {"main": "canceling statement due to lock timeout"},
    ),
    Fault(
        "migration-renamed", "a release of main has a migration under a better name, long after it was applied under the old one",
        i.jar("main", f.renamed("V2__create_task_events.sql", "V2__create_agent_task_events.sql")),
        Expected("unknown|FLYWAY_CHECKSUM|X_FLYWAY_DESCRIPTION|FLYWAY_DESCRIPTION|FLYWAY_VALIDATE|FLYWAY_MISMATCH", "main", FLYWAY,
                 risk=ANY),
        {"main": "Migration description mismatch for migration version 2"}, outside=True,
    ),
    Fault(
        "rolled-back-to-old-name", "synapsex was rolled back to a release that knows a table by its old name; the schema stayed new",
        i.sql(
            "dwp_aura",
            "INSERT INTO dwp_aura.flyway_schema_history VALUES "
            "(99, '6', 'rename cases', 'SQL', 'V6__rename_cases.sql', 1, 'dwp_user', now(), 5, true); "
            "ALTER TABLE dwp_aura.agent_cases RENAME TO cases",
            "DELETE FROM dwp_aura.flyway_schema_history WHERE installed_rank = 99; ALTER TABLE dwp_aura.cases RENAME TO agent_cases",
            restart="synapsex",
        ),
        Expected("FLYWAY_NEWER_DB|SCHEMA_VALIDATE", "synapsex", FLYWAY, risk=ANY),
        {"synapsex": r"missing table \[\S*agent_cases\]"},
    ),
)

REDIS = (
    Fault(
        "redis-volume-full", "the volume on which Redis writes down what it is told is full: it takes no decisions any more",
        f.redis_volume_full,
        Expected("DISK_FULL|REDIS_DISK|REDIS_MISCONF|X_REDIS_MISCONF|REDIS_PERSISTENCE", "redis|main", "(?i)df|du|disk|space|redis",
                 risk=ANY, may=f"redis {AROUND_REDIS}"),
        {"main": "MISCONF Errors writing to the AOF file: No space left on device"}, use=i.calls(f.decide, times=40), needs_root=True,
    ),
    Fault(
        "redis-killed-by-kernel", "the kernel took Redis for lack of memory, and it is not started again",
        f.server_killed_by_the_kernel("redis", "redis-server"),
        Expected("REDIS_REFUSED|OOM_KILLED|PROCESS_KILLED|PROCESS_STOPPED", "redis", r"(?i)redis|deploy\.yml", risk=RESTART, victims="main",
                 may=AROUND_REDIS),
        {"main": "Unable to connect to|Connection refused|Redis health check failed"}, check=o.has_ended("infra-redis"), needs_root=True,
    ),
    Fault(
        "redis-rotated-but-for-one", "the password of Redis was rotated everywhere; main and synapsex were restarted with it, chat was not",
        f.redis_rotated_but_for_chat,
        Expected("RESTART_NEEDED|REDIS_AUTH", "chat", r"restart|deploy\.yml"),
        {"chat": "WRONGPASS|NOAUTH|invalid username-password"}, differences="SPRING_DATA_REDIS_PASSWORD",
    ),
    Fault(
        "redis-command-taken", "an administrator took the command PUBLISH from Redis: decisions end with 500, all else is well",
        i.all_of(i.approval_waits, o.configured("redis", f"port {REDIS_PORT}", f'port {REDIS_PORT}\nrename-command PUBLISH ""')),
        Expected("unknown|X_REDIS_COMMAND|REDIS_COMMAND|REDIS_UNKNOWN_COMMAND|REDIS_PERM|REDIS_NOPERM", "main|redis", ".", risk=ANY),
        {"main": "(?i)unknown command .?PUBLISH"}, outside=True, use=i.approve, check=lambda stand: not stand.sick(),
    ),
)

BY_ID = {fault.id: fault for fault in (*POSTGRES, *SCHEMAS, *REDIS, *SERVICES)}

COMBINED = (
    with_noise(BY_ID["database-password-unset"], "old-errors", "errors of yesterday in mail and chat", noise.old_errors("mail", "chat")),
    with_noise(BY_ID["redis-killed-by-kernel"], "warnings", "thousands of warnings in approval", noise.warnings("approval")),
    pair(BY_ID["rolled-back-to-old-name"], BY_ID["route-to-itself"]),
    pair(BY_ID["jwt-short-by-hand"], BY_ID["killed-in-its-group"]),
)

SIXTH = tuple(dataclasses.replace(fault, batch=6) for fault in (*BY_ID.values(), *COMBINED))

WELL = Expected("unknown", "none")

SIXTH_QUIET = tuple(dataclasses.replace(fault, batch=6) for fault in (
    Fault("quiet-index-beside", "an index is made beside the work of all, and waits for a backup; nobody waits for it",
          f.index_made_beside, WELL, check=lambda stand: s.waits_for_a_lock(stand) and not stand.sick()),
    Fault("quiet-peak", "many people at once, and all of them were answered", no_traffic, WELL, use=no_traffic,
          check=lambda stand: set(stand.traffic.many(times=20, timeout=10)) == {200}),
    Fault("quiet-logs-rotated", "the logs of main and mail were rotated a moment ago; the old ones tell of this morning",
          f.rotated_logs("main", "mail"), WELL, check=lambda stand: (stand.logs / "mail.log.1").stat().st_size > 1000),
    Fault("quiet-another-killed", "the kernel took a program of somebody else for lack of memory",
          f.another_program_killed, WELL, check=f.kernel_said("Killed process 4100321 (node)")),
))
