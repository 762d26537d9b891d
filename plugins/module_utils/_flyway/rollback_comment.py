# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the rollback section in the comments of a migration: where it begins, what belongs to it, where it ends."""

from __future__ import annotations

from dataclasses import dataclass, field

from ansible_collections.dwp.backend.plugins.module_utils._flyway import comment_lines as forms
from ansible_collections.dwp.backend.plugins.module_utils._flyway import lexer, verbs
from ansible_collections.dwp.backend.plugins.module_utils._flyway.comment_lines import CommentLine


class Rejected(Exception):
    """This is not a rollback text; `line` says where, the message why."""

    def __init__(self, line: int, text: str, why: str) -> None:
        super().__init__(why)
        self.line = line
        self.text = text.strip()
        self.why = why


@dataclass
class Section:
    line: int
    inline: bool
    body: list[tuple[int, str]] = field(default_factory=list)
    noop: str | None = None

    @property
    def text(self) -> str:
        return "\n".join(text for _line, text in self.body)


def find_sections(text: str) -> tuple[list[Section], Rejected | None]:
    """All rollback sections, and the first thing that only looks like one (it counts if there is no section)."""
    lines = forms.comment_lines(text)
    sections: list[Section] = []
    lookalike: Rejected | None = None
    position = 0
    while position < len(lines):
        line = lines[position]
        marker = forms.header(line.text)
        if forms.is_foreign_marker(line.text) and line.usable:
            raise Rejected(line.line, line.text, "a marker of another tool; Flyway has already run the SQL below it")
        if marker is None or not line.usable:
            if lookalike is None:
                lookalike = _lookalike(line, marker is not None)
            position += 1
            continue
        section, position = _read(lines, position, marker)
        sections.append(section)
    return sections, lookalike


def _lookalike(line: CommentLine, is_marker: bool) -> Rejected | None:
    if is_marker and not line.usable:
        return Rejected(line.line, line.text, f"a rollback marker {line.where} is not rollback text")
    if line.usable and not is_marker and forms.is_rollback_prose(line.text):
        return Rejected(line.line, line.text, "prose about the rollback, not rollback text")
    return None


def _read(lines: list[CommentLine], start: int, marker: forms.Header) -> tuple[Section, int]:
    head = lines[start]
    reader = _Reader(head, marker)
    position = start + 1
    while position < len(lines) and reader.takes(lines, position):
        position += 1
    return reader.finish(), position


class _Reader:
    """Takes the lines after a header one by one until the section is over."""

    def __init__(self, head: CommentLine, marker: forms.Header) -> None:
        self.head = head
        self.block = head.block
        self.run = head.run
        self.section = Section(head.line, bool(marker.rest))
        self.noted = False
        self.complete = True  # no statement is open
        self.started = False  # a statement was seen
        self.pending = ""
        self.ruled = False  # the last line was a ruler
        if marker.rest:
            self._first(head.line, marker.rest)

    def _first(self, number: int, text: str) -> None:
        """The first words after the marker: a no-op, a note in parentheses, or SQL."""
        reason = forms.noop(text)
        if reason is not None:
            self.section.noop = reason
        elif forms.is_note(text) and not self.noted:
            self.noted = True
            self.section.inline = False
        elif verbs.starts_like_sql(text) or text.startswith(("--", "/*")):
            self._append(number, text)
        else:
            raise Rejected(number, text, _what_prose(text))

    def _append(self, number: int, text: str) -> None:
        self.section.body.append((number, text))
        inside = bool(self.pending)
        self.pending = f"{self.pending}\n{text}" if inside else text
        if inside and ";" not in text and "*/" not in text:
            return  # nothing that could end what is open
        statements = lexer.split(self.pending)
        self.started = self.started or bool(statements)
        self.complete = not statements or statements[-1].terminated
        if self.complete and not _open_comment(self.pending):
            self.pending = ""

    def takes(self, lines: list[CommentLine], position: int) -> bool:
        line = lines[position]
        if line.run != self.run or not line.usable:
            return False
        if line.block != self.block and not self._enters_block(line):
            return False
        if not self.complete or self.pending:
            self._append(line.line, " " * line.indent + line.text)
            return True
        if not line.text:
            return True
        if forms.is_ruler(line.text):
            self.ruled = True
            return True
        if forms.header(line.text) is not None or forms.is_foreign_marker(line.text):
            return False
        return self._content(lines, position)

    def _enters_block(self, line: CommentLine) -> bool:
        """A header in -- comments may be followed by one /* */ that holds the statements."""
        if self.started or self.section.noop is not None or self.block or not line.block:
            return False
        self.block = line.block
        return True

    def _content(self, lines: list[CommentLine], position: int) -> bool:
        line = lines[position]
        if self.section.noop is not None:
            if verbs.looks_like_statement(line.text):
                raise Rejected(line.line, line.text, "the section says that nothing has to be undone, yet holds SQL")
            return False
        if verbs.starts_like_sql(line.text) or line.text.startswith(("--", "/*")):
            self._append(line.line, line.text)
            self.ruled = False
            return True
        if not self.started:
            self._first(line.line, line.text)
            return True
        if line.text.startswith("\\"):
            raise Rejected(line.line, line.text, "a psql command; psql is not used, so it would not run")
        deeper = line.indent > self.head.indent or bool(self.block and not self.head.block)
        if self.block and self.block == self.head.block:
            deeper = True  # within /* ROLLBACK .. */ everything belongs to the section
        if deeper and not self.ruled and not forms.is_key_value(line.text):
            raise Rejected(line.line, line.text, _what_prose(line.text))
        if not self.ruled:
            self._nothing_lost(lines, position)
        return False

    def _nothing_lost(self, lines: list[CommentLine], position: int) -> None:
        """The section ends here; a statement further down the same comment would be lost without a word."""
        for line in lines[position + 1 :]:
            if line.run != self.run or forms.header(line.text) is not None or forms.is_ruler(line.text):
                return
            if verbs.looks_like_statement(line.text):
                ending = lines[position]
                raise Rejected(ending.line, ending.text, f"prose between statements (more SQL in line {line.line})")

    def finish(self) -> Section:
        section = self.section
        if not self.started and section.noop is None:
            why = "no commented statement follows the marker (SQL below it that is no comment was run by Flyway)"
            raise Rejected(self.head.line, self.head.text, why)
        return section


def _open_comment(text: str) -> bool:
    return any(token.unterminated for token in lexer.tokenize(text))


def _what_prose(text: str) -> str:
    if text.startswith("\\"):
        return "a psql command; psql is not used, so it would not run"
    if ".sql" in text.lower():
        return "a pointer to a file instead of SQL"
    if text in ("...", "…"):
        return "an ellipsis stands for SQL that is not written"
    return "prose instead of SQL"
