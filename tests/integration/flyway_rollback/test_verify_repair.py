# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""flyway_verify, flyway_repair and flyway_baseline, the latter two against what real Flyway does."""

from __future__ import annotations

import pytest

HISTORY = (
    "SELECT installed_rank, version, description, type, script, checksum, installed_by, execution_time, success "
    "FROM flyway_schema_history ORDER BY 1"
)

MIGRATIONS = {
    "V1__t": "CREATE TABLE t (id int PRIMARY KEY, c int);\n-- Rollback: DROP TABLE t;",
    "V2__i": "CREATE INDEX CONCURRENTLY i ON t (c);\n-- Rollback: DROP INDEX CONCURRENTLY i;",
    "V3__differs": "CREATE TABLE u (); CREATE TABLE w ();\n-- Rollback: DROP TABLE u;",
    "V4__fails": "CREATE TYPE e AS ENUM ('a'); ALTER TABLE t ADD e e;\n-- Rollback: DROP TYPE e;",
    "V5__missing": "CREATE VIEW v AS SELECT c FROM t;",
    "V6__prose": "SELECT 1;\n-- Rollback: ask somebody",
    "V7__none": "COMMENT ON TABLE t IS 'x'; COMMENT ON TABLE t IS NULL;\n-- Rollback: none",
    "V8__none_but_not_true": "CREATE TABLE x ();\n-- Rollback: none",
    "V9__twice": "DO $$ BEGIN IF to_regclass('seen') IS NULL THEN CREATE TABLE seen (); "
    "ELSE ALTER TABLE seen ADD again int; END IF; END $$;\n-- Rollback: SELECT 1;",
    "V10__copy": "CREATE TABLE data (i int, n text);\nCOPY data FROM STDIN;\n1\tit's; here\n2\t\\N\n\\.\n"
    "CREATE INDEX di ON data (i);\n-- Rollback: DROP TABLE data;",
    "V11__body": "CREATE FUNCTION f() RETURNS int AS $x$ BEGIN /* ; */ RETURN 1; END $x$ LANGUAGE plpgsql;\n"
    "-- Rollback: DROP FUNCTION f();",
    "R__r": "CREATE OR REPLACE VIEW rv AS SELECT f();",
}


def test_verify_finds_out_which_rollbacks_work(kit):
    kit.database.server.execute(f'ALTER ROLE "{kit.database.user}" CREATEDB')
    kit.write(**MIGRATIONS)
    result = kit.module("flyway_verify", check=True)
    found = {one["version"]: one for one in result["migrations"]}
    assert {version: one["result"] for version, one in found.items()} == {
        "1": "works",
        "2": "works",
        "3": "differs",
        "4": "fails",
        "5": "missing",
        "6": "refused",
        "7": "nothing_to_do",
        "8": "differs",
        "9": "differs",
        "10": "works",
        "11": "works",
    }
    assert list(found)[-2:] == ["10", "11"]  # in the order of versions
    assert result["rc"] == 1 and result["code"] == "FAIL_ON" and result["msg"].startswith("differs, fails:")
    assert "+ table public.w" in found["3"]["differences"]
    assert "V4__fails.sql:2: cannot drop type e" in found["4"]["reason"]
    assert not found["2"]["all_or_nothing"] and "index public.i" in found["2"]["removes"]
    passed = kit.module("flyway_verify", fail_on=["not_repeatable"])
    assert passed["rc"] == 0 and not passed["changed"]
    leftovers = kit.database.server.execute("SELECT datname FROM pg_database WHERE datname LIKE 'dwp_verify%'")
    assert leftovers == []


def test_verify_without_the_right_to_create_databases(kit):
    kit.write(V1__a="SELECT 1;\n-- Rollback: none")
    result = kit.module("flyway_verify")
    assert result["rc"] == 1 and "CREATEDB" in result["msg"]
    server = kit.database.server
    scratch = {"user": server.user, "password": server.password, "db": "postgres"}
    assert kit.module("flyway_verify", scratch=scratch)["rc"] == 0


def test_verify_compares_the_database_with_its_files(kit):
    kit.database.server.execute(f'ALTER ROLE "{kit.database.user}" CREATEDB')
    kit.write(**{name: MIGRATIONS[name] for name in ("V1__t", "V10__copy", "V11__body", "R__r")}).migrate()
    options = {"rollbacks": False, "compare": True, "fail_on": ["schema_differs"]}
    same = kit.module("flyway_verify", **options)
    assert same["schema"] == {"equal": True, "schemas": ["public"], "ignored": [], "differences": []}, same
    kit.sql("CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.t (); ALTER TABLE t ALTER c SET NOT NULL")
    other = kit.module("flyway_verify", **options)
    assert other["rc"] == 1 and other["schema"]["differences"] == ["~ column public.t.c: integer -> integer NOT NULL"]


def broken_history(kit):
    """Drifted checksum and description, a missing file, a failed row, a repeatable: everything that repair repairs."""
    kit.write(V1__a="SELECT 1;", V2__b="SELECT 2;", V3__c="SELECT 3;", V4__d="SELECT 4;", R__r="SELECT 5;", R__gone="SELECT 6;").migrate()
    kit.write(V1__a="SELECT 1; -- edited")
    (kit.directory / "V2__b.sql").rename(kit.directory / "V2__renamed_since.sql")
    (kit.directory / "V3__c.sql").unlink()
    (kit.directory / "R__gone.sql").unlink()
    kit.sql(
        "INSERT INTO flyway_schema_history SELECT 20, '5', 'e', 'SQL', 'V5__e.sql', 1, installed_by, now(), 1, false "
        "FROM flyway_schema_history LIMIT 1"
    )
    kit.sql(
        "INSERT INTO flyway_schema_history SELECT 21, '9', 'later', 'SQL', 'V9__later.sql', 1, installed_by, now(), 1, "
        "true FROM flyway_schema_history LIMIT 1"
    )


def test_repair_does_what_real_repair_does(kit):
    broken_history(kit)
    kit.sql("CREATE TABLE saved AS TABLE flyway_schema_history")
    before = kit.sql(HISTORY)
    shown = kit.module("flyway_repair", check=True, diff=True)
    assert kit.sql(HISTORY) == before and shown["changed"]
    done = kit.module("flyway_repair", diff=True, plan_id=shown["plan_id"])
    assert done["rc"] == 0 and done["diff"] == shown["diff"] and done["actions"] == shown["actions"]
    ours = kit.sql(HISTORY)
    kit.sql("TRUNCATE flyway_schema_history; INSERT INTO flyway_schema_history TABLE saved")
    answer = kit.ask("repair")["repair"]
    assert kit.sql(HISTORY) == ours
    assert (done["migrations_removed"], done["migrations_deleted"], done["migrations_aligned"]) == (
        len(answer["migrationsRemoved"]),
        len(answer["migrationsDeleted"]),
        len(answer["migrationsAligned"]),
    )
    again = kit.module("flyway_repair")
    assert not again["changed"] and "nothing to repair" in again["msg"]
    assert kit.ask("validate")["validate"]["validationSuccessful"]


def test_repair_waits_for_the_lock_and_keeps_to_the_plan(kit):
    broken_history(kit)
    connection = kit.connect()
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE flyway_schema_history IN ROW EXCLUSIVE MODE")
    blocked = kit.module("flyway_repair", lock_timeout=0.1, retries=0)
    connection.close()
    assert blocked["code"] == "LOCK_TIMEOUT" and "not changed" in blocked["msg"]
    changed = kit.module("flyway_repair", plan_id="0123456789abcdef")
    assert changed["code"] == "CHANGED_MEANWHILE"


def test_baseline_is_what_flyway_writes(kit):
    kit.sql("CREATE TABLE t (i int)")
    kit.write(V1__a="SELECT 1;", V2__b="SELECT 2;")
    login = {key: value for key, value in kit.login().items() if key.startswith("login")}
    kit.login = lambda: login
    refused = kit.module("flyway_baseline", environment="prod", baseline_version="1")
    assert refused["rc"] == 1 and refused["code"] == "NOT_DEVELOPMENT"
    assert kit.sql("SELECT to_regclass('flyway_schema_history')") == [(None,)]
    options = {"environment": "dev", "baseline_version": "1", "diff": True}
    assert kit.module("flyway_baseline", check=True, **options)["changed"]
    assert kit.sql("SELECT to_regclass('flyway_schema_history')") == [(None,)]
    assert kit.module("flyway_baseline", **options)["created_table"]
    ours, table = kit.sql(HISTORY), kit.sql(_TABLE)
    assert not kit.module("flyway_baseline", **options)["changed"]
    assert kit.module("flyway_baseline", environment="dev", baseline_version="2")["code"] == "NOT_EMPTY"
    kit.sql("DROP TABLE flyway_schema_history")
    kit.settings["baselineVersion"] = "1"
    assert "error" not in kit.ask("baseline")["baseline"]
    assert kit.sql(HISTORY) == ours and kit.sql(_TABLE) == table
    assert kit.migrate()["migrationsExecuted"] == 1
    assert kit.module("flyway_baseline", **options)["code"] == "NOT_EMPTY"


_TABLE = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid),
  (SELECT array_agg(pg_get_indexdef(i.indexrelid) ORDER BY 1) FROM pg_index i WHERE i.indrelid = a.attrelid)
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = 'flyway_schema_history'::regclass AND a.attnum > 0 ORDER BY a.attnum"""


@pytest.mark.parametrize("name", ["flyway_repair", "flyway_verify", "flyway_rollback"])
def test_files_that_flyway_refuses(kit, name):
    kit.write(V1__a="SELECT 1;").migrate()
    kit.write(V01__b="SELECT 1;")
    options = {"to_version": "0"} if name == "flyway_rollback" else {}
    result = kit.module(name, **options)
    assert result["rc"] == 1 and "Found more than one migration with version" in result["msg"]
