# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of one request over all hosts, in one order of time although their clocks differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.from_logs import time_of
from ansible_collections.dwp.backend.plugins.module_utils._logs.search import assemble
from ansible_collections.dwp.backend.plugins.module_utils._logs.window import iso

#: When several instances kept silent, the one that says least decides what the silence means.
_WEAKEST = ("unreadable", "incomplete", "prints no ids", "no line")


#: Ids that a second question may hold: more would be those of other requests.
MOST_IDS = 20


def learned_elsewhere(results: Mapping[str, Mapping[str, Any]], host: str) -> list[str]:
    """Ids of the requests asked for that other hosts found in their logs, and that `host` was not asked for."""
    own = _known(results.get(host) or {})
    others = {one for name, result in results.items() if name != host for one in _known(result)}
    return sorted(others - own)[:MOST_IDS]


def _known(result: Mapping[str, Any]) -> set[str]:
    path = result.get("request_path") or {}
    return {str(one) for key in ("ids", "related_ids") for one in path.get(key) or ()}


def joined(first: Mapping[str, Any], more: Mapping[str, Any] | None) -> dict[str, Any]:
    """A result of dwp_logs with the steps that a second question found; which services kept silent, the first one tells."""
    path, added = first.get("request_path"), more or {}
    if not path or not added.get("steps"):
        return dict(first)
    places = {(step.get("file"), step.get("offset")) for step in path.get("steps") or ()}
    steps = [step for step in added["steps"] if (step.get("file"), step.get("offset")) not in places]
    related = [*(path.get("related_ids") or ()), *(added.get("ids") or ()), *(added.get("related_ids") or ())]
    whole = {
        **path, "steps": [*(path.get("steps") or ()), *steps], "related_ids": list(dict.fromkeys(related)),
        "dropped": int(path.get("dropped") or 0) + int(added.get("dropped") or 0),
    }  # fmt: skip
    return {**first, "request_path": whole}


def not_followed(first: Mapping[str, Any], why: str) -> dict[str, Any]:
    """A result of dwp_logs whose second question got no answer: silence about the ids that it was asked for proves little."""
    path = first.get("request_path")
    if not path:
        return dict(first)
    gaps = [
        {**gap, "reason": "incomplete", "text": f"nothing in {gap['service']}: it was not asked for the ids that other hosts found ({why})"}
        if gap["reason"] == "no line" else gap
        for gap in path.get("gaps") or ()
    ]  # fmt: skip
    return {**first, "request_path": {**path, "gaps": gaps}}


def merge(
    results: Mapping[str, Mapping[str, Any]], calls: Mapping[str, Sequence[str]], offsets: Mapping[str, float]
) -> dict[str, Any] | None:
    """`results`: of dwp_logs, by host. None when nobody asked for a request."""
    paths = {host: result["request_path"] for host, result in results.items() if result.get("request_path")}
    if not any(path.get("ids") for path in paths.values()):
        return None
    ids = list(dict.fromkeys(one for path in paths.values() for one in path.get("ids") or ()))
    steps = []
    for host, path in paths.items():
        for step in path.get("steps") or ():
            time = time_of(step.get("time"), offsets.get(host, 0.0))
            steps.append({**step, "host": host, "epoch": time, "time": iso(time)})
    whole = assemble(ids, steps, [], calls)
    failed = whole.failed_at
    return {
        "ids": ids,
        "related_ids": list(dict.fromkeys(one for path in paths.values() for one in path.get("related_ids") or ())),
        "services": whole.services,
        "steps": whole.steps,
        "gaps": _gaps([gap for path in paths.values() for gap in path.get("gaps") or ()], whole.services),
        "longest_wait": whole.longest_wait,
        "failed_at": {key: failed.get(key) for key in ("time", "service", "host", "level", "message")} if failed else None,
        "dropped": sum(int(path.get("dropped") or 0) for path in paths.values()),
    }


def _gaps(gaps: Sequence[Mapping[str, str]], seen: Sequence[str]) -> list[dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for gap in gaps:
        name = str(gap.get("service"))
        if name in seen:
            continue
        old = found.get(name)
        if old is None or _weight(gap) < _weight(old):
            found[name] = {key: str(value) for key, value in gap.items()}
    return list(found.values())


def _weight(gap: Mapping[str, str]) -> int:
    reason = str(gap.get("reason"))
    return _WEAKEST.index(reason) if reason in _WEAKEST else len(_WEAKEST)


def canary_text(canary: Mapping[str, Any], path: Mapping[str, Any] | None, gateway: str) -> dict[str, Any]:
    """Where the request that we sent ourselves was lost, as far as the logs tell."""
    status, seen = canary.get("status"), list((path or {}).get("services") or ())
    took = f" after {canary['latency_ms'] / 1000:.0f} s" if canary.get("latency_ms") else ""
    answered = f"{gateway or 'the gateway'} answered {status}{took}" if status else f"no answer: {canary.get('message')}"
    found = {**canary, "services": seen, "vanished_at": None}
    if status and int(status) < 500:
        return {**found, "text": f"{answered}; the request came through" + (f" ({' -> '.join(seen)})" if seen else "")}
    if not status and gateway not in seen:
        return {**found, "vanished_at": gateway, "text": f"{answered}; nothing of it is in the log of {gateway}"}
    target = str(canary.get("target") or "")
    gap = next((one for one in (path or {}).get("gaps") or () if one.get("service") == target), None)
    if target and target not in seen and gap:
        sure = gap.get("reason") == "no line"
        text = f"{answered}; seen in {', '.join(seen) or 'no log'}, nothing in {target}" + ("" if sure else f" ({gap.get('reason')})")
        return {**found, "vanished_at": target, "text": text}
    failed = (path or {}).get("failed_at")
    if failed:
        text = f"{answered}; it failed in {failed['service']}: {failed['message'][:200]}"
        return {**found, "vanished_at": failed["service"], "text": text}
    return {**found, "text": f"{answered}; the logs do not tell where it was lost"}
