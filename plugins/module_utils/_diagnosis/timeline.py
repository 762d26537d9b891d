# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened, in one order of time over all hosts: deployments, starts and ends, first errors, findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.from_logs import time_of
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.model import Finding
from ansible_collections.dwp.backend.plugins.module_utils._logs.window import iso

MOST = 100
_ENDS = {
    "stopped": "stopped in order",
    "killed": "ended without a shutdown",
    "died during startup": "died during startup",
}


def timeline(
    facts: Mapping[str, Mapping[str, Any]],
    logs: Mapping[str, Mapping[str, Any]],
    findings: Iterable[Finding],
    offsets: Mapping[str, float],
    since: float | None,
) -> list[dict[str, Any]]:
    """Entries of the window, and the newest deployment even if it is older."""
    entries: list[tuple[float, dict[str, Any]]] = []

    def add(time: float | None, kind: str, service: str, host: str, text: str) -> None:
        if time is not None:
            entries.append((time, {"time": iso(time), "kind": kind, "service": service, "host": host, "text": text}))

    deployments: dict[tuple[str, ...], tuple[float, str, str]] = {}
    for host, one in facts.items():
        for event in one.get("deployments") or ():
            time = time_of(event.get("at"), offsets.get(host, 0.0))
            if time is None:
                continue
            key, text = _deployment(event, host)
            if text and (key not in deployments or time < deployments[key][0]):
                deployments[key] = (time, host, text)
    for (_event, _name, service, *_rest), (time, host, text) in deployments.items():
        add(time, "deployment", service, host if service else "", text)
    for host, result in logs.items():
        offset = offsets.get(host, 0.0)
        for name, service in (result.get("services") or {}).items():
            for start in service.get("starts") or ():
                version = f" (version {start['version']})" if start.get("version") else ""
                add(time_of(start.get("started_at"), offset), "start", name, host, f"{name} started{version}, PID {start.get('pid')}")
                if start.get("state") == "died during startup":
                    code = f", exit status {start['exit_status']}" if start.get("exit_status") is not None else ""
                    add(time_of(start.get("at"), offset), "stop", name, host, f"{name} was started and {_ENDS[start['state']]}{code}")
                elif start.get("stopping_at"):
                    add(time_of(start.get("stopping_at"), offset), "stop", name, host, f"{name} {_ENDS['stopped']}")
            templates = [one for one in service.get("templates") or () if one.get("first")]
            first = min(templates, key=lambda one: str(one["first"]), default=None)
            if first:
                add(time_of(first["first"], offset), "error", name, host, f"first error of {name}: {first.get('template')}")
    for finding in findings:
        if not finding.stale:
            add(finding.since, "finding", finding.subject or finding.service, finding.host, f"{finding.failure}: {finding.title}")
    entries.sort(key=lambda pair: pair[0])
    inside = [pair for pair in entries if since is None or pair[0] >= since]
    before = [pair for pair in entries if pair not in inside and pair[1]["kind"] == "deployment"][-2:]
    return [entry for _time, entry in [*before, *inside[-MOST:]]]


def _deployment(event: Mapping[str, Any], host: str) -> tuple[tuple[str, ...], str]:
    name, kind, service = str(event.get("deployment") or ""), str(event.get("event")), str(event.get("service") or "")
    if kind == "begin":
        return (kind, name, ""), f"{event.get('kind') or 'deployment'} {name} of {event.get('owner') or 'somebody'} began"
    if kind == "end":
        reason = f": {event['reason']}" if event.get("reason") else ""
        return (kind, name, ""), f"{name} ended: {event.get('outcome') or 'unknown'}{reason}"[:300]
    if kind == "activating" and event.get("release") != event.get("from"):
        was = f" instead of {event['from']}" if event.get("from") else ""
        return (kind, name, service, host), f"{service} gets release {event.get('release')}{was}"
    if kind == "gated" and event.get("outcome") not in ("good", None):
        return (kind, name, service, host), f"{service} did not pass its gate: {event.get('cause') or event.get('outcome')}"
    return (kind, name, service, host), ""
