# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a rollback that is not all-or-nothing: version by version, step by step, every step in the journal."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._flyway import (
    backup,
    execute,
    fingerprint,
    history_write,
    lock,
    session,
    survey,
    trial,
)
from ansible_collections.dwp.backend.plugins.module_utils._flyway.context import Context, Outcome
from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError
from ansible_collections.dwp.backend.plugins.module_utils._flyway.history import read_rows
from ansible_collections.dwp.backend.plugins.module_utils._flyway.journal import (
    DONE,
    FAILED,
    STARTED,
    Journal,
    digest,
    recover,
)
from ansible_collections.dwp.backend.plugins.module_utils._flyway.plan import Plan, Step, Unit

Group = list  # [(number, step)]: one step outside a transaction, or neighbours that share one


def run(context: Context, plan: Plan) -> Outcome:
    """Apply a plan with statements that cannot run in a transaction. Only the start is retried as a whole."""
    runner = _Journaled(context, plan)
    outcome = execute.with_retries(context, runner.start)
    started = context.now()
    try:
        runner.work()
    finally:
        runner.close()
    outcome.committed = True
    outcome.duration = round(context.now() - started, 3)
    return outcome


def groups(steps: tuple[Step, ...]) -> Iterator[list[tuple[int, Step]]]:
    """Neighbouring statements share a transaction; the others stand alone. The last group is a transaction."""
    group: list[tuple[int, Step]] = []
    for number, step in enumerate(steps, 1):
        if step.in_transaction:
            group.append((number, step))
            continue
        if group:
            yield group
        yield [(number, step)]
        group = []
    yield group  # empty if the last step stood alone: the history still has to change


class _Journaled:
    def __init__(self, context: Context, plan: Plan) -> None:
        self.context = context
        self.plan = plan
        self.outcome = Outcome()
        self.trial = trial.Trial(context, self.outcome)
        self.journal = Journal(context.options.backup_schema, context.table)
        self.connection: Any = None
        self.original: session.Original  # remembered as soon as there is a connection
        self.xid: int | None = None
        self.commit_sent = False
        self.resumed = False  # an earlier run did a part of the unit
        self.latest = fingerprint.Fingerprint()  # the catalogue after the last finished unit

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()

    def start(self) -> Outcome:
        """A direct connection, the lock for the whole session, the plan checked, the journal there."""
        self.close()
        self.connection = self.context.connect()
        self.connection.autocommit = True
        try:
            with self.connection.cursor() as cursor:
                self._start(cursor)
        except BaseException:
            self.connection.close()
            raise
        return self.outcome

    def _start(self, cursor: Any) -> None:
        context = self.context
        cursor.execute("SELECT pg_backend_pid()")
        if cursor.fetchone()[0] != self.connection.info.backend_pid:
            raise FlywayError(
                f"A connection pooler answers at {context.login.address}: locks of the session do not hold through it, and "
                "this rollback has statements outside transactions. Nothing was changed. Log in to the server itself.",
                "POOLER",
            )
        self.original = session.remember(cursor)
        session.guard_session(cursor, context.options.limits)
        session.take_locks(cursor, context.table, session_level=True)
        waiting = lock.waiting(cursor, lock.lock_key(context.table.schema, context.table.table))
        if waiting:
            raise session.Busy(
                f"Flyway waits for its lock (process {waiting[0]}), and its open transaction would stop statements such as "
                "CREATE INDEX CONCURRENTLY. Stop the application that migrates.",
                "FLYWAY_WAITS",
            )
        cursor.execute("BEGIN")
        session.lock_history(cursor, context.table)
        execute.check_unchanged(self.plan, context.replan(read_rows(cursor, context.table)))
        session.like_flyway(cursor, self.original, context.table.schema)
        foreseen = survey.forecast(cursor, self.plan, context.skipped, context.history)
        trial.refuse_losses(foreseen, context.options, context.table.schema)
        session.like_flyway(cursor, self.original, context.table.schema)
        self.journal.ensure(cursor)
        self.latest = fingerprint.take(cursor, self.context.history, self.context.skipped)
        cursor.execute("COMMIT")
        self.outcome.digest_before = self.latest.digest

    def work(self) -> None:
        from psycopg2 import Error

        try:
            with self.connection.cursor() as cursor:
                first = self.latest
                for unit in self.plan.units:
                    self._unit(cursor, unit)
                self.outcome.difference = fingerprint.compare(first, self.latest)
                self.outcome.digest_after = self.latest.digest
                self.outcome.journal = self.journal.read(cursor, self.plan.units)
                self._invalid_indexes(cursor)
        except Error as error:
            raise self._explained(session.explain(error, self.context.login, self.trial.doing)) from None
        except FlywayError as error:
            raise self._explained(error) from None

    def _unit(self, cursor: Any, unit: Unit) -> None:
        before = self.latest
        known = self.journal.outcomes(cursor, unit)
        self.resumed = bool(known)
        parts = list(groups(unit.steps))
        for part in parts:
            left = [(number, step) for number, step in part if known.get((number, digest(step))) != DONE]
            if part is not parts[-1] and not left:
                continue
            if left and not left[0][1].in_transaction:
                number, step = left[0]
                self._single(cursor, unit, number, step, known.get((number, digest(step))))
            else:
                self._transaction(cursor, unit, left, before if part is parts[-1] else None)

    def _single(self, cursor: Any, unit: Unit, number: int, step: Step, before: str | None) -> None:
        """One statement outside a transaction; others in the way make it wait and try again, up to the limit."""
        from psycopg2 import Error

        context = self.context
        self.trial.doing = f"running {step.statement.place} ({trial.first_line(step.statement.text)})"
        session.like_flyway(cursor, self.original, context.table.schema, local=False)
        for attempt in range(1, context.options.retries + 2):
            if before in (STARTED, FAILED) and recover(cursor, step):
                break
            self.journal.note(cursor, unit, number, step, STARTED)
            try:
                self.outcome.statements.append(trial.execute(cursor, unit, step, context.now))
                break
            except Error as error:
                if self.connection.closed:
                    raise
                self.journal.note(cursor, unit, number, step, FAILED, str(error).strip())
                if error.pgcode not in session.TRANSIENT or attempt > context.options.retries:
                    raise
                before = FAILED
                context.sleep(min(10.0, 0.5 * 2 ** (attempt - 1)) * (0.5 + context.jitter()))
        self.journal.note(cursor, unit, number, step, DONE)

    def _transaction(self, cursor: Any, unit: Unit, steps: list[tuple[int, Step]], before: fingerprint.Fingerprint | None) -> None:
        """Neighbouring statements, with `before` also the end of the unit: its change of the history."""
        from psycopg2 import Error

        context = self.context
        for attempt in range(1, context.options.retries + 2):
            try:
                self._once(cursor, unit, steps, before)
                return
            except Error as error:
                if self.connection.closed:
                    self._lost(session.explain(error, context.login, self.trial.doing))
                    return
                cursor.execute("ROLLBACK")
                if error.pgcode not in session.TRANSIENT or attempt > context.options.retries:
                    raise
                context.sleep(min(10.0, 0.5 * 2 ** (attempt - 1)) * (0.5 + context.jitter()))
            except FlywayError:
                cursor.execute("ROLLBACK")
                raise

    def _lost(self, problem: FlywayError) -> None:
        """Without its connection the run is over; a commit under way is looked up, so that the report is right."""
        if self.commit_sent:
            execute.settle(self.context, self.xid, self.outcome, problem)
            problem.message += " The server confirms that this step was committed."
        raise problem

    def _once(self, cursor: Any, unit: Unit, steps: list[tuple[int, Step]], before: fingerprint.Fingerprint | None) -> None:
        context = self.context
        self.trial.doing, self.commit_sent = f"opening a transaction for version {unit.version}", False
        cursor.execute("BEGIN")
        session.guard(cursor, context.options.limits)
        session.like_flyway(cursor, self.original, context.table.schema)
        session.lock_history(cursor, context.table)
        part = dataclasses.replace(unit, steps=tuple(step for _number, step in steps))
        saved = self.trial.change(cursor, self.original, [part]) if steps else []
        backup.check(cursor, saved)
        for number, step in steps:
            self.journal.note(cursor, unit, number, step, DONE)
        if before is not None:
            self.trial.doing = f"changing the history for version {unit.version}"
            rows = read_rows(cursor, context.table)
            now = fingerprint.take(cursor, context.history, context.skipped)
            difference = fingerprint.compare(before, now)
            if self.resumed:
                lacking = history_write.absent(context.info(rows), now, context.table.schema)
                difference = dataclasses.replace(difference, removed=(*difference.removed, *lacking))
            changes, rerun = execute.change_history(cursor, context, [unit], self.plan.history, difference, rows)
            info = context.info(read_rows(cursor, context.table))
            history_write.assert_taken_back(info, [unit.row.version] if unit.row.version else [], info.current_text)
        cursor.execute("SELECT txid_current()")
        self.xid = cursor.fetchone()[0]
        self.trial.doing, self.commit_sent = f"committing a step of version {unit.version}", True
        cursor.execute("COMMIT")
        if before is not None:
            self.outcome.history += changes
            self.outcome.rerun += rerun
            self.latest = now

    def _who_waits(self, cursor: Any) -> str:
        """A Flyway that waits for its lock keeps a transaction open, which CREATE INDEX CONCURRENTLY waits for in turn."""
        table = self.context.table
        waiting = lock.waiting(cursor, lock.lock_key(table.schema, table.table), self.connection.info.backend_pid)
        if not waiting:
            return ""
        return f" Flyway waits for its lock in process {waiting[0]}, in an open transaction: stop that application."

    def _invalid_indexes(self, cursor: Any) -> None:
        cursor.execute("SELECT indexrelid::regclass::text FROM pg_catalog.pg_index WHERE NOT indisvalid ORDER BY 1")
        names = [name for (name,) in cursor.fetchall()]
        if names:
            self.outcome.warnings.append(f"Invalid indexes are left: {', '.join(names)}. Drop or REINDEX them.")

    def _explained(self, error: FlywayError) -> FlywayError:
        """What was done stands in the journal; the message says so, and how to go on."""
        from psycopg2 import Error

        try:
            connection = self.context.connect()
            try:
                connection.autocommit = True
                with connection.cursor() as cursor:
                    self.outcome.journal = self.journal.read(cursor, self.plan.units)
                    error.message += self._who_waits(cursor)
            finally:
                connection.close()
        except (Error, FlywayError):
            error.message += f" The journal {self.journal.name} says which steps are done; it could not be read now."
            return error
        done = [row["place"] for row in self.outcome.journal if row["outcome"] == DONE]
        error.message = error.message.replace("Nothing was changed.", "This step was not done.")
        open_steps = [row["place"] for row in self.outcome.journal if row["outcome"] == STARTED]
        error.message += f" Steps done so far: {', '.join(done) or 'none'}."
        if open_steps:
            error.message += f" Interrupted, outcome unknown: {', '.join(open_steps)}."
        error.message += " Versions whose history did not change still count as applied. Run the same rollback again: "
        error.message += "it goes on after what is done."
        error.details["journal"] = self.outcome.journal
        error.details["changed"] = bool(self.outcome.statements)
        return error
