# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""report.json of a triage as one HTML file: no script, nothing loaded, everything escaped and scrubbed.

The Content-Security-Policy of the page allows its own style sheet (by hash) and nothing else, so that even a hole in
the escaping would run nothing and call nobody.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ansible_collections.dwp.backend.plugins.module_utils._logs.scrub import MASK, SECRET_NAME
from ansible_collections.dwp.backend.plugins.plugin_utils.report_graph import HEIGHT, Node, Picture, draw, shorten
from ansible_collections.dwp.backend.plugins.plugin_utils.report_shape import MOST, harmless, raw, shape

_PAGE = Path(__file__).with_name("report_page")
_ROLES = ("root", "contributing", "unexplained", "symptom", "note", "stale")
_LOOKS = ("root", "victim", "down", "degraded", "unknown", "up")
RECORDS = 4  # of a finding
SHOWN = 12  # events of the timeline that are not folded away
_STATUSES = ("healthy", "degraded", "down", "unknown")


def render(report: Mapping[str, Any]) -> str:
    """The page of a report; whatever the report lacks is left out."""
    style = (_PAGE / "style.css").read_text(encoding="utf-8")
    prepared = _prepared(report if isinstance(report, Mapping) else {})
    data, source = raw(prepared), shape(prepared)
    page = _environment().get_template("page.html.j2")
    return page.render(
        report=source,
        now=source["generated_at"],
        status=source["verdict"]["status"] if source["verdict"]["status"] in _STATUSES else "unknown",
        looks=_looks(source),
        cards=_cards(source),
        pictures=_pictures(source),
        variables=_variables(source),
        findings=_findings(source),
        timeline=_timeline(source),
        height=HEIGHT,
        raw=data,
        checksum=hashlib.sha256(data.encode()).hexdigest(),
        style=style,
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    )


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_PAGE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update({
        "clock": _clock, "short": shorten, "span": _span, "size": _size, "stamp": _stamp, "number": _number, "ms": _milliseconds,
        "bad": _bad, "good": _good,
    })  # fmt: skip
    return environment


def _prepared(report: Mapping[str, Any]) -> dict[str, Any]:
    """Findings that matter first, as a long list is cut at its end; of secrets only their fingerprints."""
    order = {role: number for number, role in enumerate(_ROLES)}
    findings = [one for one in _list(report.get("findings")) if isinstance(one, Mapping)]
    differences = [one for one in _list(report.get("environment_differences")) if isinstance(one, Mapping)]
    return {
        **report,
        "findings": sorted(findings, key=lambda one: order.get(str(one.get("role")), len(_ROLES))),
        "environment_differences": [_without_secret(one) for one in differences],
    }


def _without_secret(difference: Mapping[str, Any]) -> Mapping[str, Any]:
    values = difference.get("values")
    if not isinstance(values, Mapping) or not (difference.get("secret") or SECRET_NAME.search(str(difference.get("variable")))):
        return difference
    return {**difference, "values": {key: value if harmless(value) else MASK for key, value in values.items()}}


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else []


def _looks(report: Mapping[str, Any]) -> dict[str, str]:
    """How each service and component appears: its part in the verdict before its own state."""
    verdict = report["verdict"]
    found = {name: each["state"] for kind in ("components", "services") for name, each in report[kind].items()}
    found = {name: state if state in _LOOKS else "unknown" for name, state in found.items()}
    for victim in report["victims"]:
        found[victim] = "victim"
    if verdict["service"] and verdict["status"] != "healthy":
        # Without a cause the service is merely the one that fails.
        known = bool(verdict["failure"])
        found[verdict["service"]] = "root" if known else found.get(verdict["service"], "unknown")
    return found


def _cards(report: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    looks = _looks(report)
    return sorted(report["services"].items(), key=lambda item: (_LOOKS.index(looks[item[0]]), item[1]["wave"] or 0))


def _pictures(report: Mapping[str, Any]) -> list[Picture]:
    """The same boxes for a wide screen and for a phone."""
    edges: dict[str, list[str]] = {}
    for name, service in report["services"].items():
        edges[name] = [*service["calls"], *service["needs"]]
    for name, component in report["components"].items():
        for user in component["needed_by"]:
            edges.setdefault(user, []).append(name)
    looks = _looks(report)
    for host in (name for name in looks if name in report["hosts"] and name not in edges and name not in report["components"]):
        for name, service in report["services"].items():
            if any(one["host"] == host for one in service["instances"]):
                edges[name].append(host)
    return [draw([_node(name, look, report) for name, look in looks.items()], edges, room) for room in (600, 370)]


def _node(name: str, look: str, report: Mapping[str, Any]) -> Node:
    kind = "component" if name in report["components"] else "service"
    if kind == "service" and name in report["hosts"] and name not in report["services"]:
        kind = "host"
    instances = report["services"].get(name, {}).get("instances", [])
    note = {"root": "root cause", "victim": "affected"}.get(look, look)
    if len(instances) > 1:
        note = f"{note.split()[0]} {sum(one['health'] == 'up' for one in instances)}/{len(instances)}"
    return Node(name, look, kind, note)


def _variables(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the running processes have: each variable, its values or fingerprints, and who agrees on each."""
    found: dict[tuple[str, bool], dict[str, list[str]]] = {}
    for name, service in report["services"].items():
        for one in service["instances"]:
            who = name if len(service["instances"]) == 1 else f"{name} on {one['host']}"
            for kind, entries in one["environment"].items():
                for variable, value in entries.items():
                    found.setdefault((variable, kind == "fingerprints"), {}).setdefault(str(value), []).append(who)
    rows = [{"name": name, "secret": secret, "values": values} for (name, secret), values in found.items()]
    return sorted(rows, key=lambda row: (not row["secret"], row["name"]))[:MOST]


def _findings(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One for all services that tell the same; the root stands alone."""
    groups: dict[Any, list[Mapping[str, Any]]] = {}
    for number, one in enumerate(report["findings"]):
        key = number if one["role"] == "root" else (one["role"], one["failure"], one["title"])
        groups.setdefault(key, []).append(one)
    return [_together(group, len(report["hosts"]) > 1) for group in groups.values()]


def _together(group: Sequence[Mapping[str, Any]], with_host: bool) -> dict[str, Any]:
    evidence = [record for one in group for record in one["evidence"]]
    counts = [one["count"] for one in group if one["count"] is not None]
    times = {key: [one[key] for one in group if isinstance(one[key], datetime)] for key in ("since", "last")}
    places = [f"{one['service']} on {one['host']}" if with_host and one["host"] else one["service"] for one in group if one["service"]]
    return {
        **group[0],
        "places": list(dict.fromkeys(places)) or list(dict.fromkeys(one["host"] for one in group)),
        "evidence": evidence[:RECORDS],
        "left": len(evidence[RECORDS:]) + sum(one["evidence"].left for one in group),
        "count": sum(counts) if counts else None,
        "since": min(times["since"], default=None),
        "last": max(times["last"], default=None),
    }


def _timeline(report: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """What happened around the beginning of the failure; `before` and `after` are folded away."""
    merged: list[dict[str, Any]] = []
    for event in report["timeline"]:
        same = [one for one in merged[-10:] if one["kind"] == event["kind"] and one["text"] == event["text"] and _close(one, event)]
        if same:
            same[-1]["services"] = list(dict.fromkeys([*same[-1]["services"], event["service"]]))
        else:
            merged.append({**event, "services": [event["service"]]})
    for event in merged:
        event["services"] = [name for name in event["services"] if name and name not in event["text"]]
    since = report["verdict"]["since"]
    begin = next((number for number, one in enumerate(merged) if _at_or_after(one["time"], since)), len(merged))
    first = max(0, min(begin - SHOWN // 3, len(merged) - SHOWN))
    return {"before": merged[:first], "shown": merged[first : first + SHOWN], "after": merged[first + SHOWN :]}


def _close(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    times = (one["time"], other["time"])
    return all(isinstance(time, datetime) for time in times) and abs((times[0] - times[1]).total_seconds()) <= 60


def _at_or_after(time: Any, since: Any) -> bool:
    return isinstance(time, datetime) and isinstance(since, datetime) and time >= since


def _bad(edges: list[Any]) -> list[Any]:
    """Calls of the platform that fail, or reach somebody else."""
    return [one for one in edges if not one["external"] and (one["cause"] != "ok" or one["points_to"] not in ("", one["to"]))]


def _good(edges: list[Any]) -> list[Any]:
    bad = _bad(edges)
    return [one for one in edges if one not in bad]


def _clock(value: Any, now: Any = None, fine: bool = False) -> str:
    """The time alone on the day of the report, else with the day; `fine` to the millisecond."""
    if not isinstance(value, datetime):
        return value or ""
    day = "%Y-%m-%d "
    if isinstance(now, datetime) and now.year == value.year:
        day = "" if now.date() == value.date() else "%m-%d "
    return value.strftime(day + "%H:%M:%S") + (f".{value.microsecond // 1000:03}" if fine else "")


def _stamp(value: Any) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z" if isinstance(value, datetime) else str(value or "")


def _span(begin: Any, end: Any) -> str:
    """`12 min`, from one time to another; nothing when one of them is not known."""
    if not isinstance(begin, datetime) or not isinstance(end, datetime) or end < begin:
        return ""
    seconds = (end - begin).total_seconds()
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size or (seconds >= size and unit != "d"):
            return f"{int(seconds / size)} {unit}"
    return f"{int(seconds)} s"


def _milliseconds(value: Any) -> str:
    return "" if value is None else f"{_number(value if value < 10 else round(value))}\N{NO-BREAK SPACE}ms"


def _number(value: Any) -> str:
    """At most one decimal, thousands apart."""
    if value is None:
        return ""
    return f"{value:,.1f}".rstrip("0").rstrip(".").replace(",", "\N{NARROW NO-BREAK SPACE}")


def _size(megabytes: Any) -> str:
    if megabytes is None:
        return ""
    value, unit = (megabytes / 1024, "GB") if megabytes >= 1024 else (megabytes, "MB")
    return f"{_number(value)}\N{NO-BREAK SPACE}{unit}"
