# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Flyway's ``info`` says: every migration with its state, in Flyway's order."""

from __future__ import annotations

from typing import NamedTuple

from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import Refusal
from ansible_collections.dwp.backend.plugins.module_utils._flyway.history import HistoryRow
from ansible_collections.dwp.backend.plugins.module_utils._flyway.migrations import Migration, file_order
from ansible_collections.dwp.backend.plugins.module_utils._flyway.names import (
    CURRENT,
    EMPTY,
    NEXT,
    Version,
    parse_target,
)

_ODD_NAMES = {
    "BASELINE_IGNORED": "Ignored (Baseline)",
    "OUT_OF_ORDER": "Out of Order",
    "MISSING_SUCCESS": "Missing",
    "MISSING_FAILED": "Failed (Missing)",
    "FUTURE_SUCCESS": "Future",
    "FUTURE_FAILED": "Failed (Future)",
}
STATES = [
    "PENDING",
    "ABOVE_TARGET",
    "BELOW_BASELINE",
    "BASELINE_IGNORED",
    "BASELINE",
    "IGNORED",
    "MISSING_SUCCESS",
    "MISSING_FAILED",
    "SUCCESS",
    "UNDONE",
    "AVAILABLE",
    "FAILED",
    "OUT_OF_ORDER",
    "FUTURE_SUCCESS",
    "FUTURE_FAILED",
    "OUTDATED",
    "SUPERSEDED",
    "DELETED",
]
FAILED_STATES = frozenset(("FAILED", "MISSING_FAILED", "FUTURE_FAILED"))
# Ours, for rows that Flyway itself cannot read.
UNREADABLE = "UNREADABLE"


def display_name(state: str) -> str:
    """The state as Flyway shows it."""
    return _ODD_NAMES.get(state) or state.replace("_", " ").title()


class Line(NamedTuple):
    """One line of ``info``: a row with or without its file, or a file without a row."""

    state: str
    row: HistoryRow | None = None
    file: Migration | None = None

    @property
    def version(self) -> Version | None:
        return self.row.version if self.row else self.file.version if self.file else None

    @property
    def description(self) -> str:
        return self.row.description if self.row else self.file.description if self.file else ""

    @property
    def type(self) -> str:
        return self.row.type if self.row else self.file.type if self.file else ""

    @property
    def script(self) -> str:
        return self.row.script if self.row else self.file.script if self.file else ""

    @property
    def display(self) -> str:
        return display_name(self.state)


class _Applied:
    __slots__ = ("deleted", "out_of_order", "row", "undone")

    def __init__(self, row: HistoryRow) -> None:
        self.row = row
        self.deleted = self.undone = self.out_of_order = False

    @property
    def live(self) -> bool:
        return not self.deleted and not self.undone and self.row.type != "DELETE"


class Info(NamedTuple):
    """The answer of ``info``."""

    lines: list[Line]
    current: Line | None
    applied_baseline: Version | None
    last_applied: Version
    refusals: list[Refusal]

    @property
    def schema_version(self) -> str | None:
        version = self.current.version if self.current else None
        return version.text if version else None

    @property
    def current_text(self) -> str | None:
        """The version, or without one the description of the line that stands for it."""
        if self.current is None:
            return None
        return self.current.version.text if self.current.version else self.current.description


def info(
    migrations: list[Migration],
    rows: list[HistoryRow],
    target: str | None = None,
    out_of_order: bool = False,
    duplicates: list[Migration] | None = None,
) -> Info:
    """States of files and rows. ``duplicates`` are listed although Flyway refuses them."""
    return _Computation(migrations, rows, target, out_of_order, duplicates or []).run()


class _Computation:
    def __init__(
        self,
        migrations: list[Migration],
        rows: list[HistoryRow],
        target: str | None,
        out_of_order: bool,
        duplicates: list[Migration],
    ) -> None:
        self.refusals: list[Refusal] = []
        self.out_of_order = out_of_order
        self.target, self.target_must_exist = parse_target(target)
        self.refusals.extend(row.refusal for row in rows if row.refusal)
        # Undo rows of the paid editions are understood, everything else that Flyway cannot read is only listed.
        self.rows = [row for row in rows if row.refusal is None or (row.undo and row.version)]
        self.unreadable = [row for row in rows if row.refusal is not None and not (row.undo and row.version)]
        self.versioned: dict[tuple[Version, str], Migration] = {}
        self.repeatable: dict[str, Migration] = {}
        for migration in migrations:
            if migration.version is not None:
                self.versioned[(migration.version, migration.type)] = migration
            else:
                self.repeatable[migration.description] = migration
        self.duplicates = duplicates
        self.last_resolved = max((version for version, _type in self.versioned), default=EMPTY)
        self.last_applied = EMPTY
        self.applied_baseline: Version | None = None
        self.pending_baseline: Version | None = None

    def run(self) -> Info:
        applied_versioned = self._applied_versioned()
        self._find_last_applied(applied_versioned)
        if self.target is CURRENT:
            self.target = self.last_applied
        applied_repeatable = self._applied_repeatable()
        self.latest_run: dict[str, int] = {one.row.description: one.row.installed_rank for one in applied_repeatable}
        row_lines = [self._row_line(one) for one in applied_versioned]
        pending = self._pending_versioned(applied_versioned)
        self._check_target([one.row.version for one in applied_versioned] + [one.version for one in pending])
        row_lines += [self._row_line(one) for one in applied_repeatable]
        row_lines += [Line(UNREADABLE, row) for row in self.unreadable]
        row_lines.sort(key=lambda line: line.row.installed_rank if line.row else 0)
        files = sorted(pending + self._pending_repeatable(applied_repeatable) + self.duplicates, key=file_order)
        self._settle_next(files)
        below: list[Line] = []
        above: list[Line] = []
        for migration in files:
            line = Line(self._file_state(migration), None, migration)
            (below if line.state in ("BELOW_BASELINE", "BASELINE_IGNORED") else above).append(line)
        lines = below + row_lines + above
        return Info(lines, _current(lines), self.applied_baseline, self.last_applied, self.refusals)

    def _applied_versioned(self) -> list[_Applied]:
        listed: list[_Applied] = []
        by_version: dict[Version, list[_Applied]] = {}  # what a DELETE row can mean, the newest last
        for row in self.rows:
            if row.version is None:
                continue
            if row.baseline and (self.applied_baseline is None or row.version > self.applied_baseline):
                self.applied_baseline = row.version
            if row.deletes:
                self._mark_deleted(row.version, by_version)
                continue
            applied = _Applied(row)
            if row.refusal and row.success and by_version.get(row.version):
                by_version[row.version][-1].undone = True  # the paid editions' undo: a row that says the last is undone
            if not row.synthetic and not row.refusal:
                by_version.setdefault(row.version, []).append(applied)
            listed.append(applied)
        return listed

    def _mark_deleted(self, version: Version, by_version: dict[Version, list[_Applied]]) -> None:
        candidates = by_version.get(version)
        if not candidates:
            return
        if candidates[-1].deleted:
            message = f"Corrupted schema history: multiple delete entries for version {version}"
            self.refusals.append(Refusal(message, "DUPLICATE_DELETED_MIGRATION"))
        candidates[-1].deleted = True

    def _find_last_applied(self, applied: list[_Applied]) -> None:
        for one in applied:
            version = one.row.version
            if version is None or version <= self.last_applied:
                one.out_of_order = True
            elif one.live and not (one.row.undo and one.row.refusal):
                self.last_applied = version

    def _applied_repeatable(self) -> list[_Applied]:
        listed: list[_Applied] = []
        latest: dict[str, _Applied] = {}
        for row in self.rows:
            if row.version is not None:
                continue
            applied = _Applied(row)
            listed.append(applied)
            if row.deletes and row.description in latest:
                latest[row.description].deleted = True
            elif not row.synthetic:
                latest[row.description] = applied
        return listed

    def _pending_versioned(self, applied: list[_Applied]) -> list[Migration]:
        done = {(one.row.version, one.row.type) for one in applied if one.live}
        pending = [migration for key, migration in self.versioned.items() if key not in done]
        baselines = [one.version for one in pending if one.kind == "B" and one.version is not None]
        self.pending_baseline = max(baselines, default=None)
        return pending

    def _pending_repeatable(self, applied: list[_Applied]) -> list[Migration]:
        done = set()
        for one in applied:
            migration = self.repeatable.get(one.row.description)
            if migration is None or not one.live or one.row.installed_rank != self.latest_run[one.row.description]:
                continue
            if migration.matches(one.row.checksum):
                done.add(one.row.description)
        return [migration for description, migration in self.repeatable.items() if description not in done]

    def _check_target(self, versions: list[Version | None]) -> None:
        if self.target_must_exist and self.target not in versions:
            self.refusals.append(
                Refusal(
                    f"No migration with a target version {self.target} could be found. "
                    "Ensure target is specified correctly and the migration exists.",
                    "TARGET_NOT_FOUND",
                )
            )

    def _settle_next(self, files: list[Migration]) -> None:
        """The target ``next`` is the version of the first pending line; a repeatable, or none, sets no limit."""
        if self.target is not NEXT:
            return
        self.target = None
        for migration in files:
            if self._file_state(migration) == "PENDING":
                self.target = migration.version
                return

    def _row_line(self, one: _Applied) -> Line:
        row = one.row
        if row.version is not None:
            file = self.versioned.get((row.version, row.type))
        else:
            file = self.repeatable.get(row.description)
        return Line(self._row_state(one, file), row, file)

    def _row_state(self, one: _Applied, file: Migration | None) -> str:
        row = one.row
        if one.undone:
            return "UNDONE"
        if one.deleted:
            return "DELETED"
        if row.type == "DELETE" or (row.undo and row.refusal):
            return "SUCCESS" if row.success or row.type == "DELETE" else "FAILED"
        if row.type == "BASELINE":
            return "BASELINE"
        if row.baseline:
            return "FAILED" if not row.success else self._missing_state(row, file) or "BASELINE"
        missing = self._missing_state(row, file)
        if missing:
            return missing
        if not row.success:
            return "FAILED"
        if row.type == "SCHEMA":
            return "SUCCESS"
        if row.version is None:
            if row.installed_rank != self.latest_run[row.description]:
                return "SUPERSEDED"
            return "SUCCESS" if file is not None and file.matches(row.checksum) else "OUTDATED"
        return "OUT_OF_ORDER" if one.out_of_order else "SUCCESS"

    def _missing_state(self, row: HistoryRow, file: Migration | None) -> str | None:
        if file is not None:
            return None
        if row.version is None and row.installed_rank != self.latest_run[row.description]:
            return None
        if row.type == "SCHEMA":
            return "SUCCESS"
        word = "MISSING" if row.version is None or row.version < self.last_resolved else "FUTURE"
        return f"{word}_{'SUCCESS' if row.success else 'FAILED'}"

    def _file_state(self, migration: Migration) -> str:
        version = migration.version
        if version is None:
            return "PENDING"
        started = self.applied_baseline is not None or self.last_applied is not EMPTY
        base = self.pending_baseline if self.last_applied is EMPTY else self.applied_baseline
        if base is not None and version < base:
            return "BELOW_BASELINE"
        if base is not None and version == base:
            first_baseline = migration.kind == "B" and version == self.pending_baseline and not started
            return "PENDING" if first_baseline else "BASELINE_IGNORED"
        if self.target is not None and self.target is not NEXT and version > self.target:
            return "ABOVE_TARGET"
        if version < self.last_applied and not self.out_of_order:
            return "IGNORED"
        return "IGNORED" if migration.kind == "B" and started else "PENDING"


def _current(lines: list[Line]) -> Line | None:
    """The line with the highest applied version, else the last applied line without a version."""
    current: Line | None = None
    fallback: Line | None = None
    for line in lines:
        if line.row is None or line.state in ("DELETED", "UNDONE", UNREADABLE) or line.type == "DELETE":
            continue
        if line.row.undo and line.row.refusal:
            continue
        if line.version is None:
            fallback = line
        elif current is None or current.version is None or line.version > current.version:
            current = line
    return current or fallback
