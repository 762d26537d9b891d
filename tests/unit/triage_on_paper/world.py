# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A platform on paper, in which all is well until a scenario breaks something; and the report that triage makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.triage import Inputs, triage
from ansible_collections.dwp.backend.plugins.module_utils._logs.window import iso
from ansible_collections.dwp.backend.plugins.module_utils._platform import catalogue

from .collection import Collection
from .hosts import Host
from .instances import DEPLOYED, DEPLOYMENT, Instance
from .layouts import EXTERNAL, LAYOUTS, SERVICES, platform_of
from .logs import NOW
from .network import Network
from .servers import DRIVER, Postgres, Redis, Session


class World:
    """All hosts of a site with what runs on them."""

    def __init__(
        self, layout: str = "one", *, services: Mapping[str, Mapping[str, Any]] | None = None, only: Sequence[str] = (),
        limit: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self.layout = LAYOUTS[layout]
        self._limit = limit
        self.platform = platform_of(self.layout, services or {}, only)
        self.hosts = {name: Host(name, address) for name, address in self.layout.hosts.items()}
        self.network = Network(self)
        self.deployments: list[dict[str, Any]] = []
        self.deployment(DEPLOYMENT, NOW - DEPLOYED + 60, NOW - DEPLOYED - 90)
        self.migrations: dict[str, dict[str, Any]] = {}  # service -> what is unusual about those of its database
        self.logs_unreadable = False
        places = [(name, host) for name in SERVICES for host in self.layout.where[name]]
        self._instances = [Instance(self, name, self.hosts[host], number) for number, (name, host) in enumerate(places, 1)]
        self.postgres = Postgres(self._home("postgres", "db.example.internal"), NOW, self._pools)
        self.redis = Redis(self._home("redis", "cache.example.internal"))
        self.postgres_servers = [self.postgres]

    def _home(self, component: str, external: str) -> str:
        return EXTERNAL[external] if self.layout.external else self.hosts[self.layout.where[component][0]].address

    def _pools(self) -> list[Session]:
        """Hikari keeps its connections open."""
        users = [one for one in self._instances if "DB_NAME" in one.given and one.runs]
        return [[one.given["DB_NAME"], DRIVER, "idle", 10] for one in users]

    # ---- who there is
    def __getitem__(self, key: str | tuple[str, str]) -> Instance:
        """``world["mail"]`` is the only instance, or the first one; ``world["mail", "app-2"]`` the one of that host."""
        name, host = (key, "") if isinstance(key, str) else key
        return next(one for one in self.instances_of(name) if host in ("", one.host.name))

    def instances(self) -> list[Instance]:
        return list(self._instances)

    def instances_of(self, name: str) -> list[Instance]:
        return [one for one in self._instances if one.name == name]

    def address(self, host: str) -> str:
        return self.hosts[host].address

    # ---- what happened
    def deployment(self, name: str, began: float, ended: float | None = None) -> None:
        """By kim, so many seconds ago; one without an end is under way."""
        start = {"at": iso(NOW - began), "event": "begin", "deployment": name, "kind": "deploy", "owner": "kim@ops"}
        self.deployments.append(start)
        if ended is not None:
            self.deployments.append({"at": iso(NOW - ended), "event": "end", "deployment": name, "outcome": "ok"})
            return
        for host in self.hosts.values():
            host.lock = {"owner": "kim@ops", "deployment": name, "kind": "deploy", "since": iso(NOW - began)}

    # ---- what triage makes of it
    def report(self, folder: Path) -> dict[str, Any]:
        names = [name for name in self.hosts if not self._limit or name in self._limit]
        asked = [self.hosts[name] for name in names if not self.hosts[name].lost]
        answers = {host.name: Collection(self, host, folder / host.name).collect() for host in asked}
        lost = {name: self.hosts[name].lost for name in names if self.hosts[name].lost}
        given = Inputs(catalogue.without_secrets(self.platform), answers, lost, names, now=NOW, inventory="inventories/site")
        return triage(given)
