# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PostgreSQL and Redis from the distribution: what differs from what is wanted, and putting it right."""

from __future__ import annotations

import contextlib
import importlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils import _databases as db
from ansible_collections.dwp.backend.plugins.module_utils import _embedded_proc as proc
from ansible_collections.dwp.backend.plugins.module_utils import _infra_validate as validate
from ansible_collections.dwp.backend.plugins.module_utils import _packaged_host as host
from ansible_collections.dwp.backend.plugins.module_utils._command import Commands
from ansible_collections.dwp.backend.plugins.module_utils._infra_config import (
    HEADER,
    InfraError,
    block,
    check_input,
    hba_lines,
    postgres_settings,
    postgres_wanted,
    redis_settings,
    redis_wanted,
)
from ansible_collections.dwp.backend.plugins.module_utils._requires import MissingLibraryError, require
from ansible_collections.dwp.backend.plugins.module_utils._supervisor import write_atomic

START_TIMEOUT = 60.0
FRESH_VERSION = 150000  # for predictions about a server that is not installed yet
MARKER = "dwp.backend"


class File:
    """A file as it is and as it is to be; the owner and mode of a file that is there are kept."""

    def __init__(self, path: str, text: str, mode: int = 0o640, owner: tuple[int, int] = (0, 0)) -> None:
        self.path, self.text, self.mode, self.owner = path, text, mode, owner
        self.old: str | None = None
        with contextlib.suppress(FileNotFoundError):
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                self.old = file.read()
            status = os.stat(path)
            self.mode, self.owner = status.st_mode & 0o7777, (status.st_uid, status.st_gid)

    @property
    def differs(self) -> bool:
        return self.old != self.text

    def write(self, text: str | None) -> None:
        if text is None:
            os.unlink(self.path)
            return
        os.makedirs(os.path.dirname(self.path), mode=0o755, exist_ok=True)
        write_atomic(self.path, text, self.mode, self.owner)


class Component:
    """One server: the subclasses know its files, and whether a change needs a restart."""

    kind = label = ""

    def __init__(self, wanted: Mapping[str, Any], check: bool, system: host.Family, commands: Commands) -> None:
        self.wanted, self.check, self.system, self.commands = wanted, check, system, commands
        self.port: int = wanted["port"]
        self.changes: list[str] = []
        self.package = system.packages[self.kind]
        self.there = self.installed = host.is_installed(commands, system, self.package)
        self.unit = self.enabled_unit = system.units[self.kind]

    # what a subclass says
    def files(self) -> list[File]:
        raise NotImplementedError

    def validate(self) -> None:
        raise NotImplementedError

    def marker(self) -> str:
        """A file that is there from before the first file is replaced until the server has taken them up."""
        raise NotImplementedError

    def needs_restart(self, changed: Sequence[File]) -> bool:
        return True

    def after_install(self) -> None:
        """Find what the installation has made."""

    # the common way
    def look(self) -> None:
        if not self.installed:
            self.there = False
            self.changes = [
                f"{self.label}: package {self.package} is installed",
                f"{self.label}: configuration is written",
                f"{self.label}: started on port {self.port}",
            ]
            self._occupied({})
            return
        self.after_install()
        state = host.units(self.commands, [self.unit, self.enabled_unit])
        self.there = state[self.unit].get("ActiveState") == "active"
        self._occupied(state[self.unit])
        self.pending = [file for file in self.files() if file.differs]
        if self.pending:
            names = ", ".join(os.path.basename(file.path) for file in self.pending)
            self.changes.append(f"{self.label}: configuration is written ({names})")
            self.validate()
        self.enable = state[self.enabled_unit].get("UnitFileState") != "enabled"
        if self.enable:
            self.changes.append(f"{self.label}: started at boot")
        cut_off = os.path.exists(self.marker())
        self.verb = ""
        if not self.there:
            self.verb = "start"
            self.changes.append(f"{self.label}: started on port {self.port}")
        elif cut_off or (self.pending and self.needs_restart(self.pending)):
            self.verb = "restart"
            self.changes.append(f"{self.label}: restarted")
        elif self.pending:
            self.verb = "reload"
            self.changes.append(f"{self.label}: configuration is loaded again")

    def _occupied(self, state: Mapping[str, str]) -> None:
        main = int(state.get("MainPID") or 0)
        holder = proc.foreign_listener(self.port, [main] if main else [])
        if holder:
            raise InfraError(
                f"port {self.port} of {self.label} is taken by {proc.describe(holder)}. Stop it, or choose another port "
                "(dwp_components.<name>.port). Nothing was changed."
            )

    def put(self) -> None:
        if not self.installed:
            host.install(self.commands, self.system, [self.package])
            self.installed = True
            self.after_install()
            self.pending = [file for file in self.files() if file.differs]
            self.validate()
            self.enable, self.verb = True, "restart"
        if not (self.pending or self.verb or self.enable):
            return
        if self.pending:
            with open(self.marker(), "w", encoding="ascii"):
                pass
            for file in self.pending:
                file.write(file.text)
        try:
            if self.verb:
                host.systemctl(self.commands, self.verb, self.unit)
            self.wait()
        except InfraError as error:
            for file in self.pending:
                file.write(file.old)
            if self.pending:
                with contextlib.suppress(InfraError):
                    host.systemctl(self.commands, "restart", self.unit)
            raise InfraError(f"{self.label} did not come up with the new configuration; the old one is back. {error}") from None
        if self.enable:
            host.systemctl(self.commands, "enable", self.enabled_unit)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.marker())

    def wait(self) -> None:
        """Return when the server answers on its port."""
        deadline = time.monotonic() + START_TIMEOUT
        while proc.listeners([self.port]).get(self.port) is None:
            if time.monotonic() >= deadline:
                raise InfraError(f"Nothing listens on port {self.port} after {START_TIMEOUT:g} s; see journalctl -u {self.unit}.")
            time.sleep(0.05)


class Postgres(Component):
    kind, label = "postgres", "PostgreSQL"
    cluster: host.Cluster

    def __init__(
        self, wanted: Mapping[str, Any], check: bool, system: host.Family, commands: Commands,
        databases: Sequence[Mapping[str, Any]], clients: Sequence[str],
    ) -> None:  # fmt: skip
        super().__init__(wanted, check, system, commands)
        self.databases, self.clients = databases, clients
        self.libraries: list[str] = []
        try:
            require("psycopg2")
        except MissingLibraryError:
            self.libraries = [system.packages["psycopg2"]]

    def look(self) -> None:
        super().look()
        self.changes[:0] = [f"package {name} is installed" for name in self.libraries]

    def put(self) -> None:
        if self.libraries:
            host.install(self.commands, self.system, self.libraries)
            importlib.invalidate_caches()
        super().put()

    def after_install(self) -> None:
        found = host.cluster(self.port)
        if found is None and not self.check and self.system is host.REDHAT:
            done = host.run(self.commands, ["postgresql-setup", "--initdb"])
            if done.status != 0:
                raise InfraError(f"postgresql-setup --initdb failed: {done.text.strip()}")
            found = host.cluster(self.port)
        if found is None:
            raise InfraError(f"{self.package} is installed but has no cluster. Make one (pg_createcluster, postgresql-setup).")
        self.cluster, self.unit = found, found.unit

    def files(self) -> list[File]:
        status = os.stat(self.cluster.main)
        owner = (status.st_uid, status.st_gid)
        snippet = File(self.cluster.snippet, postgres_settings(postgres_wanted(self.wanted)), 0o644, owner)
        hba, main = File(self.cluster.hba, ""), File(self.cluster.main, "")
        hba.text = block(hba.old or "", MARKER, hba_lines(self.databases, self.clients))
        main.text = main.old or ""
        if host.setting(main.text, "include_dir") != "conf.d":
            main.text = block(main.text, MARKER, ["include_dir = 'conf.d'"])
        return [snippet, hba, main]

    def validate(self) -> None:
        snippet = self.files()[0]
        validate.postgres(self.commands, self.cluster.binary, f"include '{self.cluster.main}'\n{snippet.text}")

    def marker(self) -> str:
        return os.path.join(self.cluster.conf, ".dwp-pending")

    def needs_restart(self, changed: Sequence[File]) -> bool:
        """Only settings that PostgreSQL reads at its start alone need one."""
        keys: set[str] = set()
        for file in changed:
            if file.path == self.cluster.main:
                return True
            if file.path == self.cluster.snippet:
                old, new = (set((text or HEADER).splitlines()) for text in (file.old, file.text))
                keys |= {line.partition("=")[0].strip() for line in old ^ new}
        if not keys:
            return False
        try:
            connection = self.connect("postgres")
        except Exception:
            return True  # it cannot be asked
        try:
            with connection.cursor() as cursor:
                query = "SELECT count(*) FROM pg_settings WHERE context IN ('postmaster', 'internal') AND name = ANY(%s)"
                cursor.execute(query, [sorted(keys)])
                return bool(cursor.fetchone()[0])
        finally:
            connection.close()

    def running_port(self) -> int:
        try:
            with open(os.path.join(self.cluster.data, "postmaster.pid"), encoding="utf-8") as file:
                return int(file.read().splitlines()[3])
        except (OSError, IndexError, ValueError):
            return self.port

    def connect(self, database: str) -> Any:
        """As the server's own user over its socket (peer authentication): no password is involved."""
        status = os.stat(self.cluster.data)
        with acting_as(status.st_uid):
            connection = require("psycopg2").connect(
                host=self.cluster.sockets, port=self.running_port(), dbname=database, user=proc.user_name(status.st_uid),
                connect_timeout=10, application_name="dwp_packaged",
            )  # fmt: skip
        connection.autocommit = True
        return connection

    def wait(self) -> None:
        super().wait()
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            try:
                connection = self.connect("postgres")
                break
            except require("psycopg2").OperationalError as error:
                if time.monotonic() >= deadline:
                    raise InfraError(f"PostgreSQL does not let its own user in over its socket: {error}") from None
                time.sleep(0.1)
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT line_number, error FROM pg_hba_file_rules WHERE error IS NOT NULL")
                wrong = cursor.fetchall()
        finally:
            connection.close()
        if wrong:
            raise InfraError(f"{self.cluster.hba}: " + "; ".join(f"line {line}: {error}" for line, error in wrong))


@contextlib.contextmanager
def acting_as(uid: int) -> Iterator[None]:
    """The effective user for peer authentication, which the kernel records at connect()."""
    before = os.geteuid()
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(before)


class Redis(Component):
    kind, label = "redis", "Redis"
    conf = ""

    def after_install(self) -> None:
        found = [path for path in self.system.redis_conf if os.path.exists(path)]
        if not found:
            raise InfraError(f"{self.package} is installed, but none of {', '.join(self.system.redis_conf)} is there.")
        self.conf = found[0]
        self.snippet = os.path.join(os.path.dirname(self.conf), "dwp.conf" if "/redis/" in self.conf else "redis-dwp.conf")

    def files(self) -> list[File]:
        main = File(self.conf, "")
        main.text = block(main.old or "", MARKER, [f"include {self.snippet}"])
        return [File(self.snippet, redis_settings(redis_wanted(self.wanted)), 0o640, (0, os.stat(self.conf).st_gid)), main]

    def validate(self) -> None:
        snippet, main = self.files()
        rest = block(main.old or "", MARKER, [])
        kept = [line for line in rest.splitlines() if not line.startswith(("logfile", "pidfile", "supervised", "unixsocket"))]
        validate.redis(self.commands, "/usr/bin/redis-server", "\n".join(kept) + "\n" + snippet.text)

    def marker(self) -> str:
        return f"{self.snippet}.pending"


class Host:
    """Everything of this kind on one host."""

    def __init__(
        self,
        components: Mapping[str, Mapping[str, Any]],
        databases: Sequence[Mapping[str, Any]],
        clients: Sequence[str],
        check: bool,
        commands: Commands,
    ) -> None:
        check_input(components, databases if "postgres" in components else [], clients)
        system = host.family()
        if os.geteuid() != 0:
            raise InfraError("The provider packages needs root: set become: true for the play.")
        self.check, self.databases = check, databases
        self.components: list[Component] = []
        if "postgres" in components:
            self.components.append(Postgres(components["postgres"], check, system, commands, databases, clients))
        if "redis" in components:
            self.components.append(Redis(components["redis"], check, system, commands))

    def ensure(self) -> dict[str, Any]:
        notes: list[str] = []
        not_checked: list[str] = []
        for component in self.components:
            component.look()
        for component in self.components:
            if not self.check:
                component.put()
            if isinstance(component, Postgres):
                self._databases(component, notes, not_checked)
        changes = [text for component in self.components for text in component.changes]
        found = {
            component.kind: {"there": component.there, "as_wanted": not component.changes, "port": component.port}
            for component in self.components
        }
        return {
            "changed": bool(changes),
            "changes": changes,
            "notes": notes,
            "not_checked": not_checked,
            "components": found,
        }  # fmt: skip

    def _databases(self, server: Postgres, notes: list[str], not_checked: list[str]) -> None:
        if self.check and not server.installed:
            actions, remarks = db.plan(self.databases, db.State(FRESH_VERSION, "postgres"))
        elif self.check and (not server.there or server.libraries):
            not_checked.append("databases and users: " + ("psycopg2" if server.libraries else "PostgreSQL") + " is not there yet")
            return
        else:
            actions, remarks = db.ensure(server.connect, self.databases, self.check)
        notes += remarks
        server.changes += [action.text for action in actions]
