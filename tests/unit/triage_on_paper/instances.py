# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances on paper: one process of a service with its release, its environment, its log, and what it answers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ansible_collections.dwp.backend.plugins.module_utils import _envfile, _processes
from ansible_collections.dwp.backend.plugins.module_utils._collect.services import Seen
from ansible_collections.dwp.backend.plugins.module_utils._logs.window import iso
from ansible_collections.dwp.backend.plugins.module_utils._platform import environment as derive
from ansible_collections.dwp.backend.plugins.module_utils._probe_model import Answer, Rung
from ansible_collections.dwp.backend.plugins.module_utils._release import plan

from . import texts
from .hosts import Host
from .layouts import DATABASES, PORTS
from .logs import NOW, Log
from .network import ERROR, SILENT, actuator, said

if TYPE_CHECKING:
    from .world import World

DEPLOYMENT = "20261120-013000-ab12"  # by which all was deployed
DEPLOYED = NOW - 3 * 86400.0
LOG_DIR = "/opt/dwp/log"
_TO_STOP, _TO_START = 8.0, 12.4  # s that a restart takes for each


class Instance:
    """It was deployed three days ago and is well."""

    def __init__(self, world: World, name: str, host: Host, number: int) -> None:
        self._world, self.name, self.host = world, name, host
        self.port, self.pid, self.began = PORTS[name], 4000 + number * 37, DEPLOYED
        self.releases = [f"7f3c2a1-{number:08x}"]
        self.entry: dict[str, Any] = {}  # what is unusual about what manager and releases tell
        self.facts: dict[str, Any] = {}  # the same for /proc
        self.runs = self.listening = True
        self.loopback = False  # listens there alone
        self.reaches: set[str] = set()  # servers that it reaches, whatever its variables say
        self.answers: dict[str, Answer] = {}  # by path; "*" for all
        self.latency: float | None = None
        values = derive.environment_of(world.platform, name, host.name, address=world.address, log_dir=LOG_DIR).values
        self.given, self.file = dict(values), dict(values)  # of the process, of the release on disk
        self.log = Log(name, self.pid)
        self.log.begin(self.began, self.pid)

    @property
    def release(self) -> str:
        return self.releases[-1]

    # ---- what scenarios do to it
    def set(self, variable: str, value: str) -> None:
        """It was deployed with this value."""
        self.given[variable] = self.file[variable] = value

    def edit(self, variable: str, value: str, *, restarted: bool = True) -> None:
        """Somebody wrote this into the file of the release."""
        self.file[variable] = value
        if restarted:
            self.given[variable] = value
        self.entry["tampered"] = ["environment"]

    def restart(self, ago: float, *, in_order: bool = True, started_after: float = _TO_START) -> None:
        """The process that runs now began so many seconds ago."""
        time = NOW - ago
        if in_order:
            self.log.shut_down(time - _TO_STOP)
            self.log.systemd.append((time - _TO_STOP + 0.5, 6, self._unit("Stopped")))
        self.pid, self.began = self.pid + 5000, time
        self.log.pid = self.pid
        self.log.systemd.append((time, 6, self._unit("Started")))
        self.log.begin(time, self.pid, started_after=started_after if ago > started_after else None)

    def start_again(self, ago: float, *, started_after: float = 6.0) -> None:
        """The manager starts one that ended by itself."""
        self.pid, self.began = self.pid + 11, NOW - ago
        self.log.pid = self.pid
        self.log.begin(self.began, self.pid, started_after=started_after)

    def begin(self, ago: float) -> None:
        """A process that is not up yet is there since then."""
        self.pid, self.began = self.pid + 100, NOW - ago
        self.log.pid = self.pid
        self.log.begin(self.began, self.pid, started_after=None)

    def deploy(self, ago: float, deployment: str) -> None:
        """A new release is active since then."""
        self.entry.update(activated_at=iso(NOW - ago - 10), deployment=deployment, started_by=deployment)
        self.releases.append(f"9aa41c0-{self.pid:08x}")
        self.restart(ago)

    def starting(self, ago: float, started_after: float) -> None:
        """Restarted, and its port is not open yet."""
        self.restart(ago, started_after=started_after)
        self.listening = False

    def stop(self, ago: float) -> None:
        """By an operator."""
        time = NOW - ago
        self.log.shut_down(time)
        self.log.systemd += [(time + 1, 6, f"{self._unit()}: Deactivated successfully."), (time + 1, 6, self._unit("Stopped"))]
        self._gone("stopped", 143)

    def kill(self, ago: float, *, for_memory: bool = False, stays_down: bool = False) -> None:
        """By signal 9; of the kernel when memory was short."""
        time, result = NOW - ago, "oom-kill" if for_memory else "signal"
        self.log.end(time)
        self.log.systemd += [
            (time, 5, f"{self._unit()}: Main process exited, code=killed, status=9/KILL"),
            (time, 4, f"{self._unit()}: Failed with result '{result}'."),
        ]
        if for_memory:
            self.host.out_of_memory(ago + 0.1, self.pid, unit=self._unit())
        if stays_down:
            self._gone("failed", 9, "SIGKILL", result)

    def exit(self, ago: float, status: int = 1, *, stays_down: bool = False) -> None:
        """It ends by itself."""
        time, word = NOW - ago, "FAILURE" if status == 1 else "n/a"
        self.log.end(time)
        self.log.systemd += [
            (time, 5, f"{self._unit()}: Main process exited, code=exited, status={status}/{word}"),
            (time, 4, f"{self._unit()}: Failed with result 'exit-code'."),
        ]
        if stays_down:
            self._gone("failed", status, "", "exit-code")

    def fail_to_start(self, ago: float, text: str, *, after: float = 8.0) -> None:
        """A start that ended with this error, and nobody tried again."""
        pid = self.pid + 3
        self.log.begin(NOW - ago, pid, started_after=None)
        self.log.error(ago - after, text, logger=texts.BOOT, pid=pid)
        self.exit(ago - after - 1, stays_down=True)

    def _unit(self, done: str = "") -> str:
        unit = f"dwp-{self.name}.service"
        return f"{done} {unit} - {self.name} of the backend." if done else unit

    def _gone(self, state: str, status: int, signal: str = "", result: str = "") -> None:
        self.runs = self.listening = False
        self.entry.update(state=state, exit_status=status, exit_signal=signal, result=result)

    # ---- what the host tells about it
    def seen(self) -> Seen:
        """As manager, files and /proc show it."""
        text = "".join(f"{name}={_envfile.quote(value)}\n" for name, value in sorted(self.file.items()))
        process = self._process() if self.runs else None
        state = "running" if self.runs else "stopped"
        entry: dict[str, Any] = {
            "current": self.release, "version": "7f3c2a1", "git_sha": "7f3c2a1d0c", "process_release": self.release if self.runs else None,
            "state": state, "pid": self.pid if self.runs else 0, "since": round(self.began, 2), "restarts": 0, "exit_status": 0,
            "exit_signal": "", "result": "", "outcome": "good", "deployment": DEPLOYMENT, "started_by": DEPLOYMENT,
            "activated_at": iso(DEPLOYED), "start_seconds": _TO_START, "wave": self._world.platform["services"][self.name].get("wave", 0),
            "after": [], "port": self.port, "drift": plan.drift(process.environment, text) if process else [], "tampered": [],
            "archive": None, "releases": list(self.releases), "warning": None, "healthy": None,
            "cause": "" if self.runs else "process_dead", "message": "", "shallow": False, "orphans": [], **self.entry,
        }  # fmt: skip
        if not self.runs:
            entry["message"] = f"{self.name} is {entry['state']}"
        path = f"/opt/dwp/services/{self.name}/releases/{self.release}/environment"
        return Seen(self.name, entry, entry["pid"], process, text, path, _envfile.read(text).values)

    def _process(self) -> _processes.Process:
        ticks = int((self.began - self.host.booted) * _processes.clock_ticks())
        options = self._world.platform["services"][self.name]["jvm_options"]
        arguments = ("java", *options, "-jar", f"/opt/dwp/services/{self.name}/current/app.jar")
        launch = f"/opt/dwp/services/{self.name}/releases/{self.release}"
        environment = {**self.given, "DWP_SERVICE": self.name, "DWP_LAUNCH": launch, "PATH": "/usr/bin"}
        return _processes.Process(self.pid, ticks, "S", 1, arguments, environment)

    def process_facts(self) -> dict[str, Any]:
        return {
            "pid": self.pid, "started": round(self.began, 1), "state": "S", "rss_mb": 312, "peak_mb": 353, "threads": 41, "fds": 88,
            "fd_limit": 65536, "cpu_seconds": 214.5, "executable": "/usr/lib/jvm/java-17/bin/java", "java_version": 17,
            "memory_limit_mb": None, "oom_kills": 0, **self.facts,
        }  # fmt: skip

    def listener(self) -> dict[str, Any] | None:
        if not (self.runs and self.listening):
            return None
        command = "java -Xmx384m"
        return {"port": self.port, "pid": self.pid, "command": command, "user": "dwp", "ours": True, "service": self.name}

    def listens(self) -> list[str]:
        return [f"127.0.0.1:{self.port}" if self.loopback else f"[::]:{self.port}"] if self.listener() else []

    # ---- what it answers
    def answer(self, rung: Rung) -> Answer:
        if rung.kind == "tcp":
            return Answer(latency_ms=0.3)
        if rung.kind not in ("http", "actuator"):
            return SILENT
        found = self.answers.get(rung.path) or self.answers.get("*") or self._usual(rung.path, rung.headers)
        return found if self.latency is None else replace(found, latency_ms=self.latency)

    def _usual(self, path: str, headers: Any) -> Answer:
        """As the reference backend answers."""
        if self.name == "gateway":
            without_tenant = path.startswith("/api/") and "X-Tenant-ID" not in headers
            return Answer(http_status=400, latency_ms=3.0) if without_tenant else said(404, {"status": 404, "path": path})
        if self.name == "auth":
            if path == "/auth/policy" and headers.get("X-Tenant-ID"):
                return self._from_database()
            return said(401, {"status": "ERROR", "errorCode": "E2000"})
        if self.name == "main" and path == "/actuator/health":
            stores = {"db": self._store("postgres"), "redis": self._store("redis")}
            if SILENT in stores.values():
                return SILENT
            states = {name: "UP" if state is None else "DOWN" for name, state in stores.items()}
            return actuator("DOWN" if "DOWN" in states.values() else "UP", **states, diskSpace="UP", ping="UP")
        if self.name == "synapsex" and path == "/synapse/dictionary":
            return self._from_database()
        return said(200, {"status": "SUCCESS"}) if path == f"/{self.name}/health" else ERROR

    def _from_database(self) -> Answer:
        return self._store("postgres") or said(200, {"status": "SUCCESS"})

    def _store(self, component: str) -> Answer | None:
        """What a request gets that needs the server: None when all is well."""
        if component in self.reaches:
            return None
        answer = self._world.network.ask(self.host.name, self._login(component))
        if answer.failure == "timeout":
            return SILENT
        return ERROR if answer.failure or answer.code else None

    def _login(self, component: str) -> Rung:
        given = self.given
        if component == "postgres":
            host, port = given.get("DB_HOST", "localhost"), int(given.get("DB_PORT", "5432"))
            login = {"user": given.get("DB_USERNAME"), "password": given.get("DB_PASSWORD")}
            return Rung("postgres", host, port, database=given.get("DB_NAME", DATABASES[self.name]), **login)
        names = self._world.platform["services"][self.name]["redis_variables"]
        host, port = given.get(names["host"], "localhost"), int(given.get(names["port"], "6379"))
        return Rung("redis", host, port, password=given.get(names["password"]))
