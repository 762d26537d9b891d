# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rollback statement may be: the allow-list, the refusals, and what needs to run outside a transaction."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ansible_collections.dwp.backend.plugins.module_utils._flyway import lexer

OBJECTS = frozenset(  # the list is easier to read as words
    """
    ACCESS AGGREGATE CAST COLLATION COLUMN CONSTRAINT CONVERSION DATABASE DEFAULT DOMAIN EVENT EXTENSION FOREIGN
    FUNCTION GLOBAL GROUP INDEX LANGUAGE LARGE LOCAL MATERIALIZED OPERATOR OWNED POLICY PROCEDURAL PROCEDURE
    PUBLICATION RECURSIVE ROLE ROUTINE RULE SCHEMA SEQUENCE SERVER STATISTICS SUBSCRIPTION SYSTEM TABLE
    TABLESPACE TEMP TEMPORARY TEXT TRANSFORM TRIGGER TRUSTED TYPE UNIQUE UNLOGGED USER VIEW
    """.split()  # noqa: SIM905
)
# verb -> what the second word must be (None: anything)
ALLOWED: dict[str, frozenset[str] | None] = {
    "ALTER": OBJECTS,
    "DROP": OBJECTS,
    "CREATE": OBJECTS | {"OR"},
    "COMMENT": frozenset(("ON",)),
    "SECURITY": frozenset(("LABEL",)),
    "GRANT": None,
    "REVOKE": None,
    "INSERT": frozenset(("INTO",)),
    "UPDATE": None,
    "DELETE": frozenset(("FROM",)),
    "MERGE": frozenset(("INTO",)),
    "TRUNCATE": None,
    "SELECT": None,
    "WITH": None,
    "DO": None,
    "CALL": None,
    "REINDEX": None,
    "VACUUM": None,
    "ANALYZE": None,
    "CLUSTER": None,
    "REFRESH": frozenset(("MATERIALIZED",)),
    "REASSIGN": frozenset(("OWNED",)),
    "IMPORT": frozenset(("FOREIGN",)),
    "LOCK": None,
    "SET": None,
}
_CONTROL = frozenset(["BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE", "PREPARE"])
_BEGINNINGS = _CONTROL.union(ALLOWED)
_SETTINGS = frozenset(["SEARCH_PATH", "CLIENT_MIN_MESSAGES", "CHECK_FUNCTION_BODIES", "ROW_SECURITY", "CONSTRAINTS"])
_FIRST_WORD = re.compile(r"\s*([A-Za-z]+)\b(?![:：])")
_UNRESOLVED = re.compile(r"\$\{[^}\n]*\}")
_POINTER = re.compile(r"[\w./-]+\.sql\b", re.IGNORECASE)

HOW = "Write only SQL statements, each ended by a semicolon, or 'none' if nothing has to be undone."


def starts_like_sql(line: str) -> bool:
    """Does the line begin with a verb of the list (or transaction control), whatever follows?"""
    word = _FIRST_WORD.match(line)
    return word is not None and word.group(1).upper() in _BEGINNINGS


def looks_like_statement(line: str) -> bool:
    """A line that can hardly be prose: verb, fitting second word, and a semicolon at its end."""
    words = re.findall(r"\w+|\S", line)
    if len(words) < 3 or not line.rstrip().endswith(";"):
        return False
    return shape_problem([w.upper() for w in words]) == ""


def shape_problem(words: Sequence[str]) -> str:
    """Why these words cannot begin a rollback statement; empty if they can."""
    if not words:
        return "no statement"
    verb = words[0]
    if verb == "\\":
        return "a psql command; psql is not used, so it would not run"
    if verb in _CONTROL:
        return f"{verb} would end or nest the transaction of the rollback"
    if verb == "COPY":
        return "COPY cannot be run here"
    if verb not in ALLOWED:
        return "not an SQL statement that a rollback may contain"
    second = ALLOWED[verb]
    if second is not None and (len(words) < 2 or words[1] not in second):
        return f"not SQL: {verb} has to be followed by {'a kind of object' if len(second) > 2 else min(second)}"
    if len(words) < 2:
        return f"{verb} alone is not a statement"
    return _forbidden(words)


def _forbidden(words: Sequence[str]) -> str:
    verb, second = words[0], words[1]
    if verb == "ALTER" and second == "SYSTEM":
        return "ALTER SYSTEM changes the whole server"
    if second in ("DATABASE", "TABLESPACE") and verb in ("DROP", "CREATE", "ALTER"):
        return f"{verb} {second} reaches beyond this schema"
    if verb == "SELECT" and _selects_into(words):
        return "SELECT INTO means something else in a function; write CREATE TABLE .. AS SELECT"
    if verb == "SET":
        name = words[2] if second in ("LOCAL", "SESSION") and len(words) > 2 else second
        if name not in _SETTINGS or second == "SESSION":
            return f"SET {second} would change who runs the rollback or how it is guarded"
    return ""


def _selects_into(words: Sequence[str]) -> bool:
    depth = 0
    for word in words:
        depth += (word == "(") - (word == ")")
        if word == "INTO" and depth == 0:
            return True
    return False


def refusal(statement: lexer.Statement, table: str = "flyway_schema_history") -> str:
    """Why this statement may not be run in a rollback; empty if it may. Syntax is left to the server."""
    if statement.problem:
        return statement.problem
    words = statement.words()
    name = _UNRESOLVED.search(statement.text)
    if name:
        return f"the placeholder {name.group()} has no value"
    outer = "".join(t.text for t in statement.tokens if t.kind == lexer.SYMBOL or t.kind == lexer.WORD)
    if "..." in outer or "…" in outer:
        return "an ellipsis stands for SQL that is not written"
    problem = shape_problem(words)
    if problem:
        if words[0] != "\\" and _POINTER.search(statement.text):
            return "a pointer to a file instead of SQL"
        return problem
    if names_table(statement.text, table):
        return f"it names the history table {table}, which only the rollback itself may change"
    return missing_semicolon(statement)


_NEW_STATEMENT = re.compile(
    r"(CREATE|DROP|ALTER)\s+(TABLE|INDEX|VIEW|FUNCTION|PROCEDURE|SEQUENCE|SCHEMA|TYPE|POLICY|TRIGGER|EXTENSION|DOMAIN|"
    r"MATERIALIZED|ROLE|RULE)\b|(TRUNCATE(?!\s+ON\b)|INSERT\s+INTO|DELETE\s+FROM|COMMENT\s+ON|GRANT(?!\s+OPTION\b)|REVOKE)\b",
    re.IGNORECASE,
)
# The actions of these begin like statements: ALTER DEFAULT PRIVILEGES .. GRANT, ALTER PUBLICATION .. DROP TABLE.
_LIKE_STATEMENTS = (["ALTER", "DEFAULT"], ["ALTER", "PUBLICATION"], ["ALTER", "EXTENSION"])


def missing_semicolon(statement: lexer.Statement) -> str:
    """A DROP, ALTER or COMMENT whose later line begins another statement has lost its semicolon."""
    if not statement.terminated and "\n" in statement.text:
        return "the semicolon at the end is missing, so it cannot be told where the statement ends"
    words = statement.words()
    if words[0] not in ("DROP", "ALTER", "COMMENT", "TRUNCATE", "REVOKE"):
        return ""
    allowed = words[:2] in _LIKE_STATEMENTS  # one action
    fresh = False
    for token in statement.tokens:
        if token.kind in lexer.BLANK:
            fresh = fresh or "\n" in token.text or "\r" in token.text
            continue
        if fresh and token.kind == lexer.WORD:
            rest = statement.text[token.start - statement.tokens[0].start :]
            if _NEW_STATEMENT.match(rest) and not allowed:
                return f"a semicolon is missing before '{rest.splitlines()[0][:40]}' in line {token.line}"
            allowed = allowed and not _NEW_STATEMENT.match(rest)
        fresh = False
    return ""


def names_table(text: str, table: str) -> bool:
    """Does the text hold this name or that of its key or index, in whatever case, and not as a part of a longer one?"""
    if table.lower() not in text.lower():  # most texts; ten thousand of them are looked at
        return False
    return re.search(rf"(?<![\w$]){re.escape(table)}(_pk|_s_idx)?(?![\w$])", text, re.IGNORECASE) is not None


def own_history_delete(statement: lexer.Statement, table: str, version: str | None) -> bool:
    """DELETE FROM <table> WHERE version = '<own>': what hand-written rollbacks do; the rollback does it itself."""
    if version is None or not names_table(statement.text, table):
        return False
    words = [w for w in statement.words() if w not in ("(", ")")]
    if words[:2] != ["DELETE", "FROM"]:
        return False
    rest = words[2:]
    if len(rest) > 2 and rest[1] == ".":
        rest = rest[2:]
    name = rest[0].strip('"').lower() if rest else ""
    return name == table.lower() and [w.strip('"').upper() for w in rest[1:4]] == ["WHERE", "VERSION", "="] and rest[4:] == [f"'{version}'"]


def outside_transaction(words: Sequence[str], server_version: int = 160000) -> bool:
    """Must the server run this statement outside a transaction block? (Flyway's list, and what it does not know.)"""
    verb = words[0] if words else ""
    rest = list(words[1:])
    if verb in ("CREATE", "DROP"):
        kept = [w for w in rest[:3] if w != "UNIQUE"]
        return kept[:2] == ["INDEX", "CONCURRENTLY"] or kept[:1] == ["SUBSCRIPTION"]
    if verb == "REINDEX":
        return "CONCURRENTLY" in rest or any(w in ("SCHEMA", "DATABASE", "SYSTEM") for w in _after_options(rest)[:1])
    if verb == "VACUUM":
        return True
    if verb == "CLUSTER":
        return not [w for w in rest if w != "VERBOSE"]
    if verb == "ALTER" and rest[:1] == ["TABLE"] and "DETACH" in rest:
        return rest[-1:] == ["CONCURRENTLY"]
    if verb == "ALTER" and rest[:1] == ["TYPE"] and server_version < 120000:
        return "ADD" in rest and rest[rest.index("ADD") + 1 : rest.index("ADD") + 2] == ["VALUE"]
    return False


def _after_options(words: list[str]) -> list[str]:
    if words[:1] == ["("] and ")" in words:
        return words[words.index(")") + 1 :]
    return [w for w in words if w != "VERBOSE"]
