# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Repair and baseline: changes of the history alone, in one transaction under the locks."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ansible_collections.dwp.backend.plugins.module_utils._flyway import argspec, session
from ansible_collections.dwp.backend.plugins.module_utils._flyway import repair as repairing
from ansible_collections.dwp.backend.plugins.module_utils._flyway.connection import Login, connect
from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError, Refusal
from ansible_collections.dwp.backend.plugins.module_utils._flyway.history import (
    HistoryRow,
    HistoryTable,
    quote,
    read_rows,
)
from ansible_collections.dwp.backend.plugins.module_utils._flyway.names import Version, option_version
from ansible_collections.dwp.backend.plugins.module_utils._flyway.rollback import Project
from ansible_collections.dwp.backend.plugins.module_utils._flyway.snapshot import read_snapshot

T = TypeVar("T")
APPLICATION = "dwp.backend flyway_repair"


def repair(project: Project, check_mode: bool) -> dict[str, Any]:
    """Flyway's repair, shown or done. The answer has Flyway's counts and a diff of the history."""
    project.require_history()
    if project.resolved.refusals:
        raise project.resolved.refusals[0]
    rows = project.snapshot.rows
    _readable(rows)
    todo = _actions(project, rows)
    plan_id = repairing.digest(rows, todo)
    wanted = project.params["plan_id"]
    if wanted and wanted != plan_id:
        raise FlywayError(
            f"The plan is {plan_id} now and not {wanted} as agreed: history or files have changed. Nothing was changed.",
            "CHANGED_MEANWHILE",
        )

    left: list[repairing.Action] = []

    def work(cursor: Any) -> None:
        left.clear()
        session.take_locks(cursor, project.table)
        fresh = read_rows(cursor, project.table)
        again = _actions(project, fresh)
        if repairing.digest(fresh, again) != plan_id:
            raise FlywayError("The history changed meanwhile. Nothing was changed; try again.", "CHANGED_MEANWHILE")
        repairing.perform(cursor, project.table, again)
        try:
            left.extend(_actions(project, read_rows(cursor, project.table)))
        except Refusal as refusal:
            raise FlywayError(
                f"Flyway's own repair would leave a history that Flyway refuses: {refusal.message}. Nothing was changed; "
                "correct the rows by hand.",
                "WOULD_CORRUPT",
            ) from None

    if todo and not check_mode:
        _in_transaction(project.login, project.params, work)
    counts = Counter(action.kind for action in todo)
    said = f"{counts[repairing.REMOVE]} removed, {counts[repairing.MARK]} marked as deleted, {counts[repairing.ALIGN]} aligned"
    return {
        "changed": bool(todo),
        "actions": [action.as_data() for action in todo],
        "migrations_removed": counts[repairing.REMOVE],
        "migrations_deleted": counts[repairing.MARK],
        "migrations_aligned": counts[repairing.ALIGN],
        "plan_id": plan_id,
        "warnings": project.warnings + [f"Another repair would still {one.kind} {one.row.script}." for one in left],
        "diff": _diff(project.table, rows, repairing.rows_after(rows, todo)),
        "msg": f"{project.snapshot.database}: {said}." if todo else f"{project.snapshot.database}: nothing to repair.",
    }


def _actions(project: Project, rows: Sequence[HistoryRow]) -> list[repairing.Action]:
    return repairing.actions(project.resolved.migrations, rows, project.patterns)


def _readable(rows: Sequence[HistoryRow]) -> None:
    for row in rows:
        if row.refusal is not None:
            raise row.refusal


def _diff(table: HistoryTable, before: Sequence[HistoryRow], after: Sequence[HistoryRow]) -> dict[str, str]:
    def lines(rows: Sequence[HistoryRow]) -> str:
        shown = (
            f"{row.installed_rank} {row.raw_version or '-'} {row.type} {row.description} checksum={row.checksum}"
            f"{'' if row.success else ' (failed)'}\n"
            for row in rows
        )
        return "".join(shown)

    return {
        "before_header": f"{table.name} (before)",
        "after_header": f"{table.name} (after)",
        "before": lines(before),
        "after": lines(after),
    }


def _in_transaction(login: Login, params: dict[str, Any], work: Callable[[Any], T]) -> T:
    """One transaction with time limits, tried again while others hold locks."""
    from psycopg2 import Error

    retries = params["retries"]
    for attempt in range(retries + 1):
        connection = connect(login, APPLICATION)
        try:
            with connection.cursor() as cursor:
                session.guard(cursor, session.Limits(params["lock_timeout"], 60))
                result = work(cursor)
            connection.commit()
            return result
        except (Error, session.Busy) as error:
            problem = error if isinstance(error, session.Busy) else session.explain(error, login, "changing the history")
            if not isinstance(problem, session.Busy) or attempt == retries:
                problem.message += " The history was not changed."
                raise problem from None
        finally:
            connection.close()
        time.sleep(min(10.0, 0.5 * 2**attempt) * (0.5 + random.random()))
    raise AssertionError("unreachable")


def baseline(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Flyway's baseline, in development only."""
    allowed = params["development_environments"]
    if params["environment"] not in allowed:
        raise FlywayError(
            f"A baseline is only written in development ({', '.join(allowed)}), and this environment is "
            f"{params['environment']!r}. It would declare migrations as applied that nobody has run. Nothing was changed.",
            "NOT_DEVELOPMENT",
        )
    version = option_version("baseline_version", params["baseline_version"])
    login = argspec.login_of(params)
    snapshot = read_snapshot(login, params["schemas"], params["default_schema"], params["table"])
    table, description = snapshot.table, params["baseline_description"]
    if _is_there(snapshot.rows, version, description, table):
        message = f"{snapshot.database}: baseline {version} is there already."
        return {"changed": False, "baseline_version": version.text, "created_table": False, "msg": message}
    row = f"baseline {version} {description}\n"
    header = {"before_header": table.name, "after_header": table.name}

    def work(cursor: Any) -> None:
        session.take_advisory(cursor, table, session_level=False)
        if table.exists:
            session.lock_history(cursor, table)
            _is_there(read_rows(cursor, table), version, description, table)
        else:
            _create(cursor, table)
        cursor.execute(
            f'INSERT INTO {table.name} ("installed_rank", "version", "description", "type", "script", "checksum", '
            '"installed_by", "execution_time", "success") SELECT coalesce(max("installed_rank"), 0) + 1, %s, %s, '
            f"'BASELINE', %s, NULL, current_user, 0, true FROM {table.name}",
            (version.text, description, description),
        )

    if not check_mode:
        _in_transaction(login, params, work)
    return {
        "changed": True,
        "baseline_version": version.text,
        "created_table": not table.exists,
        "diff": {**header, "before": "", "after": row},
        "msg": f"{snapshot.database}: baseline {version} {'would be ' if check_mode else ''}written.",
    }


def _is_there(rows: Sequence[HistoryRow], version: Version, description: str, table: HistoryTable) -> bool:
    """Is exactly this baseline written already? FlywayError, in Flyway's words, if another history is."""
    if any(not row.synthetic for row in rows):
        raise FlywayError(f"Unable to baseline schema history table {table.name} as it already contains migrations", "NOT_EMPTY")
    known = next((row for row in rows if row.type == "BASELINE"), None)
    if known is not None and (known.version != version or known.description != description):
        raise FlywayError(
            f"Unable to baseline schema history table {table.name} with ({version},{description}) as it has already been "
            f"baselined with ({known.raw_version},{known.description})",
            "NOT_EMPTY",
        )
    if known is None and rows and version == Version.parse("0"):
        raise FlywayError(
            f"Unable to baseline schema history table {table.name} with version 0 as this version was used for schema creation",
            "NOT_EMPTY",
        )
    return known is not None


def _create(cursor: Any, table: HistoryTable) -> None:
    """The table as Flyway makes it."""
    if not table.schema_exists:
        cursor.execute(f"CREATE SCHEMA {quote(table.schema)}")
    cursor.execute(
        f'CREATE TABLE {table.name} ("installed_rank" integer NOT NULL, "version" varchar(50), '
        '"description" varchar(200) NOT NULL, "type" varchar(20) NOT NULL, "script" varchar(1000) NOT NULL, '
        '"checksum" integer, "installed_by" varchar(100) NOT NULL, "installed_on" timestamp NOT NULL DEFAULT now(), '
        '"execution_time" integer NOT NULL, "success" boolean NOT NULL)'
    )
    cursor.execute(f'ALTER TABLE {table.name} ADD CONSTRAINT {quote(table.table + "_pk")} PRIMARY KEY ("installed_rank")')
    cursor.execute(f'CREATE INDEX {quote(table.table + "_s_idx")} ON {table.name} ("success")')
