# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rollback text of one migration: from the comment in its file or from a sidecar U<version>__*.sql."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from ansible_collections.dwp.backend.plugins.module_utils._flyway import comment_lines, lexer, verbs
from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError
from ansible_collections.dwp.backend.plugins.module_utils._flyway.names import Version
from ansible_collections.dwp.backend.plugins.module_utils._flyway.rollback_comment import (
    Rejected,
    Section,
    find_sections,
)

COMMENT = "comment"
SIDECAR = "sidecar"
NONE_NEEDED = "none_needed"
MISSING = "missing"
REFUSED = "refused"

TABLE = "flyway_schema_history"
Replace = Callable[[str], str]


class RollbackStatement(NamedTuple):
    """One statement that undoes something, with the place where it was read."""

    text: str
    file: str
    line: int
    words: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


class RollbackText(NamedTuple):
    status: str
    reason: str = ""
    statements: tuple[RollbackStatement, ...] = ()
    source: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        return self.status in (COMMENT, SIDECAR, NONE_NEEDED)


def rollback_of(
    migration: Any,
    undo_files: Iterable[Any] = (),
    replace: Replace | None = None,
    table: str = TABLE,
) -> RollbackText:
    """The rollback text of a migration: anything with `version`, `script` and `text()` (None: file not at hand).

    `undo_files` are sidecars, each with `version`, `label` or `script`, and `text()`; those of other versions are
    ignored. `replace` substitutes placeholders as Flyway would; what has no value is refused.
    """
    version = _version(migration.version)
    sidecars = [undo for undo in undo_files if version is not None and _version(undo.version) == version]
    own = None if version is None else version.text
    try:
        text = _text_of(migration)
    except FlywayError as error:
        return RollbackText(REFUSED, error.message)
    comment = from_comment(text or "", migration.script, own, replace, table)
    if len(sidecars) > 1:
        names = ", ".join(_label(undo) for undo in sidecars)
        return RollbackText(REFUSED, f"several sidecar files for version {version}: {names}; keep one of them")
    if not sidecars:
        return comment
    if comment.source:
        return RollbackText(
            REFUSED,
            f"rollback text both in {comment.source} and in the sidecar {_label(sidecars[0])}; "
            "remove the sidecar, or the comment if the migration is not applied yet",
        )
    try:
        text = _text_of(sidecars[0])
    except FlywayError as error:
        return RollbackText(REFUSED, error.message)
    return from_sidecar(text or "", _label(sidecars[0]), own, replace, table)


def _version(value: Any) -> Version | None:
    return Version.parse(value) if isinstance(value, str) else value


def _text_of(file: Any) -> str | None:
    return file.text() if callable(file.text) else file.text


def _label(file: Any) -> str:
    return str(getattr(file, "script", "") or getattr(file, "name", ""))


def from_comment(text: str, file: str, version: str | None = None, replace: Replace | None = None, table: str = TABLE) -> RollbackText:
    """What the comments of a migration say about its rollback. `source` is set if there is a section at all."""
    try:
        sections, lookalike = find_sections(text.lstrip("\ufeff"))
    except Rejected as rejected:
        return _refused(file, rejected, source=f"{file}:{rejected.line}")
    if not sections:
        if lookalike is not None:
            return _refused(file, lookalike)
        return RollbackText(MISSING, f"no rollback comment in {file} and no sidecar file for it")
    source = f"{file}:{sections[0].line}"
    try:
        _one_text(sections)
        if sections[0].noop is not None:
            return RollbackText(NONE_NEEDED, sections[0].noop, source=source)
        statements: list[RollbackStatement] = []
        warnings: list[str] = []
        for section in sections:
            numbers = [line for line, _text in section.body]
            new, more = _statements(section.text, numbers, file, version, replace, table)
            statements += new
            warnings += more
    except Rejected as rejected:
        return _refused(file, rejected, source=source)
    return RollbackText(COMMENT, "", tuple(statements), source, tuple(warnings))


def _one_text(sections: Sequence[Section]) -> None:
    """Several sections are one text only if each has its statements on the marker's own line."""
    if len(sections) == 1:
        return
    odd = next((s for s in sections if not s.inline or s.noop is not None), None)
    if odd is not None:
        where = ", ".join(str(s.line) for s in sections)
        raise Rejected(odd.line, "", f"several rollback sections (lines {where}); it cannot be told which one holds")


def from_sidecar(text: str, file: str, version: str | None = None, replace: Replace | None = None, table: str = TABLE) -> RollbackText:
    """A sidecar is plain SQL; one without a statement has to say in a comment that nothing is needed."""
    text = text.lstrip("\ufeff")
    numbers = list(range(1, len(lexer.split_lines(text)) + 1))
    try:
        statements, warnings = _statements(text, numbers, file, version, replace, table)
        if not statements and not warnings:
            reason = _declared_noop(text)
            if reason is None:
                raise Rejected(1, "", "the file holds no statement; if nothing has to be undone, write '-- none'")
            return RollbackText(NONE_NEEDED, reason, source=file)
    except Rejected as rejected:
        return _refused(file, rejected, source=file)
    return RollbackText(SIDECAR, "", tuple(statements), file, tuple(warnings))


def _declared_noop(text: str) -> str | None:
    for line in comment_lines.comment_lines(text):
        head = comment_lines.header(line.text)
        reason = comment_lines.noop(head.rest if head else line.text)
        if reason is not None:
            return reason
    return None


def _statements(
    text: str,
    numbers: Sequence[int],
    file: str,
    version: str | None,
    replace: Replace | None,
    table: str,
) -> tuple[list[RollbackStatement], list[str]]:
    """Split, strip BEGIN and COMMIT around the whole, leave out the own history row, refuse what must not run."""
    found: list[RollbackStatement] = []
    warnings: list[str] = []
    if replace is not None:
        try:
            text = replace(text)
        except FlywayError as error:
            raise Rejected(numbers[0], "", error.message) from error
    parts = _without_transaction(lexer.split(text), numbers)
    for part in parts:
        number = numbers[min(part.line, len(numbers)) - 1]
        if verbs.own_history_delete(part, table, version):
            warnings.append(f"{file}:{number}: the history row is changed by the rollback itself; statement left out")
            continue
        problem = verbs.refusal(part, table)
        if problem:
            raise Rejected(number, lexer.split_lines(part.text)[0], problem)
        found.append(RollbackStatement(part.text, file, number, tuple(part.words())))
    return found, warnings


_BEGIN = (["BEGIN"], ["BEGIN", "TRANSACTION"], ["BEGIN", "WORK"], ["START", "TRANSACTION"])
_COMMIT = (["COMMIT"], ["COMMIT", "TRANSACTION"], ["COMMIT", "WORK"], ["END"], ["END", "TRANSACTION"])


def _without_transaction(parts: list[lexer.Statement], numbers: Sequence[int]) -> list[lexer.Statement]:
    begins = bool(parts) and parts[0].words() in _BEGIN
    commits = len(parts) > 1 and parts[-1].words() in _COMMIT
    if begins and commits:
        return parts[1:-1]
    if begins or commits:
        odd = parts[0] if begins else parts[-1]
        number = numbers[min(odd.line, len(numbers)) - 1]
        raise Rejected(number, odd.text, "BEGIN; and COMMIT; have to stand around the whole text, or not at all")
    return parts


def _refused(file: str, rejected: Rejected, source: str = "") -> RollbackText:
    shown = rejected.text if len(rejected.text) <= 100 else rejected.text[:97] + "..."
    quoted = f" ({shown!r})" if shown else ""
    right = verbs.HOW + " For example:  -- Rollback: DROP TABLE orders;"
    return RollbackText(REFUSED, f"{file}:{rejected.line}: {rejected.why}{quoted}. {right}", source=source)
