# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""flyway_status through its main(): what it returns, every bad input with its message, and that nothing is changed."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.sql
import pytest
from status_module import call
from test_differential import HISTORY, INSERT

from ansible_collections.dwp.backend.plugins.module_utils._flyway.lock import lock_key

CREATE = "create table a(i int);\n-- Rollback: DROP TABLE a;\n"


@pytest.fixture
def sql(tmp_path: Path) -> Path:
    place = tmp_path / "sql"
    place.mkdir()
    (place / "V1__one.sql").write_text(CREATE)
    (place / "V2__two.sql").write_text("select 2;\n")
    (place / "R__view.sql").write_text("select '${flyway:user}';\n")
    return place


def arguments(database: Any, **more: Any) -> dict[str, Any]:
    return {
        "login_host": database.host,
        "login_port": database.port,
        "login_user": database.user,
        "login_password": database.password,
        "login_db": database.name,
        **more,
    }


def history(database: Any, *rows: tuple[Any, ...], schema: str = "public", table: str = "flyway_schema_history") -> None:
    """A history with rows (version, description, type, script, checksum, success)."""
    name = psycopg2.sql.Identifier(schema, table)
    connection = database.connect()
    with connection.cursor() as cursor:
        cursor.execute(psycopg2.sql.SQL(HISTORY).format(name))
        for rank, (version, description, kind, script, checksum, success) in enumerate(rows, 1):
            values = (rank, version, description, kind, script, checksum, "tester", 7, success)
            cursor.execute(psycopg2.sql.SQL(INSERT).format(name), values)
    connection.close()


ONE = ("1", "one", "SQL", "V1__one.sql", 1431365776, True)


class TestAnswer:
    def test_everything_that_is_returned(self, database: Any, sql: Path) -> None:
        history(database, ONE, ("2", "two", "SQL", "V2__two.sql", 5, True))
        (sql / "U2__two.sql").write_text("SELECT 1;\n")
        result = call(arguments(database, locations=[str(sql)]))
        assert (result["rc"], result["changed"], result["schema_version"]) == (0, False, "2")
        assert result["counts"] == {"Pending": 1, "Success": 2}
        assert result["history"] == {
            "schema": "public", "table": "flyway_schema_history", "schema_exists": True, "exists": True, "rows": 2,
        }  # fmt: skip
        one, two, view = result["migrations"]
        assert (one["rollback"], one["checksum_applied"], one["checksum_resolved"]) == ("comment", 1431365776, 1431365776)
        assert (two["rollback"], two["state"], two["filepath"]) == ("sidecar", "Success", str(sql / "V2__two.sql"))
        assert (view["rollback"], view["installed_rank"], view["category"]) == ("refused", None, "Repeatable")
        codes = [error["error_code"] for error in result["validation"]["errors"]]
        assert codes == ["CHECKSUM_MISMATCH", "RESOLVED_REPEATABLE_MIGRATION_NOT_APPLIED"]
        assert all(error["what_to_do"] for error in result["validation"]["errors"])
        assert result["lock_held"] is None
        assert "at version 2: 1 Pending, 2 Success; 2 validation error(s), first: Migration checksum mismatch" in result["msg"]

    def test_a_comment_counts_only_in_the_file_that_was_applied(self, database: Any, sql: Path) -> None:
        history(database, ("1", "one", "SQL", "V1__one.sql", 5, True))
        one = call(arguments(database, locations=[str(sql)]))["migrations"][0]
        assert one["rollback"] == "refused" and "checksums differ" in one["rollback_reason"]

    def test_check_mode_says_the_same(self, database: Any, sql: Path) -> None:
        history(database, ONE)
        wanted = arguments(database, locations=[str(sql)])
        assert call(wanted, check=True) == call(wanted)

    @pytest.mark.parametrize("inside", ["BOOT-INF/classes/db/migration", "db/migration"])
    @pytest.mark.parametrize("how", ["jar alone", "inner path", "class path"])
    def test_jars(self, inside: str, how: str, database: Any, sql: Path, tmp_path: Path) -> None:
        history(database, ONE)
        jar = tmp_path / "app.jar"
        with zipfile.ZipFile(jar, "w") as archive:
            for path in sql.iterdir():
                archive.write(path, f"{inside}/sub/{path.name}")
            archive.writestr("V9__elsewhere.sql", "select 9;")
        options: dict[str, Any] = {
            "jar alone": {"locations": [str(jar)]},
            "inner path": {"locations": [f"{jar}!/{inside}"]},
            "class path": {"jar": str(jar)},
        }[how]
        result = call(arguments(database, **options))
        assert [line["script"] for line in result["migrations"]] == ["V1__one.sql", "sub/V2__two.sql", "sub/R__view.sql"]
        assert result["migrations"][0]["filepath"] == f"{jar}!/{inside}/sub/V1__one.sql"
        assert result["migrations"][0]["rollback"] == "comment"
        assert list(tmp_path.iterdir()) == [sql, jar] or set(tmp_path.iterdir()) == {sql, jar}

    def test_who_holds_the_lock(self, database: Any, sql: Path) -> None:
        history(database, ONE)
        other = database.connect()
        with other.cursor() as cursor:
            cursor.execute("SET application_name = 'a deployment'")
            cursor.execute("SELECT pg_try_advisory_lock(%s), pg_backend_pid()", (lock_key("public", "flyway_schema_history"),))
            pid = cursor.fetchone()[1]
        held = call(arguments(database, locations=[str(sql)]))["lock_held"]
        other.close()
        assert (held["pid"], held["user"], held["application"]) == (pid, database.user, "a deployment")
        assert held["since"] and "pg_try_advisory_lock" in held["query"]

    def test_parameters_of_libpq_win(self, database: Any, sql: Path) -> None:
        history(database, ONE, schema="public")
        wanted = arguments(database, locations=[str(sql)], login_db="no_such")
        wanted["connect_params"] = {"dbname": database.name, "application_name": "somebody", "options": "-csearch_path=public"}
        result = call(wanted)
        assert (result["rc"], result["database"], result["history"]["schema"]) == (0, database.name, "public")

    def test_fail_on(self, database: Any, sql: Path) -> None:
        history(database, ("1", "one", "SQL", "V1__one.sql", 1431365776, False))
        result = call(arguments(database, locations=[str(sql)], fail_on=["failed", "invalid", "Out of Order"]))
        assert result["rc"] == 1 and result["failed"] and result["code"] == "FAIL_ON"
        assert result["msg"].startswith("Failed: 1; validation failed: Detected failed migration to version 1 (one). (3 in all).")
        assert result["counts"]["Failed"] == 1
        fine = call(arguments(database, locations=[str(sql)], fail_on=["Missing"]))
        assert fine["rc"] == 0

    def test_refused_by_flyway_but_listed(self, database: Any, sql: Path) -> None:
        history(database, ONE, ("2", "two", "SQL", "V2__two.sql", 1, True), ("2", "two", "UNDO_SQL", "U2__two.sql", 1, True))
        result = call(arguments(database, locations=[str(sql)]))
        assert result["validation"]["refused"] and not result["validation"]["valid"]
        assert result["validation"]["errors"][0]["error_message"] == ("No enum constant org.flywaydb.core.api.CoreMigrationType.UNDO_SQL")
        assert [(line["version"], line["state"]) for line in result["migrations"]] == [
            ("1", "Success"), ("2", "Undone"), ("2", "Success"), ("2", "Pending"), ("", "Pending"),
        ]  # fmt: skip
        assert "Flyway refuses every command" in result["msg"]

    def test_a_row_that_nobody_can_read(self, database: Any, sql: Path) -> None:
        history(database, ("1x", "one", "SQL", "V1__one.sql", 1, True), ("1", "one", "SQLL", "V1__one.sql", 1, True))
        result = call(arguments(database, locations=[str(sql)]))
        assert [error["error_code"] for error in result["validation"]["errors"]] == ["ERROR", "FAULT"]
        assert result["counts"] == {"Unreadable": 2, "Pending": 3}

    @pytest.mark.parametrize(
        ("baseline", "said"),
        [
            (False, 'migrate would fail: Found non-empty schema(s) "public"'),
            (True, "would write a baseline at version 1 first and take version(s) 1 as done"),
        ],
    )
    def test_content_without_history(self, baseline: bool, said: str, database: Any, sql: Path) -> None:
        database.execute("CREATE TABLE t (i int)")
        result = call(arguments(database, locations=[str(sql)], baseline_on_migrate=baseline))
        assert any(said in warning for warning in result["warnings"]), result["warnings"]


def test_migrate_fails_as_the_warning_says(database: Any, sql: Path, flyway: Any) -> None:
    """The one error code that only migrate has."""
    database.execute("CREATE TABLE t (i int)")
    url = f"jdbc:postgresql://{database.host}:{database.port}/{database.name}"
    answer = flyway.ask(url, database.user, database.password, {"locations": f"filesystem:{sql}"}, ["migrate"])
    assert answer["migrate"]["error"]["code"] == "NON_EMPTY_SCHEMA_WITHOUT_SCHEMA_HISTORY_TABLE"
    warnings = call(arguments(database, locations=[str(sql)]))["warnings"]
    assert any(answer["migrate"]["error"]["message"] in warning for warning in warnings), warnings


BAD_OPTIONS: list[tuple[dict[str, Any], str, str]] = [
    ({"login_password": "wrong-secret"}, "PG_AUTH", "does not accept the password of user"),
    ({"login_user": "nobody_here"}, "PG_AUTH", "does not accept the password of user 'nobody_here'"),
    ({"login_db": "no_such"}, "PG_NODB", "Database 'no_such' does not exist"),
    ({"login_port": 1}, "PG_REFUSED", "Nothing listens on 127.0.0.1:1"),
    ({"login_host": "no-such-host.invalid"}, "PG_UNKNOWN_HOST", "'no-such-host.invalid' cannot be resolved"),
    ({"ssl_mode": "require"}, "TLS", "ssl_mode=require"),
    ({"ca_cert": "/nowhere/ca.pem"}, "TLS", "ca_cert /nowhere/ca.pem does not exist here"),
    ({"connect_params": {"sslmodus": "x"}}, "BAD_OPTION", "sslmodus"),
    ({"locations": ["/no/such/place"]}, "MISSING_LOCATION", "/no/such/place does not exist"),
    ({"locations": ["/etc/passwd"]}, "MISSING_LOCATION", "/etc/passwd is neither a directory nor a jar"),
    ({"locations": ["/no/app.jar"]}, "MISSING_LOCATION", "/no/app.jar does not exist"),
    ({"locations": ["classpath:db/migration"]}, "NO_JAR", "no jar is named"),
    ({"locations": ["s3:bucket"]}, "BAD_LOCATION", "s3 is not supported"),
    ({"encoding": "UTF-99"}, "UNKNOWN_ENCODING", "Unknown encoding 'UTF-99'"),
    ({"target": "1x"}, "INVALID_VERSION", "Invalid version: 1x"),
    ({"baseline_version": "x"}, "INVALID_VERSION", "Invalid version: x"),
    ({"ignore_migration_patterns": ["pending"]}, "BAD_PATTERN", "Invalid pattern 'pending'"),
    ({"ignore_migration_patterns": ["*:done"]}, "BAD_PATTERN", "Invalid migration state 'done'"),
    ({"fail_on": ["Broken"]}, "BAD_OPTION", "'Broken' is no state"),
    ({"placeholder_prefix": ""}, "BAD_OPTION", "placeholder_prefix must not be empty"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "code", "said"), BAD_OPTIONS, ids=[f"{code}-{said}" for _o, code, said in BAD_OPTIONS])
def test_bad_options(options: dict[str, Any], code: str, said: str, database: Any, sql: Path) -> None:
    result = call({**arguments(database, locations=[str(sql)]), **options})
    assert (result["rc"], result.get("failed"), result.get("code")) == (1, True, code), result
    assert said in result["msg"]
    assert database.password not in str(result) and "wrong-secret" not in str(result)


class TestBadHistory:
    def test_no_table(self, database: Any, sql: Path) -> None:
        result = call(arguments(database, locations=[str(sql)]))
        assert result["rc"] == 0 and result["schema_version"] is None and result["counts"] == {"Pending": 3}
        assert 'No schema history table "public"."flyway_schema_history"' in result["msg"]

    def test_no_schema(self, database: Any, sql: Path) -> None:
        result = call(arguments(database, locations=[str(sql)], schemas=["nowhere"]))
        assert result["validation"]["errors"][0]["error_code"] == "SCHEMA_DOES_NOT_EXIST"
        assert result["msg"].startswith('Schema "nowhere" of database') and not result["history"]["schema_exists"]

    def test_no_permission(self, postgres: Any, database: Any, sql: Path) -> None:
        history(database, ONE)
        postgres.execute("DROP ROLE IF EXISTS reader")
        postgres.execute("CREATE ROLE reader LOGIN PASSWORD 'read-secret'")
        try:
            wanted = arguments(database, locations=[str(sql)], login_user="reader", login_password="read-secret")
            result = call(wanted)
            assert (result["rc"], result["code"]) == (1, "PG_PERM")
            assert 'GRANT SELECT ON "public"."flyway_schema_history" TO "reader"' in result["msg"]
            database.execute("GRANT SELECT ON flyway_schema_history TO reader")
            assert call(wanted)["rc"] == 0
            database.execute("CREATE SCHEMA secret")
            history(database, ONE, schema="secret")
            result = call({**wanted, "schemas": ["secret"]})
            assert (result["code"], 'GRANT USAGE ON SCHEMA "secret"' in result["msg"]) == ("PG_PERM", True)
            owner = psycopg2.sql.Identifier(database.name)
            postgres.execute(psycopg2.sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(owner))
            result = call(wanted)
            assert result["code"] == "PG_PERM" and "GRANT CONNECT ON DATABASE" in result["msg"]
        finally:
            database.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM reader")
            postgres.execute("DROP ROLE reader")

    def test_another_layout(self, database: Any, sql: Path) -> None:
        database.execute("CREATE TABLE flyway_schema_history (id int, version text, checksum bigint)")
        result = call(arguments(database, locations=[str(sql)]))
        assert (result["rc"], result["code"]) == (1, "HISTORY_LAYOUT")
        assert "lacks installed_rank, description" in result["msg"] and "checksum is bigint, not integer" in result["msg"]

    def test_locked_table(self, database: Any, sql: Path) -> None:
        history(database, ONE)
        other = psycopg2.connect(database.dsn)
        with other.cursor() as cursor:
            cursor.execute("LOCK TABLE flyway_schema_history IN ACCESS EXCLUSIVE MODE")
        result = call(arguments(database, locations=[str(sql)]))
        other.close()
        assert (result["rc"], result["code"]) == (1, "PG_LOCKED") and "locked by another session" in result["msg"]


class TestBadFiles:
    def refused(self, database: Any, sql: Path, **options: Any) -> dict[str, Any]:
        history(database, ONE)
        result = call(arguments(database, locations=[str(sql)], **options))
        assert result["rc"] == 0 and result["validation"]["refused"] and result["migrations"]
        error: dict[str, Any] = result["validation"]["errors"][0]
        assert error["what_to_do"]
        return error

    def test_bytes_that_are_not_of_the_encoding(self, database: Any, sql: Path) -> None:
        (sql / "V3__latin.sql").write_bytes(b"select '\xfc';")
        error = self.refused(database, sql)
        assert error["error_message"].startswith("Unable to calculate checksum of V3__latin.sql")
        assert error["filepath"] == str(sql / "V3__latin.sql")

    def test_duplicate_versions(self, database: Any, sql: Path) -> None:
        (sql / "V1.0__again.sql").write_text("select 1;")
        error = self.refused(database, sql)
        assert error["error_code"] == "DUPLICATE_VERSIONED_MIGRATION"
        assert str(sql / "V1__one.sql") in error["error_message"] and str(sql / "V1.0__again.sql") in error["error_message"]

    def test_unknown_placeholder(self, database: Any, sql: Path) -> None:
        (sql / "R__view.sql").write_text("select '${nope}';")
        error = self.refused(database, sql)
        assert error["error_message"] == "No value provided for placeholder: ${nope}.  Check your configuration!"

    def test_placeholders_that_matter_only_later(self, database: Any, sql: Path) -> None:
        (sql / "V3__next.sql").write_text("select '${nope}';")
        (sql / "R__view.sql").write_text("select '${flyway:timestamp} ${flyway:workingDirectory}';")
        result = call(arguments(database, locations=[str(sql)]))
        assert result["rc"] == 0 and not result["validation"]["refused"]
        said = " ".join(result["warnings"])
        assert "migrate would fail at V3__next.sql: No value provided for placeholder: ${nope}." in said
        assert "outdated every second" in said and "Set working_directory" in said

    def test_malformed_version(self, database: Any, sql: Path) -> None:
        (sql / "V3a__bad.sql").write_text("select 1;")
        error = self.refused(database, sql, validate_migration_naming=True)
        assert "V3a__bad.sql (could not recognise version number 3a)" in error["error_message"]

    def test_malformed_version_is_a_warning_by_default(self, database: Any, sql: Path) -> None:
        (sql / "V3a__bad.sql").write_text("select 1;")
        history(database, ONE)
        result = call(arguments(database, locations=[str(sql)]))
        assert any("V3a__bad.sql" in warning for warning in result["warnings"])

    def test_unreadable_conf(self, database: Any, sql: Path) -> None:
        (sql / "V1__one.sql.conf").write_text("foo=1\n")
        error = self.refused(database, sql)
        assert error["error_message"] == "Unknown configuration property: foo. Please check your script config files"
        assert error["filepath"] == str(sql / "V1__one.sql.conf")

    def test_no_jar_at_all(self, database: Any, tmp_path: Path) -> None:
        (tmp_path / "app.jar").write_text("not a zip")
        result = call(arguments(database, locations=[str(tmp_path / "app.jar")]))
        assert result["code"] == "BAD_JAR" and "is not a jar" in result["msg"]

    def test_a_jar_without_migrations(self, database: Any, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "app.jar", "w") as archive:
            archive.writestr("x", "")
        wanted = arguments(database, locations=[str(tmp_path / "app.jar")])
        assert "nothing lies under /BOOT-INF/classes/db/migration" in call(wanted)["msg"]
        tolerant = call({**wanted, "fail_on_missing_locations": False})
        assert tolerant["rc"] == 0 and "It counts as empty." in tolerant["warnings"][0]

    @pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
    def test_a_directory_without_permission(self, database: Any, sql: Path) -> None:
        sql.chmod(0)
        result = call(arguments(database, locations=[str(sql)]))
        sql.chmod(0o755)
        assert result["code"] == "MISSING_LOCATION" and "no permission to read" in result["msg"]


# What a write leaves behind: rows, catalogue, counters. Not the counters of reading.
TRACES = """
SELECT (SELECT md5(string_agg(c::text, '|' ORDER BY c.oid)) FROM pg_class c WHERE c.oid > 16383),
       (SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables),
       (SELECT count(*) FROM pg_attribute), (SELECT count(*) FROM pg_namespace), (SELECT count(*) FROM pg_proc),
       (SELECT md5(string_agg(h::text, '|' ORDER BY installed_rank)) FROM flyway_schema_history h)
"""


def test_nothing_is_written(database: Any, sql: Path) -> None:
    """No row and no catalogue entry comes, goes or changes."""
    history(database, ONE)
    connection = database.connect()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(TRACES)
        before = cursor.fetchone()
        assert call(arguments(database, locations=[str(sql)]))["rc"] == 0
        assert call(arguments(database, locations=[str(sql)], fail_on=["Pending"]))["rc"] == 1
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(TRACES)
        after = cursor.fetchone()
    connection.close()
    assert after == before


def test_the_transaction_is_read_only(database: Any, sql: Path) -> None:
    """A history that writes when it is read cannot do so."""
    history(database, ONE, table="real")
    database.execute("CREATE TABLE trace (i int)")
    database.execute(
        "CREATE FUNCTION noted(integer) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN INSERT INTO trace VALUES ($1); RETURN true; END $$"
    )
    database.execute("ALTER TABLE real RENAME TO flyway_schema_history")
    database.execute("ALTER TABLE flyway_schema_history ENABLE ROW LEVEL SECURITY")
    database.execute("ALTER TABLE flyway_schema_history FORCE ROW LEVEL SECURITY")
    database.execute("CREATE POLICY p ON flyway_schema_history USING (noted(installed_rank))")
    result = call(arguments(database, locations=[str(sql)]))
    assert result["rc"] == 1 and "25006" in result["msg"]
    assert database.execute("SELECT count(*) FROM trace") == [(0,)]
