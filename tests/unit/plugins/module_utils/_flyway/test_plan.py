# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.dwp.backend.plugins.module_utils._flyway import lexer
from ansible_collections.dwp.backend.plugins.module_utils._flyway.history import make_row
from ansible_collections.dwp.backend.plugins.module_utils._flyway.names import Version
from ansible_collections.dwp.backend.plugins.module_utils._flyway.plan import make_plan, rows_after
from ansible_collections.dwp.backend.plugins.module_utils._flyway.rollback_text import RollbackStatement, RollbackText
from ansible_collections.dwp.backend.plugins.module_utils._flyway.selection import Wish, select
from ansible_collections.dwp.backend.plugins.module_utils._flyway.states import info


def file(version, checksum=1, kind="V", type="SQL"):
    return SimpleNamespace(
        kind=kind, version=Version.parse(version), description="d", script=f"{kind}{version}__d.sql", type=type,
        checksum=checksum, matches=lambda applied: applied == checksum,
    )  # fmt: skip


def row(rank, version, type="SQL", checksum=1, success=True):
    return make_row(rank, version, "d", type, f"V{version}__d.sql", checksum, success=success)


FILES = [file("1"), file("2"), file("3")]
ROWS = [row(1, "1"), row(2, "2"), row(3, "3")]


def codes(files, rows, **wish):
    chosen = select(info(files, rows, None, wish.get("out_of_order", False)), Wish(**wish))
    return [str(line.version) for line in chosen.lines], [objection.code for objection in chosen.objections]


@pytest.mark.parametrize(
    ("files", "rows", "wish", "versions", "objections"),
    [
        (FILES, ROWS, {"to_version": "1"}, ["3", "2"], []),
        (FILES, ROWS, {"to_version": "1.0"}, ["3", "2"], []),
        (FILES, ROWS, {"to_version": "0"}, ["3", "2", "1"], []),
        (FILES, ROWS, {"to_version": "3"}, [], []),
        (FILES, ROWS, {"to_version": "2.5"}, [], ["UNKNOWN_TARGET"]),
        (FILES, ROWS, {"count": 2}, ["3", "2"], []),
        (FILES, ROWS, {"count": 4}, ["3", "2", "1"], ["COUNT"]),
        (FILES, ROWS, {"versions": ("2", "3")}, ["3", "2"], []),
        (FILES, ROWS, {"versions": ("2",)}, ["2"], ["MIDDLE_VERSION"]),
        (FILES, ROWS, {"versions": ("2",), "out_of_order": True}, ["2"], []),
        (FILES, ROWS, {"versions": ("9",)}, [], ["NOT_APPLIED"]),
        # 2 was applied after 3: the last one applied is below one that stays
        (FILES, [row(1, "1"), row(2, "3"), row(3, "2")], {"count": 1}, ["2"], ["MIDDLE_VERSION"]),
        (FILES, [row(1, "1"), row(2, "3"), row(3, "2")], {"to_version": "2"}, ["3"], ["APPLIED_LATER"]),
        (FILES, [row(1, "1"), row(2, "3"), row(3, "2")], {"to_version": "1"}, ["2", "3"], []),
        # taken back already, and applied again
        (FILES, [*ROWS, row(4, "3", "DELETE")], {"versions": ("3",)}, [], ["NOT_APPLIED"]),
        (FILES, [*ROWS, row(4, "3", "DELETE")], {"count": 1}, ["2"], []),
        (FILES, [*ROWS, row(4, "3", "DELETE"), row(5, "3")], {"count": 1}, ["3"], []),
        (FILES, [row(1, "1", "BASELINE"), row(2, "2")], {"to_version": "0"}, ["2", "1"], ["BASELINE"]),
        (FILES, [row(1, "1", "BASELINE"), row(2, "2")], {"to_version": "1"}, ["2"], []),
        (FILES, [row(1, "1"), row(2, "2", "JDBC")], {"count": 1}, ["2"], ["NOT_SQL"]),
        ([*FILES[:2], file("3", 9)], ROWS, {"count": 1}, ["3"], ["CHECKSUM_MISMATCH"]),
        ([*FILES[:2], file("3", 9)], ROWS, {"count": 1, "allow_checksum_mismatch": True}, ["3"], []),
        (FILES, [*ROWS[:2], row(3, "3", success=False)], {"count": 1}, ["3"], ["FAILED_ROW"]),
        (FILES, [*ROWS[:2], row(3, "3", success=False)], {"failed": True}, ["3"], []),
        (FILES, ROWS, {"failed": True}, [], ["NO_FAILED_ROW"]),
        (FILES, [row(1, "1", success=False), *ROWS[1:]], {"to_version": "2"}, ["3"], ["FAILED_ROW"]),
        (FILES[1:], ROWS, {"count": 1}, ["3"], ["UNEXPECTED_STATE"]),  # 1 is Missing
        ([*FILES, file("1.5")], ROWS, {"count": 1}, ["3"], ["UNEXPECTED_STATE"]),  # 1.5 is Ignored
        (FILES, [row(1, "1", "UNDO_SQL")], {"count": 1}, [], ["FLYWAY_REFUSES"]),
    ],
)  # fmt: skip
def test_selection(files, rows, wish, versions, objections):
    assert codes(files, rows, **wish) == (versions, objections)


def text(sql):
    parts = lexer.split(sql)
    return RollbackText("comment", "", tuple(RollbackStatement(s.text, "V.sql", s.line, tuple(s.words())) for s in parts), "V.sql:1")


def plan(wish, history="mark", sql="DROP TABLE t;", rows=None):
    return make_plan(FILES, ROWS if rows is None else rows, Wish(**wish), history, lambda line: text(sql), 160000)


def test_plan_orders_and_predicts():
    made = plan({"to_version": "1"}, sql="DROP TABLE t; DROP VIEW v;")
    assert [unit.version for unit in made.units] == ["3", "2"] and made.atomic and not made.warnings
    assert (made.version_before, made.version_after) == ("3", "1")
    repeatable = row(4, "3")._replace(version=None, description="a view")
    assert plan({"to_version": "0"}, rows=[*ROWS, repeatable]).as_data()["schema_version"] == {"before": "3", "after": None}
    data = made.as_data()
    assert [one["sql"] for one in data["statements"]] == ["DROP TABLE t", "DROP VIEW v"] * 2
    assert [one["effect"] for one in data["history_effect"]] == ["add DELETE row"] * 2


def test_history_afterwards():
    made = plan({"to_version": "1"})
    assert [(r.installed_rank, r.raw_version, r.type) for r in rows_after(ROWS, made.units, "mark")][3:] == [
        (4, "3", "DELETE"),
        (5, "2", "DELETE"),
    ]
    assert [r.raw_version for r in rows_after(ROWS, made.units, "delete")] == ["1"]
    failed = [*ROWS[:2], row(3, "3", success=False)]
    made = plan({"failed": True}, rows=failed)
    assert [r.raw_version for r in rows_after(failed, made.units, "mark")] == ["1", "2"]


def test_one_statement_outside_a_transaction_makes_the_range_journaled():
    made = plan({"count": 1}, sql="DROP TABLE t; DROP INDEX CONCURRENTLY i;")
    assert not made.atomic and "Not all-or-nothing: 1 statement(s)" in made.warnings[0]
    assert [step.in_transaction for step in made.units[0].steps] == [True, False]


def test_the_id_stands_for_history_statements_and_effect():
    ids = {
        plan({"count": 1}).digest,
        plan({"count": 2}).digest,
        plan({"count": 1}, "delete").digest,
        plan({"count": 1}, sql="DROP TABLE u;").digest,
        plan({"count": 1}, rows=[*ROWS, row(4, "3", "DELETE"), row(5, "3")]).digest,
    }
    assert len(ids) == 5 and plan({"count": 1}).digest in ids


def test_missing_text_anywhere_is_an_objection():
    made = make_plan(FILES, ROWS, Wish(to_version="1"), "mark", lambda line: RollbackText("missing", "why"), 160000)
    assert [(o.code, o.version) for o in made.objections] == [("NO_ROLLBACK_TEXT", "3"), ("NO_ROLLBACK_TEXT", "2")]
