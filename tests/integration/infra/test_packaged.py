# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The distribution's PostgreSQL and Redis on a systemd host made by tests/hosts: from nothing, after drift, with mistakes."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import redis

from .conftest import CHECKOUT

pytestmark = [pytest.mark.slow, pytest.mark.real]

CLIENT = os.environ.get("DWP_HOSTS_SUBNET", "172.31.250") + ".1"  # this machine, as the hosts see it
PASSWORD, REDIS_PASSWORD = "Db-Pw '1\\", 'Redis-Pw "1 #x'
DATABASES = [
    {"name": "dwp_auth", "user": "dwp_user", "password": PASSWORD},
    {"name": "dwp_aura", "schema": "dwp_aura", "user": "dwp_user", "password": PASSWORD},
]
WANTED: dict[str, Any] = {
    "postgres": {"listen": ["*"], "settings": {"max_connections": 90}},
    "redis": {"listen": ["0.0.0.0"], "password": REDIS_PASSWORD},
    "databases": DATABASES,
    "clients": [CLIENT],
}


class Machine:
    def __init__(self, directory: Path) -> None:
        self.environment = {**os.environ, "DWP_HOSTS_PREFIX": "dwp-infra", "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"}
        self.inventory = directory / "hosts.yml"
        self.inventory.write_text(self.script("up", "db-1"), encoding="utf-8")
        self.address = self.inventory.read_text(encoding="utf-8").split("dwp_address: ")[1].split()[0]

    def script(self, name: str, *arguments: str) -> str:
        command = [str(CHECKOUT / "tests" / "hosts" / name), *arguments]
        return subprocess.run(command, env=self.environment, check=True, stdout=subprocess.PIPE, text=True).stdout

    def run(self, check: bool = False, **arguments: Any) -> dict[str, Any]:
        command = ["ansible", "db-1", "-i", str(self.inventory), "-m", "dwp.backend.dwp_packaged", "-a", json.dumps(arguments)]
        done = subprocess.run(
            [*command, *(["--check"] if check else [])], cwd=CHECKOUT, env=self.environment, check=False, capture_output=True, text=True,
        )  # fmt: skip
        assert "=> {" in done.stdout, done.stdout + done.stderr
        assert PASSWORD not in done.stdout and REDIS_PASSWORD not in done.stdout
        answer = json.loads(done.stdout[done.stdout.index("=> {") + 3 :])
        answer["failed"] = "FAILED! => {" in done.stdout
        return answer

    def shell(self, command: str) -> str:
        done = subprocess.run(["docker", "exec", "dwp-infra-db-1", "sh", "-c", command], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def pids(self) -> dict[str, str]:
        return {unit: self.shell(f"systemctl show -p MainPID --value {unit}") for unit in ("postgresql@15-main", "redis-server")}

    def query(self, sql: str, database: str = "dwp_auth", password: str = PASSWORD) -> list[Any]:
        connection = psycopg2.connect(host=self.address, dbname=database, user="dwp_user", password=password, connect_timeout=5)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()


def settled(machine: Machine, **changes: Any) -> list[str]:
    """The check foretells the run word by word, the run does it, and nothing is left to do."""
    wanted = {**WANTED, **changes}
    foretold, done = machine.run(check=True, **wanted), machine.run(**wanted)
    assert not done["failed"], done
    assert foretold["changes"] == done["changes"]
    before = machine.pids()
    again = machine.run(**wanted)
    assert again["changes"] == [] and not again["changed"] and machine.pids() == before
    return done["changes"]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    if os.geteuid() != 0:
        pytest.skip("a Docker engine needs root")
    made = Machine(tmp_path_factory.mktemp("packaged"))
    yield made
    made.script("down")


@pytest.fixture
def ready(machine: Machine) -> Machine:
    """The machine with everything as wanted, and data that must stay."""
    assert not machine.run(**WANTED)["failed"]
    machine.query("CREATE TABLE IF NOT EXISTS kept AS SELECT 7 a")
    return machine


def test_from_nothing(machine: Machine) -> None:
    before = machine.shell("dpkg-query -W | sort")
    foretold = machine.run(check=True, **WANTED)
    assert machine.shell("dpkg-query -W | sort") == before and not foretold["components"]["postgres"]["there"]
    changes = settled(machine)
    assert "PostgreSQL: package postgresql is installed" in changes and "PostgreSQL: started on port 5432" in changes
    assert machine.query("SHOW max_connections") == [("90",)]
    machine.query("CREATE TABLE dwp_aura.mine (a int)", "dwp_aura")
    assert redis.Redis(machine.address, password=REDIS_PASSWORD).set("kept", "7")
    assert machine.shell("systemctl is-enabled postgresql redis-server").split() == ["enabled", "enabled"]


def test_nobody_else_is_let_in(ready: Machine) -> None:
    with pytest.raises(psycopg2.OperationalError, match=r"no pg_hba\.conf entry"):
        ready.query("SELECT 1", "postgres")
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(ready.address).ping()
    assert "Redis-Pw" not in ready.shell("runuser -u nobody -- cat /etc/redis/dwp.conf 2>&1 || true")
    assert "Redis-Pw" not in ready.shell("cat /proc/$(systemctl show -p MainPID --value redis-server)/cmdline")
    assert "SCRAM" not in ready.shell("cat /var/log/postgresql/*.log") and "Db-Pw" not in ready.shell("cat /var/log/postgresql/*.log")


def test_only_what_needs_it_is_restarted(ready: Machine) -> None:
    before = ready.pids()
    changes = settled(ready, postgres={"listen": ["*"], "settings": {"max_connections": 90, "work_mem": "8MB"}})
    assert changes == ["PostgreSQL: configuration is written (dwp.conf)", "PostgreSQL: configuration is loaded again"]
    assert ready.pids() == before and ready.query("SHOW work_mem") == [("8MB",)]
    settled(ready)
    assert settled(ready, clients=[CLIENT, "10.9.8.7"])[0] == "PostgreSQL: configuration is written (pg_hba.conf)"
    assert ready.pids() == before
    settled(ready)
    assert "PostgreSQL: restarted" in settled(ready, postgres={"listen": ["*"], "settings": {"max_connections": 91}})
    after = ready.pids()
    assert after["postgresql@15-main"] != before["postgresql@15-main"] and after["redis-server"] == before["redis-server"]
    settled(ready)


TAMPERING = {
    "a line in pg_hba.conf's block": "sed -i '/BEGIN dwp.backend/a host all all 0.0.0.0/0 trust' /etc/postgresql/15/main/pg_hba.conf",
    "redis' drop-in": "echo 'maxclients 3' >> /etc/redis/dwp.conf",
    "the include": "sed -i '/^include/d' /etc/redis/redis.conf",
    "a stopped server": "systemctl stop postgresql@15-main",
    "a failed server": "systemctl kill -s KILL redis-server; sleep 1; systemctl stop redis-server",
    "not enabled": "systemctl disable redis-server",
    "a run cut off before the restart": "touch /etc/redis/dwp.conf.pending",
}


@pytest.mark.parametrize("what", TAMPERING)
def test_drift_is_put_right(ready: Machine, what: str) -> None:
    other = "redis-server" if "postgres" in TAMPERING[what] else "postgresql@15-main"
    before = ready.pids()[other]
    ready.shell(TAMPERING[what])
    assert settled(ready) != []
    assert ready.pids()[other] == before
    assert ready.query("SELECT a FROM kept") == [(7,)]
    assert redis.Redis(ready.address, password=REDIS_PASSWORD).ping()


def test_changed_password_of_a_user(ready: Machine) -> None:
    changed = [{**entry, "password": "Another-1"} for entry in DATABASES]
    assert settled(ready, databases=changed) == ["PostgreSQL: password of user dwp_user is changed"]
    assert ready.query("SELECT 1", password="Another-1") == [(1,)]
    settled(ready)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"postgres": {"listen": ["*"], "settings": {"max_conections": 5}}}, 'unrecognized configuration parameter "max_conections"'),
        ({"redis": {**WANTED["redis"], "settings": {"maxmemory": "a lot"}}}, "maxmemory"),
        ({"redis": {"listen": ["0.0.0.0"]}}, "needs a password"),
    ],
)
def test_mistakes_change_nothing(ready: Machine, change: dict[str, Any], words: str) -> None:
    before = ready.pids()
    for check in (True, False):
        answer = ready.run(check=check, **{**WANTED, **change})
        assert answer["failed"] and words in answer["msg"], answer
    assert ready.pids() == before and ready.run(**WANTED)["changes"] == []


def test_old_configuration_comes_back_when_the_server_does_not_start(ready: Machine) -> None:
    answer = ready.run(**{**WANTED, "postgres": {"listen": ["*"], "settings": {"shared_buffers": "4000GB"}}})
    assert answer["failed"] and "the old one is back" in answer["msg"], answer
    assert ready.query("SELECT a FROM kept") == [(7,)]
    settled(ready)


def test_port_of_somebody_else_is_named(ready: Machine) -> None:
    ready.shell("nohup python3 -m http.server 7777 >/dev/null 2>&1 & sleep 2")
    for check in (True, False):
        answer = ready.run(check=check, **{**WANTED, "redis": {**WANTED["redis"], "port": 7777}})
        assert answer["failed"] and "port 7777 of Redis is taken by process" in answer["msg"] and "python3" in answer["msg"]
    assert ready.run(**WANTED)["changes"] == []
