# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a rollback in one transaction: all of it or nothing, rehearsed within the transaction before it counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._flyway import backup, fingerprint, history_write, session
from ansible_collections.dwp.backend.plugins.module_utils._flyway.context import Context, Outcome
from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError
from ansible_collections.dwp.backend.plugins.module_utils._flyway.history import HistoryRow, read_rows
from ansible_collections.dwp.backend.plugins.module_utils._flyway.plan import Plan, Unit
from ansible_collections.dwp.backend.plugins.module_utils._flyway.trial import Trial


def with_retries(context: Context, once: Callable[[], Outcome]) -> Outcome:
    """Try again while others are in the way: bounded, each pause longer and never twice the same."""
    from psycopg2 import Error

    started = context.now()
    for attempt in range(1, context.options.retries + 2):
        try:
            outcome = once()
            outcome.attempts = attempt
            outcome.duration = round(context.now() - started, 3)
            return outcome
        except session.Busy as busy:
            if attempt > context.options.retries:
                busy.message += f" Gave up after {attempt} attempt(s); nothing was changed."
                busy.details["attempts"] = attempt
                raise
            context.sleep(min(10.0, 0.5 * 2 ** (attempt - 1)) * (0.5 + context.jitter()))
        except Error as error:  # nothing that psycopg2 says gets out unexplained
            raise session.explain(error, context.login, "working with the database") from None
    raise AssertionError("unreachable")


def run(context: Context, plan: Plan) -> Outcome:
    """Rehearse or apply an atomic plan."""
    return with_retries(context, lambda: _Transaction(context, plan).run())


class _Transaction:
    def __init__(self, context: Context, plan: Plan) -> None:
        self.context = context
        self.plan = plan
        self.outcome = Outcome()
        self.trial = Trial(context, self.outcome)
        self.commit_sent = False
        self.xid: int | None = None

    def run(self) -> Outcome:
        from psycopg2 import Error

        connection = self.context.connect()
        try:
            with connection.cursor() as cursor:
                self._work(cursor)
                if self.context.options.rehearse:
                    connection.rollback()
                    return self.outcome
                self.trial.doing = "committing"
                cursor.execute("SELECT txid_current()")
                self.xid = cursor.fetchone()[0]
            self.commit_sent = True
            connection.commit()
            self.outcome.committed = True
            return self.outcome
        except Error as error:
            problem = session.explain(error, self.context.login, self.trial.doing)
            if self.commit_sent and isinstance(problem, session.ConnectionLost):
                return self._truth(problem)
            problem.message += " Nothing was changed: the transaction was rolled back."
            raise problem from None
        finally:
            connection.close()  # an open transaction is rolled back by the server

    def _truth(self, problem: FlywayError) -> Outcome:
        """The connection broke while committing: ask the server what became of the transaction."""
        return settle(self.context, self.xid, self.outcome, problem)

    def _work(self, cursor: Any) -> None:
        context, plan = self.context, self.plan
        original = session.remember(cursor)
        session.guard(cursor, context.options.limits)
        self.trial.doing = "taking the locks"
        session.take_locks(cursor, context.table)
        self.trial.doing = "reading the history again"
        rows = read_rows(cursor, context.table)
        check_unchanged(plan, context.replan(rows))
        self.trial.doing = "reading the catalogue"
        before = fingerprint.take(cursor, context.history, context.skipped)
        self.outcome.digest_before = before.digest
        saved = self.trial.change(cursor, original, plan.units)
        self.trial.doing = "reading the catalogue"
        after = fingerprint.take(cursor, context.history, context.skipped)
        self.outcome.digest_after = after.digest
        self.outcome.difference = fingerprint.compare(before, after)
        backup.check(cursor, saved)
        self.trial.doing = "changing the history"
        self.outcome.history, self.outcome.rerun = change_history(cursor, context, plan.units, plan.history, self.outcome.difference, rows)
        history_write.assert_taken_back(
            context.info(read_rows(cursor, context.table)),
            [unit.row.version for unit in plan.units if unit.row.version],
            plan.current_after,
        )


def check_unchanged(plan: Plan, fresh: Plan) -> None:
    """Under the lock: the plan that was shown is still the plan."""
    if fresh.objections:
        reasons = "; ".join(objection.message for objection in fresh.objections)
        raise FlywayError(f"Refused under the lock: {reasons} Nothing was changed.", "REFUSED")
    if fresh.digest != plan.digest:
        before, after = len(plan.rows), len(fresh.rows)
        raise FlywayError(
            f"The history or the files changed since the plan was made (rows {before} -> {after}, plan {plan.digest} -> "
            f"{fresh.digest}). Nothing was changed; make a new plan.",
            "CHANGED_MEANWHILE",
        )


def change_history(
    cursor: Any,
    context: Context,
    units: Sequence[Unit],
    history: str,
    difference: fingerprint.Difference,
    rows: Sequence[HistoryRow],
) -> tuple[list[dict[str, Any]], list[str]]:
    """Take the versions back in the history, and let Flyway run again the repeatables whose objects are gone."""
    changes = []
    for unit in units:
        effect = history_write.take_back(cursor, context.table, unit.row, history)
        changes.append({"version": unit.version, "installed_rank": unit.row.installed_rank, "effect": effect})
    rerun = history_write.repeatables_to_rerun(context.info(rows), difference.removed, context.table.schema)
    for row in rerun:
        effect = history_write.take_back(cursor, context.table, row, history)
        changes.append({"version": None, "description": row.description, "installed_rank": row.installed_rank,
                        "effect": effect})  # fmt: skip
    return changes, [row.description for row in rerun]


def settle(context: Context, xid: int | None, outcome: Outcome, problem: FlywayError) -> Outcome:
    """The connection broke while the commit was under way: did it happen?"""
    from psycopg2 import Error

    status = None
    for attempt in range(10):
        try:
            connection = context.connect()
            try:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT txid_status(%s)", (xid,))
                    status = cursor.fetchone()[0]
            finally:
                connection.close()
        except (Error, FlywayError):
            status = None
        if status in ("committed", "aborted"):
            break
        context.sleep(min(5.0, 0.3 * 2**attempt))
    if status == "committed":
        outcome.committed = True
        outcome.warnings.append("The connection broke during the commit; the server confirms that it was committed.")
        return outcome
    if status == "aborted":
        problem.message += " The server confirms that the transaction was rolled back: nothing was changed."
    else:
        problem.message += (
            f" Whether transaction {xid} was committed cannot be found out now: it took effect wholly or not at all. "
            "Run flyway_status to see which."
        )
    raise problem
