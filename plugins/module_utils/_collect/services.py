# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services of a host as they are: release, manager, process, environment in use. One that cannot be read is said."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils import _envfile, _manager, _ports, _processes, _supervisor
from ansible_collections.dwp.backend.plugins.module_utils._collect.parts import Parts
from ansible_collections.dwp.backend.plugins.module_utils._release import host, observe, status
from ansible_collections.dwp.backend.plugins.module_utils._release.store import Store

Run = Callable[[Sequence[str]], "tuple[int, str, str]"]
MANAGER_TIMEOUT = 3.0


@dataclass
class Seen:
    """One service on this host, and what only this host may know of it."""

    name: str
    entry: dict[str, Any]  # as dwp_status describes it
    pid: int = 0  # the manager's process, else one that runs without it
    process: _processes.Process | None = None
    text: str | None = None  # environment file of the current release
    path: str = ""
    file: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> Mapping[str, str]:
        """What the running process was given; where none runs, what the next one would be given."""
        return self.process.environment if self.process else self.file

    @property
    def source(self) -> str:
        if self.process:
            return "process"
        return "release" if self.text is not None else "none"


class _Asked:
    """The manager with its one answer for all services, so that each can be looked at by itself."""

    def __init__(self, manager: _manager.Manager, statuses: Mapping[str, _manager.Running]) -> None:
        self.kind, self.definition, self.path = manager.kind, manager.definition, manager.path
        self._statuses = statuses

    def status(self, names: Sequence[str]) -> dict[str, _manager.Running]:
        return {name: self._statuses[name] for name in names}


def deployed(store: Store, parts: Parts) -> list[str]:
    """Names of the services that were ever deployed here."""
    return list(parts.guarded("services that were deployed here", store.services, otherwise=[]))


def ask_manager(
    kind: str, root: str, names: Sequence[str], run: Run
) -> tuple[_manager.Manager, dict[str, Any], dict[str, _manager.Running]]:
    """The manager, whether it answers, and what it says about each service."""
    manager = _manager.of_kind(kind, root, run)
    about = {"kind": kind, "reachable": True, "gone": False, "message": ""}
    statuses = {name: _manager.Running("unknown", enabled=False) for name in names}
    try:
        if kind == "supervisor":
            _supervisor.Supervisor(root, timeout=MANAGER_TIMEOUT).statuses()  # status() does not tell a dead supervisord
        statuses = manager.status(list(names))
    except (_manager.ManagerError, _supervisor.SupervisorError, OSError, ValueError) as error:
        # A supervisord without a listener has ended, and its programs with it or without it; one that hangs may look after them.
        gone = isinstance(error.__cause__, (ConnectionRefusedError, FileNotFoundError))
        text = re.sub(r"^systemctl .*? ended with", "systemctl ended with", " ".join(str(error).split()))
        about.update(reachable=False, gone=gone, message=text[:300])
        if gone:
            statuses = {name: _manager.Running("missing", enabled=False) for name in names}
    return manager, about, statuses


def look(store: Store, kind: str, names: Sequence[str], run: Run, parts: Parts) -> tuple[dict[str, Seen], dict[str, Any]]:
    """Everything about the services that files, the manager and /proc tell."""
    manager, about, statuses = ask_manager(kind, store.root, names, run)
    asked: Any = _Asked(manager, statuses)
    seen: dict[str, Seen] = {}
    found: dict[str, observe.Found] = {}
    for name in names:
        looked = parts.guarded(f"service {name}", lambda name=name: observe.look(store, asked, [name])[name])  # type: ignore[misc]
        entry = None
        if looked:
            found[name] = looked
            entry = parts.guarded(f"release of {name}", lambda name=name: status.describe(store, asked, name, found[name]))  # type: ignore[misc]
        seen[name] = _seen(store, name, entry or _bare(name, statuses[name]), looked, parts)
    without = _orphans(store, found, parts)
    for name, one in seen.items():
        pids = without.get(name, [])
        # Processes of a manager that cannot be asked are not without one; those of one that has ended are.
        one.entry["orphans"] = pids if about["reachable"] or about["gone"] else []
        if not one.pid and pids:
            _take(one, pids[0], parts)
            one.entry["process_release"] = observe.release_of(one.process)
        if one.pid and one.process is None:
            _take(one, one.pid, parts)
        if one.process and is_launching(one.process):
            one.process = None  # its environment is not the one that the service gets
            one.entry["drift"] = []
    return seen, about


def is_launching(process: _processes.Process) -> bool:
    """Still the release's launcher, which has an empty environment until it has read the file and becomes java.

    Or not even that: the manager's own child, with the manager's command and environment.
    """
    command = [os.path.basename(argument) for argument in process.arguments]
    return command[-1:] == ["launch"] or ("DWP_LAUNCH" not in process.environment and command[:1] != ["java"])


def _seen(store: Store, name: str, entry: dict[str, Any], looked: observe.Found | None, parts: Parts) -> Seen:
    one = Seen(name, entry, entry["pid"], looked.process if looked else None)
    current = entry["current"]
    if not current:
        return one
    one.path = os.path.join(store.path(name, current), "environment")
    one.text = store.text(name, current, "environment")
    if one.text is not None:
        one.file = _envfile.read(one.text).values
    else:
        why = "only its owner and root may read it (become: true)" if os.path.exists(one.path) else "the file is missing"
        parts.note(f"environment file of {name}", why, one.path)
    if not status.may_verify(store, name, current):
        parts.note(f"whether the release of {name} was changed by hand", "needs root (become: true)", one.path)
    return one


def _take(one: Seen, pid: int, parts: Parts) -> None:
    """Read the process, or say why it cannot be read."""
    one.pid = pid
    try:
        one.process = _processes.read_process(pid)
    except (_processes.ProcessError, ValueError) as error:
        if getattr(error, "cause", "") != "gone":
            parts.note(f"environment of the process of {one.name}", str(error))


def _orphans(store: Store, found: Mapping[str, observe.Found], parts: Parts) -> dict[str, list[int]]:
    """Services without a manager; a helper that a launcher started and that outlived it is none."""
    answer = parts.guarded("processes without a manager", lambda: observe.orphans(store, found), otherwise={})
    return {name: [pid for pid in pids if runs_the_service(pid)] for name, pids in answer.items()}


def runs_the_service(pid: int) -> bool:
    """Whether a process is there and is Java or a launcher, not some helper of it."""
    try:
        arguments = _processes.read_process(pid).arguments
    except (_processes.ProcessError, ValueError):
        return False
    return any(os.path.basename(argument) in ("java", "launch") for argument in arguments[:2])


def _bare(name: str, running: _manager.Running) -> dict[str, Any]:
    """What the manager alone says of a service whose files cannot be read."""
    return {
        "current": None, "version": None, "git_sha": "", "process_release": None, "state": running.state, "pid": running.pid,
        "since": running.since, "restarts": running.restarts, "exit_status": running.exit_status,
        "exit_signal": running.exit_signal, "result": running.result, "outcome": None, "deployment": None, "started_by": None,
        "activated_at": None, "start_seconds": None, "wave": 0, "after": [], "port": None, "drift": [], "tampered": [],
        "releases": [], "warning": None, "healthy": None, "cause": "" if running.active else "process_dead",
        "message": "" if running.active else f"{name} is {running.state}", "shallow": False,
    }  # fmt: skip


def listeners(seen: Mapping[str, Seen], ports: Mapping[str, int], root: str) -> dict[str, dict[str, Any] | None]:
    """Who holds the port of each service (or component): None where it is free."""
    found = _ports.listeners(ports.values())
    result: dict[str, dict[str, Any] | None] = {}
    for name, port in ports.items():
        listener = found.get(port)
        if listener is None:
            result[name] = None
            continue
        service = listener.environment.get("DWP_SERVICE", "")
        known = bool(service) and host.is_ours(listener.environment, service, root)
        own = name in seen and listener.pid != 0 and listener.pid == seen[name].pid
        result[name] = {
            "port": port, "pid": listener.pid, "command": listener.command, "user": _ports.user_name(listener.user),
            "ours": own or (known and service == name), "service": service if known else "",
        }  # fmt: skip
    return result
