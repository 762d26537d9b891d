# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Embedded servers of one dwp_root: what differs from what is wanted, and putting it right."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.dwp.backend.plugins.module_utils import _databases as db
from ansible_collections.dwp.backend.plugins.module_utils import _embedded_daemon as daemon
from ansible_collections.dwp.backend.plugins.module_utils import _embedded_place as place
from ansible_collections.dwp.backend.plugins.module_utils import _embedded_proc as proc
from ansible_collections.dwp.backend.plugins.module_utils._command import Commands
from ansible_collections.dwp.backend.plugins.module_utils._embedded_servers import Postgres, Redis, Server
from ansible_collections.dwp.backend.plugins.module_utils._infra_config import InfraError, check_input
from ansible_collections.dwp.backend.plugins.module_utils._requires import MissingLibraryError, require
from ansible_collections.dwp.backend.plugins.module_utils._supervisor import (
    BACKOFF,
    FATAL,
    RUNNING,
    STARTING,
    STOPPED,
    Status,
    Supervisor,
    differs,
    short_dir,
    write_atomic,
)

PATIENCE = 4.0  # seconds in which a server may fall over and be started again
FRESH_VERSION = 160000  # what the wheel brings, for predictions about a server that is not there yet


class Plan(NamedTuple):
    """One server as found, and what will be done about it."""

    server: Server
    status: Status | None
    orphans: list[int]
    running: bool
    changes: list[str]


class Site:
    def __init__(
        self,
        root: str,
        components: Mapping[str, Mapping[str, Any]],
        databases: Sequence[Mapping[str, Any]],
        clients: Sequence[str],
        user: str,
        wheels: Sequence[str],
        venv: str | None,
        check: bool,
        run: Commands,
    ) -> None:
        check_input(components, databases if "postgres" in components else [], clients)
        if not os.path.isabs(root) or any(char in root for char in "*?[]%\n,"):
            raise InfraError(f"root: {root!r} must be an absolute path without *, ?, [, ], %, comma and line break.")
        self.run = run
        self.root, self.check, self.wheels = os.path.normpath(root), check, list(wheels)
        self.databases, self.components = databases, components
        self.home = place.home(self.root)
        self.venv = venv or os.path.join(self.home, "venv")
        self.own_venv = not venv
        self.user = place.account(user, self.home)
        self.supervisor = Supervisor(self.root)
        self.servers: list[Server] = []
        if "postgres" in components:
            self.servers.append(Postgres(self.root, self.home, components["postgres"], run, databases, clients))
        if "redis" in components:
            self.servers.append(Redis(self.root, self.home, components["redis"], run))
        self.changes: list[str] = []
        self.notes: list[str] = []
        self.not_checked: list[str] = []

    def _binaries(self) -> place.Binaries:
        return place.binaries(self.venv, [server.kind for server in self.servers])

    # -- what is there --------------------------------------------------------------------------------------------
    def _plan(self, server: Server, missing: Sequence[str], statuses: Mapping[str, Status], pending: Any) -> Plan:
        status = statuses.get(server.program)
        orphans = [pid for pid in proc.working_in(server.data, server.executable) if status is None or pid != status.pid]
        running = status is not None and status.state in (STARTING, RUNNING)
        changes = [f"{server.label}: process {pid}, which no supervisord looks after any more, is stopped" for pid in orphans]
        if not server.initialised():
            changes.append(f"{server.label}: {server.data} is initialised")
        names = [os.path.basename(file.path) for file in server.files() if differs(file.path, file.text, file.mode, self.user.owner)]
        if names:
            changes.append(f"{server.label}: configuration is written ({', '.join(names)})")
            if not missing:
                server.validate(self._binaries())
        stale = bool(missing) or server.program in pending
        if not stale:
            wanted = server.definition(self._binaries(), self.user)
            stale = differs(self.supervisor.paths.program(server.program), wanted)
        if not running:
            changes.append(f"{server.label}: started on port {server.port}")
        elif names or stale:
            changes.append(f"{server.label}: restarted")
        return Plan(server, status, orphans, running, changes)

    def _occupied(self, plans: Sequence[Plan]) -> None:
        """Ports held by somebody else, all at once."""
        problems = []
        for plan in plans:
            ours = {pid for pid in [*plan.orphans, plan.status.pid if plan.status else 0] if pid}
            holder = proc.foreign_listener(plan.server.port, ours)
            if holder:
                who = proc.describe(holder)
                problems.append(f"port {plan.server.port} of {plan.server.label} is taken by {who}")
        if problems:
            raise InfraError("; ".join(problems) + ". Stop it, or choose another port (dwp_components.<name>.port). Nothing was changed.")

    # -- putting it right -----------------------------------------------------------------------------------------
    def ensure(self) -> dict[str, Any]:
        paths = self.supervisor.paths
        missing = place.missing_wheels(self.venv, self.wheels)
        if missing and not self.own_venv:
            raise InfraError(f"{self.venv} lacks {', '.join(missing)}. Install them, or leave infra_embedded_venv empty.")
        alive = bool(self.supervisor.pid())
        statuses = self.supervisor.statuses() if alive else {}
        pending = self.supervisor.pending() if alive else {}
        plans = [self._plan(server, missing, statuses, pending) for server in self.servers]
        self._occupied(plans)
        if not missing:
            self._check_version()
        self._groundwork(missing)
        configured = daemon.prepare(paths, self.check)
        if configured:
            again = " (in force when it starts the next time)" if alive else ""
            self.changes.append(f"supervisord: configuration is written{again}")
        for plan in plans:
            self.changes += plan.changes
            if not self.check:
                self._put(plan)
        if not alive:
            self.changes.append("supervisord: started")
        if not self.check:
            if not alive:
                daemon.start(self.supervisor, self._binaries().python, self.run)
            for plan in plans:
                self._run(plan)
        self._databases(plans)
        return self._result(plans)

    def _check_version(self) -> None:
        for server in self.servers:
            if isinstance(server, Postgres):
                server.check_version(self._binaries())

    def _groundwork(self, missing: Sequence[str]) -> None:
        if self.user.uid < 0:
            self.changes.append(f"system user {self.user.name} is created")
        if missing:
            self.changes.append(f"{self.venv}: {', '.join(missing)} installed")
        if self.check:
            return
        os.makedirs(self.root, mode=0o755, exist_ok=True)
        if self.user.uid < 0:
            self.user = place.create_account(self.user.name, self.run)
        os.makedirs(self.home, mode=0o755, exist_ok=True)
        if missing:
            place.install(self.venv, missing, self.run)
            self._check_version()
            for server in self.servers:
                server.validate(self._binaries())

    def _put(self, plan: Plan) -> None:
        """Everything of one server but starting it."""
        server, binaries = plan.server, self._binaries()
        for pid in plan.orphans:
            if not proc.terminate(pid, server.stop_signal):
                raise InfraError(f"{server.label}: process {pid} does not end within 60 s. End it by hand and run again.")
        server.directories(self.user)
        if not plan.running and not proc.working_in(server.data, server.executable):
            server.tidy()
        if not server.initialised():
            server.initialise(binaries, self.user)
        server.write(self.user)
        write_atomic(self.supervisor.paths.program(server.program), server.definition(binaries, self.user))

    def _run(self, plan: Plan) -> None:
        server = plan.server
        self.supervisor.activate(server.program)
        status = self.supervisor.status(server.program)
        if status is None or not status.alive:
            self.supervisor.start(server.program)
        self._wait(server)

    def _wait(self, server: Server) -> None:
        if isinstance(server, Postgres):
            server.psycopg2 = self._psycopg2()
        patience = time.monotonic() + PATIENCE

        def failed() -> str | None:
            now = self.supervisor.status(server.program)
            hopeless = now is None or now.state in (FATAL, STOPPED)
            if hopeless or (now and now.state == BACKOFF and time.monotonic() > patience):
                why = now.spawnerr if now else "supervisord does not know it"
                return f"{why}\n{daemon.tail(server.log)}"
            return None

        server.wait_ready(failed)

    def _psycopg2(self) -> Any:
        """The interpreter's own, else the one among the wheels (made for the same Python version)."""
        try:
            return require("psycopg2")
        except MissingLibraryError:
            path = place.site_packages(self.venv)
            if f"python{sys.version_info[0]}.{sys.version_info[1]}" in path:
                sys.path.append(path)
            return require("psycopg2")

    def _databases(self, plans: Sequence[Plan]) -> None:
        for plan in plans:
            server = plan.server
            if not isinstance(server, Postgres):
                continue
            if self.check and not server.initialised():
                actions, notes = db.plan(self.databases, db.State(FRESH_VERSION, server.admin))
            elif self.check and not plan.running:
                self.not_checked.append("databases and users: PostgreSQL is not running")
                return
            else:
                try:
                    self._wait(server)
                except InfraError as error:
                    if not self.check:
                        raise
                    self.not_checked.append(f"databases and users: {error}")
                    return
                self._admin_password(server)
                actions, notes = db.ensure(server.connect, self.databases, self.check)
            self.notes += notes
            self.changes += [action.text for action in actions]
            plan.changes.extend(action.text for action in actions)

    def _admin_password(self, server: Postgres) -> None:
        wanted = server.component.get("admin_password")
        if not wanted or (os.path.exists(server.password_file) and server.password() == wanted):
            return
        if os.path.exists(server.password_file):
            self.changes.append(f"PostgreSQL: password of {server.admin} is changed")
            if self.check:
                return
            db.set_password(server.connect, server.admin, wanted)
        if not self.check:
            server.write_password(self.user, wanted)

    def _result(self, plans: Sequence[Plan]) -> dict[str, Any]:
        statuses = self.supervisor.statuses() if self.supervisor.pid() else {}
        found = {}
        for plan in plans:
            status = statuses.get(plan.server.program)
            found[plan.server.kind] = {
                "there": plan.running,
                "as_wanted": plan.running and not plan.changes,
                "state": status.state.lower() if status else "absent",
                "pid": status.pid if status else 0,
                "port": plan.server.port,
                "data": plan.server.data,
                "log": plan.server.log,
            }
        return {
            "changed": bool(self.changes),
            "changes": self.changes,
            "notes": self.notes,
            "not_checked": self.not_checked,
            "components": found,
            "supervisor": {"socket": self.supervisor.paths.socket, "pid": self.supervisor.pid(), "home": self.home},
        }

    # -- taking it down -------------------------------------------------------------------------------------------
    def stop(self, remove: bool) -> dict[str, Any]:
        """Stop the servers, and supervisord if nothing else runs under it; with remove delete them with their data."""
        alive = bool(self.supervisor.pid())
        statuses = self.supervisor.statuses() if alive else {}
        for server in self.servers:
            status = statuses.get(server.program)
            if status and status.alive:
                self._do(f"{server.label}: stopped", lambda name=server.program: self.supervisor.stop(name, 90))
            for pid in proc.working_in(server.data, server.executable):
                if status is None or pid != status.pid:
                    self._do(
                        f"{server.label}: process {pid} is stopped",
                        lambda pid=pid, server=server: proc.terminate(pid, server.stop_signal),
                    )
        ours = {server.program for server in self.servers}
        others = sorted(name for name, status in statuses.items() if status.alive and name not in ours)
        if alive and not others:
            self._do("supervisord: stopped", lambda: daemon.stop(self.supervisor))
        elif others:
            self.notes.append(f"supervisord goes on: {', '.join(others)} still run under it")
        if remove:
            self._remove(others)
        return {**self._result([]), "components": {}}

    def _do(self, text: str, action: Any) -> None:
        self.changes.append(text)
        if not self.check:
            action()

    def _remove(self, others: Sequence[str]) -> None:
        paths = self.supervisor.paths
        if others:
            raise InfraError(f"Nothing was removed: {', '.join(others)} still run. Stop them first (playbooks/stop.yml).")
        doomed = [self.home, os.path.dirname(paths.config), os.path.dirname(paths.pidfile)]
        doomed += [short_dir(self.root), short_dir(self.root, "pg")]
        for path in doomed:
            if os.path.isdir(path) and not os.path.islink(path):
                self._do(f"{path}: removed", lambda path=path: shutil.rmtree(path))
