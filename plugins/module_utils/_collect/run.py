# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that triage wants to know of one host, in one go. Reads only, and always gives an answer."""

from __future__ import annotations

import functools
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils import _environment, _journal, _lock, _ports, _processes, _supervisor
from ansible_collections.dwp.backend.plugins.module_utils._collect import edges, host, migrations, postgres, redis_server, services
from ansible_collections.dwp.backend.plugins.module_utils._collect import environment as environments
from ansible_collections.dwp.backend.plugins.module_utils._collect import process as processes
from ansible_collections.dwp.backend.plugins.module_utils._collect.parts import Parts
from ansible_collections.dwp.backend.plugins.module_utils._command import Commands
from ansible_collections.dwp.backend.plugins.module_utils._environment_model import RuleError
from ansible_collections.dwp.backend.plugins.module_utils._logs.scrub import Scrubber
from ansible_collections.dwp.backend.plugins.module_utils._release import status
from ansible_collections.dwp.backend.plugins.module_utils._release.store import Store

EVENTS = ("begin", "end", "activating", "gated")
MOST_EVENTS = 20
PROBE_TIMEOUT = 5.0
COMMAND_TIMEOUT = 5.0
PATIENCE = 1.0  # s after which logs are read while slow parts are still under way
OOM_WINDOW = 24 * 3600.0


@dataclass
class Question:
    """What the action plugin knows and this host does not; ``platform`` is described in plugin_utils/triage.py."""

    root: str
    manager: str
    log_dir: str
    platform: Mapping[str, Any]
    fingerprint_key: str = ""
    budget: float = 20.0
    disk_percent: float = 5.0
    disk_mb: float = 200.0
    limited: bool = False  # dwp_only: services that the catalogue does not name are left out
    #: The logs, when they are wanted: (what was collected, secrets, seconds) -> the result of dwp_logs.
    logs: Callable[[Mapping[str, Any], set[str], float], dict[str, Any]] | None = field(default=None, repr=False)


class Collector:
    """One host. Parts run at the same time; each puts its answer where it belongs."""

    def __init__(self, question: Question, run: Callable[..., tuple[int, str, str]], clock: Callable[[], float] = time.time) -> None:
        self.question, self.platform, self._clock = question, question.platform, clock
        self.begin = clock()
        self.parts = Parts(str(self.platform["host"]), question.budget)
        self.commands = Commands(run)
        self.store = Store(question.root)
        self.seen: dict[str, services.Seen] = {}
        self.secrets: set[str] = set()
        self.probe_timeout = min(PROBE_TIMEOUT, question.budget / 3)

    def run(self, argv: Any) -> tuple[int, str, str]:
        """A command of the host that may not hang."""
        done = self.commands(list(argv), timeout=COMMAND_TIMEOUT)
        return done.status, done.out, done.err

    # ---- the whole
    def collect(self) -> dict[str, Any]:
        parts, platform = self.parts, self.platform
        catalogue: Mapping[str, Any] = platform["services"]
        found: dict[str, Any] = {
            "host": {"name": platform["host"], "time": self.begin}, "services": {}, "components": {}, "edges": [], "databases": [],
            "redis": [], "deployments": [], "fingerprint_key": _key_id(self.question.fingerprint_key),
        }  # fmt: skip
        parts.start("host", host.facts)
        parts.start("disks", self._disks)
        parts.start("Java", lambda: host.java(self.run))
        parts.start("OOM kills", lambda: host.oom_kills(self.begin - OOM_WINDOW, self.run, self.begin))
        parts.start("deployments", self._deployments)
        deployed = services.deployed(self.store, parts)
        deployed = [name for name in deployed if not self.question.limited or name in catalogue]
        names = sorted({*(name for name, service in catalogue.items() if service["here"]), *deployed})
        looked = parts.guarded(
            "services", lambda: services.look(self.store, self.question.manager, names, self.run, parts), otherwise=({}, {})
        )
        self.seen, manager = looked
        if manager and not manager["reachable"] and any(one.entry["current"] for one in self.seen.values()):
            parts.note(f"state of the services ({manager['kind']})", manager["message"])
        probes_since = self._clock()
        entries = {name: one.entry for name, one in self.seen.items()}
        self.secrets = environments.secrets_of(self.seen.values(), platform["rules"])
        outlook = parts.guarded("environments", self._environments)
        self._ask(entries, outlook)
        parts.wait(PATIENCE)
        self._assemble(found, entries, manager, probes_since)
        logs = self._logs(found)
        parts.wait()
        parts.close()
        for entry in entries.values():  # one that was ending when it was seen, as in a restart, is no orphan
            entry["orphans"] = [pid for pid in entry.get("orphans") or () if services.runs_the_service(pid)]
        self._assemble(found, entries, manager, probes_since)
        if logs is not None:
            name_kills(found["host"].get("oom_kills") or [], logs)
        found["not_checked"] = parts.not_checked
        found["seconds"] = round(self._clock() - self.begin, 3)
        clean = scrubbed(found, Scrubber(self.secrets))
        clean["host"]["ended"] = self._clock()
        return {"collected": clean, "logs": logs}

    # ---- parts
    def _disks(self) -> list[dict[str, Any]]:
        paths = {"releases": self.question.root, "logs": self.question.log_dir, "tmp": "/tmp"}
        for name, component in self.platform["components"].items():
            data = self._data_directory(name, component)
            if data:
                paths[name] = data
        return host.disks(paths, self.question.disk_percent, self.question.disk_mb)

    def _data_directory(self, name: str, component: Mapping[str, Any]) -> str:
        if not component["here"]:
            return ""
        if component["provider"] == "embedded":
            return os.path.join(self.question.root, "infra", name)
        known = {"postgres": ("/var/lib/postgresql", "/var/lib/pgsql"), "redis": ("/var/lib/redis",)}.get(name, ())
        return next((path for path in known if component["provider"] == "packages" and os.path.isdir(path)), "")

    def _deployments(self) -> list[dict[str, Any]]:
        return [entry for entry in _journal.read(self.question.root) if entry["event"] in EVENTS][-MOST_EVENTS:]

    def _environments(self) -> environments.Environments:
        fingerprint = _environment.fingerprinter(self.question.fingerprint_key.encode() or None)
        host_name, rules, extra = str(self.platform["host"]), self.platform["rules"], self.platform.get("extra_rules") or ()
        try:
            return environments.Environments(self.seen, host_name, rules, extra, fingerprint)
        except RuleError as error:
            self.parts.note("rules of the site (dwp_environment_rules)", str(error))
            return environments.Environments(self.seen, host_name, rules, (), fingerprint)

    def _ask(self, entries: Mapping[str, dict[str, Any]], outlook: environments.Environments | None) -> None:
        """Start every question that needs to know the services."""
        parts, catalogue = self.parts, self.platform["services"]
        policies = {name: service["policy"] for name, service in catalogue.items() if service["here"]}
        asked = {name: {**entry, "pid": self.seen[name].pid} for name, entry in entries.items()}
        parts.start("health", lambda: (status.add_health(self.store, asked, self.probe_timeout, policies), asked))
        parts.start("listeners", self._listeners)
        parts.start("processes", lambda: {n: self._process(n) for n in self.seen})
        if outlook is not None:
            where, development = str(self.platform["environment"]), bool(self.platform["development"])
            parts.start("environment rules", lambda: outlook.violations(where, development))
            parts.start("environments", lambda: {n: self._environment(outlook, n) for n in self.seen})
        given = {name: one.environment for name, one in self.seen.items() if one.source != "none" and name in catalogue}
        callers = [edge for name, values in given.items() for edge in edges.edges_of(name, catalogue[name]["calls"], values)]
        parts.start("calls", lambda: edges.ask(callers, self.platform["targets"], self.probe_timeout))
        self._ask_stores(given)
        for name, service in catalogue.items():
            if service["here"] and name not in given and (service.get("database") or service.get("redis")):
                parts.note(f"database and Redis of {name}", "its environment is not known: not deployed here, or not readable")

    def _ask_stores(self, given: Mapping[str, Mapping[str, str]]) -> None:
        parts, catalogue = self.parts, self.platform["services"]
        self.databases = postgres.targets(catalogue, given)
        for target, users in self.databases.items():
            entry = postgres.empty(target, users)
            same = {u for other, more in self.databases.items() if other.address == target.address for u in more}
            entry["pool_sum"] = sum(postgres.pool_size(given[user]) for user in same)
            what = f"database {target.database} of {', '.join(users)}"
            parts.start(what, lambda t=target, e=entry: self._database(t, e))  # type: ignore[misc]
        for name, values in given.items():
            if values.get(redis_server.SENTINELS):
                parts.note(f"Redis of {name}", f"{redis_server.SENTINELS} is set, and sentinels are not asked")
        for cache, users in redis_server.targets(catalogue, given).items():
            what = f"Redis {cache.address} of {', '.join(users)}"
            parts.start(what, lambda c=cache, u=users: redis_server.look(c, u, self.probe_timeout))  # type: ignore[misc]
        component = self.platform["components"].get("postgres") or {}
        if component.get("here") and component.get("provider") != "external" and not any(
            postgres.is_ours(component, target) for target in self.databases
        ):
            parts.start("database as administrator", lambda: self._alone(component))

    def _database(self, target: postgres.Target, entry: dict[str, Any]) -> dict[str, Any]:
        """Login as the service, then the survey; as administrator where the service is refused by a server of ours."""
        component = self.platform["components"].get("postgres") or {}
        what = f"database {target.database} from inside"
        for one in target.each():
            entry["address"] = one.address
            if not postgres.look(one, entry, self.probe_timeout):
                continue
            found = self.parts.guarded(what, lambda one=one: postgres.survey(one, self.probe_timeout))  # type: ignore[misc]
            if found:
                postgres.take(entry, found, "service")
            if not (entry["standby"] and target.primary):
                break
        if entry["cause"] == "ok":
            self._migrations(one, entry)
        elif entry["sqlstate"] and postgres.is_ours(component, target):
            admin_database = str(component.get("admin_database") or "postgres")
            database = admin_database if entry["sqlstate"] == "3D000" else target.database
            found = self.parts.guarded(what, lambda: self._administrate(component, database))
            if found:
                postgres.take(entry, found, "administrator")
        else:
            self.parts.note(what, f"no login: {entry['sqlstate'] or entry['cause']}", target.address)
        return entry

    def _administrate(self, component: Mapping[str, Any], database: str) -> dict[str, Any]:
        return postgres.administrate(component, database, self.question.root, self.commands, self.probe_timeout)

    def _alone(self, component: Mapping[str, Any]) -> dict[str, Any]:
        """A server of ours on a host without services that use it."""
        database = str(component.get("admin_database") or "postgres")
        target = postgres.Target("127.0.0.1", int(component["port"]), database, str(component.get("admin_user") or "postgres"), "")
        entry = postgres.empty(target, ())
        postgres.take(entry, self._administrate(component, database), "administrator")
        entry.update(cause="ok", message="the server lets its administrator in")
        return entry

    def _migrations(self, target: postgres.Target, entry: dict[str, Any]) -> None:
        for name in entry["services"]:
            database = self.platform["services"][name]["database"]
            described = self.seen[name].entry
            release = described["process_release"] or described["current"]
            if not database.get("flyway") or not release:
                continue
            jar = os.path.join(self.store.path(name, release), "app.jar")
            # What the running process was given wins, as it does in the application.
            own = self.seen[name].environment
            about = {
                "schema": own.get("SPRING_FLYWAY_DEFAULT_SCHEMA") or database.get("schema"),
                "table": own.get("SPRING_FLYWAY_TABLE") or database.get("table"),
            }
            look = functools.partial(migrations.look, target, about, jar, self.probe_timeout)
            answer = self.parts.guarded(f"migrations of {name}", look)
            if answer:
                entry["flyway"] = {"service": name, "release": release, **answer}
                return

    def _process(self, name: str) -> dict[str, Any] | None:
        pid = self.seen[name].pid
        try:
            return processes.facts(pid, self.run) if pid else None
        except (_processes.ProcessError, ValueError) as error:
            self.parts.note(f"process of {name}", str(error))
            return None

    def _environment(self, outlook: environments.Environments, name: str) -> dict[str, Any]:
        one = self.seen[name]
        started = one.process and _processes.started_at(one.process.start_ticks, _processes.boot_time(), _processes.clock_ticks())
        return outlook.describe(one, started)

    def _listeners(self) -> dict[str, Any]:
        ports = {name: int(port) for name, port in self._ports().items()}
        return services.listeners(self.seen, ports, self.question.root)

    def _ports(self) -> dict[str, Any]:
        wanted = {name: one.entry["port"] or self.platform["services"].get(name, {}).get("port") for name, one in self.seen.items()}
        wanted.update({name: component["port"] for name, component in self.platform["components"].items() if component["here"]})
        return {name: port for name, port in wanted.items() if port}

    # ---- putting it together
    def _assemble(self, found: dict[str, Any], entries: Mapping[str, dict[str, Any]], manager: Mapping[str, Any], since: float) -> None:
        answer = self.parts.answer
        catalogue, components = self.platform["services"], self.platform["components"]
        outcomes, asked = answer("health", ({}, {}))
        listeners, environment = answer("listeners", {}), answer("environments", {})
        violations, facts = answer("environment rules", {}), answer("processes", {})
        for name, entry in entries.items():
            if entry["state"] == "unknown" and not self.seen[name].pid:
                entry.update(healthy=None, cause="", message=f"the {self.question.manager} of this host could not be asked for {name}")
            elif name in asked:
                entry.update({key: asked[name].get(key) for key in ("healthy", "cause", "message", "shallow")})
            if not entry["port"]:
                entry["port"] = catalogue.get(name, {}).get("port")
            entry["placed"] = bool(catalogue.get(name, {}).get("here"))
            entry["health"], entry["process"], entry["listener"] = outcomes.get(name), facts.get(name), listeners.get(name)
            # Of one that does not answer: where it listens instead.
            entry["listens"] = _ports.of_process(entry["pid"]) if entry.get("pid") and entry.get("healthy") is False else []
            entry["environment"] = environment.get(name)
            if entry["environment"]:
                entry["environment"]["violations"] = violations.get(name, [])
        oom = answer("OOM kills")
        found["host"].update(
            {**answer("host", {}), "disks": answer("disks", []), "java": answer("Java"), "oom_kills": oom or [], "manager": manager,
             "lock": self.parts.guarded("lock", lambda: _lock.read(self.question.root)) or {}}
        )
        found.update(
            services=entries, edges=answer("calls", []), deployments=answer("deployments", []),
            components={
                name: {"provider": component["provider"], "port": component["port"], "listener": listeners.get(name)}
                for name, component in components.items() if component["here"]
            },
            databases=self._answers("database "), redis=self._answers("Redis "),
            probes={"since": since, "until": self._clock(), "paths": self._paths()},
            log_sources=self._sources(entries),
        )  # fmt: skip

    def _answers(self, start: str) -> list[dict[str, Any]]:
        return [answer for answer in (self.parts.answer(what) for what in self.parts.names() if what.startswith(start)) if answer]

    def _paths(self) -> list[str]:
        """What services were asked for: their ladders, and those of the services that they call."""
        ladders = [self.store.policy(name).get("probe", {}).get("ladder") or () for name in self.seen]
        ladders += [service["policy"]["probe"]["ladder"] for service in self.platform["services"].values()]
        ladders += [target["ladder"] for target in self.platform["targets"].values()]
        web = [rung for rungs in ladders for rung in rungs if rung.get("kind") in ("http", "actuator")]
        return sorted({str(rung.get("path") or "/actuator/health") for rung in web})

    def _sources(self, entries: Mapping[str, dict[str, Any]]) -> list[dict[str, str]]:
        """The logs of the services here: their own file, their console, their manager's; and the kernel's."""
        sources, with_journal = [], shutil.which("journalctl") is not None and os.path.isdir("/run/systemd/system")
        for name, entry in entries.items():
            if not entry["current"] and not entry["pid"]:
                continue
            path = self.seen[name].environment.get("LOGGING_FILE_NAME") or os.path.join(self.question.log_dir, f"{name}.log")
            if os.path.isabs(path):
                sources.append({"service": name, "kind": "file", "path": path})
            console = os.path.join(self.question.log_dir, f"{name}.console.log")
            if self.question.manager == "systemd":
                sources.append({"service": name, "kind": "journald", "unit": f"dwp-{name}.service"})
                continue
            if os.path.exists(console):
                sources.append({"service": name, "kind": "file", "path": console})
            log = _supervisor.layout(self.question.root).log
            if os.path.exists(log):
                sources.append({"service": name, "kind": "supervisor", "path": log})
        if with_journal:
            sources.append({"service": "host", "kind": "kernel"})
        return sources

    def _logs(self, found: dict[str, Any]) -> dict[str, Any] | None:
        if self.question.logs is None:
            return None
        read = functools.partial(self.question.logs, found, self.secrets, self.parts.left())
        return self.parts.guarded("logs", read)  # type: ignore[no-any-return]


def name_kills(kills: list[dict[str, Any]], logs: Mapping[str, Any]) -> None:
    """Whose process was killed, where no unit tells: the starts in the logs have process ids."""
    pids = {start.get("pid"): name for name, service in (logs.get("services") or {}).items() for start in service.get("starts") or ()}
    for kill in kills:
        kill["service"] = kill["service"] or pids.get(kill["pid"], "")


def scrubbed(value: Any, scrubber: Scrubber) -> Any:
    """Every text without known secrets and control characters; keys are ours."""
    if isinstance(value, str):
        return scrubber.text(value)
    if isinstance(value, Mapping):
        return {key: scrubbed(entry, scrubber) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [scrubbed(entry, scrubber) for entry in value]
    return value


def _key_id(key: str) -> str:
    """Tells whether two results were made with one key, without telling the key."""
    return _environment.fingerprinter(key.encode())("the key itself") if key else ""
