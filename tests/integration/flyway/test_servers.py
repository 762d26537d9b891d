# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""flyway_status on servers that are not plain: a standby, a pooler in transaction mode, TLS, one that is starting."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from status_module import call
from test_flyway_status import ONE, arguments, history


def port() -> int:
    for number in range(15510, 15550):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", number)) != 0:
                return number
    raise RuntimeError("no free port between 15510 and 15549")


def wait_for(dsn: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            psycopg2.connect(dsn, connect_timeout=2).close()
            return
        except psycopg2.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def spawn(server: Any, command: list[str], log: Path) -> subprocess.Popen[bytes]:
    """A process as the user that runs the server."""
    with log.open("ab") as output:
        return subprocess.Popen(command, stdout=output, stderr=output, cwd="/", **server.user_options)


@pytest.fixture
def sql(tmp_path: Path) -> Path:
    (tmp_path / "V1__one.sql").write_text("create table a(i int);\n-- Rollback: DROP TABLE a;\n")
    return tmp_path


@pytest.fixture
def place(postgres: Any) -> Iterator[Path]:
    """A directory that belongs to the user that runs the server."""
    directory = postgres.data / "aside"
    directory.mkdir()
    if postgres.user_options:
        os.chown(directory, postgres.user_options["user"], postgres.user_options["group"])
    yield directory
    shutil.rmtree(directory)


def test_a_standby(database: Any, postgres: Any, place: Path, sql: Path) -> None:
    history(database, ONE)
    copy, number = place / "standby", port()
    environment = {**os.environ, "PGPASSWORD": postgres.password}
    subprocess.run(
        [postgres.bin / "pg_basebackup", "-D", copy, "-R", "-c", "fast", "-h", postgres.host, "-p", str(postgres.port),
         "-U", postgres.user],
        check=True, env=environment, cwd="/", **postgres.user_options,
    )  # fmt: skip
    settings = {"port": number, "listen_addresses": postgres.host, "unix_socket_directories": place, "fsync": "off"}
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    standby = spawn(postgres, [str(postgres.bin / "postgres"), "-D", str(copy), *options], place / "log")
    try:
        wait_for(postgres.dsn(database.name, database.user, database.password).replace(f"port={postgres.port}", f"port={number}"))
        result = call({**arguments(database, locations=[str(sql)]), "login_port": number})
    finally:
        standby.terminate()
        standby.wait(30)
    assert result["rc"] == 0 and result["schema_version"] == "1"
    assert "The server is a standby, read-only: migrations have to run on its primary." in result["warnings"]


@pytest.mark.skipif(shutil.which("pgbouncer") is None, reason="needs pgbouncer")
def test_a_pooler_in_transaction_mode(database: Any, postgres: Any, place: Path, sql: Path) -> None:
    history(database, ONE)
    number = port()
    (place / "users").write_text(f'"{database.user}" "{database.password}"\n')
    (place / "ini").write_text(
        f"[databases]\n* = host={postgres.host} port={postgres.port}\n[pgbouncer]\nlisten_addr={postgres.host}\n"
        f"listen_port={number}\nauth_type=scram-sha-256\nauth_file={place}/users\npool_mode=transaction\nunix_socket_dir=\n"
    )
    for name in ("users", "ini"):
        (place / name).chmod(0o644)
    pooler = spawn(postgres, [shutil.which("pgbouncer") or "", str(place / "ini")], place / "log")
    try:
        wait_for(postgres.dsn(database.name, database.user, database.password).replace(f"port={postgres.port}", f"port={number}"))
        through = [call({**arguments(database, locations=[str(sql)]), "login_port": number}) for _time in range(2)]
        direct = call(arguments(database, locations=[str(sql)]))
    finally:
        pooler.terminate()
        pooler.wait(30)
    for result in through:
        assert result["rc"] == 0 and result["schema_version"] == "1", result
        assert any("A connection pooler stands between" in warning for warning in result["warnings"])
    assert direct["warnings"] == []


def test_a_server_that_is_full(database: Any, postgres: Any, sql: Path) -> None:
    postgres.execute(f'ALTER ROLE "{database.user}" CONNECTION LIMIT 1')
    connection = database.connect()
    result = call(arguments(database, locations=[str(sql)]))
    connection.close()
    assert result["code"] == "PG_FULL" and "has no free connection" in result["msg"]


def test_a_role_that_may_not_log_in(database: Any, postgres: Any, sql: Path) -> None:
    postgres.execute("CREATE ROLE group_only NOLOGIN PASSWORD 'group-secret'")
    try:
        result = call(arguments(database, locations=[str(sql)], login_user="group_only", login_password="group-secret"))
    finally:
        postgres.execute("DROP ROLE group_only")
    assert result["code"] == "PG_AUTH" and "pg_hba.conf" in result["msg"]


def test_a_listener_that_is_not_postgresql(database: Any, sql: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        command = arguments(database, locations=[str(sql)], connect_timeout=5)
        command["login_port"] = server.getsockname()[1]
        child = os.fork()
        if child == 0:  # answers like a web server
            try:
                for _time in range(2):
                    peer, _address = server.accept()
                    peer.recv(100)
                    peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    peer.close()
            finally:
                os._exit(0)
        result = call(command)
        os.kill(child, 9)
        os.waitpid(child, 0)
    assert result["code"] == "NOT_POSTGRESQL" and "is not PostgreSQL" in result["msg"], result


def test_somebody_waits_for_the_lock(database: Any, sql: Path) -> None:
    """Flyway asks for its lock once a second; a session that has just asked in vain waits."""
    from ansible_collections.dwp.backend.plugins.module_utils._flyway.lock import lock_key

    history(database, ONE)
    key = lock_key("public", "flyway_schema_history")
    holder, waiting = psycopg2.connect(database.dsn), psycopg2.connect(database.dsn)
    with holder.cursor() as one, waiting.cursor() as other:
        one.execute(f"SELECT pg_try_advisory_xact_lock({key})")
        other.execute(f"SELECT pg_try_advisory_xact_lock({key})")
        assert other.fetchone() == (False,)
        result = call(arguments(database, locations=[str(sql)]))
        pids = holder.info.backend_pid, waiting.info.backend_pid
    holder.close()
    waiting.close()
    assert result["lock_held"]["pid"] == pids[0] and result["lock_held"]["state"] == "idle in transaction"
    assert result["warnings"] == [f"Flyway waits for its lock in process(es) {pids[1]}."]


PATTERNS = ["db/*/sql", "db/on?/sql", "db/**/sql", "db/one/s*", "db/one/sql/V?__*.sql", "db/**"]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_wildcards_as_real_flyway_reads_them(pattern: str, database: Any, tmp_path: Path, flyway: Any) -> None:
    names = ["db/one/sql/V1__a.sql", "db/two/sql/V2__b.sql", "db/one/sql/deep/V3__c.sql", "db/x/y/sql/V4__d.sql", "db/V5__e.sql"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("select 1;")
    url = f"jdbc:postgresql://{database.host}:{database.port}/{database.name}"
    location = f"{tmp_path}/{pattern}"
    answer = flyway.ask(url, database.user, database.password, {"locations": f"filesystem:{location}"}, ["info"])
    theirs = [more["script"] for more in answer["info"]["more"]]
    ours = call(arguments(database, locations=[location]))
    assert [line["script"] for line in ours["migrations"]] == theirs
    assert bool(theirs) == (pattern != "db/**")
