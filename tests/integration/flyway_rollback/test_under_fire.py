# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollbacks while everything goes wrong: wholly before or wholly after, or exactly where the journal says."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time

import pytest
from fire import Fire

from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError

V1 = "CREATE TABLE t (id int PRIMARY KEY, c int, d int);\nINSERT INTO t VALUES (1, 2, 3);\n-- Rollback: DROP TABLE t;\n"
V2 = "CREATE VIEW v AS SELECT id FROM t;\n-- Rollback:\n-- DROP VIEW v;\n-- UPDATE t SET d = 0;\n"
V3 = "CREATE TABLE u (i int);\nINSERT INTO u SELECT generate_series(1, 50);\n-- Rollback: DROP TABLE u;\n"
LOSSES = ["t", "u"]


@pytest.fixture
def three(kit):
    kit.write(V1__t=V1, V2__v=V2, V3__u=V3).migrate()
    return kit


@pytest.mark.parametrize("stride", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_before_every_statement(three, stride):
    """A transactional range with losses and copies: whatever is killed, nothing has happened; the last run does it all."""
    before = three.picture()
    counting = Fire(three.database)
    three.rollback(counting.connect, to_version="1", allow_data_loss=LOSSES, mode="rehearse")
    total = counting.count + 2  # txid_current() and the commit, which a rehearsal does not reach
    assert total > 40
    for at in sorted({*range(1, total + 1, stride), total - 1, total}):
        fire = Fire(three.database, at)
        with pytest.raises(FlywayError) as lost:
            three.rollback(fire.connect, to_version="1", allow_data_loss=LOSSES)
        assert lost.value.code == "PG_LOST", (at, lost.value.message)
        assert "othing was changed" in lost.value.message, (at, fire.seen[-1], lost.value.message)
        assert three.picture() == before, (at, fire.seen[-1])
    whole = Fire(three.database, total + 1)
    result = three.rollback(whole.connect, to_version="1", allow_data_loss=LOSSES)
    assert whole.count == total and whole.seen[-1] == "COMMIT"
    assert three.states() == {"1": "Success", "2": "Pending", "3": "Pending"}
    assert {loss["object"]: loss["rows"] for loss in result["losses"]} == {"public.u": 50, "public.t": 1}


def test_the_answer_to_the_commit_is_lost(three):
    result = three.rollback(Fire(three.database, after_commit=True).connect, to_version="2", allow_data_loss=LOSSES)
    assert result["changed"] and "confirms that it was committed" in result["warnings"][-1]
    assert three.states()["3"] == "Pending"


J1 = "CREATE TABLE t (id int, c int, d int);\n-- Rollback: DROP TABLE t;\n"
J2 = "CREATE INDEX i2 ON t (c);\n-- Rollback:\n-- DROP INDEX CONCURRENTLY i2;\n-- ALTER TABLE t DROP COLUMN c;\n"
J3 = (
    "CREATE TABLE u (i int); CREATE INDEX i3 ON t (d); CREATE TABLE w (i int);\n-- Rollback:\n-- DROP TABLE w;\n"
    "-- DROP INDEX CONCURRENTLY i3;\n-- CREATE INDEX CONCURRENTLY i4 ON t (id);\n-- DROP TABLE u;\n"
)
EFFECTS = {
    "DROP TABLE w": "to_regclass('w') IS NULL",
    "DROP INDEX CONCURRENTLY i3": "to_regclass('i3') IS NULL",
    "CREATE INDEX CONCURRENTLY i4 ON t (id)": "EXISTS (SELECT 1 FROM pg_index WHERE indexrelid = to_regclass('i4') AND indisvalid)",
    "DROP TABLE u": "to_regclass('u') IS NULL",
    "DROP INDEX CONCURRENTLY i2": "to_regclass('i2') IS NULL",
    "ALTER TABLE t DROP COLUMN c": "NOT EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'c')",
}


def journal(kit):
    if kit.sql("SELECT to_regclass('dwp_rollback.journal')") == [(None,)]:
        return {}
    return dict(kit.sql("SELECT statement, outcome FROM dwp_rollback.journal ORDER BY id"))


def assert_where_the_journal_says(kit):
    noted = journal(kit)
    for statement, condition in EFFECTS.items():
        happened = kit.sql(f"SELECT {condition}")[0][0]
        if noted.get(statement) == "done":
            assert happened, (statement, noted)
        elif noted.get(statement) is None:
            assert not happened, (statement, noted)
        else:  # started: only a statement outside a transaction may be in doubt
            assert "CONCURRENTLY" in statement
    live = {row[1] for row in kit.history() if row[2] == "SQL"} - {row[1] for row in kit.history() if row[2] == "DELETE"}
    assert ("3" in live) or noted.get("DROP TABLE u") == "done"
    assert ("2" in live) or noted.get("ALTER TABLE t DROP COLUMN c") == "done"
    assert ("3" not in live) == (noted.get("DROP TABLE u") == "done")
    assert ("2" not in live) == (noted.get("ALTER TABLE t DROP COLUMN c") == "done")


@pytest.mark.parametrize("stride", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_journaled_killed_before_every_statement(kit, stride):
    """Each kill, then the same call again: it goes on where the journal says and ends where an undisturbed run ends."""
    kit.write(V1__t=J1, V2__i=J2, V3__u=J3).migrate()
    kit.sql("CREATE SCHEMA seed; CREATE TABLE seed.history AS TABLE flyway_schema_history")
    first = Fire(kit.database)
    result = kit.rollback(first.connect, to_version="1")
    assert not result["plan"]["all_or_nothing"] and result["changed"]
    assert [row["outcome"] for row in result["journal"]] == ["done"] * 6
    after, states = kit.fingerprint().lines, kit.states()
    assert states == {"1": "Success", "2": "Pending", "3": "Pending"}
    for at in range(1, first.count + 1, stride):
        kit.sql(
            "DROP SCHEMA dwp_rollback CASCADE; DROP TABLE t; TRUNCATE flyway_schema_history; "
            "INSERT INTO flyway_schema_history SELECT * FROM seed.history;" + J1 + J2 + J3
        )
        fire = Fire(kit.database, at)
        with pytest.raises(FlywayError) as lost:
            kit.rollback(fire.connect, to_version="1")
        assert lost.value.code == "PG_LOST", (at, lost.value.message)
        assert_where_the_journal_says(kit)
        kit.rollback(to_version="1")
        assert_where_the_journal_says(kit)
        assert kit.fingerprint().lines == after, (at, fire.seen[-1])
    assert kit.states() == states


def test_a_repeatable_that_the_interrupted_run_broke_runs_again(kit):
    kit.write(
        V1__t=J1,
        V2__i="ALTER TABLE t ADD e int; CREATE INDEX i2 ON t (e);\n"
        "-- Rollback: ALTER TABLE t DROP COLUMN e CASCADE; DROP INDEX CONCURRENTLY IF EXISTS i2;",
        R__views="CREATE OR REPLACE VIEW w AS SELECT e FROM t;",
    ).migrate()
    with pytest.raises(FlywayError) as lost:
        kit.rollback(Fire(kit.database, before="DROP INDEX CONCURRENTLY").connect, to_version="1")
    assert lost.value.code == "PG_LOST", lost.value.message
    assert list(journal(kit).values()) == ["done", "started"]
    assert kit.states() == {"1": "Success", "2": "Success", "views": "Success"}  # not finished
    result = kit.rollback(to_version="1")
    assert result["repeatables_to_rerun"] == ["views"]
    assert kit.states() == {"1": "Success", "2": "Pending", "views": "Pending"}
    kit.migrate()
    assert kit.sql("SELECT count(*) FROM w") == [(0,)]


def test_flyway_waits_while_an_index_is_built(kit):
    """A waiting Flyway holds a transaction open, which CREATE INDEX CONCURRENTLY waits for: said, and no dead end."""
    kit.write(
        V1__t=J1,
        V2__x="SELECT 1;\n-- Rollback: SELECT pg_sleep(2); CREATE INDEX CONCURRENTLY i4 ON t (id);",
    ).migrate()
    answers = []
    problems = []

    def attempt():
        try:
            answers.append(kit.rollback(to_version="1", lock_timeout=0.5, retries=2))
        except FlywayError as error:
            problems.append(error)

    thread = threading.Thread(target=attempt)
    thread.start()
    _wait_for(kit, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")
    kit.settings["lockRetryCount"] = "60"
    migrated = kit.ask("migrate")["migrate"]
    thread.join()
    assert "error" not in migrated
    if problems:
        assert problems[0].code == "LOCK_TIMEOUT"
        assert "Flyway waits for its lock in process" in problems[0].message
        assert journal(kit)["CREATE INDEX CONCURRENTLY i4 ON t (id)"] == "failed"
        kit.rollback(to_version="1")
    assert kit.sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i4'::regclass") == [(True,)]


def test_an_index_left_invalid_is_made_again(kit):
    """CREATE INDEX CONCURRENTLY killed in its middle leaves an invalid index; the next run removes and rebuilds it."""
    statement = "CREATE INDEX CONCURRENTLY i4 ON t (id)"
    kit.write(V1__t=J1, V2__x=f"SELECT 1;\n-- Rollback: {statement};").migrate()
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('i4')"
    with blocking(kit, "INSERT INTO t VALUES (1, 1, 1)"):
        killer = threading.Timer(0.7, lambda: _kill_statement(kit, "CREATE INDEX CONCURRENTLY"))
        killer.start()
        with pytest.raises(FlywayError) as lost:
            kit.rollback(to_version="1", lock_timeout=20)
    assert "Interrupted, outcome unknown: V2__x.sql:2" in lost.value.message
    assert journal(kit) == {statement: "started"} and kit.sql(valid) == [(False,)]
    assert kit.states()["2"] == "Success"
    kit.rollback(to_version="1")
    assert journal(kit) == {statement: "done"} and kit.sql(valid) == [(True,)]
    assert kit.states()["2"] == "Pending"


def _kill_statement(kit, start):
    for _attempt in range(100):
        rows = kit.database.server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE %s AND pid <> pg_backend_pid()",
            (start + "%",),
        )
        if rows:
            return
        time.sleep(0.05)


@contextlib.contextmanager
def blocking(kit, statement):
    """Another session with an open transaction that has run the statement."""
    connection = kit.connect()
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
        yield connection
    finally:
        connection.close()


def test_lock_timeout_gives_up_after_the_retries(three):
    before = three.picture()
    with blocking(three, "SELECT * FROM u") as other:
        plan = three.rollback(to_version="2", mode="plan")
        (session,) = plan["sessions_in_the_way"]
        assert session["pid"] == other.info.backend_pid and session["holds"] == ["u (AccessShareLock)"]
        with pytest.raises(FlywayError) as refused:
            three.rollback(to_version="2", allow_data_loss=LOSSES, lock_timeout=0.1, retries=1)
    assert refused.value.code == "LOCK_TIMEOUT" and "Gave up after 2 attempt(s)" in refused.value.message
    assert "V3__u.sql:3" in refused.value.message
    assert three.picture() == before


def test_lock_timeout_goes_on_when_the_way_is_free(three):
    with blocking(three, "SELECT * FROM u") as other:
        timer = threading.Timer(0.8, other.close)
        timer.start()
        result = three.rollback(to_version="2", allow_data_loss=LOSSES, lock_timeout=0.1, retries=8)
        timer.join()
    assert result["changed"] and result["attempts"] > 1


def test_a_long_transaction_holds_up_a_journaled_step(kit):
    kit.write(V1__t=J1, V2__i=J2, V3__u=J3).migrate()
    with blocking(kit, "SELECT * FROM t"):
        with pytest.raises(FlywayError) as refused:
            kit.rollback(to_version="1", lock_timeout=0.2, retries=1)
        assert refused.value.code == "LOCK_TIMEOUT" and refused.value.details["changed"]
        assert journal(kit) == {"DROP TABLE w": "done", "DROP INDEX CONCURRENTLY i3": "failed"}
        assert "Steps done so far: V3__u.sql:3" in refused.value.message
    kit.rollback(to_version="1")
    assert_where_the_journal_says(kit)


def test_two_rollbacks_at_once(three):
    three.write(V4__s="SELECT 1;\n-- Rollback: SELECT pg_sleep(1); CREATE TABLE once ();").migrate()
    results = []
    threads = [threading.Thread(target=lambda: results.append(three.module(to_version="3", mode="apply"))) for _run in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    changed = [result for result in results if result["changed"]]
    assert len(changed) == 1, [result["msg"] for result in results]
    for other in results:
        if other not in changed:
            assert "nothing to roll back" in other["msg"] or other["code"] in ("CHANGED_MEANWHILE", "REFUSED", "LOCK_HELD")
    assert [row[2] for row in three.history()] == ["SQL", "SQL", "SQL", "SQL", "DELETE"]


def test_flyway_migrates_at_the_same_time(three):
    three.write(V4__slow="SELECT pg_sleep(2);\n-- Rollback: none")
    answer = []
    thread = threading.Thread(target=lambda: answer.append(three.ask("migrate")["migrate"]))
    thread.start()
    _wait_for(three, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")
    with pytest.raises(FlywayError) as refused:
        three.rollback(to_version="2", allow_data_loss=LOSSES, retries=0)
    assert refused.value.code == "LOCK_HELD" and "PostgreSQL JDBC Driver" in refused.value.message
    with pytest.raises(FlywayError) as late:  # waits for Flyway, then sees that the plan is out of date
        three.rollback(to_version="2", allow_data_loss=LOSSES, retries=9)
    thread.join()
    assert late.value.code in ("REFUSED", "CHANGED_MEANWHILE")
    assert answer[0]["migrationsExecuted"] == 1
    assert set(three.states().values()) == {"Success"}


def test_flyway_waits_for_the_rollback(three):
    three.write(V4__s="SELECT 1;\n-- Rollback: SELECT pg_sleep(2);").migrate()
    done = []
    thread = threading.Thread(target=lambda: done.append(three.rollback(to_version="3")))
    thread.start()
    _wait_for(three, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")
    answer = three.ask("migrate")["migrate"]
    thread.join()
    assert done[0]["changed"] and answer["migrationsExecuted"] == 1  # it waited, and then applied version 4 again
    assert [row[2] for row in three.history()] == ["SQL"] * 4 + ["DELETE", "SQL"]


def _wait_for(kit, query):
    for _attempt in range(200):
        if kit.database.server.execute(query, database=kit.database.name)[0][0]:
            return
        time.sleep(0.02)
    raise AssertionError(query)


def test_a_full_disk_at_the_narrowest_place(three):
    """The very last write, the row of the history, finds no room: nothing has happened."""
    three.sql(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no space left' "
        "USING ERRCODE = '53100'; END $$; CREATE TRIGGER full_disk BEFORE INSERT ON flyway_schema_history "
        "FOR EACH ROW WHEN (new.type = 'DELETE' AND new.version = '2') EXECUTE FUNCTION full_disk()"
    )
    before = three.picture()
    with pytest.raises(FlywayError) as refused:
        three.rollback(to_version="1", allow_data_loss=LOSSES)
    assert "changing the history: no space left" in refused.value.message
    assert "make room first. Nothing was changed" in refused.value.message
    assert three.picture() == before


@pytest.fixture
def small_tablespace(kit, tmp_path):
    """A tablespace of two megabytes, the default of the database's owner."""
    place = f"/tmp/dwp-small-{os.getpid()}"
    os.makedirs(place, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place]
    if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    server = kit.database.server
    try:
        options = server.user_options
        os.chown(place, options["user"], options["group"])
        server.execute(f"CREATE TABLESPACE small_{os.getpid()} LOCATION '{place}'")
        server.execute(f"GRANT CREATE ON TABLESPACE small_{os.getpid()} TO PUBLIC")
        yield f"small_{os.getpid()}"
        kit.database.drop()
        server.execute(f"DROP TABLESPACE small_{os.getpid()}")
    finally:
        subprocess.run(["umount", "-l", place], check=False)
        os.rmdir(place)


def test_a_disk_that_is_really_full(three, small_tablespace):
    """The copy of the lost table does not fit: nothing has happened."""
    three.sql("INSERT INTO u SELECT generate_series(1, 200000)")
    three.sql(f"ALTER ROLE \"{three.database.user}\" SET default_tablespace = '{small_tablespace}'")
    before = three.picture()
    with pytest.raises(FlywayError) as refused:
        three.rollback(to_version="2", allow_data_loss=LOSSES)
    assert refused.value.details["sqlstate"] == "53100" and "Nothing was changed" in refused.value.message
    assert "saving what will be lost" in refused.value.message
    assert three.picture() == before
    three.rollback(to_version="2", allow_data_loss=LOSSES, backup=False)
    assert three.states()["3"] == "Pending"


def test_no_right_in_the_middle(three):
    """The second statement may not be run by this user: the first one is taken back too."""
    server, name = three.database.server, three.database.name
    three.write(V4__f="SELECT 1;\n-- Rollback: DROP TABLE u; DROP FUNCTION theirs.f();").migrate()
    server.execute("CREATE SCHEMA theirs; GRANT USAGE ON SCHEMA theirs TO PUBLIC", database=name)
    server.execute("CREATE FUNCTION theirs.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", database=name)
    before = three.picture()
    with pytest.raises(FlywayError) as refused:
        three.rollback(to_version="3", allow_data_loss=LOSSES)
    assert "must be owner of function theirs.f" in refused.value.message
    assert "Log in as the owner" in refused.value.message and "Nothing was changed" in refused.value.message
    assert three.picture() == before


def test_a_statement_that_fails_in_the_middle(three):
    three.write(V4__f="SELECT 1;\n-- Rollback: DROP TABLE u; ALTER TABLE t DROP COLUMN nope;").migrate()
    before = three.picture()
    with pytest.raises(FlywayError, match=r"running V4__f.sql:2 \(ALTER TABLE t DROP COLUMN nope\)"):
        three.rollback(to_version="3", allow_data_loss=LOSSES)
    assert three.picture() == before


def test_deferred_constraints_are_checked_before_the_commit(three):
    three.write(
        V4__f="CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (id int REFERENCES p DEFERRABLE INITIALLY DEFERRED);\n"
        "INSERT INTO p VALUES (1); INSERT INTO c VALUES (1);\n-- Rollback: DELETE FROM p;"
    ).migrate()
    before = three.picture()
    with pytest.raises(FlywayError, match="checking deferred constraints after version 4"):
        three.rollback(to_version="3", allow_data_loss=["p"])
    assert three.picture() == before


def test_loss_that_shows_only_in_the_middle_of_a_journaled_range(kit):
    """CASCADE reaches a column with data after the first step is done: the message says what is done and what is not."""
    kit.write(
        V1__t=J1,
        V2__m="CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE u (m mood); INSERT INTO u VALUES ('ok'); CREATE INDEX i2 ON t (c);\n"
        "-- Rollback: DROP INDEX CONCURRENTLY i2; DROP TYPE mood CASCADE;",
    ).migrate()
    with pytest.raises(FlywayError) as refused:
        kit.rollback(to_version="1")
    assert refused.value.code == "DATA_LOSS" and refused.value.details["changed"]
    assert "1 values of column public.u.m" in refused.value.message
    assert "This step was not done" in refused.value.message and "Nothing was changed" not in refused.value.message
    assert "Steps done so far: V2__m.sql:2" in refused.value.message
    assert journal(kit) == {"DROP INDEX CONCURRENTLY i2": "done"} and kit.states()["2"] == "Success"
    result = kit.rollback(to_version="1", allow_data_loss=["u.m"])
    assert kit.sql(f"SELECT m FROM {result['losses'][0]['backup']}") == [("ok",)]
    assert kit.states()["2"] == "Pending"
