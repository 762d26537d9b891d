# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.dwp.backend.plugins.module_utils._flyway.names import Version
from ansible_collections.dwp.backend.plugins.module_utils._flyway.rollback_text import (
    from_comment,
    from_sidecar,
    rollback_of,
)

CASES = yaml.safe_load(Path(__file__).with_name("rollback_cases.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_comment_forms(case):
    found = from_comment(case["sql"], "V3__x.sql", "3")
    assert found.status == case["status"], found.reason
    if "statements" in case:
        assert [s.text for s in found.statements] == case["statements"]
    if "count" in case:
        assert len(found.statements) == case["count"]
    if "lines" in case:
        assert [s.line for s in found.statements] == case["lines"]
    assert case.get("reason", "") in found.reason
    assert len(found.warnings) == case.get("warnings", 0)


def test_a_refusal_names_place_text_and_right_form():
    found = from_comment("SELECT 1;\n-- Rollback: ask kim\n", "V3__x.sql")
    assert found.reason.startswith("V3__x.sql:2: prose instead of SQL ('ask kim').")
    assert "-- Rollback: DROP TABLE orders;" in found.reason


def migration(text=None, version="3"):
    parsed = None if version is None else Version.parse(version)
    return SimpleNamespace(version=parsed, script="V3__x.sql", text=lambda: text)


def sidecar(version, sql):
    return SimpleNamespace(version=Version.parse(version), script=f"U{version}__x.sql", text=lambda: sql)


@pytest.mark.parametrize(
    ("text", "sidecars", "status", "reason"),
    [
        (None, [], "missing", "no rollback comment"),
        ("CREATE TABLE t();", [("3", "DROP TABLE t;")], "sidecar", ""),
        ("CREATE TABLE t();", [("3.0", "DROP TABLE t;")], "sidecar", ""),
        (None, [("3", "DROP TABLE t;")], "sidecar", ""),
        ("CREATE TABLE t();", [("4", "DROP TABLE t;")], "missing", ""),
        ("-- Rollback: DROP TABLE t;", [("3", "DROP TABLE t;")], "refused", "both in V3__x.sql:1 and in the sidecar"),
        ("-- Rollback: ask kim", [("3", "DROP TABLE t;")], "refused", "both in"),
        ("-- 롤백은 대칭이 아니다", [("3", "DROP TABLE t;")], "sidecar", ""),
        ("", [("3", "DROP TABLE t;"), ("03", "DROP TABLE t;")], "refused", "several sidecar files"),
        ("", [("3", "-- nothing here")], "refused", "holds no statement"),
        ("", [("3", "")], "refused", "holds no statement"),
        ("", [("3", "-- none (only comments were added)\n")], "none_needed", "only comments"),
        ("", [("3", "-- Rollback: not required")], "none_needed", ""),
        ("", [("3", "DROP TABLE a; \\i b.sql")], "refused", "psql"),
        ("", [("3", "BEGIN; DROP TABLE a; COMMIT;")], "sidecar", ""),
        ("", [("3", "DROP TABLE a; /* open")], "refused", "/* comment"),
    ],
)
def test_comment_and_sidecar(text, sidecars, status, reason):
    undo = [sidecar(*one) for one in sidecars]
    found = rollback_of(migration(text), undo)
    assert found.status == status, found.reason
    assert reason in found.reason


def test_a_repeatable_migration_has_no_sidecar():
    assert rollback_of(migration("", None), [sidecar("3", "DROP TABLE t;")]).status == "missing"


def test_placeholders_are_replaced_in_the_rollback_text_only():
    text = "CREATE TABLE ${unknown}.t();\n-- Rollback: DROP TABLE ${schema}.t;\n"
    found = from_comment(text, "V3__x.sql", "3", lambda sql: sql.replace("${schema}", "app"))
    assert [s.text for s in found.statements] == ["DROP TABLE app.t"]


def test_words_belong_to_the_replaced_text():
    found = from_sidecar("${verb} TABLE t;", "U3__x.sql", "3", lambda sql: sql.replace("${verb}", "DROP"))
    assert found.statements[0].words[0] == "DROP"


PIECES = st.sampled_from(
    ["-- Rollback:", "/* ROLLBACK", "*/", "\n", "\r\n", " ", "DROP TABLE a;",
     "'", '"', "$$", "$x$", "--", "(", ")", ";",
     "BEGIN ATOMIC", "END", "E'\\'", "U&'", "롤백:", "none", "\\i x", "...", "=====", "BEGIN;", "COMMIT;",
     "${x}", "\ufeff"]
)  # fmt: skip


@given(st.lists(PIECES | st.text(max_size=5), max_size=25).map("".join))
@example("/*")
@example("-- Rollback: /*\n-- x")
@example("/* ROLLBACK /* x */ DROP TABLE a; */")
def test_any_text_gets_an_answer(text):
    for found in (from_comment(text, "V3__x.sql", "3"), from_sidecar(text, "U3__x.sql", "3")):
        assert found.status in ("comment", "sidecar", "none_needed", "missing", "refused")
        assert bool(found.statements) <= (found.status in ("comment", "sidecar"))
        assert found.reason or found.status not in ("missing", "refused")


STATEMENTS = st.lists(
    st.sampled_from(
        [
            "DROP TABLE a",
            "ALTER TABLE t\n  DROP COLUMN c,\n  DROP COLUMN d",
            "UPDATE t SET a = 'x;''y' -- why\nWHERE b = $q$;$q$",
            "CREATE OR REPLACE FUNCTION f() RETURNS int AS $body$\nBEGIN\n  -- Rollback: no\n\n  RETURN 1;\nEND $body$\nLANGUAGE plpgsql",
            "CREATE FUNCTION g(a int) RETURNS int\nBEGIN ATOMIC\n  SELECT CASE WHEN a = 1 THEN 2 END;\n  SELECT 3;\nEND",
            "COMMENT ON TABLE \"t;x\" IS E'it\\'s; so'",
            "DELETE FROM t /* a; /* b; */ c */ WHERE id = 3",
        ]
    ),
    min_size=1,
    max_size=6,
)


@given(STATEMENTS, st.sampled_from(["-- ", "--", "--\t", "-- \t"]), st.sampled_from(["\n", "\r\n"]))
def test_no_statement_is_lost_or_invented_in_line_comments(statements, sign, newline):
    body = newline.join(sign + line for s in statements for line in (s + ";").split("\n"))
    text = f"CREATE TABLE x();{newline}-- Rollback:{newline}{body}{newline}CREATE TABLE y();{newline}"
    found = from_comment(text, "V3__x.sql", "3")
    assert found.status == "comment", found.reason
    assert [s.text.split() for s in found.statements] == [s.split() for s in statements]


@given(STATEMENTS, st.booleans())
def test_no_statement_is_lost_or_invented_in_block_comments(statements, wrapped):
    body = "".join(f"{s};\n" for s in statements)
    if wrapped:
        body = f"BEGIN;\n{body}COMMIT;\n"
    found = from_comment(f"SELECT 1;\n/* ROLLBACK\n{body}*/\nSELECT 2;", "V3__x.sql", "3")
    assert found.status == "comment", found.reason
    assert [s.text.split() for s in found.statements] == [s.split() for s in statements]


@given(STATEMENTS)
def test_a_statement_stands_in_the_line_that_is_named(statements):
    text = "".join(f"\n{s};\n" for s in statements)
    found = from_sidecar(text, "U3__x.sql", "3")
    lines = text.split("\n")
    firsts = [s.split("\n")[0] + (";" * ("\n" not in s)) for s in statements]
    assert [lines[s.line - 1] for s in found.statements] == firsts
