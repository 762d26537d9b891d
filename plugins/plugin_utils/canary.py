# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request of our own through the gateway: which one, and from where. The gateway is the service that calls all others."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Mapping, Sequence
from typing import Any


def plan(
    platform: Mapping[str, Any], wanted: Any, headers: Any, hosts: Sequence[str]
) -> tuple[dict[str, Any] | None, str]:
    """The request, or why there is none. `wanted`: true, or the path to ask for."""
    services = platform["services"]
    gateway = next((name for name, entry in services.items() if "*" in entry["calls"] and entry["hosts"]), None)
    if gateway is None:
        return None, "no service of this platform calls all others (calls: ['*']), so there is no gateway to send it through"
    host = next((host for host in services[gateway]["hosts"] if host in hosts), None)
    if host is None:
        return None, f"{gateway} runs on {', '.join(services[gateway]['hosts'])}, which is not part of this run"
    path = str(wanted) if str(wanted).startswith("/") else _path(services[gateway])
    if not path:
        return None, f"say which path: -e dwp_canary=/api/... ({gateway} has no business path among its probes)"
    if not isinstance(headers, Mapping):
        return None, "dwp_canary_headers must be a mapping of header names to values"
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d%H%M%S")
    identity = f"dwp-canary-{stamp}-{secrets.token_hex(4)}"
    return {
        "id": identity, "gateway": gateway, "host": host, "url": f"http://127.0.0.1:{services[gateway]['port']}{path}",
        "headers": {**{str(k): str(v) for k, v in headers.items()}, "X-Correlation-ID": identity},
        "target": next((name for name in services if name in path.split("/") and services[name]["hosts"]), None),
    }, ""  # fmt: skip


def _path(service: Mapping[str, Any]) -> str:
    return next((str(rung["path"]) for rung in service["health"] if rung.get("kind") == "http" and rung.get("path")), "")


def _why(answer: Mapping[str, Any]) -> str:
    """What uri says behind its list of statuses."""
    return str(answer.get("msg") or "no answer").rpartition("]: ")[2][:300]


def told(request: Mapping[str, Any], answer: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """What became of it, with every id under which the logs may know it."""
    status = int(answer.get("status") or -1)
    ids = [request["id"], *(str(answer[name]) for name in ("x_trace_id", "x_gateway_request_id", "x_correlation_id") if answer.get(name))]
    return {
        "id": request["id"], "ids": list(dict.fromkeys(ids)), "gateway": request["gateway"], "target": request["target"],
        "host": request["host"], "url": request["url"], "status": status if status > 0 else None,
        "message": "" if status > 0 else _why(answer), "latency_ms": round(seconds * 1000) or None,
    }  # fmt: skip
