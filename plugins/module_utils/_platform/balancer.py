# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The component ``balancer`` in the catalogue: who stands behind it, on which ports, and how it asks for health. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.dwp.backend.plugins.module_utils._platform.schema import did_you_mean

LOOPBACK = "127.0.0.1"


def is_there(balancer: Mapping[str, Any]) -> bool:
    """Whether the platform has a balancer: a host in its group, or an address."""
    return bool(balancer["hosts"]) or (balancer["provider"] == "external" and bool(balancer.get("host")))


def frontends(services: Mapping[str, Mapping[str, Any]], balancer: Mapping[str, Any]) -> dict[str, int]:
    """Port at the balancer of each service with more than one instance."""
    ports = balancer.get("ports") or {}
    offset = int(balancer.get("port_offset") or 0)
    return {
        name: int(ports.get(name) or service["port"] + offset)
        for name, service in services.items() if len(service["hosts"]) > 1 and service.get("port")
    } if is_there(balancer) else {}


def check(services: Mapping[str, Mapping[str, Any]], components: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Everything that is wrong with the balancer: its place, and ports that are taken or impossible."""
    balancer = components["balancer"]
    where = "components.balancer"
    problems = [
        f'{where}.ports: unknown service "{name}"{did_you_mean(name, services)}'
        for name in balancer.get("ports") or {} if name not in services
    ]
    external = balancer["provider"] == "external"
    if "balancer" in services and is_there(balancer):
        problems.append("services.balancer: the group balancer is that of the component; call the service otherwise")
    if not external:
        problems += [
            f"{where}.{key}: only with provider external; haproxy is drained by itself" for key in ("drain", "undrain") if balancer.get(key)
        ]
        if len(balancer["hosts"]) > 1:
            problems.append(
                f"{where}: provider packages needs exactly one host in the group balancer, found {', '.join(balancer['hosts'])}; "
                "for several, put an address of your own before them and use provider external"
            )
    elif bool(balancer.get("drain")) != bool(balancer.get("undrain")):
        problems.append(f"{where}: drain and undrain belong together; set both, or neither to rely on the balancer's own health checks")
    for key in ("drain", "undrain"):
        if external and balancer.get(key) and bool(balancer[key].get("command")) == bool(balancer[key].get("url")):
            problems.append(f"{where}.{key}: needs a command or a url, and not both")
    if not problems:
        problems = _check_ports(services, components)
    return problems


def _check_ports(services: Mapping[str, Mapping[str, Any]], components: Mapping[str, Mapping[str, Any]]) -> list[str]:
    balancer = components["balancer"]
    here = set(balancer["hosts"]) if balancer["provider"] != "external" else set()
    taken: dict[int, str] = {}
    for name, entry in {**{n: c for n, c in components.items() if n != "balancer" and c["provider"] != "external"}, **services}.items():
        if entry.get("port") and here & set(entry["hosts"]):
            taken[entry["port"]] = f"the port of {name} on host {balancer['hosts'][0]}"
    problems = []
    for name, port in sorted(frontends(services, balancer).items()):
        advice = f"set dwp_components.balancer.ports.{name}, or another port_offset"
        if port > 65535:
            problems.append(f"components.balancer: the port for {name} would be {port}, more than 65535; {advice}")
        elif port in taken:
            problems.append(f"components.balancer: the port for {name}, {port}, is already {taken[port]}; {advice}")
        taken.setdefault(port, f"the balancer's port for {name}")
    return problems


def server_name(host: str) -> str:
    """A host of the inventory as a name that haproxy takes."""
    return host if re.match(r"[A-Za-z0-9_.-]+\Z", host) else "h-" + hashlib.sha256(host.encode()).hexdigest()[:12]


def check_rung(service: Mapping[str, Any]) -> dict[str, Any]:
    """The rung of the service's ladder that the balancer asks: a balancer cannot climb.

    A rung of kind ``http`` names what is good and comes first; a deep one comes after a shallow one, since a lost database
    must not empty the balancer. Of the actuator only a 503 counts as bad, because it may be absent or closed. Else TCP.
    """
    asked = [rung for rung in service["health"] if rung["kind"] in ("actuator", "http") and rung.get("host", LOOPBACK) == LOOPBACK]
    asked.sort(key=lambda rung: (rung["kind"] != "http", bool(rung.get("deep"))))
    if not asked:
        return {"kind": "tcp"}
    rung = asked[0]
    kept = {key: rung[key] for key in ("kind", "path", "method", "headers", "port", "scheme", "body_contains") if rung.get(key)}
    if rung["kind"] == "http":
        kept["status"] = [int(code) for code in rung.get("status") or [200]]
    return {"path": "/actuator/health", "method": "GET", **kept}


def configuration(platform: Mapping[str, Any], address: Callable[[str], str]) -> dict[str, Any]:
    """What the balancer's host has to provide, as the module dwp_balancer takes it. Headers of checks may be secret."""
    balancer = platform["components"]["balancer"]
    here = balancer["hosts"][0]
    return {
        "listen": balancer.get("listen") or "*",
        "settings": balancer.get("settings") or {},
        "frontends": [
            {
                "service": name,
                "port": service["frontend"],
                "check": check_rung(service),
                "servers": [
                    {"name": server_name(host), "address": LOOPBACK if host == here else address(host), "port": service["port"]}
                    for host in service["hosts"]
                ],
            }
            for name, service in sorted(platform["services"].items()) if service["frontend"]
        ],
    }
