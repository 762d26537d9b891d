# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Embedded servers, real ones: from nothing, unchanged, after drift, after kills; as root and without rights."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import time
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import redis

from .conftest import PORTS, Host, make_host

DB_PASSWORD = "pä ß'\"\\ $x%s 비밀"
REDIS_PASSWORD = 'rédis "p#w ;x'
DATABASES = [
    {"name": "dwp_auth", "user": "dwp_user", "password": DB_PASSWORD},
    {"name": "dwp_aura", "schema": "dwp_aura", "user": "dwp_user", "password": DB_PASSWORD},
]
WANTED: dict[str, Any] = {
    "postgres": {"port": PORTS["postgres"], "settings": {"max_connections": 40, "shared_buffers": "16MB"}},
    "redis": {"port": PORTS["redis"], "password": REDIS_PASSWORD},
    "databases": DATABASES,
}


def login(database: str = "dwp_auth", password: str = DB_PASSWORD, user: str = "dwp_user") -> Any:
    connection = psycopg2.connect(host="127.0.0.1", port=PORTS["postgres"], dbname=database, user=user, password=password)
    connection.autocommit = True
    return connection


def query(sql: str, database: str = "dwp_auth") -> list[Any]:
    connection = login(database)
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def cache() -> redis.Redis:
    return redis.Redis(port=PORTS["redis"], password=REDIS_PASSWORD, decode_responses=True)


def settled(host: Host, **changes: Any) -> None:
    """The check foretells the run word by word, the run does it, and nothing is left to do."""
    wanted = {**WANTED, **changes}
    foretold, done = host.embedded(check=True, **wanted), host.embedded(**wanted)
    assert not done.get("failed"), done
    assert foretold["changes"] == done["changes"] and foretold["changed"] == done["changed"]
    again = host.embedded(**wanted)
    assert again["changes"] == [] and not again["changed"]
    assert all(component["as_wanted"] for component in again["components"].values())


def pids(host: Host) -> tuple[int, int, int]:
    answer = host.embedded(check=True, **WANTED)
    return answer["supervisor"]["pid"], answer["components"]["postgres"]["pid"], answer["components"]["redis"]["pid"]


@pytest.fixture
def ready(host: Host) -> Host:
    """The host with everything as wanted, and data that must stay."""
    answer = host.embedded(**WANTED)
    assert not answer.get("failed"), answer
    query("CREATE TABLE IF NOT EXISTS kept AS SELECT 7 a")
    cache().set("kept", "7")
    return host


def test_from_nothing(host: Host) -> None:
    before = host.embedded(check=True, **WANTED)
    assert before["changed"] and not host.root.exists()
    assert not before["components"]["postgres"]["there"]
    settled(host)
    assert query("SELECT 1") == [(1,)]
    query("CREATE TABLE dwp_aura.mine (a int)", "dwp_aura")
    assert query("SHOW server_encoding") == [("UTF8",)]
    assert cache().ping()


def test_secrets_stay_where_they_belong(ready: Host) -> None:
    """No password in a command line, an environment or a file that others may read; nothing of Ansible's environment."""
    for pid in pids(ready):
        for name in ("cmdline", "environ"):
            text = Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace")
            assert DB_PASSWORD not in text and REDIS_PASSWORD not in text and "leak" not in text
    for directory, names, files in os.walk(ready.root):
        names[:] = [name for name in names if name != "venv" and os.stat(f"{directory}/{name}").st_mode & stat.S_IXOTH]
        for file in (Path(directory, name) for name in files):
            if stat.S_ISREG(file.stat().st_mode) and file.stat().st_mode & stat.S_IROTH:
                text = file.read_bytes().decode(errors="replace")
                assert DB_PASSWORD not in text and REDIS_PASSWORD not in text, file
    _answer, text = ready.raw("dwp_embedded", root=str(ready.root), **WANTED)
    assert DB_PASSWORD not in text and REDIS_PASSWORD not in text


def test_supervisord_is_a_daemon_of_its_own(ready: Host) -> None:
    daemon, postgres, _redis = pids(ready)
    assert os.getsid(daemon) == daemon != os.getsid(0)
    assert all(os.readlink(f"/proc/{daemon}/fd/{handle}") == "/dev/null" for handle in (0, 1, 2))
    if os.geteuid() == 0:
        assert os.stat(f"/proc/{postgres}").st_uid != 0


@pytest.mark.parametrize("path", ["postgres/conf/pg_hba.conf", "redis/redis.conf"])
def test_tampered_configuration_is_put_right(ready: Host, path: str) -> None:
    file = ready.root / "infra" / path
    text = file.read_text(encoding="utf-8")
    file.write_text(text + "# by hand\n", encoding="utf-8")
    before = pids(ready)
    settled(ready)
    after = pids(ready)
    assert file.read_text(encoding="utf-8") == text
    changed = 1 if path.startswith("postgres") else 2
    assert [old != new for old, new in zip(before, after)] == [index == changed for index in range(3)]


def test_changed_setting_and_password(ready: Host) -> None:
    changed = [{**entry, "password": "another"} for entry in DATABASES]
    settled(ready, databases=changed, postgres={**WANTED["postgres"], "settings": {"max_connections": 41}})
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        login()
    settled(ready)
    assert query("SHOW max_connections") == [("40",)]


def test_administrator_password(ready: Host) -> None:
    settled(ready, postgres={**WANTED["postgres"], "admin_password": "boss"})
    login("postgres", "boss", "postgres").close()
    settled(ready)


def test_killed_servers_come_back_by_themselves(ready: Host) -> None:
    daemon, postgres, store = pids(ready)
    for pid in (postgres, store):
        os.kill(pid, signal.SIGKILL)
    time.sleep(2)  # supervisord notices, and starts them again
    assert not {postgres, store} & set(pids(ready))
    assert ready.embedded(**WANTED)["changes"] == []
    assert pids(ready)[0] == daemon and query("SELECT a FROM kept") == [(7,)] and cache().get("kept") == "7"


def test_killed_supervisord_leaves_orphans_that_are_taken_over(ready: Host) -> None:
    daemon, postgres, store = pids(ready)
    os.kill(daemon, signal.SIGKILL)
    time.sleep(0.2)
    foretold = ready.embedded(check=True, **WANTED)
    assert f"PostgreSQL: process {postgres}, which no supervisord looks after any more, is stopped" in foretold["changes"]
    assert f"Redis: process {store}, which no supervisord looks after any more, is stopped" in foretold["changes"]
    assert foretold["not_checked"] == ["databases and users: PostgreSQL is not running"]
    settled(ready)
    assert not {daemon, postgres, store} & set(pids(ready))
    assert query("SELECT a FROM kept") == [(7,)] and cache().get("kept") == "7"


def test_everything_killed_as_by_a_power_cut(ready: Host) -> None:
    """Lock files stay; their process number now belongs to a living process of the same user."""
    running = pids(ready)
    for pid in running:
        os.kill(pid, signal.SIGKILL)
    time.sleep(0.5)
    lock = ready.root / "infra/postgres/data/postmaster.pid"
    sleeper = subprocess.Popen(["sleep", "300"], **(user_of(lock) if os.geteuid() == 0 else {}))
    try:
        lines = lock.read_text(encoding="utf-8").splitlines(keepends=True)
        lock.write_text("".join([f"{sleeper.pid}\n", *lines[1:]]), encoding="utf-8")
        (ready.root / "run/supervisord.pid").write_text(f"{sleeper.pid}\n", encoding="utf-8")
        settled(ready)
    finally:
        sleeper.kill()
        sleeper.wait()
    assert query("SELECT a FROM kept") == [(7,)] and cache().get("kept") == "7"


def user_of(path: Path) -> dict[str, Any]:
    status = path.stat()
    return {"user": status.st_uid, "group": status.st_gid, "extra_groups": []}


def test_database_of_somebody_else_is_left_to_its_owner(ready: Host) -> None:
    password = (ready.root / "infra/postgres/admin.password").read_text(encoding="utf-8").strip()
    connection = login("postgres", password, "postgres")
    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE theirs")
    connection.close()
    settled(ready, databases=[*DATABASES, {"name": "theirs", "user": "guest", "password": "Zq7-visit"}])
    answer = ready.embedded(**{**WANTED, "databases": [{"name": "theirs", "user": "guest", "password": "Zq7-visit"}]})
    assert "theirs belongs to postgres, not to guest" in answer["notes"][0]
    connection = login("theirs", "Zq7-visit", "guest")
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE public.mine (a int)")
        cursor.execute("CREATE SCHEMA own")
    connection.close()


def test_stopped_and_started_again(ready: Host) -> None:
    foretold, done = ready.embedded(check=True, state="stopped"), ready.embedded(state="stopped")
    assert foretold["changes"] == done["changes"]
    assert done["changes"] == ["PostgreSQL: stopped", "Redis: stopped", "supervisord: stopped"]
    assert ready.embedded(state="stopped")["changes"] == []
    with pytest.raises(psycopg2.OperationalError):
        login()
    settled(ready)
    assert query("SELECT a FROM kept") == [(7,)] and cache().get("kept") == "7"


def test_port_of_somebody_else_is_named(ready: Host) -> None:
    ready.embedded(state="stopped")
    with socket.create_server(("127.0.0.1", PORTS["postgres"])), socket.create_server(("127.0.0.1", PORTS["redis"])):
        for check in (True, False):
            answer = ready.embedded(check=check, **WANTED)
            assert answer["failed"], answer
            assert f"port {PORTS['postgres']} of PostgreSQL is taken by" in answer["msg"]
            assert f"port {PORTS['redis']} of Redis is taken by" in answer["msg"]
            if not ready.user:
                assert f"process {os.getpid()} of user" in answer["msg"]
    settled(ready)


def test_wrong_password_file_is_explained(ready: Host) -> None:
    file = ready.root / "infra/postgres/admin.password"
    right = file.read_text(encoding="utf-8")
    file.write_text("wrong\n", encoding="utf-8")
    answer = ready.embedded(**WANTED)
    file.write_text(right, encoding="utf-8")
    assert answer["failed"] and str(file) in answer["msg"] and "is refused" in answer["msg"]


@pytest.mark.parametrize(
    ("component", "settings", "words"),
    [
        ("postgres", {"max_conections": 5}, 'unrecognized configuration parameter "max_conections"'),
        ("postgres", {"max_connections": "many"}, 'invalid value for parameter "max_connections"'),
        ("redis", {"apendonly": True}, "apendonly"),
        ("redis", {"maxmemory": "a lot"}, "maxmemory"),
    ],
)
def test_bad_setting_is_refused_while_the_server_goes_on(ready: Host, component: str, settings: Any, words: str) -> None:
    before = pids(ready)
    for check in (True, False):
        answer = ready.embedded(check=check, **{**WANTED, component: {**WANTED[component], "settings": settings}})
        assert answer["failed"] and words in answer["msg"], answer
        assert REDIS_PASSWORD not in answer["msg"]
    assert pids(ready) == before and ready.embedded(**WANTED)["changes"] == []


def test_server_that_cannot_start_shows_its_log(ready: Host) -> None:
    wanted = {**WANTED, "postgres": {**WANTED["postgres"], "settings": {"shared_buffers": "4000GB"}}}
    answer = ready.embedded(**wanted)
    assert answer["failed"] and "did not start" in answer["msg"] and "memory" in answer["msg"], answer
    settled(ready)
    assert query("SELECT a FROM kept") == [(7,)]


def test_data_of_another_version_are_left_alone(ready: Host) -> None:
    file = ready.root / "infra/postgres/data/PG_VERSION"
    file.write_text("15\n", encoding="ascii")
    try:
        answer = ready.embedded(**WANTED)
        assert answer["failed"] and "was made by version 15, the installed one is 16" in answer["msg"]
    finally:
        file.write_text("16\n", encoding="ascii")
    assert ready.embedded(**WANTED)["changes"] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has the choice")
def test_data_decide_who_runs_the_servers(ready: Host) -> None:
    if ready.user:
        pytest.skip("only root has the choice")
    assert ready.embedded(**WANTED, user="dwp-infra-other")["changes"] == []


def test_removed_without_a_trace(host: Host) -> None:
    host.embedded(state="absent")
    assert not (host.root / "infra").exists() and not (host.root / "run").exists()
    assert host.embedded(state="absent")["changes"] == []


@pytest.mark.parametrize("kind", ["self", "nobody"])
def test_long_path_with_blanks(kind: str) -> None:
    with make_host(kind, "a b 한글 " + "x" * 100) as host:
        settled(host)
        assert query("SELECT 1") == [(1,)]
        answer = host.embedded(check=True, **WANTED)
        assert len(answer["supervisor"]["socket"]) < 100
        directory = os.path.dirname(answer["supervisor"]["socket"])
        assert os.stat(directory).st_mode & 0o777 == 0o700
        host.embedded(state="absent")
        assert not os.path.exists(directory)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a home that its servers' user cannot enter")
def test_root_below_a_closed_directory() -> None:
    with make_host("self") as host:
        host.root.mkdir(mode=0o700)
        host.root = host.root / "inner"
        settled(host)
        home = Path(host.embedded(check=True, **WANTED)["supervisor"]["home"])
        assert home.is_relative_to("/var/lib/dwp-embedded")
        host.embedded(state="absent")
        assert not home.exists()


def test_supervisor_alone() -> None:
    """For services under supervisor whose servers others provide: only its wheel is needed."""
    with make_host("self") as host:
        wheels = ["supervisor==4.3.0"]
        foretold, done = host.embedded(check=True, wheels=wheels), host.embedded(wheels=wheels)
        assert foretold["changes"] == done["changes"] and done["supervisor"]["pid"] and done["components"] == {}
        assert host.embedded(wheels=wheels)["changes"] == []


BAD: list[tuple[dict[str, Any], list[str]]] = [
    ({"redis": {"listen": ["0.0.0.0"]}}, ["infra_components.redis.password", "needs a password"]),
    ({"postgres": {"port": 99999, "settings": {"port": 1}}}, ["99999 is not between", "settings.port: is set by"]),
    ({"postgres": {"settings": {"a": "x\ny"}}}, ["line break"]),
    ({"databases": [DATABASES[0], {**DATABASES[1], "password": "x"}]}, ["user dwp_user has another password here"]),
    ({"databases": [{"name": "", "user": "u", "password": ""}]}, ["name is missing", "password is missing"]),
    ({"clients": ["a b"]}, ["'a b' is neither an address"]),
]


@pytest.mark.parametrize(("change", "words"), BAD)
def test_bad_input_changes_nothing(tmp_path: Path, change: dict[str, Any], words: list[str]) -> None:
    with make_host("self") as host:
        answer = host.embedded(**{**WANTED, **change})
        assert answer["failed"] and "nothing was changed" in answer["msg"]
        assert all(word in answer["msg"] for word in words), answer["msg"]
        assert not host.root.exists()
