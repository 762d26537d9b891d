# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""dwp_collect on a platform of light services with real servers: healthy, and with one thing wrong after the other."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest

from tests.integration.deploy.fleet import environ_of, wait_gone

from .conftest import PLAY, Stand


def whats(result: dict[str, Any]) -> list[str]:
    return [entry["what"] for entry in result["collected"]["not_checked"]]


def database(result: dict[str, Any], service: str) -> dict[str, Any]:
    return next(entry for entry in result["collected"]["databases"] if service in entry["services"])


def edge(result: dict[str, Any], variable: str) -> dict[str, Any]:
    return next(entry for entry in result["collected"]["edges"] if entry["variable"] == variable and entry["from"] == "alpha")


@contextlib.contextmanager
def environment(stand: Stand, name: str, **changes: str) -> Iterator[None]:
    """A process of the service with other variables than its release has, as after a restart with an edited file."""
    path = stand.fleet.home(name) / "current" / "environment"
    before, about = path.read_bytes(), path.stat()
    lines = [line for line in before.decode().splitlines() if not line.startswith(tuple(f"{n}=" for n in changes))]
    try:
        path.write_text("\n".join([*lines, *(f"{n}='{value}'" for n, value in changes.items())]) + "\n")
        stand.restart(name)
        path.write_bytes(before)
        os.utime(path, (about.st_atime, about.st_mtime))
        yield
    finally:
        path.write_bytes(before)
        stand.restart(name)


def again(stand: Stand, name: str, ended: int) -> None:
    """supervisord has started the service again, and it answers; after a second (startsecs) it counts as running."""
    end = time.monotonic() + 30
    while True:
        with contextlib.suppress(OSError):
            if stand.fleet.pids().get(name, ended) != ended and stand.fleet.get(name, "/actuator/health"):
                return time.sleep(1.5)
        assert time.monotonic() < end, f"{name} did not come back"
        time.sleep(0.2)


def test_the_playbook_task_on_a_healthy_platform(stand: Stand) -> None:
    done = stand.fleet.run(PLAY)
    assert done.rc == 0, str(done)
    answer = done.tasks("Collect everything")[0]["result"]
    found = answer["collected"]
    assert abs(found["host"]["offset_seconds"]) <= found["host"]["offset_uncertainty"] + 0.05
    assert [event["event"] for event in found["deployments"]].count("begin") == 1
    assert {name: service["healthy"] for name, service in found["services"].items()} == dict.fromkeys(("alpha", "beta", "gamma"), True)
    assert {entry["cause"] for entry in (*found["databases"], *found["redis"], *found["edges"])} == {"ok"}
    assert found["fingerprint_key"] and answer["logs"]["services"].keys() >= {"alpha", "beta", "gamma"}
    for secret in stand.secrets:
        assert secret not in done.output + json.dumps(done.events, ensure_ascii=False)


def test_healthy(stand: Stand) -> None:
    result = stand.collect()
    found = result["collected"]
    # what this very machine does not let anybody see is not a matter of the platform
    assert [what for what in whats(result) if what != "OOM kills" and not what.startswith("log of")] == []
    assert found["seconds"] < 5
    for name, pid in stand.fleet.pids().items():
        service = found["services"][name]
        assert (service["state"], service["pid"], service["placed"], service["orphans"]) == ("running", pid, True, [])
        assert service["health"]["cause"] == "ok" and service["health"]["latency_ms"] > 0
        assert service["process"]["java_version"] == 17 and service["process"]["fds"] < service["process"]["fd_limit"]
        assert service["process"]["rss_mb"] > 5 and service["process"]["threads"] > 3
        assert abs(service["process"]["started"] - service["since"]) < 5
        assert service["listener"]["ours"] and service["listener"]["pid"] == pid
        assert service["environment"]["source"] == "process" and service["environment"]["differences"] == []
        assert not service["environment"]["edited"]
    beta = database(result, "beta")
    assert (beta["as"], beta["cause"], beta["user"]) == ("service", "ok", stand.databases[0].user)
    assert beta["max_connections"] == 100 and beta["reserved"] == 3 and beta["version"].startswith("1") and beta["pool_sum"] == 20
    assert beta["flyway"]["schema_version"] == "1" and beta["flyway"]["counts"] == {"Success": 1} and beta["flyway"]["errors"] == []
    assert database(result, "gamma")["flyway"] is None
    (redis,) = found["redis"]
    assert (redis["cause"], redis["role"], redis["services"], redis["loading"]) == ("ok", "master", ["beta"], False)
    assert {(one["from"], one["to"], one["points_to"], one["cause"]) for one in found["edges"]} == {
        ("alpha", "beta", "beta", "ok"), ("alpha", "gamma", "gamma", "ok"), ("beta", "gamma", "gamma", "ok"),
    }
    assert found["services"]["beta"]["environment"]["fingerprints"].keys() == {"DB_PASSWORD", "REDIS_PASSWORD", "JWT_SECRET"}
    assert found["services"]["beta"]["environment"]["plain"]["DB_NAME"] == stand.databases[0].name
    assert found["host"]["manager"]["reachable"] and found["host"]["memory"]["total_mb"] > 100


def test_a_host_where_nothing_was_deployed(stand: Stand) -> None:
    result = stand.collect(root="/nonexistent/dwp", log_dir="/nonexistent/dwp/log")
    assert {service["state"] for service in result["collected"]["services"].values()} == {"missing"}
    assert result["collected"]["databases"] == [] and "database and Redis of beta" in whats(result)
    assert result["collected"]["host"]["disks"] and result["logs"] is None


def test_a_platform_that_nobody_described(stand: Stand) -> None:
    result = stand.collect(platform={"host": "localhost", "services": {}, "targets": {}, "components": {}, "rules": {}, "environment": "",
                                     "development": True, "calls": {}})  # fmt: skip
    assert {name: service["healthy"] for name, service in result["collected"]["services"].items()} == dict.fromkeys(
        ("alpha", "beta", "gamma"), True
    )


def test_damaged_files_of_one_service_leave_the_others_alone(stand: Stand) -> None:
    home = stand.fleet.home("gamma")
    state = (home / "state.json").read_bytes()
    try:
        (home / "state.json").write_bytes(b'{"schema": 1, "activations": [{"outcome"')
        damaged = stand.collect()
        (home / "state.json").unlink()
        (home / "state.json").mkdir()
        worse = stand.collect()
    finally:
        with contextlib.suppress(OSError):
            (home / "state.json").rmdir()
        (home / "state.json").write_bytes(state)
    assert "damaged" in damaged["collected"]["services"]["gamma"]["warning"]
    assert damaged["collected"]["services"]["gamma"]["healthy"]
    assert "service gamma" in whats(worse) and worse["collected"]["services"]["beta"]["healthy"]


class TestDatabase:
    def test_stopped(self, stand: Stand) -> None:
        stand.postgres.stop()
        try:
            result = stand.collect()
        finally:
            stand.postgres.start()
        assert {entry["cause"] for entry in result["collected"]["databases"]} == {"refused"}
        assert database(result, "beta")["sqlstate"] is None and result["collected"]["redis"][0]["cause"] == "ok"
        assert any(what.startswith("database") for what in whats(result))

    def test_wrong_password(self, stand: Stand) -> None:
        wrong = "wrong-password-of-the-tests"
        stand.secrets.append(wrong)
        with environment(stand, "gamma", DB_PASSWORD=wrong):
            result = stand.collect()
        assert (database(result, "gamma")["cause"], database(result, "gamma")["sqlstate"]) == ("unauthorized", "28P01")
        assert database(result, "beta")["cause"] == "ok"
        (difference,) = result["collected"]["services"]["gamma"]["environment"]["differences"]
        assert (difference["variable"], difference["between"], difference["secret"]) == ("DB_PASSWORD", ["release", "process"], True)
        assert difference["values"]["process"] == result["collected"]["services"]["gamma"]["environment"]["fingerprints"]["DB_PASSWORD"]

    def test_missing(self, stand: Stand) -> None:
        with environment(stand, "gamma", DB_NAME="no_such_database"):
            result = stand.collect()
        assert (database(result, "gamma")["cause"], database(result, "gamma")["sqlstate"]) == ("not_found", "3D000")

    def test_no_connection_left(self, stand: Stand) -> None:
        one = stand.databases[1]
        stand.postgres.execute(f'ALTER ROLE "{one.user}" CONNECTION LIMIT 0')
        try:
            result = stand.collect()
        finally:
            stand.postgres.execute(f'ALTER ROLE "{one.user}" CONNECTION LIMIT -1')
        assert (database(result, "gamma")["cause"], database(result, "gamma")["sqlstate"]) == ("down", "53300")

    def test_lock_held(self, stand: Stand) -> None:
        one = stand.databases[0]
        one.execute("CREATE TABLE IF NOT EXISTS things (id int, name text)")
        holder = psycopg2.connect(one.dsn, application_name="holder")
        with holder.cursor() as cursor:
            cursor.execute("LOCK TABLE things IN ACCESS EXCLUSIVE MODE")
            cursor.execute("SELECT 'a value that nobody needs to see', 42")
        code = (f"import psycopg2; psycopg2.connect({one.dsn!r}, application_name='waiter')"
                ".cursor().execute(\"INSERT INTO things VALUES (4711, 'private')\")")  # fmt: skip
        waiter = subprocess.Popen([sys.executable, "-c", code])
        try:
            time.sleep(6)  # a younger transaction is everyday life
            result = stand.collect()
        finally:
            holder.close()
            waiter.wait(20)
            one.execute("DROP TABLE things")
        entry = database(result, "beta")
        (lock,) = entry["locks"]
        assert (lock["application"], lock["query"]) == ("waiter", "INSERT INTO things VALUES (?, ?)")
        assert lock["waits_seconds"] > 3 and [one["application"] for one in lock["blocked_by"]] == ["holder"]
        assert lock["blocked_by"][0]["state"] == "idle in transaction"
        assert entry["long_transactions"][0]["query"] == "SELECT ?, ?" and entry["long_transactions"][0]["seconds"] > 5
        assert database(result, "gamma")["locks"] == []
        assert "private" not in json.dumps(result) and "nobody needs" not in json.dumps(result)

    def test_migrations(self, stand: Stand) -> None:
        try:
            stand.history(("1", "one", "V1__one.sql", True), ("2", "two", "V2__two.sql", True))
            newer = database(stand.collect(logs=False), "beta")["flyway"]
            stand.history(("1", "one", "V1__one.sql", False))
            failed = database(stand.collect(logs=False), "beta")["flyway"]
            stand.history()
            pending = database(stand.collect(logs=False), "beta")["flyway"]
        finally:
            stand.history(("1", "one", "V1__one.sql", True))
        assert newer["newer_than_jar"] and newer["schema_version"] == "2" and newer["failed"] == []
        assert [one["version"] for one in failed["failed"]] == ["1"] and failed["errors"][0]["code"] == "FAILED_VERSIONED_MIGRATION"
        assert [one["version"] for one in pending["pending"]] == ["1"] and not pending["newer_than_jar"]

    def test_no_rights_on_the_schema(self, stand: Stand) -> None:
        one = stand.databases[1]
        stand.postgres.execute("ALTER SCHEMA public OWNER TO postgres", database=one.name)
        stand.postgres.execute(f'ALTER DATABASE "{one.name}" OWNER TO postgres')
        try:
            entry = database(stand.collect(logs=False), "gamma")
        finally:
            stand.postgres.execute(f'ALTER DATABASE "{one.name}" OWNER TO "{one.user}"')
            stand.postgres.execute("ALTER SCHEMA public OWNER TO pg_database_owner", database=one.name)
        assert entry["cause"] == "down" and "lacks CREATE" in entry["message"] and entry["max_connections"] == 100


class TestRedis:
    def test_stopped(self, stand: Stand) -> None:
        stand.redis.stop()
        try:
            (entry,) = stand.collect()["collected"]["redis"]
        finally:
            stand.redis.start()
        assert entry["cause"] == "refused" and entry["services"] == ["beta"]

    def test_wrong_password(self, stand: Stand) -> None:
        stand.redis.client().config_set("requirepass", "changed-meanwhile")
        try:
            (entry,) = stand.collect()["collected"]["redis"]
        finally:
            stand.redis.stop()
            stand.redis.start()
        assert entry["cause"] == "unauthorized" and entry["version"] is None


class TestProcess:
    def test_port_taken_by_a_foreign_process(self, stand: Stand) -> None:
        stand.supervisorctl("stop", "gamma")
        port = stand.fleet.services["gamma"]["port"]
        code = f"import socket,time; s=socket.create_server(('127.0.0.1',{port})); print('up',flush=True); time.sleep(60)"
        foreign = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        try:
            assert foreign.stdout and foreign.stdout.readline()
            result = stand.collect()
        finally:
            foreign.kill()
            foreign.wait()
            stand.supervisorctl("start", "gamma")
        gamma = result["collected"]["services"]["gamma"]
        assert (gamma["state"], gamma["healthy"], gamma["cause"]) == ("stopped", False, "process_dead")
        assert gamma["listener"]["pid"] == foreign.pid and not gamma["listener"]["ours"] and gamma["listener"]["service"] == ""
        assert gamma["environment"]["source"] == "release" and database(result, "gamma")["cause"] == "ok"

    def test_killed(self, stand: Stand) -> None:
        pid = stand.fleet.pids()["beta"]
        os.kill(pid, signal.SIGKILL)
        wait_gone(pid, 5)
        again(stand, "beta", pid)
        result = stand.collect()
        beta = result["collected"]["services"]["beta"]
        assert beta["pid"] not in (0, pid) and beta["state"] == "running"
        starts = result["logs"]["services"]["beta"]["starts"]
        assert any(start["exit_signal"] == "SIGKILL" for start in starts), starts

    def test_without_its_manager(self, stand: Stand) -> None:
        """supervisord is gone, the services are not: each is an orphan, and looked at all the same."""
        pidfile = stand.fleet.root / "run" / "supervisord.pid"
        os.kill(int(pidfile.read_text()), signal.SIGKILL)
        wait_gone(int(pidfile.read_text()), 5)
        pids = stand.fleet.pids()
        try:
            result = stand.collect()
        finally:
            for pid in pids.values():
                os.kill(pid, signal.SIGKILL)
                wait_gone(pid, 5)
            assert stand.fleet.run("deploy").rc == 0
        assert not result["collected"]["host"]["manager"]["reachable"]
        for name, pid in pids.items():
            service = result["collected"]["services"][name]
            assert (service["orphans"], service["healthy"], service["process"]["pid"]) == ([pid], True, pid)
        assert "state of the services (supervisor)" in whats(result)

    def test_file_descriptors(self, stand: Stand) -> None:
        pid = stand.fleet.pids()["alpha"]
        owner = os.stat(f"/proc/{pid}")
        as_owner = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        subprocess.run(["prlimit", f"--pid={pid}", "--nofile=77:77"], check=True, **as_owner)
        try:
            assert stand.collect()["collected"]["services"]["alpha"]["process"]["fd_limit"] == 77
        finally:
            stand.restart("alpha")


class TestEnvironment:
    def test_edited_without_a_restart(self, stand: Stand) -> None:
        path = stand.fleet.home("gamma") / "current" / "environment"
        before = path.read_bytes()
        try:
            path.write_bytes(before + b"LIGHT_EXTRA='new'\nAPI_TOKEN='a-token-of-the-tests'\n")
            stand.secrets.append("a-token-of-the-tests")
            result = stand.collect()
        finally:
            path.write_bytes(before)
        found = result["collected"]["services"]["gamma"]["environment"]
        assert found["edited"] and found["file_modified"] > found["process_started"]
        assert [(one["variable"], one["between"], one["secret"]) for one in found["differences"]] == [
            ("API_TOKEN", ["file", "process"], True), ("LIGHT_EXTRA", ["file", "process"], False),
        ]
        assert found["differences"][1]["values"] == {"file": "new"}

    def test_drifted_process(self, stand: Stand) -> None:
        with environment(stand, "gamma", LIGHT_DRIFT="yes", JPA_DDL_AUTO="update"):
            found = stand.collect()["collected"]["services"]["gamma"]
        assert found["drift"] == ["JPA_DDL_AUTO", "LIGHT_DRIFT"] and not found["environment"]["edited"]
        assert found["environment"]["differences"][1]["values"] == {"process": "yes"}
        assert "JPA_DDL_AUTO" in {one["variable"] for one in found["environment"]["violations"]}

    def test_without_root(self, stand: Stand) -> None:
        if os.geteuid() != 0:
            pytest.skip("the tests run without root")
        result = stand.collect(user=65534)
        found = result["collected"]
        assert not found["host"]["root"] and found["services"]["beta"]["environment"]["source"] == "none"
        assert "environment file of beta" in whats(result) and "environment" not in found["services"]["beta"]["tampered"]
        assert "database and Redis of beta" in whats(result) and found["databases"] == []


class TestCalls:
    def ask(self, stand: Stand, url: str) -> dict[str, Any]:
        with environment(stand, "alpha", SERVICE_BETA_URL=url):
            return edge(stand.collect(logs=False), "SERVICE_BETA_URL")

    def test_name_that_does_not_resolve(self, stand: Stand) -> None:
        found = self.ask(stand, "http://no-such-host.invalid:8080")
        assert (found["cause"], found["points_to"], found["local"]) == ("dns", "", False)

    def test_refused(self, stand: Stand) -> None:
        assert self.ask(stand, f"http://127.0.0.1:{stand.spare}")["cause"] == "refused"

    def test_at_another_service(self, stand: Stand) -> None:
        found = self.ask(stand, f"http://127.0.0.1:{stand.fleet.services['gamma']['port']}")
        assert (found["to"], found["points_to"], found["cause"]) == ("beta", "gamma", "ok")

    def test_hanging(self, stand: Stand) -> None:
        with socket.create_server(("127.0.0.1", stand.spare)):
            found = self.ask(stand, f"http://127.0.0.1:{stand.spare}")
        assert found["cause"] == "timeout" and found["latency_ms"] < 6000

    def test_plain_text_for_tls(self, stand: Stand) -> None:
        def answer(server: socket.socket) -> None:
            with contextlib.suppress(OSError):
                while True:
                    one, _address = server.accept()
                    with one:
                        one.recv(100)
                        one.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        with socket.create_server(("127.0.0.1", stand.spare)) as server:
            threading.Thread(target=answer, args=(server,), daemon=True).start()
            assert self.ask(stand, f"https://127.0.0.1:{stand.spare}")["cause"] == "tls"
            server.shutdown(socket.SHUT_RDWR)

    def test_login_in_a_url(self, stand: Stand) -> None:
        stand.secrets.append("url-password-of-the-tests")
        found = self.ask(stand, f"http://user:url-password-of-the-tests@127.0.0.1:{stand.fleet.services['beta']['port']}")
        assert found["cause"] == "ok" and "***@127.0.0.1" in found["url"]


def test_a_disk_below_its_threshold(stand: Stand) -> None:
    (disk, *_others) = stand.collect(disk_percent=100, logs=False)["collected"]["host"]["disks"]
    assert disk["low"] and "releases" in disk["for"] and disk["free_mb"] > 0


def test_a_budget_that_is_too_short_is_said(stand: Stand) -> None:
    """A service that accepts and says nothing must not hold the others."""
    pid = stand.fleet.pids()["gamma"]
    os.kill(pid, signal.SIGSTOP)
    try:
        begin = time.monotonic()
        result = stand.collect(time_budget=3)
        took = time.monotonic() - begin
    finally:
        os.kill(pid, signal.SIGCONT)
    gamma = result["collected"]["services"]["gamma"]
    assert took < 8 and gamma["process"]["state"] == "T" and (gamma["cause"] == "timeout" or "health" in whats(result))
    assert result["collected"]["services"]["beta"]["process"]["pid"]


def test_bad_times_and_unknown_libraries_are_said(stand: Stand, tmp_path: Any) -> None:
    result = stand.collect(since="half past nine")
    assert result["logs"] is None and any("half past nine" in one["why"] for one in result["collected"]["not_checked"])
    assert result["collected"]["services"]["beta"]["healthy"]


def test_its_own_sessions_are_not_counted(stand: Stand) -> None:
    first, second = (database(stand.collect(logs=False), "beta") for _number in range(2))
    assert "dwp-triage" not in {**first["connections"]["by_application"], **second["connections"]["by_application"]}
    assert environ_of(stand.fleet.pids()["beta"])["DB_NAME"] == first["database"]
