# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PostgreSQL and Redis as embedded servers: files, program definitions, initialisation, readiness."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Any, Callable, NamedTuple

from ansible_collections.dwp.backend.plugins.module_utils import _infra_validate
from ansible_collections.dwp.backend.plugins.module_utils._command import Commands
from ansible_collections.dwp.backend.plugins.module_utils._embedded_daemon import clean_environment
from ansible_collections.dwp.backend.plugins.module_utils._embedded_place import Account, Binaries
from ansible_collections.dwp.backend.plugins.module_utils._infra_config import (
    HEADER,
    InfraError,
    hba_lines,
    postgres_settings,
    postgres_wanted,
    redis_settings,
    redis_wanted,
)
from ansible_collections.dwp.backend.plugins.module_utils._supervisor import (
    private_dir,
    program_text,
    short_dir,
    write_atomic,
)

READY_TIMEOUT = 60.0


class Wanted(NamedTuple):
    path: str
    text: str
    mode: int = 0o600


class Server:
    """What both kinds have in common; the subclasses say what differs."""

    kind = label = executable = ""
    stop_signal = signal.SIGTERM

    def __init__(self, root: str, home: str, component: Mapping[str, Any], run: Commands) -> None:
        self.base = os.path.join(home, self.kind)
        self.data = os.path.join(self.base, "data")
        self.log = os.path.join(home, "log", f"{self.kind}.log")
        self.program = f"infra-{self.kind}"
        self.component = component
        self.root = root
        self.run = run
        self.port: int = component["port"]

    def files(self) -> list[Wanted]:
        raise NotImplementedError

    def command(self, binaries: Binaries) -> list[str]:
        raise NotImplementedError

    def initialised(self) -> bool:
        raise NotImplementedError

    def initialise(self, binaries: Binaries, user: Account) -> None:
        raise NotImplementedError

    def definition(self, binaries: Binaries, user: Account) -> str:
        """The supervisor program. The configuration's time of writing is part of it: a server that runs with an older
        configuration, even if a run was killed right after writing, differs from its definition and is restarted."""
        stamps = [str(os.stat(file.path).st_mtime_ns) if os.path.exists(file.path) else "0" for file in self.files()]
        return program_text(
            self.program,
            self.command(binaries),
            user=user.name if os.geteuid() == 0 else None,
            directory=self.base,
            environment={"DWP_CONFIG": "-".join(stamps), "LC_ALL": "C.UTF-8", "HOME": self.base},
            autorestart=True,
            startsecs=1,
            startretries=10,
            stopsignal=signal.Signals(self.stop_signal).name[3:],
            stopwaitsecs=60,
            umask="077",
            priority=10,
            stdout_logfile=self.log,
        )

    def directories(self, user: Account) -> None:
        os.makedirs(os.path.dirname(self.log), mode=0o755, exist_ok=True)
        os.makedirs(self.base, mode=0o700, exist_ok=True)
        os.chown(self.base, *user.owner)

    def validate(self, binaries: Binaries) -> None:
        """Raise InfraError if the server would refuse its configuration."""
        raise NotImplementedError

    def write(self, user: Account) -> None:
        for file in self.files():
            write_atomic(file.path, file.text, file.mode, user.owner)

    def tidy(self) -> None:
        """Remove what a killed server left and the next one stumbles over; called when no server runs."""

    def started(self) -> str | None:
        """None if ready, "" if it may become so, else why it never will."""
        raise NotImplementedError

    def wait_ready(
        self,
        failed: Callable[[], str | None],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        deadline = clock() + READY_TIMEOUT
        while True:
            answer = self.started()
            if answer is None:
                return
            why = answer or failed()
            if why or clock() >= deadline:
                why = why or f"it does not accept connections after {READY_TIMEOUT:g} s"
                raise InfraError(f"{self.label} on port {self.port} did not start: {why}\nSee {self.log}.")
            sleep(0.05)


class Postgres(Server):
    kind, label, executable = "postgres", "PostgreSQL", "postgres"
    stop_signal = signal.SIGINT  # fast shutdown: open sessions are ended

    def __init__(
        self,
        root: str,
        home: str,
        component: Mapping[str, Any],
        run: Commands,
        databases: Sequence[Mapping[str, Any]] = (),
        clients: Sequence[str] = (),
    ) -> None:
        super().__init__(root, home, component, run)
        self.databases, self.clients = databases, clients
        self.admin: str = component["admin_user"]
        self.password_file = os.path.join(self.base, "admin.password")
        self.conf = os.path.join(self.base, "conf")
        self.sockets = os.path.join(self.base, "run")
        if len(os.fsencode(os.path.join(self.sockets, ".s.PGSQL.65535.lock"))) > 107:
            self.sockets = short_dir(root, "pg")
        self.psycopg2: Any = None

    def files(self) -> list[Wanted]:
        hba = os.path.join(self.conf, "pg_hba.conf")
        settings = postgres_wanted(
            self.component,
            data_directory=self.data,
            hba_file=hba,
            ident_file=os.path.join(self.conf, "pg_ident.conf"),
            unix_socket_directories=self.sockets.replace(",", "\\,"),
            logging_collector=False,
            log_line_prefix="%m [%p] %q%u@%d ",
            lc_messages="C",
        )
        lines = ["local all all scram-sha-256"]
        lines += [f"host all all {address} scram-sha-256" for address in ("127.0.0.1/32", "::1/128")]
        lines += hba_lines(self.databases, self.clients)
        return [
            Wanted(os.path.join(self.conf, "postgresql.conf"), postgres_settings(settings)),
            Wanted(hba, HEADER + "\n".join(lines) + "\n"),
            Wanted(os.path.join(self.conf, "pg_ident.conf"), HEADER),
        ]

    def command(self, binaries: Binaries) -> list[str]:
        return [os.path.join(binaries.postgres, "postgres"), "-D", self.conf]

    def validate(self, binaries: Binaries) -> None:
        _infra_validate.postgres(self.run, os.path.join(binaries.postgres, "postgres"), self.files()[0].text)

    def directories(self, user: Account) -> None:
        super().directories(user)
        for path in (self.conf, self.sockets):
            private_dir(path, user.uid)

    def initialised(self) -> bool:
        return os.path.exists(os.path.join(self.data, "PG_VERSION"))

    def password(self) -> str:
        try:
            with open(self.password_file, encoding="utf-8") as file:
                return file.read().strip("\n")
        except FileNotFoundError:
            raise InfraError(
                f"{self.password_file} is missing, but {self.data} was initialised with the password it held. "
                "Put the file back, or set admin_password of the component to that password."
            ) from None

    def write_password(self, user: Account, password: str) -> None:
        write_atomic(self.password_file, f"{password}\n", 0o600, user.owner)

    def initialise(self, binaries: Binaries, user: Account) -> None:
        """initdb in a directory beside the final one, renamed when it is whole: a run killed half-way leaves no
        directory that looks initialised."""
        wanted = self.component.get("admin_password")
        if wanted or not os.path.exists(self.password_file):
            self.write_password(user, wanted or secrets.token_urlsafe(24))
        fresh = f"{self.data}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        command = [os.path.join(binaries.postgres, "initdb"), "-D", fresh, "-U", self.admin, "--encoding", "UTF8"]
        command += ["--locale", "C.UTF-8", "--auth", "scram-sha-256", "--data-checksums", "--pwfile"]
        root = os.geteuid() == 0
        done = self.run(
            [*command, self.password_file], clean_environment(), user.owner if root else None,
            directory="/" if root else self.base, umask=0o077,
        )  # fmt: skip
        if done.status != 0:
            raise InfraError(f"PostgreSQL: {fresh} could not be initialised (initdb, status {done.status}):\n{done.last()}")
        os.rename(fresh, self.data)

    def check_version(self, binaries: Binaries) -> None:
        if not self.initialised():
            return
        command = [os.path.join(binaries.postgres, "postgres"), "--version"]
        done = self.run(command)
        if done.status != 0:
            raise InfraError(f"PostgreSQL: {' '.join(command)} failed (status {done.status}):\n{done.last()}")
        major = done.out.split()[-1].split(".")[0]
        with open(os.path.join(self.data, "PG_VERSION"), encoding="ascii") as file:
            have = file.read().strip()
        if have != major:
            raise InfraError(
                f"PostgreSQL: {self.data} was made by version {have}, the installed one is {major}. Pin the wheel "
                "that brings the old version, or dump with it and load into a new directory. The data were not touched."
            )

    def tidy(self) -> None:
        """PostgreSQL replaces stale lock files, except when their process number has been given to another process of
        the same user meanwhile."""
        for path in (os.path.join(self.data, "postmaster.pid"), os.path.join(self.sockets, f".s.PGSQL.{self.port}.lock")):
            if os.path.lexists(path):
                os.unlink(path)

    def running_port(self) -> int:
        try:
            with open(os.path.join(self.data, "postmaster.pid"), encoding="utf-8") as file:
                return int(file.read().splitlines()[3])
        except (OSError, IndexError, ValueError):
            return self.port

    def connect(self, database: str = "postgres", password: str | None = None) -> Any:
        connection = self.psycopg2.connect(
            host=self.sockets, port=self.running_port(), user=self.admin, dbname=database, connect_timeout=10,
            password=self.password() if password is None else password, application_name="dwp_embedded",
        )  # fmt: skip
        connection.autocommit = True
        return connection

    def started(self) -> str | None:
        try:
            self.connect().close()
        except self.psycopg2.OperationalError as error:
            text = str(error).strip()
            if "password authentication failed" in text:
                return (
                    f"user {self.admin} is refused with the password in {self.password_file}; it was changed by hand. "
                    "Write the right one into that file"
                )
            return ""
        return None


class Redis(Server):
    kind, label, executable = "redis", "Redis", "redis-server"

    def files(self) -> list[Wanted]:
        settings = redis_wanted(
            self.component, dir=self.data, daemonize=False, logfile="", appendonly=True, pidfile=""
        )  # fmt: skip
        return [Wanted(os.path.join(self.base, "redis.conf"), redis_settings(settings))]

    def command(self, binaries: Binaries) -> list[str]:
        return [binaries.redis, os.path.join(self.base, "redis.conf")]

    def validate(self, binaries: Binaries) -> None:
        _infra_validate.redis(self.run, binaries.redis, self.files()[0].text)

    def initialised(self) -> bool:
        return os.path.isdir(self.data)

    def initialise(self, binaries: Binaries, user: Account) -> None:
        private_dir(self.data, user.uid)

    def started(self) -> str | None:
        answer = redis_ping(self.component["listen"][0], self.port, self.component.get("password"))
        if answer == "+PONG":
            return None
        return answer if answer.startswith(("-NOAUTH", "-WRONGPASS", "-ERR")) else ""


def redis_ping(host: str, port: int, password: str | None, timeout: float = 3.0) -> str:
    """The first line of Redis' answer to PING ("+PONG"), or "" if there is none."""
    words = [["AUTH", password]] if password else []
    request = b"".join(
        f"*{len(command)}\r\n".encode() + b"".join(b"$%d\r\n%s\r\n" % (len(str(word).encode()), str(word).encode()) for word in command)
        for command in [*words, ["PING"]]
    )
    host = {"*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    try:
        with socket.create_connection((host, port), timeout) as connection:
            connection.sendall(request)
            with connection.makefile("rb") as answer:
                lines = [answer.readline().decode(errors="replace").strip() for _command in range(len(words) + 1)]
    except OSError:
        return ""
    refused = [line for line in lines if line.startswith(("-NOAUTH", "-WRONGPASS", "-ERR"))]
    return refused[0] if refused else lines[-1]
