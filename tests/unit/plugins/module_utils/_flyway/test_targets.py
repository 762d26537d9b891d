# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dwp.backend.plugins.module_utils._flyway import lexer
from ansible_collections.dwp.backend.plugins.module_utils._flyway.targets import targets


def of(sql):
    return [(t.kind, ".".join(t.name) + (f".{t.column}" if t.column else ""), t.lock, t.loss) for t in targets(lexer.split(sql)[0])]


AE, SUE, SRE, RE = "ACCESS EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE ROW EXCLUSIVE", "ROW EXCLUSIVE"


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("DROP TABLE a", [("table", "a", AE, "rows")]),
        ('DROP TABLE IF EXISTS a, s."B c" CASCADE', [("table", "a", AE, "rows"), ("table", "s.B c", AE, "rows")]),
        ("drop materialized view mv", [("view", "mv", AE, "")]),
        ("DROP INDEX CONCURRENTLY IF EXISTS s.i", [("index", "s.i", SUE, "")]),
        ("DROP INDEX i, j", [("index", "i", AE, ""), ("index", "j", AE, "")]),
        ("DROP SCHEMA s CASCADE", [("schema", "s", "", "rows")]),
        ("DROP TYPE e", [("type", "e", "", "")]),
        ("DROP FUNCTION f(int)", [("function", "f", "", "")]),
        ("DROP TRIGGER tr ON s.t", [("table", "s.t", AE, "")]),
        ("DROP POLICY p ON t", [("table", "t", AE, "")]),
        ("ALTER TABLE ONLY t DROP COLUMN c", [("table", "t", AE, ""), ("column", "t.c", AE, "column")]),
        (
            'ALTER TABLE IF EXISTS s.t ADD x numeric(1,2), DROP IF EXISTS c CASCADE, DROP CONSTRAINT k, DROP "D"',
            [("table", "s.t", AE, ""), ("column", "s.t.c", AE, "column"), ("column", "s.t.D", AE, "column")],
        ),
        ("ALTER TABLE t ALTER c DROP DEFAULT", [("table", "t", AE, "")]),
        ("ALTER TABLE t VALIDATE CONSTRAINT k", [("table", "t", SUE, "")]),
        ("ALTER TABLE p DETACH PARTITION c CONCURRENTLY", [("table", "p", SUE, "")]),
        ("ALTER TYPE e RENAME TO f", [("type", "e", "", "")]),
        ("CREATE INDEX i ON t (c)", [("table", "t", "SHARE", "")]),
        ("CREATE UNIQUE INDEX CONCURRENTLY i ON ONLY t (c)", [("table", "t", SUE, "")]),
        ("CREATE OR REPLACE TRIGGER a BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()", [("table", "t", SRE, "")]),
        ("CREATE TABLE t (a int)", []),
        ("TRUNCATE TABLE ONLY a, b", [("table", "a", AE, "rows"), ("table", "b", AE, "rows")]),
        ("INSERT INTO t VALUES (1)", [("table", "t", RE, "")]),
        ("UPDATE ONLY t SET a = 1", [("table", "t", RE, "changed rows")]),
        ("DELETE FROM s.t WHERE a", [("table", "s.t", RE, "changed rows")]),
        ("VACUUM (FULL, ANALYZE) t", [("table", "t", SUE, "")]),
        ("REINDEX TABLE t", [("table", "t", AE, "")]),
        ("SELECT 1", []),
    ],
)
def test_what_a_statement_names(sql, expected):
    assert of(sql) == expected


VERBS = ["DROP", "ALTER", "CREATE", "TRUNCATE", "UPDATE", "DELETE", "DETACH", "VACUUM"]
OTHERS = ["TABLE", "INDEX", "IF", "EXISTS", "ONLY", "COLUMN", "ON", "FROM", "CASCADE", "CONCURRENTLY", "PARTITION"]
SIGNS = ["a", "b", '"C"', ".", ",", "(", ")", "*", "$$x$$", "TRIGGER", "UNIQUE"]
WORDS = st.sampled_from(VERBS + OTHERS + SIGNS)


@given(st.lists(WORDS, min_size=1, max_size=12).map(" ".join))
def test_no_text_breaks_it(sql):
    for statement in lexer.split(sql):
        for target in targets(statement):
            assert target.kind
