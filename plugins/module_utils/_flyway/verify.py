# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prove rollbacks on a scratch database: apply, roll back, compare with before, apply again, compare with after."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._flyway import fingerprint
from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError
from ansible_collections.dwp.backend.plugins.module_utils._flyway.history import quote
from ansible_collections.dwp.backend.plugins.module_utils._flyway.migrations import Migration, file_order
from ansible_collections.dwp.backend.plugins.module_utils._flyway.plan import make_step
from ansible_collections.dwp.backend.plugins.module_utils._flyway.rollback_text import NONE_NEEDED, RollbackText
from ansible_collections.dwp.backend.plugins.module_utils._flyway.scratch import Scratch

WORKS = "works"
NOTHING = "nothing_to_do"  # declared as needing nothing, and the catalogue did not change
DIFFERS = "differs"
FAILS = "fails"
NOT_REPEATABLE = "not_repeatable"
MISSING = "missing"
REFUSED = "refused"
BELOW_BASELINE = "below_baseline"
UNSUPPORTED = "unsupported"  # not SQL


@dataclass
class Finding:
    migration: Migration
    result: str
    reason: str = ""
    source: str = ""
    differences: tuple[str, ...] = ()
    removes: tuple[str, ...] = ()
    all_or_nothing: bool = True
    seconds: float = 0.0

    def as_data(self) -> dict[str, Any]:
        return {
            "version": str(self.migration.version or ""),
            "script": self.migration.script,
            "result": self.result,
            "reason": self.reason,
            "source": self.source,
            "differences": list(self.differences),
            "removes": list(self.removes),
            "all_or_nothing": self.all_or_nothing,
            "seconds": self.seconds,
        }


def order(migrations: Sequence[Migration]) -> tuple[list[Migration], list[Migration], list[Migration]]:
    """(below the baseline, versioned in order with the newest baseline file first, repeatable), as on a new database."""
    files = sorted((one for one in migrations), key=file_order)
    baselines = [one for one in files if one.kind == "B"]
    start = baselines[-1] if baselines else None
    versioned = [one for one in files if one.kind == "V" and one.version is not None]
    if start is None or start.version is None:
        return [], versioned, [one for one in files if one.kind == "R"]
    below = [one for one in versioned if one.version is not None and one.version <= start.version]
    above = [one for one in versioned if one not in below]
    return below, [start, *above], [one for one in files if one.kind == "R"]


class Verification:
    def __init__(self, scratch: Scratch, text_of: Callable[[Migration], RollbackText], clock: Callable[[], float] = time.monotonic) -> None:
        self.scratch = scratch
        self.text_of = text_of
        self.clock = clock
        self.applied: list[Migration] = []

    def run(self, migrations: Sequence[Migration]) -> list[Finding]:
        below, versioned, repeatable = order(migrations)
        found = [Finding(one, BELOW_BASELINE, "a baseline file stands for it on new databases") for one in below]
        for migration in versioned:
            started = self.clock()
            finding = self._one(migration)
            finding.seconds = round(self.clock() - started, 3)
            if migration.kind == "V":
                found.append(finding)
        for migration in repeatable:
            if migration.type == "SQL":
                self.scratch.apply(migration)
        return found

    def _one(self, migration: Migration) -> Finding:
        if migration.type not in ("SQL", "SQL_BASELINE"):
            return Finding(migration, UNSUPPORTED, f"{migration.type} is not run here; later migrations may need it")
        before = self.scratch.fingerprint()
        self.scratch.apply(migration)
        after = self.scratch.fingerprint()
        text = self.text_of(migration) if migration.kind == "V" else RollbackText("missing")
        if not text.usable:
            self.applied.append(migration)
            return Finding(migration, MISSING if text.status == "missing" else REFUSED, text.reason, text.source)
        finding = Finding(migration, WORKS, text.reason, text.source)
        try:
            self._back_and_forth(migration, text, before, after, finding)
        except FlywayError as error:
            finding.result, finding.reason = finding.result if finding.result != WORKS else FAILS, error.message
        self.applied.append(migration)
        if finding.result not in (WORKS, NOTHING):
            self._rebuild()
        return finding

    def _back_and_forth(
        self,
        migration: Migration,
        text: RollbackText,
        before: fingerprint.Fingerprint,
        after: fingerprint.Fingerprint,
        finding: Finding,
    ) -> None:
        steps = [make_step(statement, self.scratch.connection.server_version) for statement in text.statements]
        finding.all_or_nothing = all(step.in_transaction for step in steps)
        self.scratch.undo(steps)
        back = self.scratch.fingerprint()
        finding.removes = tuple(f"{kind} {name}" for kind, name in fingerprint.compare(after, back).removed)
        difference = fingerprint.compare(before, back)
        if difference:
            finding.result, finding.differences = DIFFERS, tuple(difference.lines())
            finding.reason = "after the rollback the schema is not what it was before the migration"
            return
        if text.status == NONE_NEEDED:
            finding.result = NOTHING
            return  # nothing was undone, so the migration cannot be applied twice
        finding.result = NOT_REPEATABLE
        self.scratch.apply(migration)
        difference = fingerprint.compare(after, self.scratch.fingerprint())
        if difference:
            finding.differences = tuple(difference.lines())
            finding.reason = "applied again, it makes another schema than the first time"
            return
        finding.result = WORKS

    def _rebuild(self) -> None:
        """After a rollback that did not work: a new scratch database with everything up to here."""
        self.scratch.build()
        for migration in self.applied:
            self.scratch.apply(migration)


def within(taken: fingerprint.Fingerprint, schemas: Iterable[str], ignored: Iterable[str] = ()) -> fingerprint.Fingerprint:
    """The part of a fingerprint that belongs to these schemas, without these objects (schema.name)."""
    names = "|".join(re.escape(name) for schema in schemas for name in sorted({schema, quote(schema)}))
    belongs = re.compile(rf"(?:^|[ ,(])(?:{names})(?:\.|$)")
    left_out = "|".join(re.escape(name) for name in ignored)
    odd = re.compile(rf"(?:^|[ ,(])(?:{left_out})(?![\w$])" if left_out else r"(?!)")
    return fingerprint.Fingerprint(
        {key: text for key, text in taken.objects.items() if belongs.search(key[1]) and not odd.search(key[1].replace('"', ""))}
    )
