# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether each migration of a status has a rollback text."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError
from ansible_collections.dwp.backend.plugins.module_utils._flyway.migrations import Migration
from ansible_collections.dwp.backend.plugins.module_utils._flyway.names import Version
from ansible_collections.dwp.backend.plugins.module_utils._flyway.placeholders import Placeholders
from ansible_collections.dwp.backend.plugins.module_utils._flyway.states import Line

COMMENT, SIDECAR, NONE_NEEDED, MISSING, REFUSED = "comment", "sidecar", "none_needed", "missing", "refused"

# Every form of rollback text begins with one of these words. A file without them need not be taken apart, and while no
# file has them, what takes them apart is not even loaded: most projects have no rollback texts.
_MARKER = re.compile("roll|undo|revert|down|롤백|되돌리|回滚|回滾", re.IGNORECASE)


class Source(NamedTuple):
    """A migration as rollback_of() takes it; text None: the file is not at hand."""

    version: Version | None
    script: str
    text: str | None


class Rollbacks:
    """Finds the rollback text of the lines of one status."""

    def __init__(self, undo_files: list[Migration], placeholders: Placeholders, table: str) -> None:
        self.placeholders = placeholders
        self.table = table
        self.undo_files: dict[Version, list[Migration]] = {}
        for undo in undo_files:
            if undo.version is not None:
                self.undo_files.setdefault(undo.version, []).append(undo)

    def of(self, line: Line) -> tuple[str, str]:
        """(status, reason) for one line."""
        problem = _not_for_rollback(line)
        if problem:
            return REFUSED, problem
        try:
            status, reason = self._look(line)
        except FlywayError as exc:  # bytes that are not of the encoding
            return REFUSED, exc.message.splitlines()[0]
        if status in (COMMENT, NONE_NEEDED) and _changed(line) and line.version not in self.undo_files:
            return REFUSED, "the file is not the one that was applied (checksums differ), so its text may be another"
        return status, reason

    def _look(self, line: Line) -> tuple[str, str]:
        version, file = line.version, line.file
        sidecars = self.undo_files.get(version, []) if version else []
        text = file.text() if file else None
        if not sidecars and (text is None or not _MARKER.search(text)):
            return MISSING, f"no rollback comment in {line.script} and no sidecar file for it"
        from ansible_collections.dwp.backend.plugins.module_utils._flyway.rollback_text import rollback_of

        found = rollback_of(Source(version, line.script, text), sidecars, self._replace(file), self.table)
        return found.status, found.reason

    def _replace(self, file: Migration | None) -> Callable[[str], str] | None:
        replacing = self.placeholders.enabled
        if file is not None and file.conf.placeholder_replacement is not None:
            replacing = file.conf.placeholder_replacement
        name = file.name.plain if file else None
        return (lambda text: self.placeholders.replace(text, name)) if replacing else None


def _not_for_rollback(line: Line) -> str:
    """Why a line cannot be rolled back whatever its text; empty when it can."""
    if line.row is not None and line.row.refusal:
        return "Flyway cannot read this row of the history"
    if line.type == "SQL" and line.version is not None:
        return ""
    if line.version is None and line.type == "SQL":
        return "a repeatable migration is not rolled back: restore its old text and migrate"
    kinds = {"BASELINE": "a baseline", "SCHEMA": "the creation of a schema", "DELETE": "a mark of deletion"}
    kind = kinds.get(line.type) or ("a baseline" if line.type.endswith("_BASELINE") else f"a {line.type} migration")
    return f"{kind} cannot be rolled back"


def _changed(line: Line) -> bool:
    """Is the file another one than what was applied?"""
    row, file = line.row, line.file
    return row is not None and file is not None and row.checksum is not None and not file.matches(row.checksum)
