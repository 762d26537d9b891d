# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The platform as data: the runbook's services merged with the inventory, completed, checked, ordered.

Plain values in, plain values out; every problem is collected before any is raised.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._platform import balancer, fast_start, graph, schema, steps
from ansible_collections.dwp.backend.plugins.module_utils._probe_model import ladder_problems

SERVICE_DEFAULTS: dict[str, Any] = {
    "after": [],
    "calls": [],
    "database": None,
    "redis": "none",
    "redis_variables": {"host": "REDIS_HOST", "port": "REDIS_PORT", "password": "REDIS_PASSWORD"},
    "health": [{"kind": "actuator", "path": "/actuator/health"}, {"kind": "tcp"}],
    "url_variable": None,
    "url_aliases": {},
    "environment": {},
    "secrets": {},
    "required": [],
    "optional": [],
    "profile_files": [],
    "jvm_options": [],
    "java": "java",
    "java_version": 17,
    "memory": 384,
    "start_timeout": 180,
    "stop_timeout": 45,
    "successes": 3,
    "fast_start": "off",
    "layout": "extracted",
    "sha256": None,
    "accept_shallow": False,
}
#: These mappings are merged one level deeper, so that one variable can be set without repeating the others.
MERGED_KEYS = ("environment", "secrets", "url_aliases", "redis_variables", "database")
#: Headers of probes by whose names one knows that their values are credentials.
_CREDENTIAL = re.compile(r"auth|cookie|token|key|secret|password|credential", re.I)


class CatalogueError(Exception):
    """All problems of a catalogue, one per line."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        count = len(self.problems)
        super().__init__(
            f"Platform catalogue: {count} problem{'s' if count != 1 else ''}, nothing was started.\n  "
            + "\n  ".join(self.problems)
        )


def merge(defaults: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Services of the inventory over the defaults, key by key; null takes a default service away."""
    result = {name: dict(entry) for name, entry in defaults.items()}
    for name, entry in wanted.items():
        if entry is None:
            result.pop(name, None)
            continue
        base = result.setdefault(name, {})
        for key, value in entry.items():
            if key in MERGED_KEYS and isinstance(value, Mapping) and isinstance(base.get(key), Mapping):
                base[key] = {**base[key], **value}
            else:
                base[key] = value
    return result


def words(value: Any) -> list[str]:
    """A list, or words separated by commas or blanks, as ``-e dwp_only=auth,main`` gives them."""
    if isinstance(value, str):
        return [word for word in value.replace(",", " ").split() if word]
    return [str(word) for word in value or []]


def build(
    *,
    service_defaults: Mapping[str, Any],
    services: Any,
    component_defaults: Mapping[str, Any],
    components: Any,
    placement: Mapping[str, Sequence[str]],
    environment: str,
    development: bool,
    profile: str,
    only: Any = (),
    manager: str = "systemd",
    serial: Any = "",
) -> dict[str, Any]:
    """The complete catalogue.

    ``placement`` maps a group of the inventory to its hosts. Raises :class:`CatalogueError` with all problems.
    """
    shape = schema.check_services(services)
    services, misshapen = schema.usable(services)  # the rest is judged all the same: every mistake in one run
    wrong_components = schema.check_components(components)
    other = [] if manager in ("systemd", "supervisor") else [f'dwp_manager: "{manager}" is not one of systemd, supervisor']
    other += steps.check_serial(serial)
    if wrong_components:
        components = {}

    merged = {
        name: _complete(name, entry, placement.get(name, ()))
        for name, entry in merge(service_defaults, services).items()
    }
    complete_components = {
        name: {**entry, "name": name, "hosts": list(placement.get(name, ()))}
        for name, entry in merge(component_defaults, components).items()
    }
    for entry in complete_components.values():
        entry.update({key: int(entry[key]) for key in ("port", "port_offset", "drain_timeout") if entry.get(key) is not None})
    selected = words(only)
    found = _check_edges(merged) + _check_ports(merged, complete_components)
    if not wrong_components:
        found += _check_components(merged, complete_components) + balancer.check(merged, complete_components)
    found += _check_each(merged)
    found += [
        f'dwp_only: unknown service "{name}"{schema.did_you_mean(name, merged)}' for name in selected if name not in merged
    ]
    problems = shape + wrong_components + other + [p for p in found if not any(_follows(p, *each) for each in misshapen)]
    if problems:
        raise CatalogueError(problems)

    placed = [name for name, entry in merged.items() if entry["hosts"]]
    ports = balancer.frontends(merged, complete_components["balancer"])
    for name, entry in merged.items():
        entry["frontend"] = ports.get(name)  # its port at the balancer; None: callers reach an instance directly
    edges = graph.through({name: entry["after"] for name, entry in merged.items()}, placed)
    order = graph.waves(edges)
    for index, wave in enumerate(order):
        for name in wave:
            merged[name]["wave"] = index
    return {
        "environment": environment,
        "development": development,
        "profile": profile,
        "manager": manager,
        "serial": serial,
        "services": merged,
        "components": complete_components,
        "edges": edges,
        "waves": order,
        "selected": [name for name in placed if not selected or name in selected],
        "limited": bool(selected),
        "notes": _notes(merged, selected),
    }


def without_secrets(platform: Mapping[str, Any]) -> dict[str, Any]:
    """The catalogue for facts, results and reports: names of secrets stay, their values do not."""
    public = dict(platform)
    public["services"] = {
        name: {
            **{key: value for key, value in entry.items() if key not in ("secrets", "database")},
            "secrets": sorted(entry["secrets"]),
            "database": {k: v for k, v in (entry["database"] or {}).items() if k != "password"} or None,
            "health": [_rung_without_secrets(rung) for rung in entry["health"]],
        }
        for name, entry in platform["services"].items()
    }
    public["components"] = {
        name: {key: value for key, value in entry.items() if "password" not in key and key not in ("drain", "undrain")}
        for name, entry in platform["components"].items()
    }
    return public


def _rung_without_secrets(rung: Mapping[str, Any]) -> dict[str, Any]:
    headers = {k: "***" if _CREDENTIAL.search(k) else v for k, v in (rung.get("headers") or {}).items()}
    return {**rung, **({"headers": headers} if headers else {})}


def _complete(name: str, entry: Mapping[str, Any], hosts: Sequence[str]) -> dict[str, Any]:
    service = {**SERVICE_DEFAULTS, **{k: v for k, v in entry.items() if v is not None or k == "database"}}
    service["redis_variables"] = {**SERVICE_DEFAULTS["redis_variables"], **service["redis_variables"]}
    service["name"] = name
    service["hosts"] = list(hosts)
    service["artifact"] = service.get("artifact") or name
    for key in ("port", "start_timeout", "stop_timeout", "memory", "java_version", "successes"):
        if service.get(key) is not None:
            service[key] = int(service[key])
    if service["fast_start"] is False:
        service["fast_start"] = "off"
    if service["database"] is not None:
        service["database"] = {"schema": "public", "flyway": True, **service["database"]}
    return service


def _follows(problem: str, name: str, key: str) -> bool:
    """Whether this problem is there only because that key, or that whole service, could not be read."""
    return problem.startswith(f"services.{name}.{key}") or (not key and f'unknown service "{name}"' in problem)


def _check_edges(services: Mapping[str, Mapping[str, Any]]) -> list[str]:
    problems = []
    for name, service in services.items():
        for kind in ("after", "calls"):
            for other in service[kind]:
                if other not in services and not (kind == "calls" and other == "*"):
                    problems.append(
                        f'services.{name}.{kind}: unknown service "{other}"{schema.did_you_mean(other, services)}'
                    )
        if name in service["after"]:
            problems.append(f"services.{name}.after: a service cannot wait for itself")
    cycle = graph.find_cycle({n: [d for d in s["after"] if d in services and d != n] for n, s in services.items()})
    if cycle:
        problems.append(f'services: cycle {" -> ".join(cycle)}; remove one of these "after" entries')
    return problems


def _check_ports(services: Mapping[str, Any], components: Mapping[str, Any]) -> list[str]:
    problems = []
    taken: dict[tuple[str, int], str] = {}
    managed = {n: c for n, c in components.items() if c["provider"] != "external" and n != "balancer"}
    for name, entry in sorted({**managed, **services}.items()):
        if entry.get("port") is None:
            problems.append(f"services.{name}.port: is required")
            continue
        for host in entry["hosts"]:
            other = taken.setdefault((host, entry["port"]), name)
            if other != name:
                problems.append(
                    f"services.{name}.port: {entry['port']} is already the port of {other} on host {host}; "
                    "give one of them another port"
                )
    return problems


def _check_components(services: Mapping[str, Any], components: Mapping[str, Any]) -> list[str]:
    problems = []
    users = {
        "postgres": [s for s in services.values() if s["database"] and s["hosts"]],
        "redis": [s for s in services.values() if s["redis"] != "none" and s["hosts"]],
    }
    for name, wanted_by in users.items():
        if not wanted_by:
            continue
        component = components[name]
        names = ", ".join(sorted(s["name"] for s in wanted_by))
        if component["provider"] == "external":
            if not component.get("host") and not component["hosts"]:
                problems.append(
                    f"components.{name}.host: is required with provider external (used by {names}); "
                    f"set dwp_components.{name}.host, or name a provider and put a host into the group {name}"
                )
            continue
        if len(component["hosts"]) != 1:
            found = ", ".join(component["hosts"]) or "none"
            problems.append(
                f"components.{name}: provider {component['provider']} needs exactly one host in the group "
                f"{name}, found {found} (used by {names})"
            )
        elif component["provider"] == "embedded":
            away = sorted({h for s in wanted_by for h in s["hosts"]} - set(component["hosts"]))
            if away:
                problems.append(
                    f"components.{name}: provider embedded serves its own host {component['hosts'][0]} alone, but "
                    f"services on {', '.join(away)} need it; use packages, docker_compose or external"
                )
    return problems


def _check_each(services: Mapping[str, Mapping[str, Any]]) -> list[str]:
    problems = []
    variables: dict[str, str] = {}
    for name, service in services.items():
        if not service["health"]:
            problems.append(f"services.{name}.health: is empty; a service without a probe cannot be gated, "
                            "the least is [{kind: tcp}]")
        if service["url_variable"]:
            other = variables.setdefault(service["url_variable"], name)
            if other != name:
                problems.append(f"services.{name}.url_variable: {service['url_variable']} is already that of {other}")
        problems += _check_ladder(name, service)
        both = sorted(set(service["environment"]) & set(service["secrets"]))
        if both:
            problems.append(f"services.{name}.secrets: {', '.join(both)} stands in environment too; keep one of them")
        problems += fast_start.check(name, service)
    return problems


def _check_ladder(name: str, service: Mapping[str, Any]) -> list[str]:
    """What the gate would say of the ladder, before anything is stopped for it."""
    if not service["health"] or service.get("port") is None:
        return []
    ladder = [{key: value for key, value in rung.items() if key != "deep"} for rung in service["health"]]
    wrong = ladder_problems(name, {"port": service["port"], "ladder": ladder})
    return [f"services.{each.replace('.ladder[', '.health[', 1)}" for each in wrong]


def _notes(services: Mapping[str, Mapping[str, Any]], selected: Iterable[str]) -> list[str]:
    notes = [
        f"{name}: the inventory has no host in group {name}; it is not part of this platform"
        for name, service in services.items()
        if not service["hosts"]
    ]
    return notes + [
        f"{name}: chosen by dwp_only, but no host carries it"
        for name in selected
        if name in services and not services[name]["hosts"]
    ]
