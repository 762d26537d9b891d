# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the platform on paper runs, and the catalogue that its inventory would give."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.dwp.backend.plugins.module_utils._platform import catalogue

ROOT = Path(__file__).parents[3]
AURA = "aura.example.internal"
AURA_URL = f"http://{AURA}:9000"
DATABASE_PASSWORD, REDIS_PASSWORD = "pg-secret-0815", "redis-secret-4711"
PORTS = {"gateway": 8080, "auth": 8001, "main": 8081, "mail": 8082, "chat": 8083, "approval": 8084, "synapsex": 8085}
SERVICES = tuple(PORTS)
DATABASES = {
    "auth": "dwp_auth", "main": "dwp_main", "mail": "dwp_mail", "chat": "dwp_chat", "approval": "dwp_approval", "synapsex": "dwp_aura",
}  # fmt: skip
#: Names outside the platform, as the name server has them.
EXTERNAL = {"db.example.internal": "198.51.100.50", "cache.example.internal": "198.51.100.51", AURA: "198.51.100.60"}

# What the inventory of a site adds: a service that the collection does not know.
_SYNAPSEX = {
    "artifact": "synapsex-service", "port": PORTS["synapsex"], "after": ["auth"], "calls": ["auth"],
    "database": {"name": "dwp_aura", "schema": "dwp_aura", "flyway": True}, "redis": "required",
    "health": [
        {"kind": "http", "path": "/synapse/dictionary", "headers": {"X-Tenant-ID": "1"}, "status": [200], "deep": True}, {"kind": "tcp"},
    ],
    "url_variable": "SERVICE_SYNAPSEX_URL", "environment": {"JPA_DDL_AUTO": "validate", "AURA_PLATFORM_URL": AURA_URL},
    "memory": 512, "jvm_options": ["-Xmx384m"],
}  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """Hosts with their addresses, and who is on which."""

    hosts: Mapping[str, str]
    where: Mapping[str, Sequence[str]]
    environment: str = "staging"
    external: bool = False  # PostgreSQL and Redis are somebody else's


def _on(hosts: Sequence[str], *names: str) -> dict[str, Sequence[str]]:
    return dict.fromkeys(names, hosts)


LAYOUTS = {
    "one": Layout({"app-01": "10.0.3.11"}, _on(["app-01"], *SERVICES, "postgres", "redis")),
    "staging": Layout(
        {"stg-app-1": "192.0.2.11", "stg-db-1": "192.0.2.21"},
        {**_on(["stg-app-1"], *SERVICES), **_on(["stg-db-1"], "postgres", "redis")},
    ),
    "prod": Layout(
        {"prod-gw-1": "198.51.100.10", "prod-app-1": "198.51.100.11", "prod-app-2": "198.51.100.12"},
        {**_on(["prod-gw-1"], "gateway"), **_on(["prod-app-1"], "auth", "main"),
         **_on(["prod-app-2"], "mail", "chat", "approval", "synapsex")},
        "production", external=True,
    ),
    # Two instances of each service behind a balancer.
    "ha": Layout(
        {"gw-1": "10.0.3.10", "app-1": "10.0.3.11", "app-2": "10.0.3.12", "db-1": "10.0.3.21"},
        {**_on(["gw-1"], "gateway", "balancer"), **_on(["app-1", "app-2"], *SERVICES[1:]), **_on(["db-1"], "postgres", "redis")},
        "production",
    ),
}  # fmt: skip


def _defaults() -> dict[str, Any]:
    """The catalogue of the role, as a site without seeds has it."""
    text = (ROOT / "roles" / "platform" / "vars" / "main.yml").read_text(encoding="utf-8")
    text = text.replace("{{ dwp_aura_url }}", AURA_URL).replace("{{ dwp_seed | ternary('true', 'false') }}", "false")
    return dict(yaml.safe_load(text))


_DEFAULTS = _defaults()


def platform_of(layout: Layout, services: Mapping[str, Mapping[str, Any]], only: Sequence[str]) -> dict[str, Any]:
    """The catalogue of a site; ``services`` is what its inventory says besides."""
    secret = {"JWT_SECRET": "J" * 48}
    wanted: dict[str, Any] = {"auth": {"secrets": secret}, "main": {"secrets": secret}, "synapsex": copy.deepcopy(_SYNAPSEX)}
    for name, more in services.items():
        known = wanted.get(name, {})
        wanted[name] = {**known, **more, "environment": {**known.get("environment", {}), **more.get("environment", {})}}
    components: dict[str, dict[str, Any]] = {
        "postgres": {"port": 5432, "password": DATABASE_PASSWORD}, "redis": {"port": 6379, "password": REDIS_PASSWORD},
    }  # fmt: skip
    if layout.external:
        components["postgres"].update(provider="external", host="db.example.internal", ssl_mode="require")
        components["redis"].update(provider="external", host="cache.example.internal")
    else:
        for component in components.values():
            component["provider"] = "packages"
    return catalogue.build(
        service_defaults=copy.deepcopy(_DEFAULTS["platform_service_defaults"]),
        component_defaults=copy.deepcopy(_DEFAULTS["platform_component_defaults"]),
        services=wanted, components=components, placement=layout.where, environment=layout.environment, development=False,
        profile=layout.environment, only=only,
    )  # fmt: skip
