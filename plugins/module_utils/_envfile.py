# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment files: one quoting rule for writing, a tolerant and honest reader.

What we write is a POSIX shell file of single-quoted assignments. The launcher of a release sources it
(C(set -a; . ./environment; exec java ...)), so every value reaches the process byte for byte, whatever it holds.

What we read is that, and also what others write: EnvironmentFile= of systemd, dotenv files, C(export NAME=...).
Where those readers disagree about a line, the reader here says so instead of guessing silently.
No message ever quotes a value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")

# Names that a shell keeps for itself: read-only, computed, or changed on the way. A launcher cannot hand them on.
_SHELL_OWNED = """
_ BASHOPTS BASHPID BASH_ALIASES BASH_ARGC BASH_ARGV BASH_ARGV0 BASH_CMDS BASH_LINENO BASH_SOURCE BASH_SUBSHELL
BASH_VERSINFO COMP_WORDBREAKS DIRSTACK EPOCHREALTIME EPOCHSECONDS EUID FUNCNAME GROUPS HISTCMD LINENO OPTIND
PIPESTATUS PPID RANDOM SECONDS SHELLOPTS SHLVL SRANDOM UID
"""
SHELL_OWNED = frozenset(_SHELL_OWNED.split())

HEADER = (
    "# Environment of one release, written by dwp.backend. Do not edit: the next deployment puts it right again.\n"
    "# Shell syntax, sourced by the launcher; every value stands in single quotes and means exactly what it says.\n"
)

_ASSIGNMENT = re.compile(r"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=")
_EXPANSION = re.compile(r"`|\$(?:\\\n)*[A-Za-z0-9_{(@*#?$!'\"-]")
_SHELL_META = frozenset(";&|<>()")
_DISAGREE = "systemd and a shell read this differently; taken as systemd does. Put the value in single quotes."


class Problem(NamedTuple):
    """Something wrong with a line. ``error``: unreadable; ``warning``: readable, but readers disagree."""

    line: int
    name: str | None
    severity: str
    message: str


class EnvFile(NamedTuple):
    """What a file says: the values, the line of each, and everything noticed on the way."""

    values: dict[str, str]
    lines: dict[str, int]
    problems: list[Problem]


class EnvFileError(ValueError):
    """An environment that cannot be written or read; holds every problem, each as ``source:line: why``."""

    def __init__(self, source: str, problems: list[Problem]) -> None:
        self.source = source
        self.problems = problems
        super().__init__("\n".join(render(source, problem) for problem in problems))


def render(source: str, problem: Problem) -> str:
    """``file:line: why``, without the line where there is none."""
    place = f"{source}:{problem.line}" if problem.line else source
    return f"{place}: {problem.message}"


def name_problem(name: object) -> str | None:
    """Why this cannot be the name of a variable that a launcher hands on; ``None`` when it can."""
    if not isinstance(name, str) or not NAME.match(name):
        return f"{name!r} is not a variable name; letters, digits and underscores only, not starting with a digit"
    if name in SHELL_OWNED:
        return f"{name} belongs to the shell itself and cannot be handed on through it; use another name"
    return None


def value_problem(value: object) -> str | None:
    """Why this cannot be a value in a process environment; ``None`` when it can. Never quotes the value."""
    if not isinstance(value, str):
        return f"is of type {type(value).__name__}, not text; put the value in quotes where it is defined"
    if "\0" in value:
        return "contains a NUL character, which no process environment can hold"
    try:
        encode(value)
    except UnicodeEncodeError:
        return "contains half of a surrogate pair, which is not a character"
    return None


def encode(text: str) -> bytes:
    """Text of an environment as bytes; bytes that are not UTF-8 survive :func:`decode` and this unchanged."""
    return text.encode("utf-8", "surrogateescape")


def decode(data: bytes) -> str:
    """Bytes of an environment as text, see :func:`encode`."""
    return data.decode("utf-8", "surrogateescape")


def dump(values: Mapping[str, str], header: str = HEADER, source: str = "environment") -> str:
    """The file for these values: sorted, so that equal environments give equal files."""
    problems = []
    lines = []
    for name in sorted(values, key=str):
        wrong_name, wrong_value = name_problem(name), value_problem(values[name])
        if wrong_name:
            problems.append(Problem(0, None, "error", wrong_name))
        if wrong_value:
            problems.append(Problem(0, str(name), "error", f"{name} {wrong_value}"))
        if not (wrong_name or wrong_value):
            lines.append(f"{name}={quote(values[name])}\n")
    if problems:
        raise EnvFileError(source, problems)
    return header + "".join(lines)


def quote(value: str) -> str:
    """The value in single quotes; the only character that needs care there is the single quote."""
    return "'" + value.replace("'", "'\\''") + "'"


def parse(text: str, source: str = "environment") -> tuple[dict[str, str], dict[str, int]]:
    """Values and the line of each, or :class:`EnvFileError` with every unreadable line."""
    result = read(text)
    errors = [problem for problem in result.problems if problem.severity == "error"]
    if errors:
        raise EnvFileError(source, errors)
    return result.values, result.lines


def read(text: str) -> EnvFile:
    """Everything that can be read, with the problems beside it; never raises."""
    return _Reader(text).read()


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.name: str | None = None
        self.started = 0
        self.result = EnvFile({}, {}, [])

    def read(self) -> EnvFile:
        if self.text.startswith("\ufeff"):
            self.position = 1
            self.problem("warning", "the file starts with a byte order mark; a shell takes it for part of the name")
        while self.position < len(self.text):
            self.name = None
            self.started = self.position
            self.statement()
        return self.result

    def statement(self) -> None:
        while self.peek() in (" ", "\t", "\r", "\n"):
            self.position += 1
        self.started = self.position
        if self.peek() in ("", "#", ";"):
            if self.peek() == ";":
                self.problem("warning", "a line that starts with ; is a comment for systemd, but an error for a shell; use #")
            self.skip_line()
            return
        match = _ASSIGNMENT.match(self.text, self.position)
        if not match:
            self.problem("error", "this is not an assignment of the form NAME='value' (no blank around =)")
            self.skip_line()
            return
        self.name = name = match.group(1)
        line = self.line_of(self.started)
        self.position = match.end()
        value = self.value()
        if value is None:
            return
        if "\0" in value:
            self.problem("error", f"{name} contains a NUL character, which no process environment can hold")
            return
        if name in self.result.lines:
            before = self.result.lines[name]
            self.problem("warning", f"{name} is set again (before in line {before}); the last one counts")
        self.result.values[name] = value
        self.result.lines[name] = line

    def value(self) -> str | None:
        """One value: any mix of unquoted, single-quoted and double-quoted pieces up to the end of the line."""
        pieces: list[str] = []
        quoted = False
        while True:
            char = self.peek()
            if char in ("", "\n"):
                self.position += 1
                return "".join(pieces)
            if char in ("'", '"'):
                piece = self.single() if char == "'" else self.double()
                if piece is None:
                    return None
                pieces.append(piece)
                quoted = True
            elif char in (" ", "\t", "\r"):
                blanks = self.blanks(quoted)
                if blanks is None:
                    return None
                pieces.append(blanks)
            elif char == "\\":
                following = self.text[self.position + 1 : self.position + 2]
                pieces.append("" if following == "\n" else following)
                self.position += 2
            else:
                self.note_expansion(pieces)
                pieces.append(char)
                self.position += 1

    def single(self) -> str | None:
        end = self.text.find("'", self.position + 1)
        if end < 0:
            self.unclosed("single")
            return None
        piece = self.text[self.position + 1 : end]
        self.position = end + 1
        return piece

    def double(self) -> str | None:
        opened = self.position
        self.position += 1
        pieces: list[str] = []
        while True:
            char = self.peek()
            if char == "":
                self.position = opened
                self.unclosed("double")
                return None
            if char == '"':
                self.position += 1
                return "".join(pieces)
            if char == "\\":
                following = self.text[self.position + 1 : self.position + 2]
                if following == "\n":
                    pieces.append("")
                elif following in ('"', "\\", "$", "`"):
                    pieces.append(following)
                else:
                    pieces.append("\\" + following)
                self.position += 2
                continue
            if _EXPANSION.match(self.text, self.position):
                self.disagreement("$ or ` in double quotes")
            pieces.append(char)
            self.position += 1

    def blanks(self, quoted: bool) -> str | None:
        """Blanks inside a value: the end of it, the start of a comment, or (unquoted) part of it."""
        start = self.position
        while self.peek() in (" ", "\t", "\r"):
            self.position += 1
        blanks = self.text[start : self.position]
        following = self.peek()
        if following in ("", "\n"):
            if "\r" in blanks:
                self.disagreement("a Windows line end (CR LF)")
            return ""
        if not quoted:
            self.disagreement("an unquoted blank" + (" and #" if following == "#" else ""))
            return blanks
        if following == "#":
            self.skip_line(keep_newline=True)
            return ""
        self.problem("error", f"{self.name}: text follows the closing quote; put the whole value in one pair of quotes")
        self.skip_line()
        return None

    def note_expansion(self, pieces: list[str]) -> None:
        char = self.peek()
        if _EXPANSION.match(self.text, self.position):
            self.disagreement("an unquoted $ or `")
        elif char in _SHELL_META:
            self.disagreement("an unquoted " + char)
        elif char == "~" and not any(pieces):
            self.disagreement("an unquoted ~ at the start")

    def disagreement(self, what: str) -> None:
        """At most one for a value: the cure is the same for all of them."""
        line = self.line_of(self.started)
        if not any(p.name == self.name and p.line == line for p in self.result.problems):
            self.problem("warning", f"{self.name} holds {what}; {_DISAGREE}")

    def unclosed(self, kind: str) -> None:
        self.problem("error", f"{self.name}: the {kind} quote that opens here is never closed", at=self.position)
        self.position = len(self.text)

    def problem(self, severity: str, message: str, at: int | None = None) -> None:
        line = self.line_of(self.started if at is None else at)
        self.result.problems.append(Problem(line, self.name, severity, message))

    def peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def skip_line(self, keep_newline: bool = False) -> None:
        end = self.text.find("\n", self.position)
        self.position = len(self.text) if end < 0 else end + (0 if keep_newline else 1)

    def line_of(self, position: int) -> int:
        return self.text.count("\n", 0, position) + 1
