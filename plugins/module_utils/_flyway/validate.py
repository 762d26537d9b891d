# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Flyway's ``validate`` says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError, Refusal
from ansible_collections.dwp.backend.plugins.module_utils._flyway.history import quote
from ansible_collections.dwp.backend.plugins.module_utils._flyway.states import FAILED_STATES, Info, Line

DEFAULT_PATTERNS = ("*:future",)
_KINDS = ("*", "repeatable", "versioned")
_STATES = ("*", "missing", "pending", "ignored", "future")


class Problem(NamedTuple):
    """One invalid migration, with Flyway's code and message and our advice."""

    code: str
    message: str
    advice: str
    line: Line

    def as_dict(self) -> dict[str, Any]:
        version = self.line.version
        return {
            "version": version.text if version else "",
            "description": self.line.description,
            "filepath": self.line.file.label if self.line.file else "",
            "installed_rank": self.line.row.installed_rank if self.line.row else None,
            "error_code": self.code,
            "error_message": self.message,
            "what_to_do": self.advice,
        }


# Our code of a refusal -> (Flyway's code, what to do). Codes that are not listed are Flyway's own.
_REFUSALS = {
    "UNKNOWN_TYPE": (
        "FAULT",
        "A paid edition, another version of Flyway or a person wrote this row. Use that edition, or correct the row.",
    ),
    "INVALID_VERSION": ("ERROR", "Correct the version in the row of the schema history."),
    "DUPLICATE_DELETED_MIGRATION": ("", "Delete all but one of the DELETE rows of this version."),
    "DUPLICATE_VERSIONED_MIGRATION": ("", "Give one of the files another version, or remove it."),
    "DUPLICATE_REPEATABLE_MIGRATION": ("", "Give one of the files another description, or remove it."),
    "CONFIGURATION": ("", "Correct the .conf file beside the migration."),
    "LICENSE": ("ERROR", "Remove shouldExecute from the .conf file, or use a paid edition."),
    "PLACEHOLDER": ("ERROR", "Set the value in placeholders, or turn off placeholder_replacement."),
    "BAD_ENCODING": ("ERROR", "Save the file in the configured encoding, or set encoding to the one it has."),
    "UNKNOWN_ENCODING": ("ERROR", "Correct the encoding in the .conf file."),
    "UNREADABLE_FILE": ("ERROR", "Make the file readable."),
    "INVALID_NAMES": ("ERROR", "Rename the files, or turn off validate_migration_naming."),
    "TARGET_NOT_FOUND": ("ERROR", "Correct target, or append a question mark to tolerate its absence."),
    "SCHEMA_DOES_NOT_EXIST": ("", "Check default_schema and schemas, or run migrate, which creates the schema."),
}


def refusal_as_dict(refusal: Refusal) -> dict[str, Any]:
    """A refusal in the shape of a validation error."""
    code, advice = _REFUSALS.get(refusal.code, ("", ""))
    return {
        "version": "",
        "description": "",
        "filepath": refusal.details.get("filepath", ""),
        "installed_rank": refusal.details.get("installed_rank"),
        "error_code": code or refusal.code,
        "error_message": refusal.message,
        "what_to_do": advice,
    }


class IgnorePatterns:
    """``ignoreMigrationPatterns``: ``type:state`` each."""

    def __init__(self, patterns: Sequence[str] = DEFAULT_PATTERNS) -> None:
        self._pairs = [self._parse(pattern) for pattern in patterns]

    @staticmethod
    def _parse(pattern: str) -> Sequence[str]:
        parts = pattern.split(":")
        if len(parts) != 2:
            raise FlywayError(
                f"Invalid pattern '{pattern}'. Pattern must be of the form <migration_type>:<migration_state>",
                "BAD_PATTERN",
            )
        kind, state = (part.strip().lower() for part in parts)
        if kind not in _KINDS:
            valid = ", ".join(_KINDS)
            raise FlywayError(f"Invalid migration type '{parts[0]}'. Valid types are: [{valid}]", "BAD_PATTERN")
        if state not in _STATES:
            valid = ", ".join(_STATES)
            raise FlywayError(f"Invalid migration state '{parts[1]}'. Valid states are: [{valid}]", "BAD_PATTERN")
        return kind, state

    def match(self, versioned: bool, display: str) -> bool:
        """Is a line of this kind and display state to be left alone?"""
        own = "versioned" if versioned else "repeatable"
        return any(kind in ("*", own) and state in ("*", display.lower()) for kind, state in self._pairs)

    def widely(self, display: str) -> bool:
        """Is the state left alone for versioned and repeatable migrations?"""
        return self.match(True, display) and self.match(False, display)


def validate(info: Info, patterns: IgnorePatterns | None = None) -> list[Problem]:
    """One problem, the first, for each invalid line, in the order of ``info``."""
    patterns = patterns or IgnorePatterns()
    found = (_check(line, info, patterns) for line in info.lines)
    return [problem for problem in found if problem is not None]


def schema_missing(schema: str, has_files: bool, patterns: IgnorePatterns) -> str | None:
    """Flyway's message when the schema of the history does not exist; None when that is no error."""
    if has_files and not patterns.widely("Pending"):
        return f"Schema {quote(schema)} doesn't exist yet"
    return None


def _check(line: Line, info: Info, patterns: IgnorePatterns) -> Problem | None:
    state, row, file = line.state, line.row, line.file
    if state in ("UNDONE", "ABOVE_TARGET", "DELETED", "UNREADABLE"):
        return None
    versioned = line.version is not None
    if patterns.match(versioned, line.display):
        return None
    if state in FAILED_STATES and not (state == "FUTURE_FAILED" and patterns.widely("Future")):
        return _failed(line)
    if row is not None and file is None and not row.synthetic and not row.undo and state != "SUPERSEDED":
        missing = state.startswith("MISSING") and patterns.widely("Missing")
        future = state.startswith("FUTURE") and patterns.widely("Future")
        if not missing and not future:
            return _not_resolved(line)
    if file is not None and row is None:
        return _not_applied(line, patterns)
    if state == "OUTDATED" and not patterns.widely("Pending"):
        return Problem(
            "OUTDATED_REPEATABLE_MIGRATION",
            "Detected outdated resolved repeatable migration that should be re-applied to database: "
            f"{line.description}.\nRun migrate to execute this migration.",
            "Run migrate: it runs the changed file again.",
            line,
        )
    return _mismatch(line, info, patterns)


def _failed(line: Line) -> Problem:
    todo = ".\nPlease remove any half-completed changes then run repair to fix the schema history."
    advice = "Remove what the failed run left behind, then repair: that deletes the failed row."
    if line.version is None:
        message = f"Detected failed repeatable migration: {line.description}{todo}"
        return Problem("FAILED_REPEATABLE_MIGRATION", message, advice, line)
    message = f"Detected failed migration to version {line.version} ({line.description}){todo}"
    return Problem("FAILED_VERSIONED_MIGRATION", message, advice, line)


def _not_resolved(line: Line) -> Problem:
    kind = "REPEATABLE" if line.version is None else "VERSIONED"
    message = (
        f"Detected applied migration not resolved locally: {line.version or line.description}.\n"
        "If you removed this migration intentionally, run repair to mark the migration as deleted."
    )
    advice = (
        f"The database has {line.script}, the files do not. Deploy the release that has it, check locations, or, "
        "if it was removed on purpose, repair."
    )
    return Problem(f"APPLIED_{kind}_MIGRATION_NOT_RESOLVED", message, advice, line)


def _not_applied(line: Line, patterns: IgnorePatterns) -> Problem | None:
    kind = "REPEATABLE" if line.version is None else "VERSIONED"
    code = f"RESOLVED_{kind}_MIGRATION_NOT_APPLIED"
    what = f"resolved {'repeatable ' if line.version is None else ''}migration not applied to database"
    start = f"Detected {what}: {line.version or line.description}.\n"
    if line.state == "IGNORED" and not (line.file and line.file.kind == "B") and not patterns.widely("Ignored"):
        message = (
            f"{start}To ignore this migration, set -ignoreMigrationPatterns='*:ignored'. "
            "To allow executing this migration, set -outOfOrder=true."
        )
        advice = "Its version is below one that is applied. Give it a higher version, or migrate with outOfOrder."
        return Problem(code, message, advice, line)
    if line.state == "PENDING" and not patterns.widely("Pending"):
        message = f"{start}To fix this error, either run migrate, or set -ignoreMigrationPatterns='*:pending'."
        return Problem(code, message, "Run migrate, or start the application that does.", line)
    return None


def _mismatch(line: Line, info: Info, patterns: IgnorePatterns) -> Problem | None:
    row, file = line.row, line.file
    if row is None or file is None or row.type == "DELETE" or row.undo:
        return None
    if row.version is not None and info.applied_baseline is not None and row.version <= info.applied_baseline:
        return None
    who = row.script if row.version is None else f"version {row.version}"
    if row.type != file.type:
        return Problem(
            "TYPE_MISMATCH",
            _mismatch_message("type", who, row.type, file.type),
            "The file is of another kind than what was applied. Restore the old file, or repair.",
            line,
        )
    compared = row.version is not None or (patterns.widely("Pending") and line.state not in ("OUTDATED", "SUPERSEDED"))
    if compared and row.checksum is not None and file.checksum is not None and row.checksum != file.checksum:
        return Problem(
            "CHECKSUM_MISMATCH",
            _mismatch_message("checksum", who, row.checksum, file.checksum),
            "The file was changed after it was applied. Restore it and put the change into a new migration, "
            "or repair if the database is right.",
            line,
        )
    if _abbreviated(file.description) != row.description:
        return Problem(
            "DESCRIPTION_MISMATCH",
            _mismatch_message("description", who, row.description, file.description),
            "The file was renamed after it was applied. Rename it back, or repair.",
            line,
        )
    return None


def _mismatch_message(what: str, who: str, applied: Any, resolved: Any) -> str:
    return (
        f"Migration {what} mismatch for migration {who}\n"
        f"-> Applied to database : {applied}\n"
        f"-> Resolved locally    : {resolved}\n"
        "Either revert the changes to the migration, or run repair to update the schema history."
    )


def _abbreviated(description: str) -> str:
    """A description as the history table holds it: 200 characters at most."""
    return description if len(description) <= 200 else description[:197] + "..."
