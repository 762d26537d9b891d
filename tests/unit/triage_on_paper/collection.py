# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host is collected: the real collector and the real log reader, with the machine under them on paper."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.dwp.backend.plugins.module_utils import _gate, _ports, _prober, _processes
from ansible_collections.dwp.backend.plugins.module_utils._collect import (
    edges,
    host,
    migrations,
    postgres,
    process,
    redis_server,
    services,
)
from ansible_collections.dwp.backend.plugins.module_utils._collect.parts import NotChecked
from ansible_collections.dwp.backend.plugins.module_utils._collect.run import Collector, Question
from ansible_collections.dwp.backend.plugins.module_utils._logs import answer as log_answer
from ansible_collections.dwp.backend.plugins.module_utils._logs import journal
from ansible_collections.dwp.backend.plugins.module_utils._platform import environment as derive
from ansible_collections.dwp.backend.plugins.module_utils._probe_model import Answer, Rung
from ansible_collections.dwp.backend.plugins.plugin_utils import triage
from tests.unit.logs import helpers

from .hosts import Host
from .instances import LOG_DIR, Instance
from .layouts import DATABASES
from .logs import NOW, Logs
from .servers import Postgres

if TYPE_CHECKING:
    from .world import World

_KEY = "0123456789abcdef0123456789abcdef"
_BUDGET = 600.0  # s; so long that a busy machine changes nothing
_KERNEL = {"service": "host", "kind": "kernel"}
_VERSIONS = {"dwp_auth": "34", "dwp_main": "4", "dwp_aura": "5"}
_MANAGER = {"kind": "systemd", "reachable": True, "gone": False, "message": ""}


class View:
    """The platform as one host of the play sees it."""

    def __init__(self, world: World, name: str) -> None:
        self._world, self.host = world, name

    def catalogue(self) -> dict[str, Any]:
        return self._world.platform

    def address(self, name: str) -> str:
        return self._world.address(name)

    def get(self, _name: str, default: Any = None) -> Any:
        return default

    def environment(self, platform: Mapping[str, Any], service: str, name: str) -> derive.Environment:
        return derive.environment_of(platform, service, name, address=self.address, log_dir=LOG_DIR)


class Collection:
    """What dwp_collect brings from one host; its methods stand in for the machine, its programs and its network."""

    def __init__(self, world: World, about: Host, folder: Path) -> None:
        self._world, self._host, self._folder = world, about, folder
        self._instances = {one.name: one for one in world.instances() if one.host is about}
        self._logs = Logs(about, {name: one.log for name, one in self._instances.items()}, folder, world.logs_unreadable)
        self._view: Any = View(world, about.name)
        self._platform = triage.host_platform(self._view)

    def collect(self) -> dict[str, Any]:
        if self._host.broken:
            missing = [{"what": "everything", "where": self._host.name, "why": self._host.broken}]
            return {"collected": {"host": {"name": self._host.name}, "not_checked": missing}, "logs": None}
        self._write()
        question = Question(
            root=str(self._folder), manager="systemd", log_dir=LOG_DIR, platform=self._platform, fingerprint_key=_KEY, budget=_BUDGET,
            limited=bool(self._platform["limited"]), logs=self._read_logs,
        )  # fmt: skip
        with self._instead():
            found = Collector(question, self._command, lambda: NOW + self._host.offset).collect()
        about = found["collected"]["host"]
        about.pop("ended")
        about.update(offset_seconds=self._host.offset, offset_uncertainty=0.21)
        for entry in found["collected"]["not_checked"]:
            if re.match(r"[A-Z]\w+(Error|Exception)\b", entry["why"]):
                # The collector goes on without a part that meets an error; here it is a mistake of the paper.
                raise RuntimeError(f"{entry['what']} on {entry['where']}: {entry['why']}")
        triage.compare_with_inventory(self._view, found["collected"]["services"], _KEY)
        return dict(triage.without_inventory_secrets(self._view, found))

    def _write(self) -> None:
        self._folder.mkdir(parents=True)
        self._logs.write()
        entries = "".join(json.dumps(entry) + "\n" for entry in self._world.deployments)
        (self._folder / "journal.jsonl").write_text(entries, encoding="utf-8")
        if self._host.lock:
            (self._folder / "lock.json").write_text(json.dumps(self._host.lock), encoding="utf-8")

    def _read_logs(self, found: Mapping[str, Any], secrets: set[str], _seconds: float) -> dict[str, Any]:
        """As dwp_collect asks for them; whether the machine of the tests has systemd must not matter."""
        sources = [one for one in found["log_sources"] if one != _KERNEL]
        there = [{**one, "path": one["path"].replace(LOG_DIR, str(self._folder))} if "path" in one else one for one in sources]
        question = {
            "sources": [*there, _KERNEL], "since": "1h", "until": None, "ids": [], "expand_ids": True, "calls": self._platform["calls"],
            "scan": True, "signatures": [], "environment_name": self._platform["environment"], "levels": ["ERROR"],
            "ignore_paths": found["probes"]["paths"], "ignore_windows": [], "environment_files": [], "secrets": sorted(secrets),
            "time_budget": _BUDGET, "max_templates": 20, "max_evidence": 3, "max_text": 2000,
        }  # fmt: skip
        told = log_answer.answer(question, NOW + self._host.ahead, "journalctl", self._host.name)
        return dict(json.loads(json.dumps(told).replace(str(self._folder), LOG_DIR)))

    @contextmanager
    def _instead(self) -> Iterator[None]:
        """The machine under the collector is taken away, and the paper put there."""
        gate = functools.partial(
            _gate.gate, ask=self._ask, start=lambda job: job(), alive=lambda _probe: None, clock=lambda: 0.0,
        )  # fmt: skip
        with pytest.MonkeyPatch.context() as patch:
            for module, name, instead in (
                (_gate, "gate", gate), (_prober, "ask", self._ask), (edges, "addresses", self._addresses),
                (postgres, "require", lambda _library: None), (redis_server, "require", lambda _library: None),
                (postgres, "survey", self._survey), (postgres, "administrate", self._administrate),
                (redis_server, "_ask_info", lambda _target, _timeout: self._world.redis.info),
                (migrations, "look", self._migrations), (services, "look", self._services), (services, "listeners", self._listeners),
                (process, "facts", self._process_facts), (_processes, "boot_time", lambda: int(self._host.booted)),
                (_ports, "of_process", self._listens), (host, "facts", self._host.facts), (host, "disks", self._disks),
                (host, "java", self._java), (host, "read_kmsg", lambda _path, _boot: self._host.kernel_lines()),
                (journal, "Journal", self._logs.journal), (log_answer, "catalogue", lambda _site: helpers.CATALOGUE),  # made once
            ):  # fmt: skip
                patch.setattr(module, name, instead)
            yield

    def _command(self, argv: list[str], **_more: Any) -> tuple[int, str, str]:
        raise AssertionError(f"no program may be run: {argv}")

    # ---- the network
    def _ask(self, rung: Rung, _timeout: float, _cutter: Any) -> Answer:
        return self._world.network.ask(self._host.name, rung)

    def _addresses(self, name: str) -> set[str]:
        found = self._world.network.resolve(self._host.name, name)
        return {found} if found else set()

    # ---- PostgreSQL
    def _survey(self, target: postgres.Target, _timeout: float) -> dict[str, Any]:
        address = self._world.network.address(self._host.name, target.host)
        (server,) = (one for one in self._world.postgres_servers if one.address == address)
        return server.survey(target.database)

    def _administrate(self, _component: Any, database: str, *_more: Any) -> dict[str, Any]:
        server: Postgres = self._world.postgres
        if not server.listening or server.frozen:
            raise NotChecked("psql as postgres: connection to server failed: Connection refused. Is the server running?")
        return server.survey(database)

    def _migrations(self, target: postgres.Target, about: Mapping[str, Any], _jar: str, _timeout: float) -> dict[str, Any]:
        version = _VERSIONS[target.database]
        (service,) = (name for name, database in DATABASES.items() if database == target.database)
        return {
            "schema": about["schema"], "table": "flyway_schema_history", "exists": True, "schema_version": version,
            "counts": {"Success": int(version)}, "failed": [], "pending": [], "errors": [], "newer_than_jar": False, "lock_held": False,
            "warnings": [], "message": f"{target.database} is at version {version}; valid.", **self._world.migrations.get(service, {}),
        }  # fmt: skip

    # ---- the machine
    def _services(self, _store: Any, _kind: str, names: list[str], *_more: Any) -> tuple[dict[str, services.Seen], dict[str, Any]]:
        return {name: self._instances[name].seen() for name in names}, dict(_MANAGER)

    def _listeners(self, _seen: Any, ports: Mapping[str, int], _root: str) -> dict[str, dict[str, Any] | None]:
        return {name: self._instances[name].listener() if name in self._instances else self._component(name) for name in ports}

    def _component(self, name: str) -> dict[str, Any] | None:
        server = {"postgres": self._world.postgres, "redis": self._world.redis}[name]
        command = {"postgres": "/usr/lib/postgresql/16/bin/postgres -D", "redis": "/usr/bin/redis-server 127.0.0.1:6379"}[name]
        about = {"port": server.port, "pid": 811, "command": command, "user": name, "ours": False, "service": ""}
        return about if server.listening else None

    def _by_pid(self, pid: int) -> Instance:
        (found,) = (one for one in self._instances.values() if one.pid == pid)
        return found

    def _process_facts(self, pid: int, _run: Any) -> dict[str, Any]:
        return self._by_pid(pid).process_facts()

    def _listens(self, pid: int) -> list[str]:
        return self._by_pid(pid).listens()

    def _disks(self, wanted: Mapping[str, str], *_limits: float) -> list[dict[str, Any]]:
        # Which servers the machine of the tests has must not matter.
        servers = [name for name in ("postgres", "redis") if self._host.name in self._world.layout.where.get(name, ())]
        return self._host.disks([*(purpose for purpose in wanted if purpose not in servers), *servers])

    def _java(self, _run: Any) -> dict[str, Any]:
        return {"path": f"/usr/lib/jvm/java-{self._host.java}/bin/java", "version": self._host.java}
