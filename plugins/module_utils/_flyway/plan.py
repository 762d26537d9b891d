# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a rollback as plain data: units in order, their statements, the history before and after."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._flyway import lexer, verbs
from ansible_collections.dwp.backend.plugins.module_utils._flyway.history import HistoryRow
from ansible_collections.dwp.backend.plugins.module_utils._flyway.migrations import Migration
from ansible_collections.dwp.backend.plugins.module_utils._flyway.rollback_text import RollbackStatement, RollbackText
from ansible_collections.dwp.backend.plugins.module_utils._flyway.selection import Objection, Wish, select
from ansible_collections.dwp.backend.plugins.module_utils._flyway.states import Info, Line, info
from ansible_collections.dwp.backend.plugins.module_utils._flyway.targets import Target, targets

MARK = "mark"
DELETE = "delete"


@dataclass(frozen=True)
class Step:
    """One statement of the plan."""

    statement: RollbackStatement
    in_transaction: bool
    targets: tuple[Target, ...]


@dataclass(frozen=True)
class Unit:
    """One version that is taken back."""

    row: HistoryRow
    text: RollbackText
    steps: tuple[Step, ...]

    @property
    def version(self) -> str:
        return str(self.row.version)

    @property
    def atomic(self) -> bool:
        return all(step.in_transaction for step in self.steps)


@dataclass
class Plan:
    units: list[Unit] = field(default_factory=list)
    objections: list[Objection] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    rows: list[HistoryRow] = field(default_factory=list)  # the history that the plan was made for
    history: str = MARK
    current_after: str | None = None  # the version, or of repeatables alone the description of the last one
    version_before: str | None = None
    version_after: str | None = None
    timestamp: str = ""  # what ${flyway:timestamp} stands for in the statements

    @property
    def atomic(self) -> bool:
        return all(unit.atomic for unit in self.units)

    @property
    def digest(self) -> str:
        """Equal for equal plans: the same history, the same statements but for the time of day, the same effect on the history."""
        facts = {
            "rows": [history_fact(row) for row in self.rows],
            "statements": [[u.row.installed_rank, [self._timeless(s.statement.text) for s in u.steps]] for u in self.units],
            "history": self.history,
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode("utf-8")).hexdigest()[:16]

    def _timeless(self, text: str) -> str:
        return text.replace(self.timestamp, "${flyway:timestamp}") if self.timestamp else text

    def as_data(self) -> dict[str, Any]:
        return {
            "id": self.digest,
            "versions": [unit.version for unit in self.units],
            "all_or_nothing": self.atomic,
            "statements": [_step_data(unit, step) for unit in self.units for step in unit.steps],
            "rollback_text": [
                {"version": u.version, "source": u.text.source, "status": u.text.status, "reason": u.text.reason} for u in self.units
            ],
            "history_effect": [history_effect(unit.row, self.history) for unit in self.units],
            "schema_version": {"before": self.version_before, "after": self.version_after},
        }


def history_fact(row: HistoryRow) -> list[Any]:
    return [row.installed_rank, row.raw_version, row.type, row.description, row.script, row.checksum, row.success]


def _step_data(unit: Unit, step: Step) -> dict[str, Any]:
    return {
        "version": unit.version,
        "sql": step.statement.text,
        "place": step.statement.place,
        "in_transaction": step.in_transaction,
        "objects": sorted({f"{t.kind} {'.'.join(t.name)}" + (f".{t.column}" if t.column else "") for t in step.targets}),
        "locks": sorted({f"{t.lock} on {'.'.join(t.name)}" for t in step.targets if t.lock}),
    }


def history_effect(row: HistoryRow, history: str) -> dict[str, Any]:
    """What happens to the row: failed ones are always removed, as repair does."""
    effect = "delete row" if history == DELETE or not row.success else "add DELETE row"
    return {
        "version": row.raw_version,
        "installed_rank": row.installed_rank,
        "script": row.script,
        "effect": effect,
    }


TextFinder = Callable[[Line], RollbackText]


def make_plan(
    migrations: Sequence[Migration],
    rows: Sequence[HistoryRow],
    wish: Wish,
    history: str,
    text_of: TextFinder,
    server_version: int,
) -> Plan:
    """Choose, find the texts, order the statements, work out the history afterwards. Touches nothing."""
    before = info(list(migrations), list(rows), None, wish.out_of_order)
    chosen = select(before, wish)
    plan = Plan(rows=list(rows), history=history, objections=chosen.objections, warnings=chosen.warnings)
    plan.version_before = before.schema_version
    for line in chosen.lines:
        unit = _unit(line, text_of(line), server_version, plan)
        if unit is not None:
            plan.units.append(unit)
    after = expected(migrations, rows, plan, wish)
    plan.current_after, plan.version_after = after.current_text, after.schema_version
    if not plan.atomic:
        outside = [s.statement.place for u in plan.units for s in u.steps if not s.in_transaction]
        plan.warnings.append(
            f"Not all-or-nothing: {len(outside)} statement(s) cannot run in a transaction ({', '.join(outside[:5])}). "
            "They run one by one, each noted in the journal before and after; a failure leaves what is done done."
        )
    return plan


def _unit(line: Line, text: RollbackText, server_version: int, plan: Plan) -> Unit | None:
    version = str(line.version)
    if line.row is None:
        return None
    if not text.usable:
        code = "NO_ROLLBACK_TEXT" if text.status == "missing" else "BAD_ROLLBACK_TEXT"
        plan.objections.append(Objection(code, _no_text(line, text), version))
        return None
    plan.warnings.extend(text.warnings)
    steps = tuple(make_step(statement, server_version) for statement in text.statements)
    return Unit(line.row, text, steps)


def make_step(statement: RollbackStatement, server_version: int) -> Step:
    parsed = lexer.split(statement.text)[0]
    outside = verbs.outside_transaction(statement.words, server_version)
    return Step(statement, not outside, tuple(targets(parsed)))


def _no_text(line: Line, text: RollbackText) -> str:
    name = line.version
    if text.status == "missing":
        return (
            f"No rollback text for {name}: {text.reason}. Add U{name}__{line.description.replace(' ', '_')}.sql to a "
            f"directory in undo_locations, or choose {name} as to_version. Do not add a comment to {line.script}: it is "
            "applied, and its checksum would no longer match."
        )
    return f"The rollback text of {name} cannot be used: {text.reason}"


def rows_after(rows: Sequence[HistoryRow], units: Sequence[Unit], history: str) -> list[HistoryRow]:
    """The history as the rollback leaves it (repeatables aside)."""
    gone = {u.row.installed_rank for u in units if history == DELETE or not u.row.success}
    kept = [row for row in rows if row.installed_rank not in gone]
    rank = max((row.installed_rank for row in kept), default=0)
    for unit in units:
        if unit.row.installed_rank not in gone:
            rank += 1
            kept.append(delete_row(unit.row, rank))
    return kept


def delete_row(row: HistoryRow, rank: int) -> HistoryRow:
    return row._replace(installed_rank=rank, type="DELETE", success=True, execution_time=0)


def expected(migrations: Sequence[Migration], rows: Sequence[HistoryRow], plan: Plan, wish: Wish) -> Info:
    """What Flyway's info will say afterwards."""
    return info(list(migrations), rows_after(rows, plan.units, plan.history), None, wish.out_of_order)
