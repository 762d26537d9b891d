# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""rollback.yml -e dwp_database=apply: the schema goes back with the code, or everything stays and goes on."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .fleet import CHECKOUT, Fleet, Run
from .migrator import Migrator, sql
from .test_lost_host import LOSSY
from .test_transaction import text

APPLY = ("-e", "dwp_database=apply")
QUICK = ("-e", "dwp_flyway_retries=0", "-e", "dwp_flyway_lock_timeout=1")


@pytest.fixture
def stand(light_class: bytes, transaction_ports: Callable[[], int], new_database: Any) -> Iterator[Migrator]:
    """alpha; beta and gamma, each with a database of its own, whose second release brings V2."""
    fleet = Fleet(transaction_ports(), light_class, "alpha beta gamma")
    migrator = Migrator(fleet)
    try:
        for name in ("beta", "gamma"):
            migrator.attach(name, new_database())
            migrator.release(name, "1", {1: sql(1)})
        server = migrator.databases["beta"]
        fleet.variables["dwp_components"] = {"postgres": {"provider": "external", "host": server.host, "port": server.port}}
        yield migrator
    finally:
        fleet.remove()
        migrator.close()


def second(stand: Migrator, names: str = "beta", migration: str | None = None) -> None:
    """Both releases deployed; the second one has migrated."""
    stand.fleet.deploy()
    for name in names.split():
        stand.release(name, "2", {1: sql(1), 2: sql(2) if migration is None else migration})
    stand.fleet.deploy()
    assert all(stand.applied(name) == [1, 2] for name in names.split())
    stand.starts.clear()


def journal(fleet: Fleet, word: str = "database") -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (fleet.root / "journal.jsonl").read_text().splitlines()]
    return [line for line in lines if line["event"].startswith(word)]


def back(stand: Migrator, *arguments: str, **environment: str) -> Run:
    done = stand.fleet.run("rollback", *arguments, **environment)
    for database in stand.databases.values():
        assert database.password not in done.output
    return done


def untouched(stand: Migrator, pids: dict[str, int], name: str = "beta") -> bool:
    return stand.fleet.pids() == pids and stand.applied(name) == [1, 2] and stand.starts == [] and stand.fleet.mark(name) == "2"


def test_one_database_with_its_service(stand: Migrator) -> None:
    second(stand)
    fleet, pids = stand.fleet, stand.fleet.pids()
    only = ("-e", "dwp_only=beta")

    # keep and plan: the schema stays; plan names the command
    kept = back(stand, "--check", *only, "-e", "dwp_database=keep")
    assert kept.rc == 0 and "database: beta" not in kept.output, str(kept)
    plan = back(stand, "--check", *only)
    assert plan.rc == 0 and "to take 2 back: this command with -e dwp_database=apply" in plan.output, str(plan)

    # check mode: everything is shown, nothing is done
    check = back(stand, "--check", *only, *APPLY)
    name = stand.databases["beta"].name
    assert check.rc == 0 and f"database: {name}: 2 is taken back first" in check.output, str(check)
    assert "2: DROP TABLE t2  " in check.output and "stay applied" not in check.output and "applies 2 again" not in check.output
    assert untouched(stand, pids) and journal(fleet) == []

    # the question names the database; without an answer nothing happens
    asked = back(stand, *only, *APPLY, "-e", "dwp_development=false")
    assert asked.rc != 0 and f"Roll back beta in test, and take 2 of database {name} back was not confirmed" in asked.output, str(asked)
    assert untouched(stand, pids)

    done = back(stand, *only, *APPLY)
    assert done.rc == 0, str(done)
    assert f"Database {name} was taken back: 2; its schema version is 1 now." in done.output
    # it was stopped, the database taken back, and only then started, on the older release
    assert stand.starts == [("beta", "1", [1])] and stand.tables("beta") == ["t1"]
    assert fleet.mark("beta") == "1" and fleet.healthy() and fleet.pids()["alpha"] == pids["alpha"]
    events = journal(fleet)
    assert [event["event"] for event in events] == ["database_rolling_back", "database_rolled_back"]
    assert (events[1]["database"], events[1]["versions"], events[1]["schema_version"]) == (name, ["2"], {"before": "2", "after": "1"})
    history = fleet.run("history")
    assert f"database {name} was taken back: 2" in history.output and stand.databases["beta"].password not in history.output

    # forward again: the newer release migrates again
    stand.release("beta", "3", {1: sql(1), 2: sql(2)})
    fleet.deploy()
    assert stand.applied("beta") == [1, 2] and stand.tables("beta") == ["t1", "t2"]


REFUSED = {
    "data loss": (None, "INSERT INTO t2 VALUES (1)", "allow_data_loss does not name public.t2"),
    "no text": (sql(2, ""), "", "No rollback text for 2"),
    "prose": (sql(2, "ask the database team"), "", "V2__step.sql"),
    "not in a transaction": (sql(2, "DROP INDEX CONCURRENTLY IF EXISTS i{0};"), "", "cannot run in a transaction"),
    "checksum": (None, "UPDATE flyway_schema_history SET checksum = 7 WHERE version = '2'", "was changed after it was applied"),
}


@pytest.mark.parametrize("case", ["data loss", "no text", *(pytest.param(c, marks=pytest.mark.slow) for c in [*REFUSED][2:])])
def test_what_is_refused_is_refused_before_anything_is_stopped(stand: Migrator, case: str) -> None:
    migration, spoil, words = REFUSED[case]
    second(stand, migration=migration)
    if spoil:
        stand.databases["beta"].execute(spoil)
    pids = stand.fleet.pids()
    done = back(stand, "-e", "dwp_only=beta", *APPLY)
    assert done.rc != 0 and "No service was touched." in done.output and words in done.output, str(done)
    assert untouched(stand, pids) and journal(stand.fleet) == []
    if case == "data loss":
        allowed = back(stand, "-e", "dwp_only=beta", *APPLY, "-e", "dwp_flyway_allow_data_loss=t2")
        assert allowed.rc == 0 and stand.tables("beta") == ["t1"] and stand.fleet.mark("beta") == "1", str(allowed)


@pytest.mark.slow
def test_failure_after_the_stop(stand: Migrator) -> None:
    """A session that nobody expected has the table: the database stays as it is, and the services go on as they were."""
    second(stand)
    fleet, pids = stand.fleet, stand.fleet.pids()
    reader = stand.databases["beta"].connect()
    try:
        reader.autocommit = False
        reader.cursor().execute("SELECT * FROM t2")
        for rehearse in ("true", "false"):
            done = back(stand, "-e", "dwp_only=beta", *APPLY, *QUICK, "-e", f"dwp_flyway_rehearse={rehearse}")
            assert done.rc != 0 and "was not taken back: " in done.output and "Nothing of it was changed" in done.output, str(done)
            assert "Every service is healthy now. Nothing was turned back." in done.output, str(done)
            assert stand.applied("beta") == [1, 2] and stand.starts == [("beta", "2", [1, 2])], stand.starts
            assert fleet.mark("beta") == "2" and fleet.healthy() and fleet.pids()["beta"] != pids["beta"]
            assert fleet.state("beta")[-1]["outcome"] == "good" and fleet.pids()["alpha"] == pids["alpha"]
            stand.starts.clear()
        assert [event["event"] for event in journal(fleet)] == ["database_rolling_back", "database_not_rolled_back"]
    finally:
        reader.close()
    assert "was not taken back" in fleet.run("history").output
    done = back(stand, "-e", "dwp_only=beta", *APPLY)
    assert done.rc == 0 and stand.tables("beta") == ["t1"] and fleet.mark("beta") == "1", str(done)


@pytest.mark.slow
def test_two_databases(stand: Migrator) -> None:
    second(stand, "beta gamma")
    fleet, pids = stand.fleet, stand.fleet.pids()
    # one of them is refused: neither is touched
    stand.databases["gamma"].execute("INSERT INTO t2 VALUES (1)")
    done = back(stand, *APPLY)
    assert done.rc != 0 and "No service was touched." in done.output and "of gamma" in done.output, str(done)
    assert untouched(stand, pids) and untouched(stand, pids, "gamma")
    stand.databases["gamma"].execute("DELETE FROM t2")
    done = back(stand, *APPLY)
    assert done.rc == 0, str(done)
    assert sorted(stand.starts) == [("beta", "1", [1]), ("gamma", "1", [1])]
    assert stand.tables("beta") == stand.tables("gamma") == ["t1"] and fleet.healthy()
    assert sorted(event["database"] for event in journal(fleet, "database_rolled_back")) == sorted(d.name for d in stand.databases.values())


@pytest.mark.slow
def test_second_of_two_fails(stand: Migrator) -> None:
    """The first one is back already: its service, started as it was, migrates it again, and the report says what happened."""
    second(stand, "beta gamma")
    reader = stand.databases["gamma"].connect()
    try:
        reader.autocommit = False
        reader.cursor().execute("SELECT * FROM t2")
        done = back(stand, *APPLY, *QUICK, "-e", "dwp_flyway_rehearse=false")
    finally:
        reader.close()
    first, other = stand.databases["beta"].name, stand.databases["gamma"].name
    assert done.rc != 0 and f"Database {other} was not taken back" in done.output, str(done)
    assert f"Database {first} was taken back: 2; the newer release was started on it after that, which migrates it again." in done.output
    assert sorted(stand.starts) == [("beta", "2", [1, 2]), ("gamma", "2", [1, 2])]
    assert stand.fleet.healthy() and stand.fleet.mark("beta") == stand.fleet.mark("gamma") == "2"


@pytest.mark.slow
def test_several_hosts(stand: Migrator) -> None:
    """Once for all instances; and not while one of them is out of reach, or keeps a release that would migrate again."""
    fleet = stand.fleet
    fleet.roots["there"] = fleet.base / "there"
    lossy = {"ansible_connection": "dwp_lossy", "beta_port": fleet.first_port + 4}
    fleet.host_variables = {"localhost": {"beta_port": fleet.first_port + 1}, "there": lossy}
    fleet.environments = {**LOSSY, "DWP_TEST_LOST": str(fleet.base / "lost")}
    fleet.deploy("--limit", "localhost")  # makes the services' user, which both hosts have in common here
    fleet.services["beta"]["port"] = "{{ beta_port }}"
    fleet.hosts["beta"] = ["localhost", "there"]
    second(stand)
    left_out = fleet.run("rollback", *APPLY, "-e", "dwp_only=beta", "--limit", "localhost")
    assert left_out.rc != 0 and "beta is also on there, which this run leaves out" in left_out.output, str(left_out)
    assert stand.applied("beta") == [1, 2] and stand.starts == []
    lost = fleet.run("rollback", *APPLY, "-e", "dwp_only=beta", DWP_TEST_LOSE_AT="take_back | Stop")
    assert lost.rc != 0 and "there was lost: No route to host" in text(lost), str(lost)
    assert stand.applied("beta") == [1, 2] and stand.starts == [("beta", "2", [1, 2])], "what was stopped here goes on"
    stand.starts.clear()
    (fleet.base / "lost").unlink()
    done = fleet.run("rollback", *APPLY, "-e", "dwp_only=beta")
    assert done.rc == 0, str(done)
    assert done.output.count("was taken back: 2") == 2, "once when it was done and once in the report"
    assert stand.starts == [("beta", "1", [1])] * 2 and stand.tables("beta") == ["t1"]
    assert len(journal(fleet, "database_rolled_back")) == 1


@pytest.mark.slow
@pytest.mark.parametrize("then", ["rollback", "deploy"])
@pytest.mark.parametrize("at", ["take_back | Rehearse", "take_back | All databases are back", "wave | All healthy"])
def test_killed_on_the_way(stand: Migrator, at: str, then: str) -> None:
    """Before, between and after: a plain rerun ends healthy, on either way."""
    second(stand)
    fleet = stand.fleet
    killed = back(stand, "-e", "dwp_only=beta", *APPLY, DWP_TEST_KILL_BEFORE=at)
    assert killed.rc == -signal.SIGKILL, str(killed)
    if then == "rollback":
        done = back(stand, "-e", "dwp_only=beta", *APPLY)
        if at.startswith("wave"):  # it had passed its gate, so the way back was at its end
            assert done.rc != 0 and "There is nothing to go back to." in done.output, str(done)
        else:
            assert done.rc == 0, str(done)
        assert stand.applied("beta") == [1] and stand.tables("beta") == ["t1"] and fleet.mark("beta") == "1"
    else:
        fleet.deploy()
        assert stand.applied("beta") == [1, 2] and stand.tables("beta") == ["t1", "t2"] and fleet.mark("beta") == "2"
    assert fleet.healthy() and fleet.state("beta")[-1]["outcome"] == "good"
    assert fleet.deploy("--check").rc == 0


@pytest.mark.slow
def test_with_real_flyway(light_class: bytes, transaction_ports: Callable[[], int], database: Any) -> None:
    """The reference backend's auth: both releases start on what the rollback leaves, and the newer one migrates again."""
    backend = CHECKOUT / "tests" / "backend"
    subprocess.run([backend / "build"], check=True, stdout=subprocess.DEVNULL)
    fleet = Fleet(transaction_ports(), light_class, "")
    older = backend / "target" / "artifacts" / "dwp-auth-server.jar"
    jar = fleet.artifacts / "dwp-auth-server.jar"
    shutil.copy(older, jar)
    fleet.hosts["auth"] = ["localhost"]
    fleet.services["auth"] = {
        "port": fleet.first_port, "after": [], "secrets": {"JWT_SECRET": "a-test-secret-of-more-than-32-bytes"}, "start_timeout": 300,
        "jvm_options": ["-Xmx160m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"],
        "database": {"name": database.name, "user": database.user, "password": database.password, "flyway": True},
    }  # fmt: skip
    fleet.variables["dwp_components"] = {"postgres": {"provider": "external", "host": database.host, "port": database.port}}

    def tables() -> int:
        return len(database.execute("SELECT 1 FROM pg_tables WHERE tablename = 'release_variant'"))

    try:
        fleet.deploy()
        subprocess.run([backend / "variant", older, "migrates", jar], check=True)
        fleet.deploy()
        assert tables() == 1
        refused = fleet.run("rollback", *APPLY)
        assert refused.rc != 0 and "allow_data_loss does not name public.release_variant" in refused.output and tables() == 1, str(refused)
        done = fleet.run("rollback", *APPLY, "-e", "dwp_flyway_allow_data_loss=release_variant")
        assert done.rc == 0 and tables() == 0, str(done)
        fleet.deploy()
        assert tables() == 1
        (kept,) = database.execute("SELECT count(*) FROM pg_class WHERE relnamespace = 'dwp_rollback'::regnamespace AND relkind = 'r'")
        assert kept[0] >= 1, "what was lost was saved"
    finally:
        fleet.remove()
