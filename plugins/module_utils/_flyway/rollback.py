# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollback from its options to its result: files and history read, planned, surveyed, rehearsed or applied."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._flyway import (
    argspec,
    execute,
    execute_journaled,
    session,
    status,
    survey,
    trial,
)
from ansible_collections.dwp.backend.plugins.module_utils._flyway import losses as loss_of
from ansible_collections.dwp.backend.plugins.module_utils._flyway.connection import Login, connect, explain_query
from ansible_collections.dwp.backend.plugins.module_utils._flyway.context import Context, Options, Outcome
from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError
from ansible_collections.dwp.backend.plugins.module_utils._flyway.history import HistoryRow, HistoryTable
from ansible_collections.dwp.backend.plugins.module_utils._flyway.migrations import (
    FileOptions,
    Migration,
    Resolved,
    resolve,
)
from ansible_collections.dwp.backend.plugins.module_utils._flyway.names import Version
from ansible_collections.dwp.backend.plugins.module_utils._flyway.placeholders import Placeholders
from ansible_collections.dwp.backend.plugins.module_utils._flyway.plan import Plan, Unit, make_plan, rows_after
from ansible_collections.dwp.backend.plugins.module_utils._flyway.rollback_text import MISSING, RollbackText, rollback_of
from ansible_collections.dwp.backend.plugins.module_utils._flyway.scan import scan
from ansible_collections.dwp.backend.plugins.module_utils._flyway.selection import Objection, Wish
from ansible_collections.dwp.backend.plugins.module_utils._flyway.snapshot import Snapshot, read_snapshot
from ansible_collections.dwp.backend.plugins.module_utils._flyway.states import Line, info
from ansible_collections.dwp.backend.plugins.module_utils._flyway.survey import Survey
from ansible_collections.dwp.backend.plugins.module_utils._flyway.validate import IgnorePatterns

APPLICATION = "dwp.backend flyway_rollback"


class Project:
    """The files and the history of one database, as the options name them."""

    def __init__(self, params: dict[str, Any]) -> None:
        self.params = params
        self.login: Login = argspec.login_of(params)
        self.options: FileOptions = argspec.files_of(params)
        values = argspec.placeholder_values(params)
        missing = params["fail_on_missing_locations"]
        files = scan(params["locations"], params["jar"], missing)
        undo = scan(params["undo_locations"], params["jar"], missing)
        self.snapshot: Snapshot = read_snapshot(self.login, params["schemas"], params["default_schema"], params["table"])
        builtin = status.builtin_placeholders(self.snapshot, datetime.now(), params["working_directory"], params["flyway_environment"])
        self.timestamp = str(builtin["timestamp"])
        self.placeholders = Placeholders(
            values,
            builtin,
            params["placeholder_prefix"],
            params["placeholder_suffix"],
            params["placeholder_separator"],
            params["placeholder_replacement"],
        )
        self.resolved: Resolved = resolve(files.resources, self.options, self.placeholders)
        self.warnings = files.warnings + undo.warnings + self.resolved.warnings
        undo_files = resolve(undo.resources, self.options, self.placeholders).undo_files
        self.undo_files = self.resolved.undo_files + undo_files
        self.patterns = IgnorePatterns(params["ignore_migration_patterns"])

    @property
    def table(self) -> HistoryTable:
        return self.snapshot.table

    def replaced(self, migration: Migration | None, text: str) -> str:
        """The text with its placeholders replaced, as Flyway would for this file."""
        wanted = migration.conf.placeholder_replacement if migration else None
        replacing = self.placeholders.enabled if wanted is None else wanted
        name = migration.name.plain if migration else None
        return self.placeholders.replace(text, name) if replacing else text

    def text_of(self, line: Line) -> RollbackText:
        """The rollback text of a versioned migration, whose file may not be at hand."""
        source = line.file or _Absent(line.version, line.script)
        table = self.params["table"]
        return rollback_of(source, self.undo_files, lambda text: self.replaced(line.file, text), table)

    def require_history(self) -> None:
        if not self.table.exists:
            raise FlywayError(
                f"There is no schema history table {self.table.name} in database {self.snapshot.database!r}: Flyway has "
                "applied nothing here. Check login_db, schemas, default_schema and table.",
                "NO_HISTORY",
            )


@dataclass(frozen=True)
class _Absent:
    """A migration without its file, as rollback_of() takes it."""

    version: Version | None
    script: str
    text: str | None = None


class Rollback:
    """`new_connection` is how to connect; tests put one in that breaks."""

    def __init__(self, params: dict[str, Any], new_connection: Callable[[], Any] | None = None) -> None:
        self.params = params
        self.project = Project(params)
        self.project.require_history()
        self.new_connection = new_connection or (lambda: connect(self.project.login, APPLICATION))
        self.wish = Wish(
            to_version=params["to_version"],
            count=params["count"],
            versions=tuple(params["versions"] or ()),
            failed=params["failed"],
            out_of_order=params["out_of_order"],
            allow_checksum_mismatch=params["allow_checksum_mismatch"],
            patterns=self.project.patterns,
        )
        self.plan = self.make_plan(self.project.snapshot.rows)
        self.plan.warnings[:0] = self.project.warnings
        if self.project.snapshot.pooler and not self.plan.atomic:
            self.plan.objections.append(Objection("POOLER", _POOLER))
        self.survey: Survey = self._survey()
        self.outcome: Outcome | None = None

    def make_plan(self, rows: Sequence[HistoryRow]) -> Plan:
        project = self.project
        if project.resolved.refusals:
            raise project.resolved.refusals[0]
        plan = make_plan(
            project.resolved.migrations,
            rows,
            self.wish,
            self.params["history"],
            project.text_of,
            project.snapshot.server_version,
        )
        plan.timestamp = project.timestamp
        return plan

    @property
    def refusals(self) -> list[Objection]:
        return self.plan.objections + self.survey.objections

    def _survey(self) -> Survey:
        from psycopg2 import Error

        project, limits = self.project, self._limits()
        connection = connect(project.login, APPLICATION, read_only=True)
        try:
            with connection.cursor() as cursor:
                original = session.remember(cursor)
                session.guard(cursor, limits)
                session.like_flyway(cursor, original, project.table.schema)
                schema = self.params["backup_schema"]
                found = survey.survey(cursor, self.plan, project.table, [schema])
                if not self.plan.atomic or (self.params["backup"] and found.losses):
                    lacking = survey.backup_rights(cursor, schema)
                    found.objections += [lacking] if lacking else []
                return found
        except Error as error:
            raise explain_query(error, project.login.user, "the catalogue", "") from None
        finally:
            connection.close()

    def _limits(self) -> session.Limits:
        return session.Limits(self.params["lock_timeout"], self.params["statement_timeout"])

    def context(self, rehearse: bool) -> Context:
        params, project = self.params, self.project
        options = Options(
            limits=self._limits(),
            retries=params["retries"],
            allow_data_loss=tuple(params["allow_data_loss"]),
            backup=params["backup"],
            backup_schema=params["backup_schema"],
            rehearse=rehearse,
        )
        return Context(
            login=project.login,
            connect=self.new_connection,
            table=project.table,
            options=options,
            replan=self.make_plan,
            info=lambda rows: info(project.resolved.migrations, list(rows), None, params["out_of_order"]),
        )

    def refuse(self) -> None:
        """Raise if anything speaks against going on."""
        wanted = self.params["plan_id"]
        if wanted and wanted != self.plan.digest:
            raise FlywayError(
                f"The plan is {self.plan.digest} now and not {wanted} as agreed: history or files have changed. Nothing "
                "was changed; look at the new plan.",
                "CHANGED_MEANWHILE",
            )
        if self.refusals:
            reasons = " ".join(objection.message for objection in self.refusals)
            raise FlywayError(f"Refused, nothing was run: {reasons}", "REFUSED")

    def rehearse(self) -> None:
        self.refuse()
        if not self.plan.atomic:
            raise FlywayError(
                "This rollback has statements that cannot run in a transaction, so it cannot be rehearsed on the database "
                "itself. Rehearse it on a copy: flyway_verify does so on a scratch database.",
                "NOT_REHEARSABLE",
            )
        context = self.context(rehearse=True)
        self.outcome = execute.run(context, self.plan)
        self.survey.objections += self._forbidden(self.outcome.losses)

    def _forbidden(self, losses: Iterable[loss_of.Loss]) -> list[Objection]:
        """What `allow_data_loss` would have to name."""
        return [
            Objection("DATA_LOSS", f"It would destroy {trial.describe(loss)}; allow_data_loss does not name {loss.object}.", loss.version)
            for loss in loss_of.unforgiven(losses, self.params["allow_data_loss"], self.project.table.schema)
        ]

    def refuse_forecast(self) -> None:
        """What apply would refuse after its trial, as far as it is known before: losses that were counted."""
        self.refuse()
        counted = self._forbidden(loss for loss in self.survey.losses if loss.rows)
        if counted:
            reasons = " ".join(objection.message for objection in counted)
            raise FlywayError(f"Refused, nothing was run: {reasons}", "DATA_LOSS")

    def apply(self) -> None:
        self.refuse()
        context = self.context(rehearse=False)
        runner = execute.run if self.plan.atomic else execute_journaled.run
        self.outcome = runner(context, self.plan)

    def answer(self) -> dict[str, Any]:
        """Everything as data."""
        outcome = self.outcome
        losses = outcome.losses if outcome else self.survey.losses
        # A forecast speaks against a plan, so that nobody stops a service for it; apply counts by itself and refuses then.
        refusals = self.refusals if outcome else [*self.refusals, *self._forbidden(losses)]
        answer: dict[str, Any] = {
            "database": self.project.snapshot.database,
            "history_table": self.project.table.name,
            "plan": self.plan.as_data(),
            "losses": [loss.as_data() for loss in losses],
            "sessions_in_the_way": self.survey.sessions,
            "refusals": [objection.as_data() for objection in refusals],
            "feasible": not refusals,
            "reapply": self._reapply(),
            "warnings": self.plan.warnings + self.survey.warnings,
        }
        if outcome is not None:
            answer.update(_outcome_data(outcome))
            answer["warnings"] = answer["warnings"] + outcome.warnings
        answer["diff"] = self._diff()
        return answer

    def _reapply(self) -> list[dict[str, str]]:
        """Files that still hold what is rolled back: an application that starts with them applies it again."""
        gone = {unit.row.version for unit in self.plan.units}
        return [
            {"version": str(migration.version), "file": migration.label}
            for migration in self.project.resolved.migrations
            if migration.version in gone and migration.kind == "V"
        ]

    def _diff(self) -> dict[str, str]:
        before = [f"history {line}" for line in _history_lines(self.plan.rows)]
        units = list(self.plan.units)
        if self.outcome is not None:
            again = {change["installed_rank"] for change in self.outcome.history if change["version"] is None}
            units += [Unit(row, RollbackText(MISSING), ()) for row in self.plan.rows if row.installed_rank in again]
        after = [f"history {line}" for line in _history_lines(rows_after(self.plan.rows, units, self.plan.history))]
        if self.outcome is not None:
            difference = self.outcome.difference
            before += [f"{kind} {name}" for kind, name in difference.removed]
            before += [f"{key[0]} {key[1]}: {old}" for key, old, _new in difference.changed]
            after += [f"{kind} {name}" for kind, name in difference.added]
            after += [f"{key[0]} {key[1]}: {new}" for key, _old, new in difference.changed]
        header = f"{self.project.snapshot.database} {self.project.table.name}"
        return {
            "before_header": f"{header} (before)",
            "after_header": f"{header} (after)",
            "before": "\n".join(before) + "\n",
            "after": "\n".join(after) + "\n",
        }


_POOLER = (
    "A connection pooler stands between here and the server, and this rollback has statements outside transactions: "
    "locks of the session do not hold through a pooler. Log in to the server itself."
)


def _history_lines(rows: Sequence[HistoryRow]) -> list[str]:
    return [
        f"{row.installed_rank} {row.raw_version or '-'} {row.type} {row.description}{'' if row.success else ' (failed)'}" for row in rows
    ]


def _outcome_data(outcome: Outcome) -> dict[str, Any]:
    return {
        "statements": outcome.statements,
        "schema_difference": outcome.difference.as_data(),
        "fingerprint": {"before": outcome.digest_before, "after": outcome.digest_after},
        "history_changes": outcome.history,
        "repeatables_to_rerun": outcome.rerun,
        "journal": outcome.journal,
        "attempts": outcome.attempts,
        "seconds": outcome.duration,
    }


def summary(answer: dict[str, Any], mode: str, check_mode: bool, nothing: bool) -> str:
    """The result in one line."""
    plan = answer["plan"]
    versions = ", ".join(plan["versions"])
    before, after = (plan["schema_version"][when] or "none" for when in ("before", "after"))
    if nothing:
        return f"{answer['database']}: nothing to roll back, schema version is {before}."
    if not answer["feasible"]:
        return f"{answer['database']}: cannot roll back: {' '.join(r['message'] for r in answer['refusals'])}"
    done = {"apply": "rolled back", "rehearse": "rehearsed rolling back"}.get("plan" if check_mode else mode, "would roll back")
    end = "; everything was taken back." if done.startswith("rehearsed") else "."
    return f"{answer['database']}: {done} {versions}, schema version {before} -> {after}{end}"
