# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fifth part of the unseen faults (``-m unseen5``): each kind of incident that is promised, in another place or another way."""

from __future__ import annotations

import dataclasses
from typing import Any

from . import injections as i
from . import injections_fifth as f
from . import injections_operators as o
from . import injections_processes as p
from . import injections_servers as s
from . import noise
from .combine import pair, with_noise
from .faults_servers import ALL, DEPLOY, FLYWAY, PG_ACTIVITY
from .model import ANY, Expected, Fault
from .stand import PORTS, REDIS_PORT
from .unseen_fifth_services import QUIET, SERVICES

# fmt: off
AROUND_AUTH = "gateway main synapsex"
APPROVE = i.all_of(i.approval_waits, i.approve)
LOCKED = "X_PG_LOCK|PG_LOCK|PG_LOCKED|LOCK_HELD|HIKARI_TIMEOUT"


def new_task(traffic: Any) -> Any:
    return traffic.call("POST", "/api/main/tasks", {"title": f.VOLUME_TITLE})


def dashboards(stand: Any) -> None:
    stand.traffic.many(("/api/synapse/dashboard/summary",), times=16, workers=16, timeout=6.5)


POSTGRES = (
    Fault(
        "password-before-its-time", "a rotation gave mail, chat and approval a new DB_PASSWORD before PostgreSQL had it",
        f.rotated("mail chat approval", DB_PASSWORD="December-2026"),
        Expected("PG_AUTH", "mail|chat|approval", rf"(?i)password|{DEPLOY}", may="gateway mail chat approval"),
        dict.fromkeys(("mail", "chat", "approval"), "password authentication failed"), differences="DB_PASSWORD",
    ),
    Fault(
        "database-shutting-down", "an administrator's session keeps PostgreSQL from ending, and it takes no new one",
        f.smart_shutdown,
        Expected("PG_STARTING|PG_REFUSED|DB_UNREACHABLE|X_PG_STOPPING|PG_STOPPING", "postgres", r"(?i)postgres|deploy\.yml", risk=ANY,
                 victims="auth main synapsex", may=ALL),
        {"main": "the database system is shutting down"},
    ),
    Fault(
        "restore-half-done", "auth's database was put aside for a restore that never came",
        i.database_renamed("dwp_auth"),
        Expected("PG_NODB", "auth|postgres", "dwp_auth|deploy", risk=ANY, may=f"{AROUND_AUTH} auth"),
        {"auth": 'database "dwp_auth" does not exist'},
    ),
    Fault(
        "instances-forgotten", "forgotten instances of auth and synapsex hold all sessions that are left; approval was restarted",
        f.forgotten_instances,
        Expected("PG_FULL", "postgres|approval", rf"(?i){PG_ACTIVITY}|max_connections", risk=ANY, may=ALL),
        {"approval": "too many clients|remaining connection slots"},
    ),
    Fault(
        "logins-wait-for-change", "a change of auth's users waits for an idle transaction, and every login waits behind the change",
        f.behind_an_idle_transaction("dwp_auth", "sys_users", "ALTER TABLE sys_users ADD COLUMN phone varchar(40)"),
        Expected(LOCKED, "auth|postgres", PG_ACTIVITY, risk=ANY, may=f"{AROUND_AUTH} auth"),
        use=f.many_logins, check=lambda stand: s.waits_for_a_lock(stand) and stand.traffic.ask(PORTS["auth"], "/auth/policy") != 200,
    ),
    Fault(
        "function-slow", "a function that synapsex calls for its dashboard takes minutes since somebody changed it; its pool runs empty",
        i.sql(
            "dwp_aura",
            "CREATE OR REPLACE FUNCTION dwp_aura.open_case_count(tenant BIGINT) RETURNS BIGINT LANGUAGE plpgsql STABLE AS "
            "$$ BEGIN PERFORM pg_sleep(120); RETURN 0; END $$",
            "CREATE OR REPLACE FUNCTION dwp_aura.open_case_count(tenant BIGINT) RETURNS BIGINT LANGUAGE sql STABLE AS $$ SELECT count(*) "
            "FROM dwp_aura.agent_cases WHERE tenant_id = tenant AND status IN ('OPEN', 'IN_REVIEW') $$", drop=True,
        ),
        Expected("HIKARI_TIMEOUT|PG_SLOW_QUERY|PG_LONG_QUERY|SLOW_QUERY", "synapsex|postgres", PG_ACTIVITY, risk=ANY),
        use=dashboards, check=lambda stand: stand.traffic.ask(PORTS["synapsex"], "/synapse/dictionary") != 200,
    ),
    Fault(
        "volume-full", "the volume on which main's table lies is full: tasks can be read, and none can be made",
        f.volume_full,
        Expected("DISK_FULL", "main|postgres", "(?i)df|du|disk|space|volume", risk=ANY),
        {"main": "No space left on device"}, use=i.calls(new_task), needs_root=True,
    ),
    Fault(
        "schema-closed", "a new migration of main makes a table in the schema public, in which its role may make none any more",
        i.all_of(f.schema_closed("dwp_main"),
                 i.jar("main", p.with_migration("V5__task_notes.sql", "CREATE TABLE task_notes (note_id bigint PRIMARY KEY);\n"))),
        Expected("PG_PERM", "main", "(?i)grant|owner|schema", risk=ANY),
        {"main": "permission denied for schema public"},
    ),
    Fault(
        "trigger-refuses", "a trigger of somebody lets nobody make a task for tenant 1 any more",
        i.sql(
            "dwp_main",
            "CREATE FUNCTION within_quota() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'quota of tenant % is used up', NEW.tenant_id; END $$; "
            "CREATE TRIGGER within_quota BEFORE INSERT ON agent_tasks FOR EACH ROW EXECUTE FUNCTION within_quota()",
            "DROP TRIGGER within_quota ON agent_tasks; DROP FUNCTION within_quota()",
        ),
        Expected("unknown|X_PG_RAISED|PG_RAISED|PG_TRIGGER", "main|postgres", ".", risk=ANY), outside=True,
        shows={"main": "quota of tenant 1 is used up"}, use=i.calls(new_task),
    ),
    Fault(
        "column-narrowed", "somebody made the column for paths in auth's call history short: what the gateway reports is lost",
        i.sql("dwp_auth", "ALTER TABLE sys_api_call_histories ALTER path TYPE varchar(12) USING left(path, 12)",
              "ALTER TABLE sys_api_call_histories ALTER path TYPE varchar(500)"),
        Expected("unknown|X_PG_TOO_LONG|PG_TOO_LONG|PG_VALUE|PG_DATA", "auth", ".", risk=ANY), outside=True,
        shows={"auth": r"value too long for type character varying\(12\)", "gateway": "Failed to send API call history"},
    ),
    Fault(
        "page-damaged", "a failing disk left rubbish in synapsex's dictionary; all other tables are well",
        f.page_damaged("dwp_aura", "dwp_aura.dictionary_terms", "synapsex"),
        Expected("unknown|X_PG_CORRUPT|PG_CORRUPT|PG_CORRUPTED|PG_DAMAGED", "synapsex|postgres", ".", risk=ANY), outside=True,
        shows={"synapsex": "invalid page in block 0 of relation"},
    ),
)

SCHEMAS = (
    Fault(
        "migration-of-full-table", "a new migration of auth adds a column that has to have a value to a table with rows",
        i.jar("auth", p.with_migration("V8__tenant_region.sql", "ALTER TABLE sys_tenants ADD COLUMN region varchar(20) NOT NULL;\n")),
        Expected("FLYWAY_SQL|FLYWAY_FAILED", "auth", rf"(?i)region|sys_tenants|{FLYWAY}", risk=ANY, may=AROUND_AUTH),
        {"auth": 'column "region" of relation "sys_tenants" contains null values'},
    ),
    Fault(
        "migration-edited-in-jar", "the release of synapsex has a migration in which somebody corrected a text, long after it was applied",
        i.jar("synapsex", f.migration_edited("V2__create_dictionary.sql", b"Expense booked on a holiday", b"Expense booked on a weekend")),
        Expected("FLYWAY_CHECKSUM", "synapsex", FLYWAY, risk=ANY),
        {"synapsex": "checksum mismatch for migration version 2"},
    ),
    Fault(
        "rolled-back-without-schema", "auth was rolled back and its schema was not: it starts, and can write no audit entry",
        i.sql(
            "dwp_auth",
            "INSERT INTO flyway_schema_history VALUES "
            "(99, '8', 'audit origin', 'SQL', 'V8__audit_origin.sql', 1, 'dwp_user', now(), 5, true); "
            "ALTER TABLE sys_audit_logs ADD origin text NOT NULL DEFAULT 'legacy'; ALTER TABLE sys_audit_logs ALTER origin DROP DEFAULT",
            "DELETE FROM flyway_schema_history WHERE installed_rank = 99; ALTER TABLE sys_audit_logs DROP origin", restart="auth",
        ),
        Expected("FLYWAY_NEWER_DB|PG_NOT_NULL|X_PG_NOT_NULL", "auth", rf"(?i){FLYWAY}|origin|sys_audit_logs", risk=ANY, may="gateway main"),
        {"auth": 'null value in column "origin"', "main": "Failed to write audit log"}, use=APPROVE,
    ),
    Fault(
        "table-archived", "somebody renamed auth's audit log to begin a new year, and auth does not start without it",
        i.sql("dwp_auth", "ALTER TABLE sys_audit_logs RENAME TO sys_audit_logs_2025",
              "ALTER TABLE sys_audit_logs_2025 RENAME TO sys_audit_logs", restart="auth"),
        Expected("SCHEMA_VALIDATE", "auth", rf"{FLYWAY}|sys_audit_logs", risk=ANY, may=AROUND_AUTH),
        {"auth": "missing table \\[sys_audit_logs\\]"},
    ),
)

REDIS = (
    Fault(
        "redis-config-misspelt", "a line of Redis' configuration has a typing error, and Redis was restarted",
        o.configured("redis", f"port {REDIS_PORT}", f"port {REDIS_PORT}\nio-thread 4", seconds=1),
        Expected("REDIS_REFUSED|PROCESS_STOPPED|X_REDIS_CONFIG|REDIS_CONFIG", "redis", r"(?i)redis|deploy\.yml", risk=ANY, victims="main",
                 may="gateway main chat synapsex"),
        {"main": "Unable to connect to|Connection refused|Redis health check failed"}, check=o.has_ended("infra-redis"),
    ),
    Fault(
        "redis-password-before-its-time", "a rotation gave main and synapsex a new REDIS_PASSWORD before Redis had it",
        f.rotated("main synapsex", REDIS_PASSWORD="December-2026"),
        Expected("REDIS_AUTH", "main|synapsex", rf"(?i)password|{DEPLOY}", may="gateway main synapsex"),
        dict.fromkeys(("main", "synapsex"), "WRONGPASS|NOAUTH|invalid username-password"), differences="REDIS_PASSWORD", use=APPROVE,
    ),
)

BY_ID = {fault.id: fault for fault in (*POSTGRES, *SCHEMAS, *REDIS, *SERVICES)}

NOISY = (
    with_noise(BY_ID["jwt-rotated-auth-first"], "warnings", "thousands of warnings in approval", noise.warnings("approval")),
    with_noise(BY_ID["migration-of-full-table"], "red-herring", "a stack trace in mail that hurts nobody", noise.red_herring("mail")),
)

PAIRS = (
    pair(BY_ID["context-path-below-v1"], BY_ID["migration-edited-in-jar"]),
    pair(BY_ID["table-archived"], BY_ID["datasource-of-the-readme"]),
)

FIFTH = tuple(dataclasses.replace(fault, batch=5) for fault in (*BY_ID.values(), *NOISY, *PAIRS))
FIFTH_QUIET = tuple(dataclasses.replace(fault, batch=5) for fault in QUIET)
