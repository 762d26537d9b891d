# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements run within an open transaction: tried, what they destroy counted and copied, then run for good."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._flyway import backup, session
from ansible_collections.dwp.backend.plugins.module_utils._flyway import losses as loss_of
from ansible_collections.dwp.backend.plugins.module_utils._flyway.context import Context, Options, Outcome
from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError
from ansible_collections.dwp.backend.plugins.module_utils._flyway.losses import Loss
from ansible_collections.dwp.backend.plugins.module_utils._flyway.plan import Step, Unit


class DataLoss(FlywayError):
    """The rollback would destroy data that nobody has named."""


class Trial:
    """`doing` says at every moment what is under way, for the message of an error."""

    def __init__(self, context: Context, outcome: Outcome) -> None:
        self.context = context
        self.outcome = outcome
        self.doing = "opening the transaction"

    def change(self, cursor: Any, original: session.Original, units: Sequence[Unit]) -> list[Loss]:
        """Run the statements; if that destroys data, go back, count it, copy it, and run them again."""
        context, options = self.context, self.context.options
        done = len(self.outcome.statements)
        start = loss_of.read_tables(cursor, context.skipped, context.history)
        cursor.execute("SAVEPOINT dwp_trial")
        lost, rows_after = self._trial(cursor, original, units, start)
        if not lost:
            cursor.execute("RELEASE SAVEPOINT dwp_trial")
            return []
        first = len(self.outcome.statements) - done
        del self.outcome.statements[done:]
        cursor.execute("ROLLBACK TO SAVEPOINT dwp_trial")
        self.doing = "counting what will be lost"
        _lock_tables(cursor, lost)
        for loss in lost:
            loss_of.measure(cursor, loss, rows_after)
        real = [loss for loss in lost if loss.rows != 0]
        self.outcome.losses += real
        refuse_losses(real, options, context.table.schema)
        saved: list[Loss] = []
        if options.backup:
            self.doing = "saving what will be lost"
            saved = backup.save(cursor, real, options.backup_schema, stamp(context.now()))
        again, _rows = self._trial(cursor, original, units, loss_of.read_tables(cursor, context.skipped, context.history))
        check_same_losses(again, lost)
        if first != len(self.outcome.statements) - done:
            raise FlywayError("The rehearsal and the run differ. Nothing was changed.", "ASSERTION")
        return saved

    def _trial(
        self, cursor: Any, original: session.Original, units: Sequence[Unit], start: dict[int, loss_of.Table]
    ) -> tuple[list[Loss], dict[str, int | None]]:
        context = self.context
        lost: list[Loss] = []
        rows_after: dict[str, int | None] = {}
        before = start
        for unit in units:
            session.like_flyway(cursor, original, context.table.schema)
            for step in unit.steps:
                self.doing = f"running {step.statement.place} ({first_line(step.statement.text)})"
                self.outcome.statements.append(execute(cursor, unit, step, context.now))
            self.doing = f"checking deferred constraints after version {unit.version}"
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            session.like_flyway(cursor, original, context.table.schema)
            self.doing = f"looking at what version {unit.version} changed"
            after = loss_of.read_tables(cursor, context.skipped, context.history)
            new = loss_of.compare(start, before, after, unit.version)
            for loss in new:
                if loss.note == loss_of.REWRITTEN:
                    now = next(table for oid, table in after.items() if start.get(oid) is loss.table)
                    rows_after[loss.table.shown] = loss_of.count_rows(cursor, now)
            lost += new
            before = after
        return lost, rows_after


def _lock_tables(cursor: Any, lost: Sequence[Loss]) -> None:
    """Nobody may write between counting and copying and the statements."""
    for table in sorted({loss.table.qualified for loss in lost}):
        cursor.execute(f"LOCK TABLE ONLY {table} IN ACCESS EXCLUSIVE MODE")


def execute(cursor: Any, unit: Unit, step: Step, now: Callable[[], float]) -> dict[str, Any]:
    started = now()
    cursor.execute(step.statement.text)
    return {
        "version": unit.version,
        "place": step.statement.place,
        "sql": step.statement.text,
        "rows": max(cursor.rowcount, 0),
        "seconds": round(now() - started, 3),
    }


def refuse_losses(lost: Sequence[Loss], options: Options, default_schema: str) -> None:
    unnamed = loss_of.unforgiven(lost, options.allow_data_loss, default_schema)
    if options.rehearse or not unnamed:
        return
    listed = "; ".join(describe(loss) for loss in unnamed)
    names = ", ".join(dict.fromkeys(loss.object for loss in unnamed))
    raise DataLoss(
        f"The rollback would destroy data: {listed}. Nothing was changed. If that is wanted, name the objects: allow_data_loss: [{names}].",
        "DATA_LOSS",
        {"losses": [loss.as_data() for loss in lost]},
    )


def describe(loss: Loss) -> str:
    count = "an unknown number of" if loss.rows is None else str(loss.rows)
    what = {
        loss_of.ROWS: f"{count} rows of table {loss.object}",
        loss_of.COLUMN: f"{count} values of column {loss.object}",
        loss_of.CHANGED_TYPE: f"{count} values of {loss.object} ({loss.note})",
        loss_of.CHANGED_ROWS: f"{count} changed or deleted rows of {loss.object}",
    }[loss.kind]
    return f"{what} (version {loss.version})"


def check_same_losses(again: Sequence[Loss], first: Sequence[Loss]) -> None:
    """The second run must destroy nothing that the first did not."""
    known = {(loss.kind, loss.object) for loss in first}
    new = [loss.object for loss in again if (loss.kind, loss.object) not in known]
    if new:
        raise FlywayError(
            f"The run would destroy more than the rehearsal ({', '.join(new)}): somebody writes to these tables. Nothing was changed.",
            "CHANGED_MEANWHILE",
        )


def first_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:57] + "..."


def stamp(now: float) -> str:
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(now))
