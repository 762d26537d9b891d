# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The other end of each call, asked from this host at the address that the running caller was given."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ansible_collections.dwp.backend.plugins.module_utils import _gate, _probe_model
from ansible_collections.dwp.backend.plugins.module_utils._environment_text import is_loopback, scrub

#: Rungs of the target's ladder that ask it over HTTP; a business path first, as an absent actuator logs a stack trace.
_WEB = ("http", "actuator")
_ENDINGS = ("_URL", "_URI")


class Edge(NamedTuple):
    """One variable of one caller. ``url`` is None when the running process has no such variable."""

    caller: str
    target: str  # "" for what is outside the platform
    variable: str
    url: str | None


def edges_of(caller: str, calls: Mapping[str, Sequence[str]], environment: Mapping[str, str]) -> list[Edge]:
    """What the catalogue says the service calls, and every other URL that it was given."""
    known = {variable for variables in calls.values() for variable in variables}
    found = [
        Edge(caller, target, variable, environment.get(variable) or None) for target, variables in calls.items() for variable in variables
    ]
    for name, value in sorted(environment.items()):
        if name not in known and name.endswith(_ENDINGS) and value.startswith(("http://", "https://")):
            found.append(Edge(caller, "", name, value))
    return found


class Place(NamedTuple):
    scheme: str
    host: str
    port: int

    @property
    def text(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def place_of(url: str) -> Place | None:
    """Where a URL points; None when it is none."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port:
        return None
    return Place(parts.scheme, parts.hostname, port)


def points_to(place: Place, targets: Mapping[str, Mapping[str, Any]]) -> str:
    """The service that the inventory has at this place; "" for none that it knows."""
    for name, target in targets.items():
        for host, port in target["places"]:
            if port == place.port and (host == place.host or (is_loopback(host) and is_loopback(place.host))):
                return name
    mine = addresses(place.host)
    for name, target in targets.items():
        for host, port in target["places"]:
            if port == place.port and mine and mine & addresses(host):
                return name
    return ""


def addresses(host: str) -> set[str]:
    """The addresses of a name; empty when it has none."""
    try:
        return {str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        return set()


def ladder(target: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """One question over HTTP that the target is known to answer, then TCP, which decides where HTTP is closed or absent."""
    rungs = list((target or {}).get("ladder") or ())
    web = next((rung for kind in _WEB for rung in rungs if rung.get("kind") == kind), None)
    kept = {key: value for key, value in (web or {}).items() if key not in ("host", "port", "scheme")}
    return ([kept] if web else []) + [{"kind": "tcp"}]


def ask(edges: Sequence[Edge], targets: Mapping[str, Mapping[str, Any]], timeout: float) -> list[dict[str, Any]]:
    """Every edge, each address once; and where one leads to a place that the inventory does not know, its own beside it."""
    probes: dict[str, dict[str, Any]] = {}
    keys: dict[Edge, str] = {}
    references: dict[Edge, str] = {}
    for edge in edges:
        place = place_of(edge.url) if edge.url else None
        if place is None:
            continue
        key = f"{edge.target or 'outside'} at {place.scheme}://{place.text}"
        keys[edge] = key
        own = (targets.get(edge.target) or {}).get("places") or ()
        if own and not points_to(place, targets):
            references[edge] = name = f"{edge.target} where the inventory has it"
            probes[name] = {"name": name, "host": own[-1][0], "port": own[-1][1], "ladder": ladder(targets[edge.target])}
        rungs = [
            {**rung, **({"scheme": place.scheme} if rung["kind"] in _WEB else {})}
            for rung in ladder(targets.get(edge.target))
        ]
        if place.scheme == "https" and not edge.target:
            rungs = [{"kind": "http", "path": "/", "method": "HEAD", "scheme": "https", "status": list(range(200, 500))}, *rungs]
        probes[key] = {"name": key, "host": place.host, "port": place.port, "ladder": rungs}
    outcomes = _gate.gate(_probe_model.parse_probes(probes.values()), timeout=0, probe_timeout=timeout, successes=1) if probes else {}
    return [_entry(edge, outcomes.get(keys.get(edge, "")), targets, outcomes.get(references.get(edge, ""))) for edge in edges]


def _entry(
    edge: Edge,
    outcome: _probe_model.Outcome | None,
    targets: Mapping[str, Mapping[str, Any]],
    reference: _probe_model.Outcome | None,
) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "from": edge.caller, "to": edge.target, "variable": edge.variable, "url": scrub(edge.url) if edge.url else None,
        "external": not edge.target, "local": False, "points_to": "", "asked": "", "cause": "unset", "status": None, "latency_ms": None,
        "content_type": "", "reference": None,
        "message": f"{edge.variable} is not set in the environment of {edge.caller}; the application's own default holds",
    }  # fmt: skip
    place = place_of(edge.url) if edge.url else None
    if edge.url and place is None:
        entry.update(cause="client_error", message=f"{edge.variable} of {edge.caller} is no URL with a host")
    if place is None or outcome is None:
        return entry
    return {
        **entry,
        "local": is_loopback(place.host),
        "points_to": points_to(place, targets),
        "asked": (outcome.rung or {}).get("url", ""),
        "cause": outcome.cause,
        "status": outcome.http_status,
        "message": outcome.message,
        "latency_ms": outcome.latency_ms,
        "content_type": outcome.content_type,
        "reference": reference and {
            "asked": (reference.rung or {}).get("url", ""), "cause": reference.cause, "status": reference.http_status,
            "content_type": reference.content_type,
        },
    }  # fmt: skip
