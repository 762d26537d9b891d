# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""haproxy on a host: installed, configured, running, and spoken to over its admin socket."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ansible_collections.dwp.backend.plugins.module_utils import _balancer, _journal, _lock, _manager, _packaged_host, _ports, _supervisor
from ansible_collections.dwp.backend.plugins.module_utils._balancer import BalancerError, Server
from ansible_collections.dwp.backend.plugins.module_utils._command import Commands
from ansible_collections.dwp.backend.plugins.module_utils._infra_config import InfraError

NAME = "balancer"
PACKAGE = "haproxy"
SOCKET_LIMIT = 100  # bytes of a unix socket's path, less what haproxy appends while it binds
PROOF = 15.0  # s in which haproxy has to show its frontends
ANSWER = 10.0  # s for one answer of the admin socket


class Admin:
    """The admin socket of a running haproxy."""

    def __init__(self, path: str) -> None:
        self.path = path

    def ask(self, command: str) -> str:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as one:
                one.settimeout(ANSWER)
                one.connect(self.path)
                one.sendall(command.encode() + b"\n")
                parts = []
                while data := one.recv(65536):
                    parts.append(data)
        except OSError as error:
            raise BalancerError(
                f"haproxy does not answer on {self.path} ({error.strerror or error}); playbooks/deploy.yml --tags infra starts it"
            ) from None
        return b"".join(parts).decode("utf-8", "replace").strip()

    def answers(self) -> bool:
        try:
            return bool(self.ask("show info"))
        except BalancerError:
            return False

    def worker(self) -> str:
        """Process id of the worker: another one after a reload."""
        lines = dict(line.partition(": ")[::2] for line in self.ask("show info").splitlines())
        return lines.get("Pid", "")

    def servers(self) -> dict[tuple[str, str], Server]:
        return _balancer.parse_servers(self.ask("show servers state"), self.ask("show stat"))

    def frontends(self) -> dict[str, str]:
        return _balancer.parse_frontends(self.ask("show stat"))

    def set_state(self, backend: str, server: str, state: str) -> None:
        answer = self.ask(f"set server {backend}/{server} state {state}")
        if answer:
            raise BalancerError(f"haproxy refused to set {server} of {backend} to {state}: {answer}")


class Host:
    """The balancer of one dwp_root."""

    def __init__(
        self, root: str, deployment: str = "",
        clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.root, self.deployment = root, deployment
        self.folder = os.path.join(root, NAME)
        self.config = os.path.join(self.folder, "haproxy.cfg")
        self.mark = self.config + ".unloaded"  # a configuration that was written and that no process is known to have read
        path = os.path.join(self.folder, "admin.sock")
        if len(os.fsencode(path)) > SOCKET_LIMIT:
            path = os.path.join(_supervisor.short_dir(root, NAME), "admin.sock")
        self.admin = Admin(path)
        self._clock, self._sleep = clock, sleep

    # ---- present
    def ensure(
        self, wanted: Mapping[str, Any], *, manager: _manager.Manager, commands: Commands, environment: str, user: str, check: bool
    ) -> list[str]:
        """Install, configure, start and prove; returns what was changed, or would be."""
        changes: list[str] = []
        binary = find()
        if binary is None:
            changes.append("haproxy: package is installed")
            self._install(manager.kind, commands, check)
            binary = find()
        if binary is None:
            if not check:
                raise BalancerError("the package haproxy is installed, but there is no haproxy in PATH, /usr/sbin or /usr/local/sbin")
            return [*changes, "haproxy: configuration is written", "haproxy: started"]
        text = _balancer.configuration(
            wanted["frontends"], listen=wanted["listen"], settings=wanted["settings"], socket=self.admin.path, user=runtime_user(user)
        )
        definition = self._definition(manager.kind, binary, environment)
        differs = _supervisor.differs(self.config, text, 0o600)
        running = manager.status([NAME])[NAME].active and self.admin.answers()
        if differs:
            self._judge(binary, text, commands, wanted, running)
            changes.append("haproxy: configuration is written")
        redefined = manager.definition(NAME) != definition
        if redefined:
            changes.append("haproxy: its definition is written")
        if not running or redefined:
            changes.append("haproxy: started")
        elif differs or os.path.exists(self.mark):
            changes.append("haproxy: configuration is loaded")
        if changes and not check:
            self._activate(text, definition, manager, running and not redefined, wanted)
        return changes

    def _install(self, kind: str, commands: Commands, check: bool) -> None:
        if kind != "systemd" or os.geteuid() != 0:
            raise BalancerError(
                "the balancer needs haproxy, which is not on this host, and only a deployment as root under systemd installs it; install "
                "it (Debian: apt-get install haproxy), use provider external, or take the host out of the group balancer"
            )
        try:
            system = _packaged_host.family()
            if not check:
                _packaged_host.install(commands, system, [PACKAGE])
        except InfraError as error:
            raise BalancerError(str(error)) from None

    def _definition(self, kind: str, binary: str, environment: str) -> str:
        if kind == "systemd":
            return _balancer.systemd_unit(environment, binary, self.config)
        return _supervisor.program_text(
            NAME, [binary, "-W", "-db", "-q", "-f", self.config], autorestart=True, exitcodes=(0, 143), stopwaitsecs=10,
            stdout_logfile=os.path.join(self.folder, "haproxy.log"),
        )

    def _judge(self, binary: str, text: str, commands: Commands, wanted: Mapping[str, Any], running: bool) -> None:
        """haproxy reads the new configuration, and its ports are free, before anything is replaced."""
        folder = _supervisor.short_dir(self.root, f"check-{os.getpid()}")
        _supervisor.private_dir(folder)
        try:
            path = os.path.join(folder, "haproxy.cfg")
            _supervisor.write_atomic(path, text, 0o600)
            done = commands([binary, "-c", "-q", "-f", path], timeout=60)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if done.status != 0:
            raise BalancerError(f"haproxy refuses the new configuration, nothing was changed:\n{done.last()}")
        ours = self.admin.frontends() if running else {}
        taken = _ports.listeners([f["port"] for f in wanted["frontends"]])
        problems = [
            f"port {f['port']} of the balancer for {f['service']} is taken by process {taken[f['port']].pid or '(hidden)'} "
            f"({taken[f['port']].command or 'unknown'}, user {_ports.user_name(taken[f['port']].user)})"
            for f in wanted["frontends"] if f["port"] in taken and f["service"] not in ours
        ]
        if problems:
            raise BalancerError("; ".join(problems) + "; stop it, or set dwp_components.balancer.ports or port_offset. Nothing was changed")

    def _activate(self, text: str, definition: str, manager: _manager.Manager, reload: bool, wanted: Mapping[str, Any]) -> None:
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        if os.path.dirname(self.admin.path) != self.folder:
            _supervisor.private_dir(os.path.dirname(self.admin.path))
        before = _read(self.config)
        with open(self.mark, "w", encoding="ascii"):
            pass
        _supervisor.write_atomic(self.config, text, 0o600)
        problem = self._load(definition, manager, reload, wanted)
        if problem and before is not None and before != text:
            _supervisor.write_atomic(self.config, before, 0o600)
            self._load(definition, manager, reload, None)
            raise BalancerError(f"haproxy did not come up with the new configuration, the old one is back: {problem}")
        if problem:
            raise BalancerError(f"haproxy did not come up: {problem}")
        os.unlink(self.mark)

    def _load(self, definition: str, manager: _manager.Manager, reload: bool, wanted: Mapping[str, Any] | None) -> str | None:
        """Start haproxy, or make it read its configuration again; returns why that failed. ``wanted`` None: do not wait."""
        try:
            worker = self.admin.worker() if reload else ""
            if reload:
                os.kill(manager.status([NAME])[NAME].pid, signal.SIGUSR2)
            else:
                manager.stop([NAME], 30)
                manager.define(NAME, definition)
                manager.start([NAME])
        except (BalancerError, _manager.ManagerError, OSError) as error:
            return str(error)
        return None if wanted is None else self._prove(wanted, worker, manager)

    def _prove(self, wanted: Mapping[str, Any], worker: str, manager: _manager.Manager) -> str | None:
        """Another worker than before answers, and every frontend is open."""
        end, problem = self._clock() + PROOF, ""
        while self._clock() < end:
            try:
                there = self.admin.frontends()
                missing = [f["service"] for f in wanted["frontends"] if there.get(f["service"]) != "OPEN"]
                if not missing and self.admin.worker() != worker:
                    return None
                problem = f"its frontend for {', '.join(missing)} is not open" if missing else "it goes on with its old configuration"
            except BalancerError as error:
                problem = str(error)
            self._sleep(0.1)
        said = manager.journal(NAME, 5) if isinstance(manager, _manager.Systemd) else _tail(os.path.join(self.folder, "haproxy.log"))
        return "; ".join([problem, *said])

    # ---- draining
    def still_current(self, step: str) -> None:
        """An orphan of a killed run does nothing. A run limited to other hosts holds no lock here."""
        if self.deployment and _lock.read(self.root) is not None:
            problem = _lock.check(self.root, self.deployment, step, _lock.now())
            if problem:
                raise BalancerError(problem)

    def drain(self, servers: Sequence[Mapping[str, str]], timeout: float) -> tuple[list[dict[str, str]], list[str]]:
        """No new requests for these; wait until the running ones are answered. Returns those that are out, and remarks."""
        known, notes, out = self._known(servers), [], []
        for server in servers:
            key = _key(server)
            if known[key].maintenance:
                notes.append(f"{_label(server)} is in maintenance by hand (state maint): left so")
                continue
            if not any(s.serves for k, s in known.items() if k[0] == key[0] and k not in [_key(o) for o in servers]):
                notes.append(f"no other instance of {server['service']} is healthy: requests fail until this one is back")
            self.admin.set_state(*key, "drain")
            self._note("drained", server)
            out.append(_plain(server))
        end = self._clock() + timeout
        while True:
            now = self.admin.servers()
            busy = [f"{_label(s)} ({now[_key(s)].sessions})" for s in out_of(servers, out) if now[_key(s)].sessions]
            if not busy or self._clock() >= end:
                break
            self._sleep(0.1)
        if busy:
            notes.append(f"requests were still running after {timeout:g} s (drain_timeout) and are cut: {', '.join(busy)}")
        return out, notes

    def ready(self, servers: Sequence[Mapping[str, str]], timeout: float) -> list[dict[str, str]]:
        """Put these back and wait until haproxy sees them healthy."""
        known = self._known(servers)
        waiting = [s for s in servers if not known[_key(s)].maintenance]
        for server in waiting:
            if known[_key(server)].drained:
                self.admin.set_state(*_key(server), "ready")
                self._note("returned", server)
        done, end = [_plain(s) for s in waiting], self._clock() + timeout
        while True:
            now = self.admin.servers()
            waiting = [s for s in waiting if not now[_key(s)].serves]
            if not waiting:
                return done
            if self._clock() >= end:
                seen = "; ".join(f"{_label(s)}: {now[_key(s)].status}" for s in waiting)
                raise BalancerError(f"passed its gate, but is not healthy for haproxy after {timeout:g} s: {seen}")
            self._sleep(0.1)

    def restore(self, settle: float = 2.0) -> tuple[list[dict[str, str]], list[str]]:
        """Put back what is drained and healthy. What does not become healthy stays out, and is named."""
        end, done = self._clock() + settle, []
        while True:
            out = {key: s for key, s in self.admin.servers().items() if s.drained and not s.maintenance}
            for backend, server in [key for key, s in out.items() if s.up]:
                self.admin.set_state(backend, server, "ready")
                done.append({"service": backend, "host": server})
                self._note("returned", done[-1])
            left = {key: s for key, s in out.items() if not s.up}
            if not left or self._clock() >= end:
                return done, [f"{name} on {server} stays out of it: {s.status}" for (name, server), s in sorted(left.items())]
            self._sleep(0.2)

    def _known(self, servers: Sequence[Mapping[str, str]]) -> dict[tuple[str, str], Server]:
        known = self.admin.servers()
        missing = [_label(s) for s in servers if _key(s) not in known]
        if missing:
            raise BalancerError(f"haproxy does not know {', '.join(missing)}; playbooks/deploy.yml --tags infra writes its configuration")
        return known

    def _note(self, event: str, server: Mapping[str, str]) -> None:
        _journal.append(self.root, {
            "at": _lock.now(), "deployment": self.deployment, "event": event, "service": server["service"], "instance": server["host"],
        })


def find() -> str | None:
    return shutil.which("haproxy", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def runtime_user(user: str) -> str:
    """Who haproxy becomes after it has bound its ports, when it starts as root."""
    if os.geteuid() != 0:
        return ""
    for name in ("haproxy", user):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    return "nobody"


def out_of(servers: Sequence[Mapping[str, str]], out: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    return [s for s in servers if _plain(s) in out]


def _key(server: Mapping[str, str]) -> tuple[str, str]:
    return server["service"], server["name"]


def _label(server: Mapping[str, str]) -> str:
    return f"{server['service']} on {server['host']}"


def _plain(server: Mapping[str, str]) -> dict[str, str]:
    return {"service": server["service"], "host": server["host"]}


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return None


def _tail(path: str, lines: int = 5) -> list[str]:
    return (_read(path) or "").splitlines()[-lines:]
