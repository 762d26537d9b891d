# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollbacks that succeed or are refused, judged by real Flyway."""

from __future__ import annotations

import re
import time
import zipfile

import pytest

from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError

V1 = "CREATE TABLE t (id int PRIMARY KEY, name text);\nINSERT INTO t VALUES (1, 'a'), (2, 'b');\n-- Rollback: DROP TABLE t;\n"
V2 = "ALTER TABLE t ADD c int DEFAULT 0;\n-- Rollback:\n-- ALTER TABLE t DROP COLUMN c;\n"
V3 = "CREATE VIEW v AS SELECT * FROM t;\nCREATE TABLE u (id int);\n-- Rollback: DROP VIEW v; DROP TABLE u;\n"


@pytest.fixture
def three(kit):
    kit.write(V1__t=V1, V2__c=V2, V3__v=V3).migrate()
    return kit


@pytest.mark.parametrize(("history", "state"), [("mark", "Pending"), ("delete", "Pending")])
def test_back_and_forth_again(three, history, state):
    before = three.fingerprint()
    result = three.rollback(to_version="2", history=history)
    assert result["changed"] and result["plan"]["schema_version"] == {"before": "3", "after": "2"}
    assert three.states() == {"1": "Success", "2": "Success", "3": state}
    codes = [one["errorDetails"]["errorCode"] for one in three.ask("validate")["validate"]["invalidMigrations"]]
    assert codes == ["RESOLVED_VERSIONED_MIGRATION_NOT_APPLIED"]
    types = [row[2] for row in three.history()]
    assert types == (["SQL", "SQL", "SQL", "DELETE"] if history == "mark" else ["SQL", "SQL"])
    three.migrate()
    assert three.fingerprint().lines == before.lines
    assert three.states()["3"] == "Success"
    three.rollback(count=1, history=history)  # the same version a second time
    assert three.states()["3"] == "Pending"
    (three.directory / "V3__v.sql").unlink()
    assert three.ask("validate")["validate"]["validationSuccessful"]


def test_a_plan_that_would_lose_data_is_not_feasible(three):
    """So that a playbook does not stop a service for what is refused at the end."""
    plan = three.rollback(to_version="0", mode="plan")
    assert not plan["feasible"] and [r["code"] for r in plan["refusals"]] == ["DATA_LOSS"] and "cannot roll back" in plan["msg"]
    dry = three.module(check=True, to_version="0", mode="apply")  # fails as the run would
    assert dry["code"] == "DATA_LOSS" and not dry["feasible"] and not dry["changed"]
    three.write(V4__u="SELECT 1;\n-- Rollback: DELETE FROM t WHERE id = 9;").migrate()
    dry = three.module(check=True, count=1, mode="apply")  # nobody knows before how many rows that is
    assert dry["rc"] == 0 and not dry["feasible"] and not dry["changed"]
    assert three.module(count=1, mode="apply")["changed"]
    assert three.rollback(to_version="0", mode="plan", allow_data_loss=["t"])["feasible"]


def test_all_the_way_down_and_data_loss(three):
    with pytest.raises(FlywayError) as refused:
        three.rollback(to_version="0")
    assert refused.value.code == "DATA_LOSS"
    assert "2 rows of table public.t (version 1)" in refused.value.message
    assert "allow_data_loss: [public.t]" in refused.value.message
    assert three.states() == {"1": "Success", "2": "Success", "3": "Success"}
    result = three.rollback(to_version="0", allow_data_loss=["t"])
    (loss,) = result["losses"]
    assert loss["rows"] == 2
    assert three.sql(f"SELECT id, name FROM {loss['backup']} ORDER BY id") == [(1, "a"), (2, "b")]
    assert three.states() == {"1": "Pending", "2": "Pending", "3": "Pending"}
    assert [row[:2] for row in three.history()][3:] == [(4, "3"), (5, "2"), (6, "1")]
    three.migrate()


def test_a_column_with_data_is_saved_with_its_key(three):
    three.sql("UPDATE t SET c = 7 WHERE id = 1")
    three.rollback(versions=["3"])
    with pytest.raises(FlywayError, match=r"1 values of column public\.t\.c"):
        three.rollback(versions=["2"])
    result = three.rollback(versions=["2"], allow_data_loss=["t.c"])
    assert three.sql(f"SELECT id, c FROM {result['losses'][0]['backup']} ORDER BY 1") == [(1, 7), (2, 0)]
    assert result["losses"][0]["rows"] == 1  # the other row has the default


def test_an_empty_column_needs_no_leave(three):
    result = three.rollback(to_version="1")
    assert result["losses"] == []


def test_rows_changed_inside_a_function_are_seen(three):
    three.write(V4__d="SELECT 1;\n-- Rollback: DO $$ BEGIN DELETE FROM t WHERE id = 1; END $$;").migrate()
    with pytest.raises(FlywayError, match=r"1 changed or deleted rows of public\.t"):
        three.rollback(count=1)
    result = three.rollback(count=1, allow_data_loss=["public.t"])
    assert three.sql(f"SELECT count(*) FROM {result['losses'][0]['backup']}") == [(2,)]


def test_truncate_is_seen(three):
    three.write(V4__d="SELECT 1;\n-- Rollback: TRUNCATE t;").migrate()
    with pytest.raises(FlywayError, match=r"2 changed or deleted rows of public\.t"):
        three.rollback(count=1)


def test_cascade_is_seen(three):
    three.sql("CREATE TABLE child (id int); INSERT INTO child SELECT 1; CREATE TYPE mood AS ENUM ('x'); ")
    three.write(
        V4__d="CREATE SCHEMA s; CREATE TABLE s.a (i int); INSERT INTO s.a VALUES (1); ALTER TABLE child ADD m mood;\n"
        "UPDATE child SET m = 'x';\n-- Rollback: DROP SCHEMA s CASCADE; DROP TYPE mood CASCADE;"
    ).migrate()
    with pytest.raises(FlywayError) as refused:
        three.rollback(count=1)
    assert "1 rows of table s.a" in refused.value.message and "1 values of column public.child.m" in refused.value.message
    result = three.rollback(count=1, allow_data_loss=["s.a", "child.m"])
    saved = {loss["object"]: loss["backup"] for loss in result["losses"]}
    assert three.sql(f"SELECT m FROM {saved['public.child.m']}") == [("x",)]  # a text now: its type is gone


def test_a_rename_is_no_loss_and_a_narrower_type_is(three):
    three.write(
        V4__n="ALTER TABLE t RENAME TO tt; ALTER TABLE tt ALTER c TYPE numeric(10,2);\n"
        "-- Rollback:\n-- ALTER TABLE tt ALTER c TYPE int;\n-- ALTER TABLE tt RENAME TO t;\n"
    )
    three.sql("DROP VIEW v")
    three.write(V3__v=V3)
    three.migrate()
    three.sql("UPDATE tt SET c = 1.5 WHERE id = 1")
    with pytest.raises(FlywayError, match=r"1 values of public\.tt\.c \(numeric\(10,2\) becomes integer\)"):
        three.rollback(count=1)
    three.rollback(count=1, allow_data_loss=["tt.c"])


def test_rehearsal_changes_nothing_and_tells_everything(three):
    three.sql("INSERT INTO u VALUES (1)")
    before = three.picture()
    result = three.rollback(to_version="1", mode="rehearse")
    assert three.picture() == before
    assert not result["changed"] and not result["feasible"]
    assert [r["code"] for r in result["refusals"]] == ["DATA_LOSS"]
    assert {"view public.v", "table public.u", "column public.t.c"} <= set(result["schema_difference"]["removed"])
    assert [s["place"] for s in result["statements"]] == ["V3__v.sql:3", "V3__v.sql:3", "V2__c.sql:3"]


def test_a_repeatable_whose_view_vanished_runs_again(three):
    three.write(R__views="CREATE OR REPLACE VIEW w AS SELECT c FROM t;\n").migrate()
    three.write(V4__x="SELECT 1;\n-- Rollback: ALTER TABLE t DROP COLUMN c CASCADE;").migrate()
    result = three.rollback(count=1)
    assert result["repeatables_to_rerun"] == ["views"]
    rows = three.sql("SELECT concat_ws(' ', installed_rank, coalesce(version, '-'), type, description) FROM flyway_schema_history")
    shown = [line for line in result["diff"]["after"].splitlines() if line.startswith("history")]
    assert sorted(shown) == sorted(f"history {row}" for (row,) in rows)
    assert three.states()["views"] == "Pending"
    three.sql("ALTER TABLE t ADD c int")
    three.migrate()
    assert three.sql("SELECT count(*) FROM w") == [(2,)]


def test_sidecar_placeholder_and_search_path(three):
    three.settings["placeholders.table"] = "extra"
    three.write(V4__e="CREATE TABLE ${table} (i int);", U4__e="DROP TABLE ${table};").migrate()
    three.rollback(count=1, placeholders={"table": "extra"})
    assert three.states()["4"] == "Pending"
    with pytest.raises(FlywayError, match="No value provided for placeholder"):
        three.migrate()
        three.rollback(count=1)


def test_default_schema_of_its_own(kit):
    kit.settings.update({"schemas": "app", "defaultSchema": "app"})
    kit.write(V1__a="CREATE TABLE a (i int);\n-- Rollback: DROP TABLE a;", V2__b="SELECT 1;\n-- Rollback: none").migrate()
    kit.sql("CREATE TABLE public.a (i int)")
    result = kit.rollback(to_version="0", schemas=["app"], default_schema="app")
    assert result["schema_difference"]["removed"][0:1] == ["column app.a.i"]
    assert kit.sql("SELECT to_regclass('public.a')::text") == [("a",)]
    assert kit.states()["1"] == "Pending"


@pytest.mark.parametrize("inner", ["BOOT-INF/classes/db/migration", "db/migration"])
def test_text_in_a_jar(three, tmp_path, inner):
    jar = tmp_path / "main.jar"
    with zipfile.ZipFile(jar, "w") as archive:
        for file in three.directory.iterdir():
            archive.write(file, f"{inner}/{file.name}")
    result = three.rollback(count=1, locations=["classpath:db/migration"], jar=str(jar))
    assert result["reapply"] == [{"version": "3", "file": f"{jar}!/{inner}/V3__v.sql"}]
    assert three.states()["3"] == "Pending"


def test_nothing_to_do(three):
    result = three.rollback(to_version="3")
    assert not result["changed"] and "nothing to roll back" in result["msg"]


def test_plan_id_binds(three):
    plan = three.rollback(to_version="2", mode="plan")
    assert not plan["changed"] and plan["feasible"]
    three.sql("UPDATE flyway_schema_history SET description = 'other' WHERE version = '1'")
    with pytest.raises(FlywayError) as refused:
        three.rollback(to_version="2", plan_id=plan["plan"]["id"])
    assert refused.value.code == "CHANGED_MEANWHILE"


def test_plan_id_does_not_change_with_the_time_of_day(kit):
    back = "COMMENT ON TABLE a IS 'back at ${flyway:timestamp}';"
    kit.write(V1__a="CREATE TABLE a (i int);", V2__b=f"SELECT 1;\n-- Rollback: {back}").migrate()
    plan = kit.rollback(to_version="1", mode="plan")
    time.sleep(1.1)
    assert kit.rollback(to_version="1", plan_id=plan["plan"]["id"])["changed"]
    (comment,) = kit.sql("SELECT obj_description('a'::regclass)")[0]
    assert re.fullmatch(r"back at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d", comment)


def test_module_through_main(three):
    before = three.picture()
    checked = three.module(to_version="2", mode="apply", check=True, diff=True)
    assert checked["rc"] == 0 and checked["changed"] and "would roll back 3" in checked["msg"]
    assert "DELETE" in checked["diff"]["after"] and "DELETE" not in checked["diff"]["before"]
    assert three.picture() == before
    result = three.module(to_version="2", mode="apply", diff=True)
    assert result["rc"] == 0 and result["changed"] and "view public.v" in result["diff"]["before"]
    refused = three.module(versions=["3"], mode="apply")
    assert refused["rc"] == 1 and refused["code"] == "REFUSED" and "already rolled back" in refused["msg"]
    assert three.module(mode="apply")["code"] == "BAD_OPTION"


@pytest.mark.parametrize(
    ("change", "options", "code", "words"),
    [
        ({}, {"versions": ["2"]}, "MIDDLE_VERSION", "lies below 3"),
        ({}, {"to_version": "7"}, "UNKNOWN_TARGET", "applied are 1, 2, 3"),
        ({}, {"count": 9}, "COUNT", "only 3 migration"),
        ({}, {"versions": ["9"]}, "NOT_APPLIED", "no migration has version 9"),
        ({"V3__v": V3 + "-- edited\n"}, {"count": 1}, "CHECKSUM_MISMATCH", "changed after it was applied"),
        ({"U3__v": "DROP VIEW v;"}, {"count": 1}, "BAD_ROLLBACK_TEXT", "both in V3__v.sql:3"),
        ({"V4__n": "SELECT 1;"}, {"count": 1}, "NO_ROLLBACK_TEXT", "Add U4__n.sql"),
        ({"V4__n": "SELECT 1;\n-- Rollback: DROP TABEL t;"}, {"count": 1}, "BAD_ROLLBACK_TEXT", "V4__n.sql:2"),
        ({"V4__n": "SELECT 1;\n-- Rollback: DROP TABLE t t;"}, {"count": 1}, "SYNTAX", "V4__n.sql:2: syntax error"),
        ({"V4__n": "SELECT 1;\n-- Rollback: DROP TABLE ${nope};"}, {"count": 1}, None, "nope"),
    ],
)
def test_refusals_change_nothing(three, change, options, code, words):
    three.write(**change)
    if "V4__n" in change:
        if "nope" in change["V4__n"]:
            three.settings["placeholderReplacement"] = "false"
        three.migrate()
    before = three.picture()
    with pytest.raises(FlywayError) as refused:
        three.rollback(**options)
    assert three.picture() == before
    assert words in refused.value.message
    if code:
        assert code in [one["code"] for one in refused.value.details["refusals"]]
    plan = three.rollback(**{**options, "mode": "plan"})
    assert not plan["feasible"] and three.picture() == before


def test_baseline_and_other_types(kit):
    kit.sql("CREATE TABLE old (i int)")
    kit.settings.update({"baselineOnMigrate": "true", "baselineVersion": "1"})
    kit.write(V1__a="SELECT 1;", V2__b="SELECT 1;\n-- Rollback: none").migrate()
    with pytest.raises(FlywayError, match="at or below the baseline 1"):
        kit.rollback(to_version="0")
    kit.rollback(to_version="1")
    kit.migrate()
    kit.sql("UPDATE flyway_schema_history SET type = 'JDBC' WHERE version = '2' AND type = 'SQL' AND installed_rank > 3")
    with pytest.raises(FlywayError, match="applied as JDBC"):
        kit.rollback(count=1)


def test_failed_migration_is_cleaned_up(three):
    three.write(V4__i="CREATE UNIQUE INDEX CONCURRENTLY ix ON t (c);\n-- Rollback: DROP INDEX CONCURRENTLY IF EXISTS ix;")
    three.settings["postgresql.transactional.lock"] = "false"
    assert "error" in three.ask("migrate")["migrate"]
    assert three.history()[-1][3] is False
    assert three.sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix'::regclass") == [(False,)]
    with pytest.raises(FlywayError, match="failed=true"):
        three.rollback(count=1)
    result = three.rollback(failed=True)
    assert result["changed"] and [row["outcome"] for row in result["journal"]] == ["done"]
    assert three.sql("SELECT to_regclass('ix')") == [(None,)]
    assert three.states()["4"] == "Pending" and len(three.history()) == 3


def test_out_of_order_when_flyway_has_it(three):
    with pytest.raises(FlywayError):
        three.rollback(versions=["2"])
    three.sql("DROP VIEW v")
    three.rollback(versions=["2"], out_of_order=True)
    three.settings["outOfOrder"] = "true"
    assert three.states()["2"] == "Pending"
    three.migrate()
    assert three.states()["2"] == "Out of Order"


def test_code_first_rows_without_files(three):
    """The old release runs already: its files end at 2, version 3 is Future, its text comes from a sidecar."""
    (three.directory / "V3__v.sql").unlink()
    assert three.states()["3"] == "Future"
    with pytest.raises(FlywayError, match="No rollback text for 3"):
        three.rollback(count=1)
    three.write(U3__v="DROP VIEW v;\nDROP TABLE u;")
    three.rollback(count=1)
    assert three.ask("validate")["validate"]["validationSuccessful"]


STATEMENTS = """
ALTER TABLE t ALTER c TYPE bigint
DROP TABLE IF EXISTS t, u CASCADE
CREATE TABLE x (a int GENERATED ALWAYS AS IDENTITY, b text DEFAULT 'x;y')
CREATE OR REPLACE FUNCTION f(a int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN /* ; */ RETURN $q$;$q$; END $$
CREATE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; END
CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM u; DELETE FROM u)
CREATE INDEX CONCURRENTLY i ON t (c)
DROP INDEX CONCURRENTLY i
REINDEX INDEX CONCURRENTLY i
ALTER TABLE t DETACH PARTITION u CONCURRENTLY
VACUUM (ANALYZE) t
ANALYZE t
CLUSTER t USING i
REFRESH MATERIALIZED VIEW CONCURRENTLY v
COMMENT ON TABLE t IS E'it\\'s; so'
SECURITY LABEL ON TABLE t IS NULL
GRANT SELECT ON t TO PUBLIC
REVOKE ALL ON t FROM PUBLIC
INSERT INTO t (id) VALUES (1) ON CONFLICT DO NOTHING
UPDATE t SET c = 1 FROM u WHERE true
DELETE FROM t USING u WHERE true
MERGE INTO t USING u ON true WHEN MATCHED THEN DELETE
TRUNCATE t
SELECT setval('s', 1)
WITH gone AS (DELETE FROM u RETURNING *) INSERT INTO t SELECT * FROM gone
DO $do$ BEGIN PERFORM 1; END $do$
CALL p(1)
LOCK TABLE t IN EXCLUSIVE MODE
SET LOCAL search_path = public
SET CONSTRAINTS ALL DEFERRED
REASSIGN OWNED BY a TO b
IMPORT FOREIGN SCHEMA s FROM SERVER x INTO y
ALTER TYPE e RENAME VALUE 'a' TO 'b'
DROP POLICY IF EXISTS p ON t
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC
"""


def test_every_allowed_kind_of_statement_passes_the_syntax_check_and_none_is_run(three):
    """The check itself: one sidecar with all of them, planned against a real server; names need not exist."""
    sql = ";\n".join(STATEMENTS.strip().splitlines()) + ";\n"
    three.write(V4__all="SELECT 1;", U4__all=sql).migrate()
    before = three.picture()
    plan = three.rollback(count=1, mode="plan")
    assert [r for r in plan["refusals"] if r["code"] not in ("PRIVILEGE", "DATA_LOSS")] == []
    assert len(plan["plan"]["statements"]) == len(STATEMENTS.strip().splitlines())
    assert three.picture() == before
