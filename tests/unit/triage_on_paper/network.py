# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network on paper: names, firewalls, a balancer, and what comes back from who is asked."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ansible_collections.dwp.backend.plugins.module_utils._probe_model import Answer, Rung

from .layouts import AURA, EXTERNAL

if TYPE_CHECKING:
    from .world import World

REFUSED = Answer(failure="refused", phase="connect", latency_ms=0.5)
NO_ROUTE = replace(REFUSED, detail="No route to host")
DROPPED = Answer(failure="timeout", phase="connect", latency_ms=5000.0)
SILENT = Answer(failure="timeout", phase="read", latency_ms=5000.0)  # accepted, and not a word
NO_NAME = Answer(failure="dns", phase="dns", detail="Name or service not known", latency_ms=3.0)
NO_TLS = Answer(failure="tls", phase="connect", detail="WRONG_VERSION_NUMBER")

_ACTUATOR = "application/vnd.spring-boot.actuator.v3+json"
_NO_SERVER = "<html><body><h1>503 Service Unavailable</h1>No server is available to handle this request.</body></html>"


def said(status: int, body: Any, content_type: str = "application/json") -> Answer:
    """An answer over HTTP."""
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Answer(http_status=status, headers={"content-type": content_type}, body=data, latency_ms=6.0)


ERROR = said(500, {"status": "ERROR", "errorCode": "E1000", "message": "서버 내부 오류가 발생했습니다."})


def actuator(status: str, **components: str) -> Answer:
    """Spring Boot's health, with the state of each component."""
    body: dict[str, Any] = {"status": status}
    if components:
        body["components"] = {name: {"status": state} for name, state in components.items()}
    return said(200 if status in ("UP", "UNKNOWN") else 503, body, _ACTUATOR)


@dataclass(frozen=True)
class Rule:
    """A firewall's: what a question gets instead of its answer."""

    answer: Answer
    asker: str
    address: str = ""  # of the host asked; "": each
    port: int = 0  # 0: each


class Network:
    """Who is asked at which address. Loopback is the host that asks."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.names = {**EXTERNAL, "localhost": "127.0.0.1"}
        self.own_names: dict[tuple[str, str], str] = {}  # (host that asks, name): its /etc/hosts
        self._rules: list[Rule] = []
        self.balancer_runs = True
        self.aura = "up"  # up, down, silent

    def firewall(self, answer: Answer, asker: str, *, host: str = "", port: int = 0) -> None:
        self._rules.append(Rule(answer, asker, self._world.hosts[host].address if host else "", port))

    def resolve(self, asker: str, name: str) -> str | None:
        """The address of a name as a host sees it; None where it has none."""
        if (asker, name) in self.own_names:
            return self.own_names[asker, name]
        if name in self._world.hosts:
            return self._world.hosts[name].address
        if name in self.names:
            return self.names[name]
        return name if name.replace(".", "").isdigit() else None

    def address(self, asker: str, name: str) -> str | None:
        """The same, where loopback is the host's own address."""
        found = self.resolve(asker, name)
        return self._world.hosts[asker].address if found and found.startswith("127.") else found

    def ask(self, asker: str, rung: Rung) -> Answer:
        address = self.address(asker, rung.host)
        if address is None:
            return NO_NAME
        for rule in self._rules:
            if rule.asker == asker and rule.address in ("", address) and rule.port in (0, rung.port):
                return rule.answer
        if any(host.off and host.address == address for host in self._world.hosts.values()):
            return DROPPED
        return self._server(address, rung) or self._service(asker, address, rung)

    def _server(self, address: str, rung: Rung) -> Answer | None:
        """PostgreSQL, Redis, the AI platform, the balancer; None where none of them is."""
        world, place = self._world, (address, rung.port)
        for server in (*world.postgres_servers, world.redis):
            if (server.address, server.port) == place and server.listening:
                return Answer() if rung.kind == "tcp" else server.answer(rung)
        if place == (EXTERNAL[AURA], 9000):
            return self._aura(rung)
        balancer = world.layout.where.get("balancer")
        if balancer and address == world.hosts[balancer[0]].address:
            behind = [name for name, entry in world.platform["services"].items() if entry.get("frontend") == rung.port]
            return self._balancer(behind[0], rung) if behind else None
        return None

    def _aura(self, rung: Rung) -> Answer:
        if self.aura == "down":
            return REFUSED
        if rung.kind == "tcp":
            return Answer()
        return SILENT if self.aura == "silent" else said(200, "<html><title>Aura</title></html>", "text/html")

    def _balancer(self, name: str, rung: Rung) -> Answer:
        if not self.balancer_runs:
            return REFUSED
        if rung.kind == "tcp":
            return Answer()
        if rung.scheme == "https":
            return NO_TLS
        alive = [one for one in self._world.instances_of(name) if one.listening]
        return alive[0].answer(rung) if alive else said(503, _NO_SERVER, "text/html")

    def _service(self, asker: str, address: str, rung: Rung) -> Answer:
        for one in self._world.instances():
            if one.port == rung.port and one.host.address == address and one.listening:
                if one.loopback and (asker != one.host.name or not rung.host.startswith(("127.", "localhost"))):
                    return REFUSED
                return one.answer(rung)
        return REFUSED
