# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a statement names and which locks it takes, read from its tokens without a server.

This is the forecast of the plan; what really vanishes (CASCADE, functions, DO blocks) is measured in the rehearsal.
"""

from __future__ import annotations

from typing import NamedTuple

from ansible_collections.dwp.backend.plugins.module_utils._flyway import lexer

ACCESS_EXCLUSIVE = "ACCESS EXCLUSIVE"
SHARE_ROW_EXCLUSIVE = "SHARE ROW EXCLUSIVE"
SHARE_UPDATE_EXCLUSIVE = "SHARE UPDATE EXCLUSIVE"
SHARE = "SHARE"
ROW_EXCLUSIVE = "ROW EXCLUSIVE"


class Target(NamedTuple):
    kind: str  # table, view, index, schema, column, function ...
    name: tuple[str, ...]  # as written: (table) or (schema, table), unquoted
    lock: str = ""
    loss: str = ""  # rows (all of them), column, changed rows; empty: none
    column: str = ""


_RELATIONS = ("TABLE", "VIEW", "INDEX", "SEQUENCE")
_WITHOUT_LOCK = (
    "FUNCTION", "PROCEDURE", "ROUTINE", "AGGREGATE", "TYPE", "DOMAIN", "EXTENSION", "ROLE", "SCHEMA", "USER",
    "PUBLICATION", "SUBSCRIPTION", "STATISTICS", "COLLATION",
)  # fmt: skip


class _Reader:
    """Walks over the significant tokens."""

    def __init__(self, statement: lexer.Statement) -> None:
        self.tokens = [token for token in statement.tokens if token.kind not in lexer.BLANK]
        self.at = 0

    def peek(self, ahead: int = 0) -> str:
        index = self.at + ahead
        if index >= len(self.tokens):
            return ""
        token = self.tokens[index]
        return token.text.upper() if token.kind == lexer.WORD else token.text

    def accept(self, *words: str) -> bool:
        if [self.peek(i) for i in range(len(words))] == list(words):
            self.at += len(words)
            return True
        return False

    def skip(self, *words: str) -> None:
        while self.peek() in words:
            self.at += 1

    def name(self) -> tuple[str, ...]:
        parts: list[str] = []
        while self.at < len(self.tokens) and self.tokens[self.at].kind in (lexer.WORD, lexer.QUOTED):
            parts.append(lexer.identifier(self.tokens[self.at].text))
            self.at += 1
            if not self.accept("."):
                break
        return tuple(parts)

    def names(self) -> list[tuple[str, ...]]:
        found = []
        while True:
            self.skip("ONLY")
            name = self.name()
            if name:
                found.append(name)
            self.skip("*")
            if not self.accept(","):
                return found

    def seek(self, word: str) -> bool:
        """Move behind the next such word outside parentheses."""
        depth = 0
        while self.at < len(self.tokens):
            here = self.peek()
            self.at += 1
            depth += (here == "(") - (here == ")")
            if here == word and depth == 0:
                return True
        return False


def targets(statement: lexer.Statement) -> list[Target]:
    reader = _Reader(statement)
    verb = reader.peek()
    reader.at += 1
    handler = _HANDLERS.get(verb)
    return handler(reader) if handler else []


def _drop(reader: _Reader) -> list[Target]:
    reader.skip("MATERIALIZED", "FOREIGN")
    kind = reader.peek()
    reader.at += 1
    concurrently = reader.accept("CONCURRENTLY")
    reader.accept("IF", "EXISTS")
    if kind in _RELATIONS:
        lock = SHARE_UPDATE_EXCLUSIVE if concurrently else ACCESS_EXCLUSIVE
        loss = "rows" if kind == "TABLE" else ""
        return [Target(kind.lower(), name, lock, loss) for name in reader.names()]
    if kind in ("TRIGGER", "POLICY", "RULE"):
        return _on_table(reader, ACCESS_EXCLUSIVE)
    if kind in _WITHOUT_LOCK:
        loss = "rows" if kind == "SCHEMA" else ""
        return [Target(kind.lower(), name, "", loss) for name in reader.names()]
    return []


def _on_table(reader: _Reader, lock: str) -> list[Target]:
    if not reader.seek("ON"):
        return []
    reader.skip("ONLY")
    name = reader.name()
    return [Target("table", name, lock)] if name else []


def _alter(reader: _Reader) -> list[Target]:
    reader.skip("MATERIALIZED", "FOREIGN")
    kind = reader.peek()
    reader.at += 1
    reader.accept("IF", "EXISTS")
    reader.skip("ONLY")
    if kind == "POLICY":
        return _on_table(reader, ACCESS_EXCLUSIVE)
    if kind not in _RELATIONS:
        name = reader.name()
        return [Target(kind.lower(), name)] if name and kind in _WITHOUT_LOCK else []
    name = reader.name()
    reader.skip("*")
    light = reader.peek() in ("VALIDATE", "ATTACH") or (reader.peek() == "DETACH" and "CONCURRENTLY" in _rest(reader))
    found = [Target(kind.lower(), name, SHARE_UPDATE_EXCLUSIVE if light else ACCESS_EXCLUSIVE)]
    if kind == "TABLE":
        found += _dropped_columns(reader, name)
    return found


def _rest(reader: _Reader) -> list[str]:
    return [reader.peek(i) for i in range(len(reader.tokens) - reader.at)]


def _dropped_columns(reader: _Reader, table: tuple[str, ...]) -> list[Target]:
    found: list[Target] = []
    depth = 0
    start = True  # at the start of an action
    while reader.at < len(reader.tokens):
        if start and reader.accept("DROP"):
            if reader.peek() != "CONSTRAINT":
                reader.skip("COLUMN")
                reader.accept("IF", "EXISTS")
                column = reader.name()
                if column:
                    found.append(Target("column", table, ACCESS_EXCLUSIVE, "column", column[0]))
            start = False
            continue
        here = reader.peek()
        depth += (here == "(") - (here == ")")
        start = here == "," and depth == 0
        reader.at += 1
    return found


def _create(reader: _Reader) -> list[Target]:
    reader.accept("OR", "REPLACE")
    reader.skip("UNIQUE", "CONSTRAINT")
    kind = reader.peek()
    reader.at += 1
    if kind == "INDEX":
        return _on_table(reader, SHARE_UPDATE_EXCLUSIVE if reader.accept("CONCURRENTLY") else SHARE)
    if kind == "TRIGGER":
        return _on_table(reader, SHARE_ROW_EXCLUSIVE)
    if kind == "POLICY":
        return _on_table(reader, ACCESS_EXCLUSIVE)
    return []


def _truncate(reader: _Reader) -> list[Target]:
    reader.skip("TABLE")
    return [Target("table", name, ACCESS_EXCLUSIVE, "rows") for name in reader.names()]


def _change(reader: _Reader) -> list[Target]:
    deletes = reader.peek() == "FROM"
    into = reader.peek() == "INTO"
    reader.skip("FROM", "INTO", "ONLY")
    name = reader.name()
    return [Target("table", name, ROW_EXCLUSIVE, "" if into and not deletes else "changed rows")] if name else []


def _maintain(lock: str):  # type: ignore[no-untyped-def]
    def handler(reader: _Reader) -> list[Target]:
        if reader.accept("("):
            while reader.peek() and not reader.accept(")"):
                reader.at += 1
        reader.skip("TABLE", "INDEX", "MATERIALIZED", "VIEW", "CONCURRENTLY", "VERBOSE", "FULL", "FREEZE", "ANALYZE")
        name = reader.name()
        return [Target("table", name, lock)] if name else []

    return handler


_HANDLERS = {
    "DROP": _drop,
    "ALTER": _alter,
    "CREATE": _create,
    "TRUNCATE": _truncate,
    "INSERT": _change,
    "UPDATE": _change,
    "DELETE": _change,
    "MERGE": _change,
    "LOCK": _maintain(ACCESS_EXCLUSIVE),
    "REFRESH": _maintain(ACCESS_EXCLUSIVE),
    "CLUSTER": _maintain(ACCESS_EXCLUSIVE),
    "REINDEX": _maintain(ACCESS_EXCLUSIVE),
    "VACUUM": _maintain(SHARE_UPDATE_EXCLUSIVE),
    "ANALYZE": _maintain(SHARE_UPDATE_EXCLUSIVE),
}
