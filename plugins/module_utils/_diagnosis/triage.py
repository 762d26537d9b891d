# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what the hosts told to the report: the whole way, without a file, a clock or a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._diagnosis import baseline as compared
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis import report, request_path
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.actions import Words
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.advice import advise
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.circumstances import circumstances
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.diagnose import diagnose
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.from_collect import findings_of_facts
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.from_logs import findings_of_host, time_of
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.health import assess
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.known import Known
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.model import Platform
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.refute import refute
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.timeline import timeline
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.troubles import revived, troubles_of
from ansible_collections.dwp.backend.plugins.module_utils._environment_text import addresses


@dataclass
class Inputs:
    """Everything that is known when the hosts have answered. Times are seconds since the epoch by the controller's clock."""

    catalogue: Mapping[str, Any]
    answers: Mapping[str, Mapping[str, Any]]  # host -> {collected, logs}
    lost: Mapping[str, str] = field(default_factory=dict)  # host -> why it could not be reached
    hosts: Sequence[str] = ()  # of this play
    now: float = 0.0
    duration: float = 0.0
    version: str = ""
    inventory: str = ""
    installed: bool = False  # run as a collection, not from a checkout
    site: Sequence[Mapping[str, Any]] = ()
    canary: Mapping[str, Any] | None = None
    baseline: Mapping[str, Any] | None = None
    baseline_name: str = ""
    not_checked: Sequence[Mapping[str, str]] = ()


def triage(given: Inputs) -> dict[str, Any]:
    facts = {host: answer.get("collected") or {} for host, answer in given.answers.items() if host not in given.lost}
    logs = {host: answer.get("logs") or {} for host, answer in given.answers.items() if host not in given.lost}
    offsets = {host: _offset(one) for host, one in facts.items()}
    platform = platform_of(given.catalogue, given.hosts, facts)
    selected = [name for name in given.catalogue["selected"] if platform.hosts.get(name)]
    known = Known(given.site)
    health = assess(facts, platform, selected, given.lost)
    found = findings_of_facts(facts, platform, health, known, given.lost, given.catalogue["services"])
    for host, result in logs.items():
        for one in findings_of_host(result, platform, host, offsets[host]):
            # Whom the kernel killed is asked of its own buffer, with the owner of each process; its log names nobody.
            nobodys = one.service not in platform.hosts and one.failure != "OOM_KILLED"
            found += [one] if nobodys or one.service in health.services else []
    words = last_words(logs, offsets)
    environment = str(given.catalogue["environment"])
    troubles = troubles_of(logs, offsets, health, list(known.rows.values()), given.now, environment, words)
    found, ruled_out = refute(revived(found, troubles), facts, health, words)
    found = advise(found, facts, health, given.catalogue)
    gaps = coverage(given, facts, logs, selected)
    diagnosis = diagnose(found, platform, health.words, given.now, gaps, troubles, words, health.instances)
    unread = unread_logs(logs, selected)
    if diagnosis.status == "healthy" and len(unread) * 2 >= len(selected):
        why = f"no log of {', '.join(unread)} could be read: what nobody may read cannot speak against it"
        diagnosis = replace(diagnosis, confidence="low", reasons=(*diagnosis.reasons, why))
    if diagnosis.failure is None and diagnosis.service in health.services:
        told = circumstances(diagnosis.service, facts, logs, health, given.catalogue, given.now)
        diagnosis = replace(diagnosis, reasons=(*diagnosis.reasons[:1], *told, *diagnosis.reasons[1:]))
    if diagnosis.since is None and diagnosis.service in health.services:
        diagnosis = replace(diagnosis, since=ended_at(diagnosis.service, logs, offsets))
    window = window_of(logs)
    since = time_of(window["since"])
    path = request_path.merge(logs, platform.calls, offsets)
    gateway = str((given.canary or {}).get("gateway") or "")
    made = report.assemble(
        report.Parts(
            given.catalogue, platform, health, diagnosis, facts, logs, given.lost,
            words=Words(facts, given.catalogue, given.inventory, given.installed, known.rows), ruled_out=ruled_out, not_checked=gaps,
            timeline=timeline(facts, logs, found, offsets, since), request_path=path, window=window,
            canary=request_path.canary_text(given.canary, path, gateway) if given.canary else None,
        ),
        now=given.now, duration=given.duration, version=given.version,
    )  # fmt: skip
    if given.baseline is not None:
        made["baseline"] = {
            "report": given.baseline_name,
            "generated_at": given.baseline.get("generated_at"),
            "changes": compared.compare(given.baseline, made),
        }
    return report.scrubbed(made)


def platform_of(catalogue: Mapping[str, Any], hosts: Sequence[str], facts: Mapping[str, Mapping[str, Any]] | None = None) -> Platform:
    """Who calls and needs whom, on which hosts of this play it runs, and under which names it is called."""
    services, components = catalogue["services"], catalogue["components"]
    placed = [name for name, entry in services.items() if entry["hosts"]]
    inside = set(hosts)
    calls, needs = {}, {}
    for name in placed:
        entry = services[name]
        wanted = [other for other in placed if other != name] if "*" in entry["calls"] else entry["calls"]
        calls[name] = [other for other in wanted if other in placed]
        needs[name] = [*(["postgres"] if entry.get("database") else []), *(["redis"] if entry["redis"] != "none" else [])]
    where = {name: [host for host in services[name]["hosts"] if not inside or host in inside] for name in placed}
    for name, entry in components.items():
        where[name] = list(entry.get("hosts") or ())
    ports = {services[name]["port"]: name for name in placed if services[name].get("port")}
    frontends = {services[name]["frontend"]: name for name in placed if services[name].get("frontend")}
    return Platform(calls, needs, where, ports, frontends, _paths(services, placed), _names(facts or {}))


def _names(facts: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """Names of hosts in the addresses that services have of each other."""
    urls = [str(edge.get("url") or "") for one in facts.values() for edge in one.get("edges") or () if not edge.get("external")]
    return frozenset(name for url in urls if url for name, _port in addresses(url))


def _paths(services: Mapping[str, Any], placed: Iterable[str]) -> dict[str, str]:
    """By the paths of their probes: /mail/health is mail's, so /mail/inbox is too. What is not one service's alone says nothing."""
    found: dict[str, set[str]] = {}
    for name in placed:
        for rung in services[name].get("health") or ():
            segments = str(rung.get("path") or "").split("/")
            if rung.get("kind") == "http" and len(segments) > 2:
                found.setdefault(segments[1], set()).add(name)
    return {segment: names.pop() for segment, names in found.items() if len(names) == 1}


def _offset(facts: Mapping[str, Any]) -> float:
    """How far a clock is ahead. Below its own uncertainty it is Ansible's delay, which must not shift anything."""
    host = facts.get("host") or {}
    offset = host.get("offset_seconds")
    if not isinstance(offset, (int, float)) or abs(offset) < max(1.0, float(host.get("offset_uncertainty") or 0)):
        return 0.0
    return float(offset)


def unread_logs(logs: Mapping[str, Mapping[str, Any]], selected: Iterable[str]) -> list[str]:
    """Services of whose logs some could not be read, and none was."""
    missed = {str(entry.get("what")) for result in logs.values() for entry in result.get("not_checked") or ()}
    read = {file["service"] for result in logs.values() for file in result.get("files") or () if not file.get("problem")}
    return [name for name in selected if f"log of {name}" in missed and name not in read]


def last_words(logs: Mapping[str, Mapping[str, Any]], offsets: Mapping[str, float]) -> dict[tuple[str, str], float]:
    """When each service wrote its newest record, on each host and at all."""
    found: dict[tuple[str, str], float] = {}
    for host, result in logs.items():
        for file in result.get("files") or ():
            time = time_of(file.get("last"), offsets.get(host, 0.0))
            if time is None:
                continue
            for key in ((file["service"], host), (file["service"], "")):
                found[key] = max(time, found.get(key, time))
    return found


def ended_at(service: str, logs: Mapping[str, Mapping[str, Any]], offsets: Mapping[str, float]) -> float | None:
    """When the newest life of a service ended, if its log tells."""
    times = []
    for host, result in logs.items():
        starts = ((result.get("services") or {}).get(service) or {}).get("starts") or ()
        if starts and starts[-1].get("state") in ("stopped", "died during startup"):
            times.append(time_of(starts[-1].get("stopping_at") or starts[-1].get("at"), offsets.get(host, 0.0)))
    return max((time for time in times if time is not None), default=None)


def window_of(logs: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    windows = [result["window"] for result in logs.values() if result.get("window")]
    since = [one["since"] for one in windows if one.get("since")]
    return {"since": min(since, default=None), "until": next((one["until"] for one in windows if one.get("until")), None)}


def coverage(
    given: Inputs, facts: Mapping[str, Mapping[str, Any]], logs: Mapping[str, Mapping[str, Any]], selected: Iterable[str]
) -> list[dict[str, str]]:
    """What was not asked, once each: hosts, services without a host, and what the hosts themselves could not do."""
    found: list[dict[str, str]] = []

    def add(what: Any, where: Any, why: Any) -> None:
        entry = {"what": str(what), "where": str(where), "why": str(why)}
        if entry not in found:
            found.append(entry)

    for entry in given.not_checked:
        add(entry.get("what"), entry.get("where"), entry.get("why"))
    for host, why in given.lost.items():
        add(f"host {host}", host, why)
    for name in selected:
        for host in given.catalogue["services"][name]["hosts"]:
            if given.hosts and host not in given.hosts:
                add(f"{name} on {host}", host, "the host is not part of this run (--limit or dwp_hosts)")
    for name, entry in given.catalogue["services"].items():
        if not entry["hosts"]:
            add(name, "inventory", f"no host is in the group {name}")
    for source in (facts, logs):
        for host, one in source.items():
            for entry in one.get("not_checked") or ():
                add(entry.get("what"), f"{entry.get('where')} on {host}" if str(entry.get("where")) != host else host, entry.get("why"))
    return found
