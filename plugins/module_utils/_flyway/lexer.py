# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cut SQL text into tokens and statements exactly where PostgreSQL would.

The tokens are lossless: joined, they give the text back. Nothing here judges what a statement does.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import NamedTuple

# Kinds of tokens. A token that runs into the end of the text without its closing sign is `unterminated`.
SPACE = "space"
LINE_COMMENT = "line_comment"
BLOCK_COMMENT = "block_comment"
STRING = "string"
DOLLAR = "dollar"
QUOTED = "quoted_identifier"
WORD = "word"
NUMBER = "number"
SYMBOL = "symbol"
COPY_DATA = "copy_data"  # what follows COPY .. FROM STDIN; up to its end mark

BLANK = frozenset((SPACE, LINE_COMMENT, BLOCK_COMMENT, COPY_DATA))

# Most of any text; the groups are named as the kinds are. Quotes, dollars and slashes are looked at one by one.
# Letters are everything that is not ASCII, too; said by what they are not, for such a class compiles 50 times faster.
_PLAIN = re.compile(
    r"(?P<space>[ \t\n\r\f\v]+)|(?P<word>[^\x00-@\[-^`{-\x7f][^\x00-#%-/:-@\[-^`{-\x7f]*)"
    r"|(?P<number>\.?[0-9][0-9A-Za-z_.]*)|(?P<line_comment>--[^\n\r]*)|(?P<symbol>[^'\"$/])"
)
# The same for an outline: a word is all the code up to the next sign that can end it.
_COARSE = re.compile(
    r"(?P<word>[ \t\n\r\f\v]*[^;()'\"$/\- \t\n\r\f\v][^;()'\"$/\-]*)"
    r"|(?P<space>[ \t\n\r\f\v]+)|(?P<line_comment>--[^\n\r]*)|(?P<symbol>[;()\-])"
)
# Then the words matter after all: E'..', na$me, and what upper case shows.
_GLUED = re.compile(r"[^\x00-/:-@\[-^`{-\x7f]['$]")
_DOLLAR = re.compile(r"\$(?:[^\x00-@\[-^`{-\x7f][^\x00-/:-@\[-^`{-\x7f]*)?\$")
_PARAM = re.compile(r"\$[0-9]+")
_PLAIN_BODY = re.compile(r"[^']*(?:''[^']*)*")
_ESCAPED_BODY = re.compile(r"[^'\\]*(?:(?:''|\\.)[^'\\]*)*", re.DOTALL)
_QUOTED_BODY = re.compile(r'[^"]*(?:""[^"]*)*')
_BLOCK_EDGE = re.compile(r"/\*|\*/")
_NEWLINE = re.compile(r"\r\n|\r|\n")
_COPY_END = re.compile(r"(?:(?<=[\n\r])|\A)\\\.[ \t]*(?=[\n\r]|\Z)")
# A string goes on after blanks (and line comments) that hold a newline; it keeps its kind, so E'a'\n'b\'c' is one.
_CONTINUED = re.compile(r"[ \t\f\v]*(?:--[^\n\r]*)?[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*[\n\r])*'")


class Token(NamedTuple):
    kind: str
    text: str
    start: int
    line: int
    unterminated: bool = False

    @property
    def end(self) -> int:
        return self.start + len(self.text)


class Statement(NamedTuple):
    """One statement without its final semicolon and without comments before or after it."""

    text: str
    line: int
    tokens: tuple[Token, ...]
    terminated: bool
    problem: str = ""

    def words(self) -> list[str]:
        """The significant tokens: words and numbers in upper case, everything else as written."""
        return [t.text.upper() if t.kind == WORD else t.text for t in self.tokens if t.kind not in BLANK]


def count_newlines(text: str) -> int:
    return len(_NEWLINE.findall(text)) if "\n" in text or "\r" in text else 0


def split_lines(text: str) -> list[str]:
    """Lines as Flyway and PostgreSQL see them: only CR, LF and CRLF end one."""
    return _NEWLINE.split(text)


def tokenize(text: str, line: int = 1, script: bool = False) -> Iterator[Token]:
    """The tokens of a text. `script`: lines of data may follow COPY .. FROM STDIN, as in a migration."""
    return iter(_tokens(text, line, script, _PLAIN))


def outline(text: str) -> Iterator[Token]:
    """The tokens of a migration for those who look for its comments, strings and statements: the code between them may be one token."""
    upper = text.upper()
    fine = "ATOMIC" in upper or "STDIN" in upper or _GLUED.search(text)
    return iter(_tokens(text, 1, True, _PLAIN if fine else _COARSE))


@functools.lru_cache(maxsize=8)  # a section is looked at from several sides, one after the other
def _tokens(text: str, line: int, script: bool, plain: re.Pattern[str]) -> tuple[Token, ...]:
    found: list[Token] = []
    position, size = 0, len(text)
    copy = _Copy() if script and "STDIN" in text.upper() else None
    while position < size:
        unterminated = False
        match = plain.match(text, position)
        if copy is not None and copy.data_follows:
            kind, end = COPY_DATA, _copy_end(text, position)
        elif match is None:
            kind, end, unterminated = _special(text, position)
        else:
            kind, end = match.lastgroup or SYMBOL, match.end()
            if kind == WORD and end < size and text[end] in "'&":
                kind, end, unterminated = _word(text, position, end)
        value = text[position:end]
        token = Token(kind, value, position, line, unterminated)
        if copy is not None:
            copy.feed(token)
        found.append(token)
        if "\n" in value or "\r" in value:
            line += count_newlines(value)
            if value.endswith("\r") and text[end : end + 1] == "\n":
                line -= 1
        position = end
    return tuple(found)


class _Copy:
    """Notices the end of a COPY .. FROM STDIN statement."""

    def __init__(self) -> None:
        self.first = ""  # the first word of the statement
        self.stdin = False
        self.data_follows = False

    def feed(self, token: Token) -> None:
        self.data_follows = False
        if token.kind in BLANK:
            return
        if token.kind == SYMBOL and token.text == ";":
            self.data_follows = self.first == "COPY" and self.stdin
            self.first, self.stdin = "", False
        elif not self.first:
            self.first = token.text.upper() if token.kind == WORD else token.kind
        elif self.first == "COPY" and token.kind == WORD and token.text.upper() == "STDIN":
            self.stdin = True


def _copy_end(text: str, at: int) -> int:
    mark = _COPY_END.search(text, at)
    return mark.end() if mark else len(text)


def _special(text: str, at: int) -> tuple[str, int, bool]:
    char = text[at]
    if char == "'":
        return _string(text, at + 1, escaped=False)
    if char == '"':
        return _quoted(text, at + 1)
    if char == "$":
        return _dollar(text, at)
    if text.startswith("/*", at):
        return _block_comment(text, at)
    return SYMBOL, at + 1, False


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at


def _word(text: str, at: int, end: int) -> tuple[str, int, bool]:
    word = text[at:end].upper()
    following = text[end : end + 1]
    if following == "'" and word in ("E", "N", "B", "X"):
        return _string(text, end + 1, escaped=word == "E")
    if word == "U" and following == "&":
        if text[end + 1 : end + 2] == "'":
            return _string(text, end + 2, escaped=False)
        if text[end + 1 : end + 2] == '"':
            return _quoted(text, end + 2)
    return WORD, end, False


def _string(text: str, body: int, escaped: bool) -> tuple[str, int, bool]:
    pattern = _ESCAPED_BODY if escaped else _PLAIN_BODY
    while True:
        close = _end(pattern, text, body)
        if text[close : close + 1] != "'":
            return STRING, len(text), True
        again = _CONTINUED.match(text, close + 1)
        if not again:
            return STRING, close + 1, False
        body = again.end()


def _quoted(text: str, body: int) -> tuple[str, int, bool]:
    close = _end(_QUOTED_BODY, text, body)
    if close >= len(text):
        return QUOTED, len(text), True
    return QUOTED, close + 1, False


def _dollar(text: str, at: int) -> tuple[str, int, bool]:
    tag = _DOLLAR.match(text, at)
    if tag:
        close = text.find(tag.group(), tag.end())
        if close < 0:
            return DOLLAR, len(text), True
        return DOLLAR, close + len(tag.group()), False
    param = _PARAM.match(text, at)
    return (NUMBER, param.end(), False) if param else (SYMBOL, at + 1, False)


def _block_comment(text: str, at: int) -> tuple[str, int, bool]:
    depth, position = 1, at + 2
    while depth:
        edge = _BLOCK_EDGE.search(text, position)
        if not edge:
            return BLOCK_COMMENT, len(text), True
        depth += 1 if edge.group() == "/*" else -1
        position = edge.end()
    return BLOCK_COMMENT, position, False


class Nesting:
    """Follows parentheses and BEGIN ATOMIC .. END, token by token, and says where a semicolon ends a statement."""

    def __init__(self) -> None:
        self.parens = 0
        self.atomic = 0
        self._words: list[str] = []

    @property
    def open(self) -> bool:
        return bool(self.parens or self.atomic)

    @property
    def started(self) -> bool:
        return bool(self._words)

    def feed(self, token: Token) -> bool:
        """True if this token is the semicolon that ends the statement."""
        kind, word = token.kind, token.text
        if kind in BLANK:
            return False
        if kind == WORD:
            word = word.upper()
            if not self.parens:
                self._atomic(word)
        elif kind == SYMBOL:
            if word == ";" and not self.parens and not self.atomic:
                self._words = []
                return True
            if word == "(":
                self.parens += 1
            elif word == ")" and self.parens:
                self.parens -= 1
        # the first five words tell CREATE [OR REPLACE] FUNCTION apart, the last one what BEGIN or END is
        self._words[5:] = [word]
        return False

    def _atomic(self, word: str) -> None:
        previous = self._words[-1] if self._words else ""
        if word == "ATOMIC" and previous == "BEGIN" and self._creates_routine():
            self.atomic += 1
        elif self.atomic and previous not in (".", "AS"):
            if word == "CASE":
                self.atomic += 1
            elif word == "END":
                self.atomic -= 1

    def _creates_routine(self) -> bool:
        start = self._words[:4]
        if start[:3] == ["CREATE", "OR", "REPLACE"]:
            start = ["CREATE", *start[3:]]
        return start[:1] == ["CREATE"] and start[1:2] in (["FUNCTION"], ["PROCEDURE"])


def split(text: str, line: int = 1) -> list[Statement]:
    """The statements of the text, in order; a lone semicolon is none. Only the last one can be unterminated."""
    return list(_statements(text, line))


@functools.lru_cache(maxsize=8)
def _statements(text: str, line: int) -> tuple[Statement, ...]:
    found: list[Statement] = []
    current: list[Token] = []
    nesting = Nesting()
    for token in tokenize(text, line):
        if nesting.feed(token):
            _add(found, text, current, True, nesting)
            current = []
        else:
            current.append(token)
    _add(found, text, current, False, nesting)
    return tuple(found)


def _add(found: list[Statement], text: str, tokens: list[Token], terminated: bool, nesting: Nesting) -> None:
    significant = [i for i, token in enumerate(tokens) if token.kind not in BLANK]
    open_token = next((t for t in tokens if t.unterminated), None)
    if not significant:
        if open_token is not None:
            found.append(Statement(open_token.text, open_token.line, (open_token,), False, _open_problem(open_token)))
        return
    kept = tokens[significant[0] : significant[-1] + 1]
    problem = ""
    if open_token is not None:
        problem = _open_problem(open_token)
    elif not terminated and nesting.parens:
        problem = "a parenthesis is not closed"
    elif not terminated and nesting.atomic:
        problem = "BEGIN ATOMIC has no END"
    found.append(Statement(text[kept[0].start : kept[-1].end], kept[0].line, tuple(kept), terminated, problem))


def _open_problem(token: Token) -> str:
    sign = {STRING: "a quoted string", QUOTED: "a quoted identifier", BLOCK_COMMENT: "a /* comment"}.get(token.kind)
    if sign is None:
        tag = _DOLLAR.match(token.text)
        sign = "the dollar-quoted string " + (tag.group() if tag else "$")
    return f"{sign} opened in line {token.line} is not closed"


def identifier(token_text: str) -> str:
    """The name that PostgreSQL stores for a word or quoted identifier (U& escapes are left alone)."""
    if token_text.startswith('"'):
        return token_text[1:-1].replace('""', '"')
    return "".join(c.lower() if c < "\x80" else c for c in token_text)
