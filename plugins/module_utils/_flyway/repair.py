# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Flyway's repair does to the history, as a list that can be shown before it is done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._flyway import history_write
from ansible_collections.dwp.backend.plugins.module_utils._flyway.history import HistoryRow, HistoryTable
from ansible_collections.dwp.backend.plugins.module_utils._flyway.migrations import Migration
from ansible_collections.dwp.backend.plugins.module_utils._flyway.plan import delete_row, history_fact
from ansible_collections.dwp.backend.plugins.module_utils._flyway.states import Line, info
from ansible_collections.dwp.backend.plugins.module_utils._flyway.validate import IgnorePatterns

REMOVE = "remove"  # a failed row goes
MARK = "mark"  # a row without a file gets a DELETE row
ALIGN = "align"  # description, type and checksum become those of the file

_WITHOUT_FILE = ("MISSING_SUCCESS", "MISSING_FAILED", "FUTURE_SUCCESS", "FUTURE_FAILED")


@dataclass(frozen=True)
class Action:
    kind: str
    row: HistoryRow
    file: Migration | None = None

    def as_data(self) -> dict[str, Any]:
        data = {
            "action": self.kind,
            "installed_rank": self.row.installed_rank,
            "version": self.row.raw_version or "",
            "description": self.row.description,
            "script": self.row.script,
        }
        if self.file is not None:
            data["from"] = {"checksum": self.row.checksum, "description": self.row.description, "type": self.row.type}
            data["to"] = {
                "checksum": self.file.checksum,
                "description": abbreviated(self.file.description),
                "type": self.file.type,
            }
        return data


def abbreviated(description: str) -> str:
    return description if len(description) <= 200 else description[:197] + "..."


def actions(migrations: Sequence[Migration], rows: Sequence[HistoryRow], patterns: IgnorePatterns) -> list[Action]:
    """In Flyway's order: failed rows first, then, on what is left, rows without files and rows unlike their files."""
    found = [Action(REMOVE, row) for row in rows if not row.success]
    left = [row for row in rows if row.success]
    state = info(list(migrations), left, None, True)
    if state.refusals:
        raise state.refusals[0]
    for line in state.lines:
        missing = line.row is not None and line.state in _WITHOUT_FILE
        if missing and line.row and not patterns.match(line.version is not None, line.display):
            found.append(Action(MARK, line.row))
    found += [Action(ALIGN, line.row, line.file) for line in state.lines if line.row and line.file and _differs(line)]
    return found


def _differs(line: Line) -> bool:
    row, file = line.row, line.file
    if row is None or file is None or row.undo:
        return False
    if row.version is None:  # a repeatable only if the row holds the checksum of the raw text
        return row.type != "DELETE" and row.checksum != file.checksum and file.matches(row.checksum)
    return row.checksum != file.checksum or row.description != abbreviated(file.description) or row.type != file.type


def digest(rows: Sequence[HistoryRow], todo: Sequence[Action]) -> str:
    facts = [[history_fact(row) for row in rows], [action.as_data() for action in todo]]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode("utf-8")).hexdigest()[:16]


def rows_after(rows: Sequence[HistoryRow], todo: Sequence[Action]) -> list[HistoryRow]:
    """The history as the repair leaves it."""
    gone = {action.row.installed_rank for action in todo if action.kind == REMOVE}
    aligned = {action.row.installed_rank: action.file for action in todo if action.kind == ALIGN and action.file}
    after = []
    for row in rows:
        file = aligned.get(row.installed_rank)
        if row.installed_rank in gone:
            continue
        if file is not None:
            row = row._replace(description=abbreviated(file.description), type=file.type, checksum=file.checksum)
        after.append(row)
    rank = max((row.installed_rank for row in after), default=0)
    for action in todo:
        if action.kind == MARK:
            rank += 1
            after.append(delete_row(action.row, rank))
    return after


def perform(cursor: Any, table: HistoryTable, todo: Sequence[Action]) -> None:
    """Under the locks, in the open transaction."""
    for action in todo:
        if action.kind == REMOVE:
            history_write.delete_row(cursor, table, action.row.installed_rank)
        elif action.kind == MARK:
            history_write.mark(cursor, table, action.row)
        elif action.file is not None:
            cursor.execute(
                f'UPDATE {table.name} SET "description" = %s, "type" = %s, "checksum" = %s WHERE "installed_rank" = %s',
                (
                    abbreviated(action.file.description),
                    action.file.type,
                    action.file.checksum,
                    action.row.installed_rank,
                ),
            )
