# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What real schemas hold: quoted and Korean names, several schemas, partitions, policies, sequences, types, bodies."""

from __future__ import annotations

import pytest

from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError

# What a migration does and the text that undoes it; after the rollback the catalogue has to be what it was.
UNDONE = {
    "quoted_names": (
        'CREATE SCHEMA "Mixed Case"; CREATE TABLE "Mixed Case"."주문 표" ("열 ""1""" int); '
        'CREATE INDEX "Ix;1" ON "Mixed Case"."주문 표" ("열 ""1""");',
        'DROP INDEX "Mixed Case"."Ix;1"; DROP TABLE "Mixed Case"."주문 표"; DROP SCHEMA "Mixed Case";',
    ),
    "korean_comments": (
        "COMMENT ON TABLE t IS '주문; 취소''됨'; COMMENT ON COLUMN t.name IS '이름';",
        "COMMENT ON COLUMN t.name IS NULL; COMMENT ON TABLE t IS NULL;",
    ),
    "atomic_function": (
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT a; END;",
        "DROP FUNCTION f(int);",
    ),
    "atomic_function_back": (
        "DROP FUNCTION old_f();",
        "CREATE FUNCTION old_f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END;",
    ),
    "do_block": (
        "DO $x$ BEGIN EXECUTE 'CREATE TABLE made_by_do (i int)'; END $x$;",
        "DO $x$ BEGIN IF to_regclass('made_by_do') IS NOT NULL THEN EXECUTE 'DROP TABLE made_by_do'; END IF; END $x$;",
    ),
    "copied_rows": ("CREATE TABLE c (i int, n text);\nCOPY c FROM STDIN;\n1\t-- Rollback: no;\n2\t\\N\n\\.\n", "DROP TABLE c;"),
    "enum_value": (
        "ALTER TYPE mood ADD VALUE 'tired' BEFORE 'good';",
        "ALTER TYPE mood RENAME TO mood_old; CREATE TYPE mood AS ENUM ('bad', 'good'); "
        "ALTER TABLE feels ALTER m TYPE mood USING m::text::mood; DROP TYPE mood_old;",
    ),
    "policies": (
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t FOR SELECT TO PUBLIC USING (id > 0);",
        "DROP POLICY p ON t; ALTER TABLE t DISABLE ROW LEVEL SECURITY;",
    ),
    "sequence": (
        "CREATE SEQUENCE s START 10; ALTER TABLE t ADD n bigint DEFAULT nextval('s'); ALTER SEQUENCE s OWNED BY t.n;",
        "ALTER TABLE t DROP COLUMN n;",
    ),
    "identity": ("ALTER TABLE feels ADD k int GENERATED ALWAYS AS IDENTITY;", "ALTER TABLE feels DROP COLUMN k;"),
    "view_in_the_way": (
        "CREATE OR REPLACE VIEW over_t AS SELECT id, name, 1 AS one FROM t;",
        "DROP VIEW over_t; CREATE VIEW over_t AS SELECT id, name FROM t;",
    ),
    "partitions": (
        "CREATE TABLE logs (d date, x int) PARTITION BY RANGE (d); "
        "CREATE TABLE logs_1 PARTITION OF logs FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');",
        "DROP TABLE logs;",
    ),
    "default_privileges": (
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC;",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public\n  REVOKE SELECT ON TABLES FROM PUBLIC;",
    ),
    "trigger": (
        "CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN RETURN NEW; END $f$; "
        "CREATE TRIGGER tr BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION tf();",
        "DROP TRIGGER tr ON t; DROP FUNCTION tf();",
    ),
    "index_concurrently": ("CREATE INDEX ic ON t (name);", "DROP INDEX CONCURRENTLY ic;"),
}
FIRST = (
    "CREATE TABLE t (id int PRIMARY KEY, name text); CREATE TYPE mood AS ENUM ('bad', 'good'); CREATE TABLE feels (m mood); "
    "INSERT INTO feels VALUES ('good'); CREATE VIEW over_t AS SELECT id, name FROM t; "
    "CREATE FUNCTION old_f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END;"
)


def commented(text):
    return "".join(f"-- {line}\n" for line in ["Rollback:", *text.split("\n")])


@pytest.fixture
def first(kit):
    kit.write(V1__first=FIRST).migrate()
    return kit


@pytest.mark.parametrize("name", UNDONE)
@pytest.mark.parametrize("where", ["comment", "sidecar"])
def test_the_catalogue_is_what_it_was(first, name, where):
    forward, back = UNDONE[name]
    before = first.fingerprint().lines
    text = forward + ("\n" + commented(back) if where == "comment" else "")
    # With the line ends of another system, as the checksum bears it.
    (first.directory / "V2__x.sql").write_bytes(text.replace("\n", "\r\n").encode())
    if where == "sidecar":
        first.write(U2__x=back)
    first.migrate()
    assert first.fingerprint().lines != before
    result = first.rollback(count=1, allow_data_loss=["c", "feels.k"])
    assert result["changed"]
    assert first.fingerprint().lines == before
    assert first.states() == {"1": "Success", "2": "Pending"}


def test_a_partitioned_table_is_a_loss_that_the_plan_foresees(first):
    first.write(
        V2__p="CREATE TABLE logs (d date, x int) PARTITION BY RANGE (d);\n"
        "CREATE TABLE logs_1 PARTITION OF logs FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');\n"
        "CREATE TABLE logs_2 PARTITION OF logs FOR VALUES FROM ('2026-02-01') TO ('2026-03-01') PARTITION BY LIST (x);\n"
        "CREATE TABLE logs_2a PARTITION OF logs_2 FOR VALUES IN (1);\n"
        "INSERT INTO logs VALUES ('2026-01-02', 7), ('2026-02-02', 1);\n-- Rollback: DROP TABLE logs;"
    ).migrate()
    plan = first.rollback(count=1, mode="plan")
    assert sorted((one["object"], one["rows"]) for one in plan["losses"]) == [("public.logs_1", 1), ("public.logs_2a", 1)]
    assert not plan["feasible"]
    result = first.rollback(count=1, allow_data_loss=["logs"])
    assert {one["object"]: one["rows"] for one in result["losses"]} == {"public.logs_1": 1, "public.logs_2a": 1}


def test_a_column_of_a_partitioned_table(first):
    first.write(
        V2__p="CREATE TABLE logs (d date) PARTITION BY RANGE (d);\n"
        "CREATE TABLE logs_1 PARTITION OF logs FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');",
        V3__c="ALTER TABLE logs ADD x int; INSERT INTO logs VALUES ('2026-01-02', 7);\n-- Rollback: ALTER TABLE logs DROP COLUMN x;",
    ).migrate()
    plan = first.rollback(count=1, mode="plan")
    assert [(one["object"], one["rows"]) for one in plan["losses"]] == [("public.logs_1.x", 1)]
    assert first.rollback(count=1, allow_data_loss=["logs.x"])["changed"]


def test_copies_of_tables_of_one_name_in_two_schemas(first):
    first.write(
        V2__s="CREATE SCHEMA a; CREATE SCHEMA b; CREATE TABLE a.u AS SELECT 1 AS i; CREATE TABLE b.u AS SELECT 2 AS i;\n"
        'CREATE TABLE a."u-x" AS SELECT 3 AS i; CREATE TABLE a."u x" AS SELECT 4 AS i;\n'
        '-- Rollback: DROP TABLE a.u, b.u, a."u-x", a."u x"; DROP SCHEMA a; DROP SCHEMA b;'
    ).migrate()
    result = first.rollback(count=1, allow_data_loss=["a.u", "b.u", "a.u-x", "a.u x"])
    saved = {one["object"]: first.sql(f"SELECT i FROM {one['backup']}") for one in result["losses"]}
    assert saved == {"a.u": [(1,)], "b.u": [(2,)], "a.u-x": [(3,)], "a.u x": [(4,)]}


def test_copies_of_one_table_in_two_steps_of_a_journaled_range(first):
    first.write(
        V2__j="CREATE INDEX i ON t (name); INSERT INTO t VALUES (1, 'x');\n-- Rollback:\n-- UPDATE t SET name = 'y';\n"
        "-- DROP INDEX CONCURRENTLY i;\n-- UPDATE t SET name = 'z';\n"
    ).migrate()
    result = first.rollback(count=1, allow_data_loss=["t"])
    copies = [one["backup"] for one in result["losses"]]
    assert [first.sql(f"SELECT name FROM {copy}") for copy in copies] == [[("x",)], [("y",)]]


def test_a_right_that_the_lock_on_the_history_needs(first):
    """INSERT and SELECT are not enough for LOCK TABLE .. IN SHARE ROW EXCLUSIVE MODE: the plan has to know."""
    first.write(V2__x="SELECT 1;\n-- Rollback: none").migrate()
    server, name, user = first.database.server, first.database.name, first.database.user
    server.execute(
        f'ALTER TABLE flyway_schema_history OWNER TO {server.user}; REVOKE ALL ON flyway_schema_history FROM "{user}"; '
        f'GRANT SELECT, INSERT ON flyway_schema_history TO "{user}"',
        database=name,
    )
    plan = first.rollback(count=1, mode="plan")
    assert not plan["feasible"], plan["msg"]
    assert [one["code"] for one in plan["refusals"]] == ["PRIVILEGE"] and "UPDATE" in plan["refusals"][0]["message"]
    server.execute(f'GRANT UPDATE ON flyway_schema_history TO "{user}"', database=name)
    assert first.rollback(count=1)["changed"]


def test_rows_that_the_old_schema_does_not_allow(first):
    first.write(V2__n="ALTER TABLE feels ALTER m DROP NOT NULL;\n-- Rollback: ALTER TABLE feels ALTER m SET NOT NULL;").migrate()
    first.sql("INSERT INTO feels VALUES (NULL)")
    before = first.picture()
    with pytest.raises(FlywayError) as refused:
        first.rollback(count=1)
    assert "contains null values" in refused.value.message and "Rows that are there now stand against it" in refused.value.message
    assert first.picture() == before
