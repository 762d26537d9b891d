# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two service managers behind one small face: systemd on hosts, supervisor where there is no root."""

from __future__ import annotations

import concurrent.futures
import os
import signal
import time
from collections.abc import Sequence
from typing import Callable, NamedTuple, Protocol

from ansible_collections.dwp.backend.plugins.module_utils import _processes, _supervisor

#: (argv) -> (rc, stdout, stderr); AnsibleModule.run_command fits.
Run = Callable[[Sequence[str]], "tuple[int, str, str]"]


#: ExecMainCode: CLD_KILLED and CLD_DUMPED of waitid(2), by which ExecMainStatus is the number of a signal.
_SIGNALLED = ("2", "3")


class ManagerError(Exception):
    """The service manager refused or is not there; the message says which command and why."""


class Running(NamedTuple):
    """One service as its manager sees it. Times are seconds since the epoch, 0 for never."""

    state: str  # running | starting | stopped | failed | missing
    pid: int = 0
    since: float = 0.0
    restarts: int = 0
    exit_status: int = 0
    enabled: bool = True
    exit_signal: str = ""  # that ended the last process; supervisor tells it in its log alone
    result: str = ""  # systemd's word for how the unit ended: exit-code, signal, oom-kill, timeout, start-limit-hit ...

    @property
    def active(self) -> bool:
        return self.state in ("running", "starting")


class Manager(Protocol):
    kind: str

    def path(self, name: str) -> str:
        """Path of the unit or program file."""

    def definition(self, name: str) -> str | None:
        """Text of the installed unit or program file; None if there is none."""

    def define(self, name: str, text: str) -> bool:
        """Install the unit or program file; nothing happens to a running process. True if it changed."""

    def status(self, names: Sequence[str]) -> dict[str, Running]: ...

    def start(self, names: Sequence[str]) -> None: ...

    def stop(self, names: Sequence[str], timeout: float) -> None: ...

    def remove(self, name: str, timeout: float) -> bool:
        """Stop and forget the service."""


class Systemd:
    kind = "systemd"
    _SHOW = ("Id", "LoadState", "ActiveState", "SubState", "MainPID", "NRestarts", "ExecMainStatus", "UnitFileState",
             "ExecMainStartTimestampMonotonic", "ExecMainCode", "Result")

    def __init__(self, run: Run, units: str = "/etc/systemd/system", proc: str = "/proc") -> None:
        self._run, self._units, self._proc = run, units, proc

    @staticmethod
    def unit(name: str) -> str:
        return f"dwp-{name}.service"

    def path(self, name: str) -> str:
        return os.path.join(self._units, self.unit(name))

    def _systemctl(self, *words: str) -> str:
        argv = ["systemctl", "--no-pager", *words]
        rc, out, err = self._run(argv)
        if rc != 0:
            raise ManagerError(f"{' '.join(argv)} ended with {rc}: {(err or out).strip()}")
        return out

    def definition(self, name: str) -> str | None:
        try:
            with open(self.path(name), encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def define(self, name: str, text: str) -> bool:
        changed = _supervisor.write_atomic(self.path(name), text)
        if changed:
            self._systemctl("daemon-reload")
        wanted = os.path.join(self._units, "multi-user.target.wants", self.unit(name))
        if not os.path.islink(wanted):
            self._systemctl("enable", "--quiet", self.unit(name))
            changed = True
        return changed

    def status(self, names: Sequence[str]) -> dict[str, Running]:
        if not names:
            return {}
        out = self._systemctl("show", *[self.unit(n) for n in names], "--property=" + ",".join(self._SHOW))
        by_unit = {}
        for block in out.strip().split("\n\n"):
            fields = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
            by_unit[fields.get("Id", "")] = fields
        return {name: self._running(by_unit.get(self.unit(name), {})) for name in names}

    def _running(self, fields: dict[str, str]) -> Running:
        if fields.get("LoadState") != "loaded":
            return Running("missing", enabled=False)
        states = {"active": "running", "activating": "starting", "reloading": "running", "failed": "failed"}
        state = states.get(fields.get("ActiveState", ""), "stopped")
        if state == "starting" and fields.get("SubState") == "auto-restart":
            state = "failed"  # it died and waits for its next try
        monotonic = int(fields.get("ExecMainStartTimestampMonotonic") or 0)
        since = time.time() - self._uptime() + monotonic / 1e6 if monotonic else 0.0
        status = int(fields.get("ExecMainStatus") or 0)
        signalled = fields.get("ExecMainCode") in _SIGNALLED
        result = fields.get("Result", "")
        return Running(
            state, int(fields.get("MainPID") or 0), round(since, 2), int(fields.get("NRestarts") or 0),
            status, fields.get("UnitFileState") == "enabled",
            _signal_name(status) if signalled else "", "" if result == "success" else result,
        )

    @staticmethod
    def _uptime() -> float:
        return time.clock_gettime(time.CLOCK_MONOTONIC)

    def start(self, names: Sequence[str]) -> None:
        if names:
            units = [self.unit(n) for n in names]
            self._run(["systemctl", "--no-pager", "reset-failed", *units])
            self._systemctl("start", *units)

    def stop(self, names: Sequence[str], timeout: float) -> None:
        defined = [self.unit(n) for n in names if self.definition(n) is not None]
        if defined:  # systemctl refuses to stop a unit that it never heard of
            self._systemctl("stop", *defined)

    def journal(self, name: str, lines: int) -> list[str]:
        """The last lines that the service wrote to its console."""
        _rc, out, _err = self._run(["journalctl", "-u", self.unit(name), "-n", str(lines), "-o", "cat", "--no-pager"])
        return out.splitlines()

    def remove(self, name: str, timeout: float) -> bool:
        if self.definition(name) is None:
            return False
        self._run(["systemctl", "--no-pager", "disable", "--now", "--quiet", self.unit(name)])
        os.unlink(self.path(name))
        self._systemctl("daemon-reload")
        return True


class Supervisord:
    kind = "supervisor"

    def __init__(self, root: str) -> None:
        self._root = root
        self._supervisor = _supervisor.Supervisor(root)

    def path(self, name: str) -> str:
        return self._supervisor.paths.program(name)

    def definition(self, name: str) -> str | None:
        try:
            with open(self.path(name), encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def define(self, name: str, text: str) -> bool:
        return self._supervisor.write_program(name, text)

    def status(self, names: Sequence[str]) -> dict[str, Running]:
        try:
            known = self._supervisor.statuses()
        except _supervisor.SupervisorError:
            return {name: Running("missing", enabled=False) for name in names}
        return {name: self._running(known.get(name)) for name in names}

    @staticmethod
    def _running(status: _supervisor.Status | None) -> Running:
        if status is None:
            return Running("missing", enabled=False)
        states = {_supervisor.RUNNING: "running", _supervisor.STARTING: "starting"}
        ended = {_supervisor.FATAL: "failed", _supervisor.BACKOFF: "failed", _supervisor.EXITED: "failed"}
        state = states.get(status.state) or ended.get(status.state) or "stopped"
        if status.state == _supervisor.EXITED and status.exitstatus in (0, 143):
            state = "stopped"
        started = _processes.since(status.pid) if status.pid else 0.0  # supervisord tells whole seconds
        return Running(state, status.pid, round(started, 2) or float(status.start), 0, status.exitstatus)

    def start(self, names: Sequence[str]) -> None:
        for name in names:
            try:
                self._supervisor.activate(name)
                self._supervisor.start(name)
            except _supervisor.SupervisorError as error:
                raise ManagerError(str(error)) from error

    def stop(self, names: Sequence[str], timeout: float) -> None:
        try:
            with concurrent.futures.ThreadPoolExecutor(max(1, len(names))) as pool:  # stopping takes 2 to 6 s each
                list(pool.map(lambda name: _supervisor.Supervisor(self._root).stop(name, timeout), names))
        except _supervisor.SupervisorError as error:
            raise ManagerError(str(error)) from error

    def console(self, name: str) -> str:
        """Path of the file that takes what the service writes to its console."""
        try:
            status = self._supervisor.status(name)
        except _supervisor.SupervisorError:
            status = None
        return status.logfile if status else ""

    def remove(self, name: str, timeout: float) -> bool:
        try:
            return self._supervisor.remove(name, timeout)
        except _supervisor.SupervisorError as error:
            raise ManagerError(str(error)) from error


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def of_kind(kind: str, root: str, run: Run) -> Manager:
    return Systemd(run) if kind == "systemd" else Supervisord(root)
