# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dwp.backend.plugins.module_utils._flyway import lexer
from ansible_collections.dwp.backend.plugins.module_utils._flyway.backup import name_of
from ansible_collections.dwp.backend.plugins.module_utils._flyway.execute_journaled import groups
from ansible_collections.dwp.backend.plugins.module_utils._flyway.fingerprint import Fingerprint, compare
from ansible_collections.dwp.backend.plugins.module_utils._flyway.history_write import created
from ansible_collections.dwp.backend.plugins.module_utils._flyway.journal import index_created
from ansible_collections.dwp.backend.plugins.module_utils._flyway.losses import Column, Loss, Table, unforgiven
from ansible_collections.dwp.backend.plugins.module_utils._flyway.losses import compare as compare_tables
from ansible_collections.dwp.backend.plugins.module_utils._flyway.plan import make_step
from ansible_collections.dwp.backend.plugins.module_utils._flyway.rollback_text import RollbackStatement
from ansible_collections.dwp.backend.plugins.module_utils._flyway.scratch import script
from ansible_collections.dwp.backend.plugins.module_utils._flyway.session import flyway_search_path
from ansible_collections.dwp.backend.plugins.module_utils._flyway.verify import within


@pytest.mark.parametrize(
    ("original", "schema", "expected"),
    [
        ('"$user", public', "app", '"app","$user", public'),
        ("app", "app", "app"),
        ("app, public", "app", "app, public"),
        ("apple, public", "app", '"app",apple, public'),
        ("", "app", '"app"'),
        ("public", 'a"b', '"a""b",public'),
    ],
)
def test_search_path_is_flyways(original, schema, expected):
    assert flyway_search_path(original, schema) == expected


@given(st.text(min_size=1, max_size=80), st.text(max_size=80), st.sampled_from(["1.2", "1." + "0" * 48]))
def test_names_of_copies_fit_and_differ_and_need_no_quotes(table, column, version):
    name = name_of(table, column, version, "20260101000000")
    assert 0 < len(name.encode()) <= 63
    assert name.endswith("_20260101000000") and re.fullmatch(r"[^\W0-9A-Z][^\WA-Z]*", name)
    if len(table) > 40:
        assert name != name_of(table + "x", column, version, "20260101000000")


def test_fingerprints_are_compared_by_object():
    before = Fingerprint({("table", "a"): "x", ("table", "b"): "y", ("view", "v"): "z"})
    after = Fingerprint({("table", "a"): "x", ("table", "b"): "Y", ("index", "i"): "w"})
    difference = compare(before, after)
    assert difference.lines() == ["- view v", "+ index i", "~ table b: y -> Y"]
    assert not compare(before, before) and before.digest != after.digest


def test_part_of_a_fingerprint():
    names = ["app.t", "relation app.t", "app", "schema app", "apple.t", "app.f(app.e)", "other.t", 'app."T".c', "cast x AS app.e"]
    taken = Fingerprint({("kind", name): "" for name in names})
    kept = {key[1] for key in within(taken, ["app"]).objects}
    assert kept == set(names) - {"apple.t", "other.t"}
    assert {key[1] for key in within(taken, ["app"], ["app.T", "app.t"]).objects} == kept - {"app.t", "relation app.t", 'app."T".c'}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("CREATE OR REPLACE VIEW v AS SELECT 1; CREATE VIEW s.w AS SELECT 2;", {"app.v", "s.w"}),
        ("CREATE OR REPLACE FUNCTION f(a int) RETURNS int AS $$ CREATE TABLE no $$ LANGUAGE sql", {"app.f"}),
        ('CREATE MATERIALIZED VIEW IF NOT EXISTS "M v" AS SELECT 1', {"app.M v"}),
        ("CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()", {"app.t.tr"}),
        ("CREATE POLICY p ON s.t", {"s.t.p"}),
        ("CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)", {"app.i"}),
        ("DROP VIEW v; SELECT 1", set()),
    ],
)
def test_what_a_repeatable_creates(text, names):
    assert created(text, "app") == names


def step(sql):
    parsed = lexer.split(sql)[0]
    return make_step(RollbackStatement(sql, "U.sql", 1, tuple(parsed.words())), 160000)


def test_groups_end_with_a_transaction():
    steps = tuple(map(step, ["DROP TABLE a", "DROP TABLE b", "DROP INDEX CONCURRENTLY i", "VACUUM t"]))
    assert [[number for number, _step in group] for group in groups(steps)] == [[1, 2], [3], [4], []]
    assert list(groups(())) == [[]]


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("CREATE INDEX CONCURRENTLY i ON t (a)", '"i"'),
        ("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS I ON s.t (a)", '"s"."i"'),
        ('CREATE INDEX CONCURRENTLY "I" ON t (a)', '"I"'),
        ("CREATE INDEX CONCURRENTLY ON t (a)", ""),
    ],
)
def test_index_that_a_statement_makes(sql, name):
    assert index_created(step(sql)) == name


def table(name="t", filenode=1, updated=0, deleted=0, columns=None, partition_of=()):
    made = Table("app", name, filenode, updated, deleted, list(partition_of))
    for number, (column, type_name) in enumerate((columns or {"id": "integer", "c": "text"}).items(), 1):
        made.columns[number] = Column(column, type_name, False, None, False, column == "id")
    return made


def kinds(after):
    start = {1: table()}
    return [(loss.kind, loss.object, loss.rows, loss.note) for loss in compare_tables(start, start, after, "3")]


def test_losses_follow_tables_and_columns_by_number():
    assert kinds({1: table()}) == []
    assert kinds({1: table("renamed", columns={"ident": "integer", "d": "text"})}) == []
    assert kinds({}) == [("rows", "app.t", None, "")]
    assert kinds({2: table()}) == [("rows", "app.t", None, "")]  # dropped and made anew
    assert kinds({1: table(columns={"id": "integer"})}) == [("column", "app.t.c", None, "")]
    assert kinds({1: table(columns={"id": "integer", "c": "integer"})}) == [("changed type", "app.t.c", None, "")]
    assert kinds({1: table(updated=2, deleted=1)}) == [("changed rows", "app.t", 3, "")]
    assert kinds({1: table(filenode=9)}) == [("changed rows", "app.t", 0, "rewritten")]


def test_what_the_rollback_made_itself_is_no_loss():
    assert compare_tables({}, {5: table("helper")}, {}, "3") == []


@pytest.mark.parametrize(
    ("allowed", "left"),
    [
        ([], ["app.t.c"]),
        (["t.c"], []),
        (["app.t.c"], []),
        (["t"], []),
        (["app.t"], []),
        (["parent"], []),
        (["app.parent.c"], []),
        (["c"], ["app.t.c"]),
        (["other.t"], ["app.t.c"]),
    ],
)
def test_leave_to_lose(allowed, left):
    owner = table(partition_of=["app.parent"])
    losses = [Loss("column", owner, (owner.columns[2],), rows=4), Loss("rows", table("empty"), rows=0)]
    assert [loss.object for loss in unforgiven(losses, allowed, "app")] == left


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_data_of_copy_comes_with_its_statement(end):
    text = "SELECT 1;\nCOPY t FROM STDIN;\n1\ta;b'\n\\.\n-- x\nSELECT 2;\nCOPY u FROM STDIN;\n\\.\n".replace("\n", end)
    assert [(s.text, s.line, data) for s, data in script(text)] == [
        ("SELECT 1", 1, None),
        ("COPY t FROM STDIN", 2, f"1\ta;b'{end}"),
        ("SELECT 2", 6, None),
        ("COPY u FROM STDIN", 7, ""),
    ]
