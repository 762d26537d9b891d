# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dwp.backend.plugins.module_utils._flyway import comment_lines, lexer, verbs


def texts(sql):
    return [s.text for s in lexer.split(sql)]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("", []),
        (" ;; -- x\n; /* ; */ ", []),
        ("a;b", ["a", "b"]),
        ("'a;b';c", ["'a;b'", "c"]),
        ("'it''s;';c", ["'it''s;'", "c"]),
        (r"'a\';b", [r"'a\'", "b"]),  # a backslash means nothing in a plain string
        (r"E'a\';b';c", [r"E'a\';b'", "c"]),
        (r"e'\\';c", [r"e'\\'", "c"]),
        ("E'a'\n 'b\\';c';d", ["E'a'\n 'b\\';c'", "d"]),  # the continuation stays an escape string
        ("E'a' -- x\n'b\\';c';d", ["E'a' -- x\n'b\\';c'", "d"]),
        ("E'a' 'b\\';c", ["E'a' 'b\\'", "c"]),  # on one line it is a second, plain string
        (r"type'a\';b", [r"type'a\'", "b"]),
        (r"U&'d\0061t;';x", [r"U&'d\0061t;'", "x"]),
        ('U&"a;""b";x', ['U&"a;""b"', "x"]),
        (r"N'a\';b", [r"N'a\'", "b"]),
        (r"B'0;1';b", [r"B'0;1'", "b"]),
        ('"a;b""c;";d', ['"a;b""c;"', "d"]),
        ("$$;$$;x", ["$$;$$", "x"]),
        ("$a$ $b$;$b$ $$;$$ $a$;x", ["$a$ $b$;$b$ $$;$$ $a$", "x"]),
        ("$1;x$y$;z", ["$1", "x$y$", "z"]),  # a parameter, and dollars within a name
        ("a /* ; /* ; */ ; */ b;c", ["a /* ; /* ; */ ; */ b", "c"]),
        ("a -- ;\nb;c", ["a -- ;\nb", "c"]),
        ("a -- ;\rb;c", ["a -- ;\rb", "c"]),
        ("SELECT 1 - -1;x", ["SELECT 1 - -1", "x"]),
        ("SELECT 2*/* ; */3;x", ["SELECT 2*/* ; */3", "x"]),
        ("CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM a; DELETE FROM b);x",
         ["CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM a; DELETE FROM b)", "x"]),
        ("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END;x",
         ["CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END", "x"]),
        ("create or replace procedure p() begin atomic select case when a then 1 else 2 end; select 1 as end; end;x",
         ["create or replace procedure p() begin atomic select case when a then 1 else 2 end; select 1 as end; end",
          "x"]),
        ("CREATE FUNCTION begin() RETURNS int AS $$;$$;x", ["CREATE FUNCTION begin() RETURNS int AS $$;$$", "x"]),
        ("BEGIN; SELECT 1; END;", ["BEGIN", "SELECT 1", "END"]),
        ("BEGIN ATOMIC; END", ["BEGIN ATOMIC", "END"]),  # only the body of a routine nests
    ],
)  # fmt: skip
def test_split(sql, expected):
    assert texts(sql) == expected


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("a; 'b;", "a quoted string opened in line 1"),
        ('a\n"b', "a quoted identifier opened in line 2"),
        ("a /* b /* */", "a /* comment opened in line 1"),
        ("a; /* b", "a /* comment opened in line 1"),
        ("DO $x$ ; $y$", "the dollar-quoted string $x$ opened in line 1"),
        ("a (b; c", "a parenthesis is not closed"),
        ("CREATE FUNCTION f() BEGIN ATOMIC SELECT 1;", "BEGIN ATOMIC has no END"),
        ("a", ""),
    ],
)
def test_only_the_last_statement_can_be_open(sql, problem):
    last = lexer.split(sql)[-1]
    assert not last.terminated
    assert problem in last.problem
    assert bool(problem) == bool(last.problem)


@pytest.mark.parametrize(("sql", "lines"), [("a;\nb;\r\nc;\rd;", [1, 2, 3, 4]), ("\n\n'x\r\ny';\r\nz", [3, 5]), ("a;\r\n\r\nb", [1, 3])])
def test_lines(sql, lines):
    assert [s.line for s in lexer.split(sql)] == lines


def test_data_of_copy_is_one_token_in_a_script():
    text = "COPY t (a) FROM STDIN;\n1\tit's -- Rollback: no\n\\.\nSELECT 1;"
    tokens = list(lexer.tokenize(text, script=True))
    (data,) = [t for t in tokens if t.kind == lexer.COPY_DATA]
    assert data.text == "\n1\tit's -- Rollback: no\n\\."
    assert "".join(t.text for t in tokens) == text
    assert [t.line for t in tokens if t.text == "SELECT"] == [4]


PIECES = st.sampled_from(
    ["'", '"', "$$", "$a$", "$1", "E'", "U&'", 'U&"', "\\", "/*", "*/", "--", "\n", "\r", ";", "(", ")", " ", "BEGIN",
     "ATOMIC", "END", "CASE", "CREATE FUNCTION", "x", "1", "é", "롤백", ".", "AS"]
)  # fmt: skip
ANY = st.lists(PIECES | st.text(max_size=4), max_size=30).map("".join)


@given(ANY)
def test_tokens_are_the_text(text):
    tokens = list(lexer.tokenize(text))
    assert "".join(t.text for t in tokens) == text
    assert all(t.text for t in tokens)
    assert all(text[t.start : t.end] == t.text for t in tokens)
    assert not any(t.unterminated for t in tokens[:-1])
    assert [t.line for t in tokens] == [lexer.count_newlines(text[: t.start]) + 1 - _half(text, t.start) for t in tokens]


@given(ANY | st.lists(PIECES | st.sampled_from(["-- a", "/* b */", "COPY t FROM STDIN;", "it's", "1$$"]), max_size=30).map(" ".join))
def test_an_outline_shows_the_same_comments(text):
    """Whatever is taken together as code: where a comment stands, and what comes between two of them, is the same."""
    found = comment_lines.comment_lines(text)
    with mock.patch.object(lexer, "outline", lambda text: lexer.tokenize(text, script=True)):
        expected = comment_lines.comment_lines(text)
    assert [line._replace(run=0) for line in found] == [line._replace(run=0) for line in expected]
    assert [a.run == b.run for a, b in pairwise(found)] == [a.run == b.run for a, b in pairwise(expected)]


def pairwise(lines):
    return list(zip(lines, lines[1:]))


def _half(text, at):
    """A CR LF cut in two counts once."""
    return int(text[at - 1 : at] == "\r" and text[at : at + 1] == "\n")


@given(ANY)
def test_split_keeps_every_significant_token_once(text):
    significant = [t for t in lexer.tokenize(text) if t.kind not in lexer.BLANK]
    kept = [t for s in lexer.split(text) for t in s.tokens if t.kind not in lexer.BLANK]
    semicolons = len(significant) - len(kept)
    rest = iter(significant)
    assert all(any(t == other for other in rest) for t in kept)
    assert sum(t.text == ";" for t in significant) - sum(t.text == ";" for t in kept) == semicolons
    for statement in lexer.split(text):
        assert statement.text in text


@given(st.lists(st.sampled_from(
    ["SELECT ';'", "DO $$ BEGIN; END $$", "DELETE FROM \"a;b\"", "SELECT /* ; */ 1", "SELECT 1 -- ;\n",
     "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END", "SELECT (1)"]), max_size=8))  # fmt: skip
def test_joined_statements_come_apart_again(statements):
    assert [t.split() for t in texts(";".join(statements) + ";")] == [texts(s + ";")[0].split() for s in statements]


@pytest.mark.parametrize(
    ("sql", "outside"),
    [
        ("CREATE INDEX CONCURRENTLY i ON t (a)", True),
        ("create unique index concurrently i ON t (a)", True),
        ("CREATE INDEX concurrently_i ON t (a)", False),
        ("DROP INDEX CONCURRENTLY IF EXISTS i", True),
        ("DROP INDEX i", False),
        ("REINDEX INDEX CONCURRENTLY i", True),
        ("REINDEX (CONCURRENTLY) TABLE t", True),
        ("REINDEX TABLE t", False),
        ("REINDEX (VERBOSE) SCHEMA s", True),
        ("REINDEX SCHEMA s", True),
        ("VACUUM t", True),
        ("CLUSTER", True),
        ("CLUSTER VERBOSE", True),
        ("CLUSTER t USING i", False),
        ("ALTER TABLE p DETACH PARTITION c CONCURRENTLY", True),
        ("ALTER TABLE p DETACH PARTITION c", False),
        ("DROP SUBSCRIPTION s", True),
        ("ALTER TYPE e ADD VALUE 'x'", False),
        ("DROP TABLE t", False),
    ],
)
def test_what_runs_outside_a_transaction(sql, outside):
    assert verbs.outside_transaction(lexer.split(sql)[0].words()) is outside


def test_old_servers_add_enum_values_outside_a_transaction():
    words = lexer.split("ALTER TYPE e ADD VALUE 'x'")[0].words()
    assert verbs.outside_transaction(words, server_version=110000)
