# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scans as plain, scrubbed results: what leaves the host."""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._logs import lifecycle, reader
from ansible_collections.dwp.backend.plugins.module_utils._logs.formats import Record
from ansible_collections.dwp.backend.plugins.module_utils._logs.lifecycle import Boundaries, Life
from ansible_collections.dwp.backend.plugins.module_utils._logs.reader import FileReport
from ansible_collections.dwp.backend.plugins.module_utils._logs.scan import Hits, Scan
from ansible_collections.dwp.backend.plugins.module_utils._logs.scrub import Scrubber
from ansible_collections.dwp.backend.plugins.module_utils._logs.search import IdSearch
from ansible_collections.dwp.backend.plugins.module_utils._logs.templates import Group, cause_of
from ansible_collections.dwp.backend.plugins.module_utils._logs.window import iso
from ansible_collections.dwp.backend.plugins.module_utils._signatures import Match

RECENT = 120.0  # s before the newest error of a log: what is told now
CAUSE = 300  # characters of the reason that a record ends with


@dataclass(frozen=True)
class Limits:
    """How much of it is told."""

    templates: int = 20
    evidence: int = 3
    text: int = 2000
    starts: int = 20


def number_lines(scans: Iterable[Scan], searches: Iterable[IdSearch]) -> None:
    """Line numbers for what is shown, all of a file in one count."""
    wanted: dict[str, list[Record]] = {}
    for record in _shown(scans, searches):
        if record.line is None and record.file.startswith("/") and not record.file.endswith(".gz"):
            wanted.setdefault(record.file, []).append(record)
    for file, records in wanted.items():
        lines = reader.line_numbers(file, [record.offset for record in records])
        for record in records:
            record.line = lines.get(record.offset)


def _shown(scans: Iterable[Scan], searches: Iterable[IdSearch]) -> Iterable[Record]:
    for scan in scans:
        for hits in scan.hits.values():
            yield from (record for record, _match in hits.newest)
            if hits.oldest is not None:
                yield hits.oldest[0]
        yield from (event.record for event in scan.events)
        for group in scan.groups.values():
            yield group.sample
            if group.newest is not None:
                yield group.newest
    for search in searches:
        yield from search.records


def evidence(record: Record, scrubber: Scrubber, limit: int) -> dict[str, Any]:
    return {
        "file": record.file,
        "line": record.line,
        "offset": record.offset,
        "time": iso(record.time),
        "time_estimated": record.time_estimated,
        "level": record.level,
        "logger": scrubber.text(record.logger, 200),
        "thread": scrubber.text(record.thread, 100),
        "pid": record.pid,
        "ids": scrubber.mapping(record.ids, 10),
        "record": scrubber.text(record.text, limit),
        "cause": scrubber.text(cause_of(record.text), CAUSE) or None,
        "truncated": record.truncated,
    }


def service_result(scan: Scan, limits: Limits, scrubber: Scrubber, host: str = "") -> dict[str, Any]:
    history = lifecycle.lives(scan.events)
    edges = lifecycle.boundaries(history)
    signatures = [_signature(hits, history, edges, limits, scrubber, scan.service, host) for hits in scan.hits.values()]
    signatures.sort(key=lambda one: (one["stale"], one["priority"], one["first"] or "", one["id"]))
    groups = sorted(scan.groups.values(), key=lambda group: (-(group.last or 0.0), group.template))
    # What is told now stands before what was frequent once: the rest may be left out.
    newest = max((group.last or 0.0 for group in groups), default=0.0)
    groups.sort(key=lambda group: (newest - (group.last or 0.0) > RECENT, -group.count))
    templates = [_template(group, edges, limits, scrubber) for group in groups]
    templates.sort(key=lambda one: bool(one["stale"]))
    return {
        "service": scan.service,
        "host": host,
        "state": history[-1].state if history else "unknown",
        "started_at": iso(edges.started),
        "starts": [_start(life, scrubber) for life in history[-limits.starts :]],
        "restarts": max(0, sum(1 for life in history if life.starting) - 1),
        "failed_starts": sum(1 for life in history if life.state == "died during startup"),
        "signatures": signatures,
        "templates": templates[: limits.templates],
        "templates_left_out": max(0, len(templates) - limits.templates),
        "levels": {level: count for level, count in sorted(scan.counts.items()) if level},
        "discounted": scan.discounted,
        "last_words": [scrubber.text(line, CAUSE) for line in scan.last_words],
    }


def _signature(
    hits: Hits, history: list[Life], edges: Boundaries, limits: Limits, scrubber: Scrubber, service: str, host: str
) -> dict[str, Any]:
    signature = hits.signature
    holds = signature.holds_while_running
    times = sorted(hits.times)
    fresh = [time for time in times if not edges.stale(time, holds)]
    stale = bool(times) and not fresh
    told = fresh or times
    shown = sorted(hits.newest, key=lambda pair: pair[0].time or 0.0, reverse=True)[: limits.evidence]
    record, match = shown[0]
    groups: dict[str, str] = {}
    for _record, one in reversed(shown):  # the newest wins; what only an older record tells is kept
        groups.update(one.groups)
    match = Match(signature, groups, match.variant)
    if hits.oldest is not None and all(pair[0].offset != hits.oldest[0].offset for pair in shown):
        shown.append(hits.oldest)
    return {
        "id": signature.id,
        "service": service,
        "host": host,
        "priority": signature.priority,
        "about": match.about,
        "severity": signature.severity,
        "meaning": scrubber.text(match.meaning, CAUSE),
        "variant": match.variant["name"] if match.variant else None,
        "count": len(fresh) if times else hits.count,
        "count_all": hits.count,
        "startups": _startups(told, history),
        "first": iso(told[0]) if told else None,
        "last": iso(told[-1]) if told else None,
        "stale": stale,
        "current": any(edges.current(time) for time in told) if told else True,
        "holds_while_running": holds,
        "suspect": hits.suspects(edges) >= hits.count,
        "groups": scrubber.mapping(match.groups, 30),
        "next_action": _action(match, record, service, scrubber),
        "source": signature.source,
        "evidence": [evidence(one, scrubber, limits.text) for one, _match in shown],
    }


def _action(match: Match, record: Record, service: str, scrubber: Scrubber) -> dict[str, str]:
    values = {"service": service, "file": record.file}
    return {key: scrubber.mask(text) for key, text in match.next_action(values).items()}


def _startups(times: list[float], history: list[Life]) -> int:
    """In how many different startups it was told: one failed start prints the same text up to nine times."""
    found = set()
    begins = [life.began if life.began is not None else 0.0 for life in history]
    for time in times:
        index = bisect.bisect_right(begins, time) - 1
        if index < 0:
            continue
        started = history[index].started
        if started is None or started.time is None or time <= started.time:
            found.add(index)
    return len(found)


def _template(group: Group, edges: Boundaries, limits: Limits, scrubber: Scrubber) -> dict[str, Any]:
    newest = group.newest or group.sample
    fresh = [time for time in group.times if not edges.stale(time)]
    stale = bool(group.times) and not fresh
    return {
        "template": scrubber.text(group.template, 400),
        "level": group.level,
        "logger": scrubber.text(group.logger, 200),
        "exception": group.exception,
        "cause": group.cause,
        "count": len(fresh) if group.times and not stale else group.count,
        "count_all": group.count,
        "first": iso(min(fresh) if fresh else group.first),
        "last": iso(group.last),
        "stale": stale,
        "evidence": evidence(newest, scrubber, limits.text),
    }


def _start(life: Life, scrubber: Scrubber) -> dict[str, Any]:
    begin = life.starting or life.started
    last = life.exits[-1] if life.exits else None
    return {
        "at": iso(life.began),
        "state": life.state,
        "pid": begin.pid if begin else None,
        "version": scrubber.text(life.starting.version, 100) if life.starting else "",
        "java": scrubber.text(life.starting.java, 50) if life.starting else "",
        "started_at": iso(life.started.time) if life.started else None,
        "seconds": life.started.seconds if life.started else None,
        "stopping_at": iso(life.stopping.time) if life.stopping else None,
        "exit_status": last.status if last else None,
        "exit_signal": last.signal if last else "",
        "file": begin.record.file if begin else "",
        "line": begin.record.line if begin else None,
    }


def file_result(report: FileReport, scrubber: Scrubber, now: float) -> dict[str, Any]:
    silent = None if report.last_time is None else max(0, round(now - report.last_time))
    return {
        "service": report.service,
        "file": report.file,
        "size": report.size,
        "bytes_read": report.bytes_read,
        "records": report.mode,
        "modified": iso(report.modified),
        "first": iso(report.first_time),
        "last": iso(report.last_time),
        "silent_seconds": silent,
        "complete": report.complete,
        "ends_inside_line": report.ends_inside_line,
        "problem": scrubber.text(report.problem, 400),
    }


def not_checked(reports: Iterable[FileReport], scrubber: Scrubber) -> list[dict[str, str]]:
    return [
        {"what": f"log of {report.service}", "where": report.file, "why": scrubber.text(report.problem, 400)}
        for report in reports
        if report.problem
    ]
