# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment of one instance, and the probes that prove it, derived from the catalogue.

Sources: runbook "필수 환경 변수"; field notes sections 3, 4 and 7 (names that only the code knows).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Callable, NamedTuple

#: Field notes, section 7: makes the runbook's ``grep "correlationId=<ID>" logs/*.log`` true. The trailing blank counts.
CORRELATION_PATTERN = "[correlationId=%X{correlationId:-}] "
LOOPBACK = "127.0.0.1"

Address = Callable[[str], str]


class Environment(NamedTuple):
    """Variables of one instance, which of them are secret, and which of them point to this very host on purpose."""

    values: dict[str, str]
    secrets: frozenset[str]
    local: frozenset[str]
    derived: frozenset[str]


def as_text(value: Any) -> str:
    """As Spring reads it: booleans in lower case."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def component_address(component: Mapping[str, Any], host: str, address: Address) -> str:
    """Where an instance on ``host`` finds PostgreSQL, Redis or the balancer: the same machine by loopback, else by dwp_address."""
    if component.get("host"):
        return str(component["host"])
    at = component["hosts"][0] if component["hosts"] else host
    return LOOPBACK if at == host else address(at)


def service_url(platform: Mapping[str, Any], name: str, host: str, address: Address) -> str:
    """Where an instance on ``host`` finds another service: at the balancer if that has several instances and there is a
    balancer, else an instance beside it, else the first."""
    service = platform["services"][name]
    if service["frontend"]:
        return f"http://{component_address(platform['components']['balancer'], host, address)}:{service['frontend']}"
    if host in service["hosts"]:
        return f"http://{LOOPBACK}:{service['port']}"
    return f"http://{address(service['hosts'][0])}:{service['port']}"


def called_by(platform: Mapping[str, Any], name: str) -> list[str]:
    """Services that this one calls and that the inventory places somewhere ("*": all others)."""
    services = platform["services"]
    calls = services[name]["calls"]
    names = [other for other in services if other != name] if "*" in calls else calls
    return [other for other in names if services[other]["hosts"]]


def environment_of(
    platform: Mapping[str, Any], name: str, host: str, *, address: Address, log_dir: str
) -> Environment:
    """The whole environment of ``name`` on ``host``. The inventory's own values win over derived ones; null removes."""
    service = platform["services"][name]
    values: dict[str, Any] = {
        "LANG": "C.UTF-8",  # Java 17 decodes the environment by the locale: without UTF-8 Korean text is lost
        "SERVER_PORT": service["port"],
        "SPRING_PROFILES_ACTIVE": platform["profile"],
        "LOGGING_FILE_NAME": f"{log_dir}/{name}.log",
        "LOGGING_PATTERN_CORRELATION": CORRELATION_PATTERN,
    }
    secrets = set(service["secrets"])
    local: set[str] = set()

    def point(variable: str, value: str) -> None:
        values[variable] = value
        if LOOPBACK in value:
            local.add(variable)

    if service["database"]:
        _database(platform, service, host, address, values, point)
        secrets.add("DB_PASSWORD")
    if service["redis"] != "none":
        names = service["redis_variables"]
        redis = platform["components"]["redis"]
        point(names["host"], component_address(redis, host, address))
        values[names["port"]] = redis["port"]
        values[names["password"]] = redis.get("password")
        secrets.add(names["password"])
    for other in called_by(platform, name):
        url = service_url(platform, other, host, address)
        variable = platform["services"][other]["url_variable"]
        for each in ([variable] if variable else []) + list(service["url_aliases"].get(other, [])):
            point(each, url)

    derived = frozenset(values) - set(service["environment"]) - set(service["secrets"])
    values.update(service["environment"])
    values.update(service["secrets"])
    local -= set(service["environment"]) | set(service["secrets"])
    kept = {key: as_text(value) for key, value in sorted(values.items()) if value is not None}
    return Environment(kept, frozenset(secrets), frozenset(local), derived)


def _database(
    platform: Mapping[str, Any], service: Mapping[str, Any], host: str, address: Address,
    values: dict[str, Any], point: Callable[[str, str], None],
) -> None:
    postgres = platform["components"]["postgres"]
    database = service["database"]
    point("DB_HOST", component_address(postgres, host, address))
    values["DB_PORT"] = postgres["port"]
    values["DB_NAME"] = database["name"]
    values["DB_USERNAME"] = database.get("user") or postgres.get("user")
    values["DB_PASSWORD"] = database.get("password", postgres.get("password"))


def infrastructure_probes(
    platform: Mapping[str, Any], name: str, environment: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Probes for dwp_health that log in to the database and Redis as this service would, with what it would be given."""
    service = platform["services"][name]
    probes: list[dict[str, Any]] = []
    if service["database"]:
        postgres = platform["components"]["postgres"]
        probes.append(_probe(
            f"{name}: database {environment.get('DB_NAME', '')}", environment.get("DB_HOST"), environment.get("DB_PORT"),
            {
                "kind": "postgres",
                "database": environment.get("DB_NAME", ""),
                "user": environment.get("DB_USERNAME", ""),
                "password": environment.get("DB_PASSWORD", ""),
                "ssl_mode": postgres.get("ssl_mode", "prefer"),
                **({"schema": service["database"]["schema"]} if service["database"]["schema"] == "public" else {}),
            },
        ))
    if service["redis"] != "none":
        names = service["redis_variables"]
        probes.append(_probe(
            f"{name}: redis", environment.get(names["host"]), environment.get(names["port"]),
            {"kind": "redis", "password": environment.get(names["password"], "")},
        ))
    return probes


def _probe(name: str, host: str | None, port: str | None, rung: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "host": host or "localhost", "port": int(port or 0), "ladder": [rung]}


def traits(service: Mapping[str, Any]) -> list[str]:
    """What the rules for environments (_environment_rules.py) need to know of a service."""
    found = ["database"] if service["database"] else []
    if service["redis"] != "none" and service["redis_variables"]["host"] == "REDIS_HOST":
        found.append("redis")
    return found + (["gateway"] if service["profile_files"] else [])


def health_probe(service: Mapping[str, Any], host: str = LOOPBACK) -> dict[str, Any]:
    """The service's ladder as a probe for dwp_health."""
    ladder = [{key: value for key, value in rung.items() if key != "deep"} for rung in service["health"]]
    return {"name": service["name"], "host": host, "port": service["port"], "ladder": ladder}


def libraries(services: Iterable[Mapping[str, Any]]) -> list[str]:
    """Python libraries that the probes of these services need on their host."""
    found: set[str] = set()
    for service in services:
        found |= {"requests"} if any(rung["kind"] in ("actuator", "http") for rung in service["health"]) else set()
        found |= {"psycopg2"} if service["database"] else set()
        found |= {"redis"} if service["redis"] != "none" else set()
    return sorted(found)


def deep_rungs(service: Mapping[str, Any]) -> list[int]:
    """Rungs that prove as much as the service depends on: those marked ``deep``, all but TCP where there is neither
    database nor Redis to say anything about, and all where the inventory accepts a shallow answer."""
    if service["accept_shallow"]:
        return list(range(len(service["health"])))
    plain = not service["database"] and service["redis"] == "none"
    return [i for i, rung in enumerate(service["health"]) if rung.get("deep") or (plain and rung["kind"] != "tcp")]
