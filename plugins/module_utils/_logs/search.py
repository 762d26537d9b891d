# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding every record that carries an id, and laying them out as one path across services."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._logs.errors import LogsError
from ansible_collections.dwp.backend.plugins.module_utils._logs.formats import ID_KEYS, Record
from ansible_collections.dwp.backend.plugins.module_utils._logs.records import Chunk
from ansible_collections.dwp.backend.plugins.module_utils._logs.window import Window, iso

MOST_RECORDS = 2000
_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
# How a log shows that it prints ids at all; without one of these "nothing found" proves nothing.
MARKS = (b"correlationId", b"traceId", b"gatewayRequestId", b"Correlation ID")
_RELATED = re.compile(
    r"(?i)\b(correlation[-_ ]?id|trace[-_ ]?id|gateway[-_ ]?request[-_ ]?id)\b[\"']?\s*[:=]\s*[\"']?"
    r"([0-9A-Za-z][0-9A-Za-z._-]{7,127})"
)
_USELESS = re.compile(r"^(?:0+|null|none|unknown|undefined)$", re.I)


def check_ids(ids: Iterable[str]) -> list[str]:
    """Ids as they may be searched: not so short that half of the log matches."""
    found = []
    for number, value in enumerate(ids):
        text = str(value).strip()
        if len(text) < 4 or len(text) > 200 or re.search(r"[\x00-\x1f]", text):
            raise LogsError(
                f"ids[{number}]: {text[:40]!r} cannot be searched; an id has 4 to 200 characters on one line. "
                "Take it from the response headers X-Trace-Id or X-Gateway-Request-Id, or from the error body."
            )
        found.append(text)
    return found


class IdSearch:
    """Collects the records of one service that hold one of the ids as a whole word."""

    def __init__(self, service: str, ids: Sequence[str], window: Window) -> None:
        self.service, self.window = service, window
        self.records: list[Record] = []
        self.dropped = 0
        self.prints_ids = False
        self._needles = [value.encode() for value in ids]
        self._seen: set[tuple[str, int]] = set()

    def look_for(self, ids: Sequence[str]) -> None:
        """Other ids from now on; what was found stays."""
        self._needles = [value.encode() for value in ids]

    def chunk(self, chunk: Chunk) -> None:
        data = chunk.data
        if not self.prints_ids:
            edge = data[:262144] + data[-262144:]
            self.prints_ids = any(mark in edge for mark in MARKS)
        for needle in self._needles:
            position = data.find(needle)
            while position >= 0:
                after = position + len(needle)
                if self._whole(data, position, after):
                    after = self._keep(chunk, position)
                position = data.find(needle, after)

    @staticmethod
    def _whole(data: bytes, start: int, end: int) -> bool:
        return not (start > 0 and data[start - 1] in _WORD) and not (end < len(data) and data[end] in _WORD)

    def _keep(self, chunk: Chunk, position: int) -> int:
        start, end = chunk.cutter.start(chunk.data, position), chunk.cutter.end(chunk.data, position)
        if (chunk.file, chunk.offset + start) not in self._seen:
            record = chunk.record(start, end)
            if self.window.contains(record.time):
                if chunk.line is not None:
                    record.line = chunk.line + chunk.data.count(b"\n", 0, start)
                self._seen.add((chunk.file, chunk.offset + start))
                if len(self.records) < MOST_RECORDS:
                    self.records.append(record)
                else:
                    self.dropped += 1
        return end

    def related(self) -> set[str]:
        """Other ids of the same requests, named in the records that were found."""
        found: set[str] = set()
        for record in self.records:
            for key, value in record.ids.items():
                if key.lower().replace("-", "").replace("_", "") in ID_KEYS[:3]:
                    found.add(value)
            found.update(match[2] for match in _RELATED.finditer(record.text[:20000]))
        return {value for value in found if len(value) >= 8 and not _USELESS.match(value)}


@dataclass
class Coverage:
    """Why a service may have no line: what was read of its log."""

    service: str
    host: str = ""
    readable: bool = True
    complete: bool = True
    prints_ids: bool = True
    problem: str = ""


@dataclass
class RequestPath:
    """The request as the logs tell it: steps in order of time, and who kept silent."""

    ids: list[str]
    steps: list[dict[str, Any]] = field(default_factory=list)
    services: list[str] = field(default_factory=list)
    gaps: list[dict[str, str]] = field(default_factory=list)
    longest_wait: dict[str, Any] | None = None
    failed_at: dict[str, Any] | None = None


def assemble(
    ids: Sequence[str],
    steps: Iterable[Mapping[str, Any]],
    coverage: Sequence[Coverage],
    calls: Mapping[str, Sequence[str]] | None = None,
) -> RequestPath:
    """One ordered path out of the records of all services and hosts. A step has at least service, time and level.

    Steps with the same time keep the order of their own file; across services the order of calls decides.
    """
    rank = _ranks(calls or {})
    ordered = [dict(step) for step in steps]
    ordered.sort(key=lambda s: (s.get("time") or "", rank.get(s["service"], 99), s.get("file") or "", s.get("offset") or 0))
    path = RequestPath(list(ids), ordered)
    previous: float | None = None
    for step in ordered:
        if step["service"] not in path.services:
            path.services.append(step["service"])
        now = step.get("epoch")
        step["after_ms"] = None
        if now is not None and previous is not None:
            step["after_ms"] = round((now - previous) * 1000)
            if path.longest_wait is None or step["after_ms"] > path.longest_wait["ms"]:
                path.longest_wait = {"ms": step["after_ms"], "before": step["service"], "at": step["time"]}
        previous = now if now is not None else previous
        if path.failed_at is None and step.get("level") == "ERROR":
            path.failed_at = step
    path.gaps = _gaps(path.services, coverage, calls or {})
    for step in ordered:
        step.pop("epoch", None)
    return path


def _ranks(calls: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """How deep a service lies below the callers, by the longest way; in a cycle the depth ends with their number."""
    names = list(dict.fromkeys([*calls, *(target for targets in calls.values() for target in targets)]))
    rank = dict.fromkeys(names, 0)
    for _round in names:
        for name in calls:
            for target in calls[name]:
                rank[target] = min(max(rank[target], rank[name] + 1), len(names))
    return rank


def _gaps(seen: Sequence[str], coverage: Sequence[Coverage], calls: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    gaps = []
    by_service: dict[str, list[Coverage]] = {}
    for one in coverage:
        by_service.setdefault(one.service, []).append(one)
    for service, parts in by_service.items():
        if service in seen:
            continue
        callers = [name for name in seen if service in calls.get(name, ())]
        text = f"nothing in {service}"
        unread = [part for part in parts if not part.readable]
        if unread and len(unread) == len(parts):
            reason, meaning = "unreadable", f"its log could not be read: {unread[0].problem or 'no reason given'}"
        elif any(not part.complete for part in parts):
            reason, meaning = "incomplete", "its log was not read completely: " + "; ".join(part.problem for part in parts if part.problem)
        elif not any(part.prints_ids for part in parts):
            reason, meaning = "prints no ids", "its log prints no ids, so the request may have been there all the same"
        else:
            reason, meaning = "no line", "its log prints ids and has none of these: the request did not get there, or was not worth a line"
            if callers:
                meaning += f", although {', '.join(callers)} may call it"
        gaps.append({"service": service, "reason": reason, "text": f"{text}: {meaning}"})
    return gaps


def step_of(record: Record, host: str, message: str) -> dict[str, Any]:
    """A record as a step of a path; `message` is its text, scrubbed."""
    return {
        "time": iso(record.time),
        "epoch": record.time,
        "service": record.service,
        "host": host,
        "file": record.file,
        "line": record.line,
        "offset": record.offset,
        "level": record.level,
        "logger": record.logger,
        "thread": record.thread,
        "message": message,
    }
