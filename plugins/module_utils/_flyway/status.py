# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files and history put together: what ``flyway info`` and ``flyway validate`` say, and what else a person asks."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError, Refusal
from ansible_collections.dwp.backend.plugins.module_utils._flyway.history import quote
from ansible_collections.dwp.backend.plugins.module_utils._flyway.migrations import Resolved
from ansible_collections.dwp.backend.plugins.module_utils._flyway.names import Version
from ansible_collections.dwp.backend.plugins.module_utils._flyway.placeholders import Placeholders
from ansible_collections.dwp.backend.plugins.module_utils._flyway.snapshot import Snapshot
from ansible_collections.dwp.backend.plugins.module_utils._flyway.states import STATES, Info, Line, display_name, info
from ansible_collections.dwp.backend.plugins.module_utils._flyway.validate import (
    IgnorePatterns,
    refusal_as_dict,
    schema_missing,
    validate,
)

INVALID = "INVALID"


class Judging(NamedTuple):
    """The options of Flyway that bear on states and validation."""

    schemas: Sequence[str] = ()
    target: str | None = None
    out_of_order: bool = False
    patterns: IgnorePatterns = IgnorePatterns()
    baseline_on_migrate: bool = False
    baseline_version: Version = Version.parse("1")


# (status, reason) of the rollback of one line
RollbackFinder = Callable[[Line], "tuple[str, str]"]


def builtin_placeholders(snapshot: Snapshot, now: datetime, working_directory: str | None, environment: str) -> dict[str, str | None]:
    """The values that Flyway provides itself, by bare name."""
    return {
        "defaultSchema": snapshot.table.schema,
        "user": snapshot.user,
        "database": snapshot.database,
        "timestamp": now.strftime("%Y-%m-%d %H:%M:%S"),
        "workingDirectory": working_directory or os.getcwd(),
        "table": snapshot.table.table,
        "environment": environment,
    }


def build(snapshot: Snapshot, resolved: Resolved, judging: Judging, placeholders: Placeholders, rollback: RollbackFinder) -> dict[str, Any]:
    """The answer of flyway_status as plain data."""
    own = _own_placeholders(placeholders)
    result = info(resolved.migrations, snapshot.rows, judging.target, judging.out_of_order, resolved.duplicates)
    validation = _validation(snapshot, resolved, judging, result)
    undo_versions = {line.version for line in result.lines if line.row and line.row.undo}
    migrations = [_line(line, undo_versions, rollback) for line in result.lines]
    counts = Counter(line.display for line in result.lines)
    answer: dict[str, Any] = {
        "database": snapshot.database,
        "schema_version": result.schema_version,
        "schema_name": ", ".join(judging.schemas),
        "all_schemas_empty": not snapshot.non_empty_schemas,
        "history": {
            "schema": snapshot.table.schema,
            "table": snapshot.table.table,
            "exists": snapshot.table.exists,
            "schema_exists": snapshot.table.schema_exists,
            "rows": len(snapshot.rows),
        },
        "migrations": migrations,
        "counts": dict(sorted(counts.items())),
        "validation": validation,
        "lock_held": snapshot.lock_held,
        "warnings": resolved.warnings + own + _unreplaceable(result, placeholders) + _warnings(snapshot, judging, result),
    }
    answer["msg"] = _summary(snapshot, answer)
    return answer


def failures(answer: Mapping[str, Any], fail_on: Sequence[str]) -> list[str]:
    """Which of the states in ``fail_on`` (constants of STATES or INVALID) occur, with what bears them."""
    found = []
    for state in fail_on:
        if state == INVALID:
            errors = answer["validation"]["errors"]
            if errors:
                found.append(f"validation failed: {errors[0]['error_message'].splitlines()[0]} ({len(errors)} in all)")
            continue
        shown = display_name(state)
        who = [one["version"] or one["description"] for one in answer["migrations"] if one["state"] == shown]
        if who:
            more = f" and {len(who) - 10} more" if len(who) > 10 else ""
            found.append(f"{shown}: {', '.join(who[:10])}{more}")
    return found


def state_constant(text: str) -> str | None:
    """A state as the user may write it (``Out of Order``, ``out_of_order``, ``invalid``) as a constant; None if none."""
    wanted = text.strip().lower().replace("_", " ")
    if wanted == "invalid":
        return INVALID
    for state in STATES:
        if wanted in (display_name(state).lower(), state.lower().replace("_", " ")):
            return state
    return None


def _validation(snapshot: Snapshot, resolved: Resolved, judging: Judging, result: Info) -> dict[str, Any]:
    refusals: list[Refusal] = resolved.refusals + result.refusals
    if refusals:
        errors = [refusal_as_dict(refusal) for refusal in refusals]
    elif not snapshot.table.schema_exists:
        message = schema_missing(snapshot.table.schema, bool(resolved.migrations), judging.patterns)
        missing = Refusal(message or "", "SCHEMA_DOES_NOT_EXIST")
        errors = [refusal_as_dict(missing)] if message else []
    else:
        errors = [problem.as_dict() for problem in validate(result, judging.patterns)]
    return {"valid": not errors, "refused": bool(refusals), "errors": errors}


def _line(line: Line, undo_versions: set[Version | None], rollback: RollbackFinder) -> dict[str, Any]:
    row, file, version = line.row, line.file, line.version
    status, reason = rollback(line)
    unreadable = row.raw_version or "" if row else ""  # what stands in the history but is no version
    undoable = ""
    if version is not None and not (row and row.undo) and line.state != "UNDONE":
        undoable = "Yes" if version in undo_versions and "FAILED" not in line.state else "No"
    return {
        "category": _category(line),
        "version": version.text if version else unreadable,
        "rawVersion": version.raw if version else unreadable,
        "description": line.description,
        "type": line.type,
        "installedOnUTC": row.installed_on.isoformat() if row and row.installed_on else "",
        "state": line.display,
        "undoable": undoable,
        "filepath": file.label if file else "",
        "undoFilepath": "",
        "installedBy": row.installed_by if row else "",
        "shouldExecuteExpression": None,
        "executionTime": row.execution_time if row else 0,
        "installed_rank": row.installed_rank if row else None,
        "script": line.script,
        "checksum_applied": row.checksum if row else None,
        "checksum_resolved": file.checksum if file else None,
        "rollback": status,
        "rollback_reason": reason,
    }


def _category(line: Line) -> str:
    if line.row and line.row.synthetic:
        return ""
    if line.version is None:
        return "Repeatable"
    if line.row and line.row.undo:
        return "Undo"
    return "Baseline" if line.type.endswith("_BASELINE") else "Versioned"


def _warnings(snapshot: Snapshot, judging: Judging, result: Info) -> list[str]:
    out = []
    table = snapshot.table
    if not table.schema_exists:
        out.append(f"Schema {quote(table.schema)} does not exist yet; migrate creates it.")
    elif not table.exists:
        out.append(f"Schema history table {table.name} does not exist yet; nothing was ever applied by Flyway.")
        out.extend(_without_history(snapshot, judging, result))
    if snapshot.standby:
        out.append("The server is a standby, read-only: migrations have to run on its primary.")
    if snapshot.pooler:
        out.append(
            "A connection pooler stands between here and the server. In transaction mode, session locks and SET do not "
            "hold: let migrations and rollbacks connect to the server itself."
        )
    if snapshot.lock_waiting:
        pids = ", ".join(str(pid) for pid in snapshot.lock_waiting)
        out.append(f"Flyway waits for its lock in process(es) {pids}.")
    return out


def _own_placeholders(placeholders: Placeholders) -> list[str]:
    """Flyway's own placeholders in repeatables whose value is another one in the application."""
    out = []
    if "timestamp" in placeholders.used:
        out.append("A repeatable migration holds ${flyway:timestamp}: it is outdated every second, and runs at every migrate.")
    if "workingdirectory" in placeholders.used:
        out.append(
            "A repeatable migration holds ${flyway:workingDirectory}: its checksum depends on where the application runs. "
            "Set working_directory to that place."
        )
    return out


def _unreplaceable(result: Info, placeholders: Placeholders) -> list[str]:
    """Placeholders without a value in what migrate would run next; only then Flyway complains."""
    out = []
    for line in result.lines:
        file = line.file
        if line.row is not None or file is None or line.state != "PENDING" or file.kind == "R" or file.type == "SCRIPT":
            continue
        replacing = file.conf.placeholder_replacement
        if not (placeholders.enabled if replacing is None else replacing):
            continue
        try:
            placeholders.replace(file.text(), file.name.plain)
        except FlywayError as exc:
            if exc.code == "PLACEHOLDER":
                out.append(f"migrate would fail at {file.script}: {exc.message}")
    return out


def _without_history(snapshot: Snapshot, judging: Judging, result: Info) -> list[str]:
    """What migrate would do with a schema that has content but no history."""
    full = snapshot.non_empty_schemas
    if not full:
        return []
    if not judging.baseline_on_migrate:
        names = ",".join(quote(name) for name in full)
        return [
            f"migrate would fail: Found non-empty schema(s) {names} but no schema history table. Use baseline() or set "
            "baselineOnMigrate to true to initialize the schema history table."
        ]
    skipped = [
        line.version.text for line in result.lines if line.file and line.version is not None and line.version <= judging.baseline_version
    ]
    what = f"take version(s) {', '.join(skipped)} as done" if skipped else "then apply every migration"
    return [f"migrate would write a baseline at version {judging.baseline_version} first and {what}."]


def _summary(snapshot: Snapshot, answer: Mapping[str, Any]) -> str:
    table = snapshot.table
    if not table.schema_exists:
        head = f'Schema {quote(table.schema)} of database "{snapshot.database}" does not exist yet'
    elif not table.exists:
        head = f'No schema history table {table.name} in database "{snapshot.database}" yet'
    else:
        head = f'Schema {table.name} of database "{snapshot.database}" is at version {answer["schema_version"]}'
        if answer["schema_version"] is None:
            head = f'No version is applied according to {table.name} of database "{snapshot.database}"'
    states = ", ".join(f"{count} {state}" for state, count in answer["counts"].items()) or "no migrations"
    errors = answer["validation"]["errors"]
    if answer["validation"]["refused"]:
        tail = f"Flyway refuses every command: {errors[0]['error_message'].splitlines()[0]}"
    elif errors:
        tail = f"{len(errors)} validation error(s), first: {errors[0]['error_message'].splitlines()[0]}"
    else:
        tail = "valid."
    return f"{head}: {states}; {tail}"
