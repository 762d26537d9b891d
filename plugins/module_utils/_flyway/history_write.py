# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of the schema history: only those that Flyway itself makes in repair. Call under the locks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._flyway import fingerprint, lexer
from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError
from ansible_collections.dwp.backend.plugins.module_utils._flyway.history import HistoryRow, HistoryTable
from ansible_collections.dwp.backend.plugins.module_utils._flyway.names import Version
from ansible_collections.dwp.backend.plugins.module_utils._flyway.states import Info

DELETE = "delete"


def take_back(cursor: Any, table: HistoryTable, row: HistoryRow, history: str) -> str:
    """One applied migration is no longer applied. Failed rows go, as in repair; others are marked or removed."""
    if history == DELETE or not row.success:
        delete_row(cursor, table, row.installed_rank)
        return "row deleted"
    mark(cursor, table, row)
    return "DELETE row added"


def mark(cursor: Any, table: HistoryTable, row: HistoryRow) -> None:
    """The DELETE row that Flyway's repair writes."""
    cursor.execute(
        f'INSERT INTO {table.name} ("installed_rank", "version", "description", "type", "script", "checksum", '
        f'"installed_by", "execution_time", "success") SELECT coalesce(max("installed_rank"), 0) + 1, '
        f"%s, %s, 'DELETE', %s, %s, current_user, 0, true FROM {table.name}",
        (row.raw_version, row.description, row.script, row.checksum),
    )


def delete_row(cursor: Any, table: HistoryTable, rank: int) -> None:
    cursor.execute(f'DELETE FROM {table.name} WHERE "installed_rank" = %s', (rank,))
    if cursor.rowcount != 1:
        raise FlywayError(
            f"Row {rank} of {table.name} is gone: the history changed meanwhile. Nothing was changed.",
            "CHANGED_MEANWHILE",
        )


def repeatables_to_rerun(info: Info, vanished: Iterable[fingerprint.Key], default_schema: str) -> list[HistoryRow]:
    """Live rows of repeatable migrations one of whose objects is gone, so that Flyway has to run them again."""
    gone = {_bare(identity) for kind, identity in vanished if kind in _KINDS}
    found = []
    for line in info.lines:
        row, file = line.row, line.file
        if row is None or file is None or row.version is not None or line.state not in ("SUCCESS", "OUTDATED"):
            continue
        if row.type != "SQL" or not row.success:
            continue
        if gone & created(file.text(), default_schema):
            found.append(row)
    return found


def absent(info: Info, now: fingerprint.Fingerprint, default_schema: str) -> tuple[fingerprint.Key, ...]:
    """What live repeatable migrations create and the catalogue lacks: a run that was interrupted may have dropped it."""
    there = {_bare(identity) for _kind, identity in now.objects}
    found = set()
    for line in info.lines:
        if line.row is not None and line.file is not None and line.version is None and line.state == "SUCCESS":
            found |= created(line.file.text(), default_schema) - there
    return tuple(("view", name) for name in sorted(found))


_KINDS = ("table", "view", "materialized view", "function", "procedure", "aggregate", "trigger", "policy", "type",
          "domain", "sequence", "index", "rule")  # fmt: skip
_WORDS = frozenset(
    ("OR", "REPLACE", "TEMP", "TEMPORARY", "UNLOGGED", "RECURSIVE", "MATERIALIZED", "UNIQUE", "CONSTRAINT", "TABLE",
     "VIEW", "FUNCTION", "PROCEDURE", "AGGREGATE", "TYPE", "DOMAIN", "SEQUENCE", "INDEX", "CONCURRENTLY", "IF", "NOT",
     "EXISTS", "TRIGGER", "POLICY", "RULE")
)  # fmt: skip
_ON_TABLE = frozenset(("TRIGGER", "POLICY", "RULE"))


def created(text: str, default_schema: str) -> set[str]:
    """Names (schema.name, or schema.table.name) of what the CREATE statements of a text make."""
    found = set()
    for statement in lexer.split(text):
        tokens = [token for token in statement.tokens if token.kind not in lexer.BLANK]
        if not tokens or tokens[0].text.upper() != "CREATE":
            continue
        at, kinds = 1, set()
        while at < len(tokens) and tokens[at].kind == lexer.WORD and tokens[at].text.upper() in _WORDS:
            kinds.add(tokens[at].text.upper())
            at += 1
        name = _dotted(tokens, at)
        if not name:
            continue
        if kinds & _ON_TABLE:
            words = [token.text.upper() for token in tokens]
            name = (_dotted(tokens, words.index("ON", at) + 1) if "ON" in words[at:] else []) + name
            name = name if len(name) == 3 else [default_schema, *name]
        found.add(".".join(name if len(name) > 1 else [default_schema, *name]))
    return found


def _dotted(tokens: Sequence[lexer.Token], at: int) -> list[str]:
    parts: list[str] = []
    while at < len(tokens) and tokens[at].kind in (lexer.WORD, lexer.QUOTED):
        parts.append(lexer.identifier(tokens[at].text))
        if at + 1 >= len(tokens) or tokens[at + 1].text != ".":
            break
        at += 2
    return parts


def _bare(identity: str) -> str:
    return identity.partition("(")[0].replace('"', "")


def assert_taken_back(info: Info, versions: Sequence[Version], current: str | None) -> None:
    """The history read back says what the plan promised, or the transaction must not be committed."""
    for line in info.lines:
        if line.row is not None and line.version in versions and line.state not in ("DELETED", "UNDONE"):
            if line.row.type == "DELETE":
                continue
            raise FlywayError(f"Version {line.version} would still be {line.display}. Nothing was changed.", "ASSERTION")
    if info.refusals:
        raise FlywayError(f"Flyway would refuse the new history: {info.refusals[0].message}", "ASSERTION")
    if info.current_text != current:
        raise FlywayError(
            f"The schema version would be {info.current_text} and not {current} as planned. Nothing was changed.",
            "ASSERTION",
        )
