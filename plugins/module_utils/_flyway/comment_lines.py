# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The comments of a migration as lines, and what a single comment line is: header, ruler, no-op, prose."""

from __future__ import annotations

import re
from typing import NamedTuple

from ansible_collections.dwp.backend.plugins.module_utils._flyway import lexer, verbs

_RULE = "=─━═—–~#*_+|│┃║╔╗╚╝┌┐└┘├┤"
_RULER = re.compile(rf"[\s\-{_RULE}]*[\-{_RULE}]{{3,}}[\s\-{_RULE}]*$")
_FRAME_LEFT = re.compile(rf"^(?:[\-{_RULE}]{{2,}}|[#*│┃║|═─━])[\s\-{_RULE}]*(?=\s)")
_FRAME_RIGHT = re.compile(rf"\s+[\s\-{_RULE}]*(?:[\-{_RULE}]{{2,}}|[#*│┃║|═─━])$")

_WORD = r"(?:roll[ -]?backs?|undo|revert|down|롤백|되돌리기|回滚|回滾)"
_TITLE = (
    r"(?:\s+(?:sql|script|scripts|instructions?|statements?|migration|steps?|plan|ddl|commands?|procedure|section|query|"
    r"queries|스크립트|쿼리|방법|절차|구문|명령|명령어|실행|시|필요\s*시|脚本|语句))*"
)
_NOTE = r"(?:\s*[(（][^()（）]*[)）])*"
_END = r"(?!\w)"
_COLON = re.compile(rf"@?{_WORD}{_END}{_TITLE}{_NOTE}\s*[:：](?P<rest>.*)$", re.IGNORECASE)
_RUN = re.compile(
    rf"to\s+(?:{_WORD}|roll(?:ing)?\s+back)(?:\s+(?:this|the))?(?:\s+(?:migration|change|changes))?\s*,?"
    r"(?:\s*(?:run|execute|use|apply)(?:\s+(?:the\s+)?following(?:\s+\w+)?)?)?\s*[:：](?P<rest>.*)$",
    re.IGNORECASE,
)
_TITLED = re.compile(rf"(?:liquibase\s+)?@?{_WORD}{_END}{_TITLE}{_NOTE}\s*$", re.IGNORECASE)
_LIQUIBASE = re.compile(r"(?:liquibase\s+)?rollback\s+(?P<rest>\S.*)$", re.IGNORECASE)
_PROSE = re.compile(r"@?(?:roll[ -]?back|롤백|回滚)", re.IGNORECASE)
_FOREIGN = re.compile(r"(?:\+goose\s+down|\+migrate\s+down|migrate:down)\b", re.IGNORECASE)
_NOOP = re.compile(r"(?:none|empty|not required|no-op)\s*(?:\((?P<reason>[^()]*)\))?$", re.IGNORECASE)
_KEY_VALUE = re.compile(r"@?\w[\w /-]{0,40}[:：](?!:)(?:\s|$)")
_NOTE_ONLY = re.compile(r"[(（][^()（）]*[)）]$")


class CommentLine(NamedTuple):
    """One line of a comment without its signs."""

    line: int
    text: str
    indent: int
    run: int  # lines with only blanks between them share a run; code starts a new one
    block: int  # number of the /* */ comment, 0 for a -- comment
    usable: bool  # false: inside an unfinished statement
    where: str = ""  # why it is not usable


class Header(NamedTuple):
    rest: str  # what follows the marker on its line
    titled: bool  # a title without colon


def is_ruler(text: str) -> bool:
    return bool(_RULER.match(text))


def noop(text: str) -> str | None:
    """The reason given with an explicit 'nothing to undo' ('' if none was given); None if the text is none."""
    match = _NOOP.match(text.strip())
    return (match.group("reason") or "").strip() if match else None


def is_key_value(text: str) -> bool:
    return bool(_KEY_VALUE.match(text.strip()))


def is_note(text: str) -> bool:
    return bool(_NOTE_ONLY.match(text.strip()))


def is_foreign_marker(text: str) -> bool:
    """The down marker of another tool, whose SQL is not a comment, so that Flyway has run it."""
    return bool(_FOREIGN.match(text.strip()))


def is_rollback_prose(text: str) -> bool:
    return bool(_PROSE.match(_unframed(text)))


def header(text: str) -> Header | None:
    plain = _unframed(text)
    match = _COLON.match(plain) or _RUN.match(plain)
    if match:
        return Header(match.group("rest").strip(), False)
    if _TITLED.match(plain):
        return Header("", True)
    match = _LIQUIBASE.match(plain)
    if match:
        rest = match.group("rest").strip()
        if _sql(rest) or noop(rest) is not None:
            return Header(rest, False)
    return None


def _sql(text: str) -> bool:
    words = [w.upper() for w in re.findall(r"\w+|\S", text)]
    return verbs.shape_problem(words) == ""


def _unframed(text: str) -> str:
    plain = text.strip()
    if is_ruler(plain):
        return ""
    plain = _FRAME_LEFT.sub("", plain).strip()
    return _FRAME_RIGHT.sub("", plain).strip()


def comment_lines(text: str) -> list[CommentLine]:
    """Every comment line of the migration, in order, with its content and whether code stands between."""
    lines: list[CommentLine] = []
    nesting = lexer.Nesting()
    run = block = 0
    fresh = True  # between statements
    for token in lexer.outline(text):
        if token.kind in (lexer.SPACE, lexer.COPY_DATA):
            continue
        if token.kind in (lexer.LINE_COMMENT, lexer.BLOCK_COMMENT):
            where = "" if fresh and not nesting.open else "inside an unfinished statement"
            if token.kind == lexer.LINE_COMMENT:
                content = token.text[2:]
                lines.append(_line(token.line, content, run, 0, where))
            else:
                block += 1
                lines.extend(_block(token, run, block, where))
            continue
        run += 1
        fresh = nesting.feed(token)
        if token.kind in (lexer.STRING, lexer.DOLLAR):
            what = "a dollar-quoted body" if token.kind == lexer.DOLLAR else "a string"
            lines.extend(_inside(token, run, what))
    return lines


def _line(number: int, content: str, run: int, block: int, where: str) -> CommentLine:
    expanded = content.expandtabs(4)
    stripped = expanded.strip()
    indent = len(expanded) - len(expanded.lstrip())
    return CommentLine(number, content.strip() if stripped else "", indent, run, block, not where, where)


def _block(token: lexer.Token, run: int, block: int, where: str) -> list[CommentLine]:
    body = token.text[2:] if token.unterminated else token.text[2:-2]
    rows = lexer.split_lines(body)
    if len(rows) > 1 and all(re.match(r"\s*(\*|$)", row) for row in rows[1:]):
        rows = [rows[0], *(re.sub(r"^\s*\*", "", row, count=1) for row in rows[1:])]
    if rows[0].startswith(("*", "!")):
        rows[0] = rows[0][1:]
    return [_line(token.line + i, row, run, block, where) for i, row in enumerate(rows)]


def _inside(token: lexer.Token, run: int, what: str) -> list[CommentLine]:
    """Comment-like lines within a string or body: never rollback text, but worth a word if one looks like it."""
    found = []
    for i, row in enumerate(lexer.split_lines(token.text)):
        match = re.match(r"\s*--(.*)$", row)
        if match:
            found.append(_line(token.line + i, match.group(1), run, 0, f"inside {what}"))
    return found
