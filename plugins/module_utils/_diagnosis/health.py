# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How every instance, service and component is, from what was collected on all hosts.

up: it answers as it should. degraded: it answers, but something of it fails. down: it does not answer. unknown: nobody
could ask. A service whose probe says nothing about its database is degraded when its own login to it fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.model import DEGRADED, DOWN, UNKNOWN, UP, Platform
from ansible_collections.dwp.backend.plugins.module_utils._logs.window import iso

#: Causes of a service that talks to us, though not well.
ANSWERS = {"down", "out_of_service", "unauthorized", "not_found", "client_error", "server_error", "unexpected_status"}
#: Words of a probe whose connection was accepted, and whose question was not answered.
ACCEPTED = "no answer within"
#: A server that does so is there, whatever it thinks of the caller.
SPEAKS = {"ok", "unauthorized", "not_found", "down", "out_of_service", "server_error"}


@dataclass
class Health:
    """`services` and `components` hold one word each, `instances` the rows of the report."""

    services: dict[str, str] = field(default_factory=dict)
    components: dict[str, dict[str, Any]] = field(default_factory=dict)
    instances: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def words(self) -> dict[str, str]:
        return {**self.services, **{name: str(entry["state"]) for name, entry in self.components.items()}}


def assess(
    collected: Mapping[str, Mapping[str, Any]],
    platform: Platform,
    selected: Iterable[str],
    lost: Mapping[str, str],
) -> Health:
    """`collected`: facts by host, of those that answered. `lost`: hosts that did not, and why."""
    found = Health()
    for name in selected:
        rows = []
        for host in platform.hosts.get(name, ()):
            if host in lost:
                rows.append(_on_lost_host(name, host, lost[host], collected, platform))
            elif host in collected:
                rows.append(instance(name, host, collected[host]))
        found.instances[name] = rows
        if rows:
            found.services[name] = together([row["health"] for row in rows])
    for name in dict.fromkeys(need for service in selected for need in platform.needs.get(service, ())):
        users = [service for service in platform.needs if name in platform.needs[service] and service in found.services]
        if users:
            state = _component(name, collected, platform, lost)
            found.components[name] = {**state, "hosts": list(platform.hosts.get(name, ())), "needed_by": sorted(users)}
    return found


def together(states: list[str]) -> str:
    """Of a service with several instances: one that is up and one that is not make it degraded."""
    known = {state for state in states if state != UNKNOWN}
    if not known:
        return UNKNOWN
    if known == {DOWN} and UNKNOWN not in states:
        return DOWN
    return UP if known == {UP} else DEGRADED


def instance(name: str, host: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The row of one instance."""
    service: Mapping[str, Any] = (facts.get("services") or {}).get(name) or {}
    health: Mapping[str, Any] = service.get("health") or {}
    process: Mapping[str, Any] = service.get("process") or {}
    row = {
        "host": host,
        "health": UNKNOWN,
        "cause": str(health.get("cause") or service.get("cause") or ""),
        "message": str(health.get("message") or service.get("message") or ""),
        "latency_ms": health.get("latency_ms"),
        "rung": health.get("rung"),
        "shallow": bool(health.get("shallow", service.get("shallow"))),
        "components": dict(health.get("components") or {}),
        "release": service.get("current"),
        "version": service.get("version"),
        "since": iso(service.get("since") or None),
        "pid": service.get("pid") or None,
        "restarts": service.get("restarts"),
        "rss_mb": process.get("rss_mb"),
        "port": service.get("port"),
        "state": str(service.get("state") or UNKNOWN),
    }
    if not service.get("current"):
        text = f"{name} is not deployed on {host}" if "services" in facts else f"{name} on {host} was not looked at"
        return {**row, "cause": "not_deployed" if "services" in facts else "", "message": text}
    listener = service.get("listener") or {}
    if listener.get("pid") and listener.get("ours") is False:
        # Whatever the probes heard, it was not this service: the last rung asks for no more than an open port.
        text = f"its port {listener.get('port')} is held by {listener.get('service') or listener.get('command')} (PID {listener['pid']})"
        return {**row, "health": DOWN, "cause": "unexpected_body", "message": text}
    healthy = health.get("healthy", service.get("healthy"))
    if healthy is True:
        broken = _broken_need(name, facts) if row["shallow"] else ""
        return {**row, "health": DEGRADED if broken else UP, "message": broken or row["message"]}
    if healthy is False:
        return {**row, "health": DEGRADED if row["cause"] in ANSWERS and row["state"] != "failed" else DOWN}
    return {**row, "message": row["message"] or f"{name} was not asked for its health"}


def _broken_need(name: str, facts: Mapping[str, Any]) -> str:
    """Why a service that is alive cannot do its work, as far as its own credentials tell."""
    for kind, label in (("databases", "its database"), ("redis", "Redis")):
        for entry in facts.get(kind) or ():
            # A Redis that takes no writes (MISCONF) still answers what is read.
            fails = entry.get("cause") not in ("ok", None, "") and "MISCONF" not in str(entry.get("message"))
            if name in entry.get("services", ()) and fails:
                return f"alive, but {label} at {entry.get('address')} does not serve it: {entry.get('message') or entry['cause']}"
    return ""


def _on_lost_host(
    name: str, host: str, why: str, collected: Mapping[str, Mapping[str, Any]], platform: Platform
) -> dict[str, Any]:
    """The host gave no answer; its callers on other hosts may still tell how the service is."""
    row: dict[str, Any] = {
        "host": host, "health": UNKNOWN, "cause": "", "message": f"{host} cannot be reached: {why}"[:300], "latency_ms": None, "rung": None,
        "shallow": False, "components": {}, "release": None, "version": None, "since": None, "pid": None, "restarts": None,
        "rss_mb": None, "port": next((port for port, owner in platform.ports.items() if owner == name), None), "state": UNKNOWN,
    }  # fmt: skip
    if len(platform.hosts.get(name, ())) != 1:
        return row
    told = [
        (asker, edge) for asker, facts in collected.items() for edge in facts.get("edges") or ()
        if edge.get("to") == name and edge.get("points_to", name) == name
    ]  # fmt: skip
    good = next(((asker, edge) for asker, edge in told if edge.get("cause") == "ok"), None)
    if good:
        text = f"answers {good[0]}; {row['message']}"
        return {**row, "health": UP, "cause": "ok", "latency_ms": good[1].get("latency_ms"), "message": text}
    bad = next(((asker, edge) for asker, edge in told if edge.get("cause") in ("refused", "timeout", "reset")), None)
    if bad:
        text = f"asked from {bad[0]}: {bad[1].get('message')}; {row['message']}"
        return {**row, "health": DOWN, "cause": bad[1]["cause"], "message": text}
    return row


def _component(
    name: str, collected: Mapping[str, Mapping[str, Any]], platform: Platform, lost: Mapping[str, str]
) -> dict[str, Any]:
    """A component answers when it answers one of its users, even if it refuses him."""
    key = "databases" if name == "postgres" else name
    asked = [(host, entry) for host, facts in collected.items() for entry in facts.get(key) or () if entry.get("cause")]
    spoke = [(host, entry) for host, entry in asked if entry.get("sqlstate") or entry["cause"] in SPEAKS]
    listeners = [
        facts["components"][name].get("listener") for host, facts in collected.items()
        if host in platform.hosts.get(name, ()) and name in (facts.get("components") or {})
    ]  # fmt: skip
    if spoke:
        host, entry = min(spoke, key=lambda pair: (pair[1]["cause"] != "ok", pair[0]))
        if any(e.get("sqlstate") == "57P03" or e["cause"] == "out_of_service" for _h, e in spoke):
            return _state(DOWN, entry, host)
        full = next((e for _h, e in spoke if e.get("sqlstate") == "53300"), None)
        return _state(DEGRADED, full, host) if full else _state(UP, entry if entry["cause"] == "ok" else {"cause": "ok"}, host)
    if asked:
        host, entry = asked[0]
        # No firewall lies within a host, and none accepts a connection.
        silent = host in platform.hosts.get(name, ()) or ACCEPTED in str(entry.get("message"))
        frozen = entry["cause"] == "timeout" and silent
        if any(listeners) and _beside(name, asked, collected, platform):
            return _state(DOWN, {**entry, "message": f"it listens, but not where all ask: {entry.get('message')}"}, host)
        if any(listeners) and not frozen:
            return {"state": UP, "cause": "ok", "message": f"it listens, but no service reaches it: {entry.get('message')}"}
        return _state(DOWN, entry, host)
    if listeners and not any(listeners):
        return {"state": DOWN, "cause": "refused", "message": f"nothing listens on its port on {', '.join(platform.hosts.get(name, ()))}"}
    gone = [host for host in platform.hosts.get(name, ()) if host in lost]
    text = f"{', '.join(gone)} cannot be reached" if gone else "no service could ask it"
    return {"state": UNKNOWN, "cause": "", "message": text}


def _beside(
    name: str, asked: list[tuple[str, Mapping[str, Any]]], collected: Mapping[str, Mapping[str, Any]], platform: Platform
) -> bool:
    """Several services ask at one address of its own host and at its port, and are refused there: it is bound to another address."""
    users = {user for _host, entry in asked for user in entry.get("services") or ()}
    addresses = {str(entry.get("address")) for _host, entry in asked}
    ports = {str(facts["components"][name].get("port")) for facts in collected.values() if name in (facts.get("components") or {})}
    refused = all(entry["cause"] == "refused" and host in platform.hosts.get(name, ()) for host, entry in asked)
    return refused and len(users) > 1 and len(addresses) == 1 and addresses.pop().rpartition(":")[2] in ports


def _state(state: str, entry: Mapping[str, Any], host: str) -> dict[str, Any]:
    text = f"{entry.get('message', '')} (asked from {host})" if state != UP else ""
    return {"state": state, "cause": entry.get("cause", ""), "message": text}
