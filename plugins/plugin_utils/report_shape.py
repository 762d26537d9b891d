# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report of triage made safe to show: every key there, every text scrubbed, nothing longer than somebody reads.

What is missing or has another type becomes empty, so that the page needs no case for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._logs.scrub import MASK, SECRET_NAME, Scrubber

#: characters of a text, elements of a list or mapping, of a list and of a mapping inside of it, nesting
LONGEST, MOST, NESTED, WIDE, DEEPEST = 4000, 200, 20, 100, 12
#: characters of text after which the rest of the report is shown in short
BUDGET = 2_000_000
#: characters of the raw report inside the page; a larger one is cut harder
RAW_LIMIT = 1_000_000

TEXT, TITLE, NAME = "text", "title", "name"
NUMBER, FLAG, TIME, MAP = "number", "flag", "time", "map"
_CUT = {TEXT: LONGEST, TITLE: 300, NAME: 80}
_ACTION = {"command": TEXT, "risk": NAME, "verify": TEXT, "where": NAME}
_EVIDENCE = {
    "file": TEXT, "line": NUMBER, "time": TIME, "level": NAME, "logger": NAME, "record": TEXT, "cause": TEXT, "source": TEXT, "text": TEXT,
}  # fmt: skip
_BLOCKER = {"pid": NUMBER, "application": NAME, "state": NAME, "seconds": NUMBER, "query": TEXT}
_LOCK = {"pid": NUMBER, "application": NAME, "waits_seconds": NUMBER, "query": TEXT, "blocked_by": [_BLOCKER]}
_MIGRATION = {"code": NAME, "version": NAME, "message": TEXT}
_INSTANCE = {
    "host": NAME, "health": NAME, "cause": NAME, "message": TEXT, "latency_ms": NUMBER,
    "rung": {"kind": NAME, "url": TEXT}, "shallow": FLAG, "components": MAP,
    "environment": {"plain": MAP, "fingerprints": MAP},
    "release": NAME, "version": NAME, "since": TIME, "pid": NUMBER, "restarts": NUMBER, "rss_mb": NUMBER, "port": NUMBER, "state": NAME,
}  # fmt: skip
_DATABASE = {
    "host": NAME, "services": [NAME], "address": NAME, "database": NAME, "user": NAME, "cause": NAME, "sqlstate": NAME, "message": TEXT,
    "latency_ms": NUMBER, "version": NAME, "read_only": FLAG, "max_connections": NUMBER, "reserved": NUMBER, "pool_sum": NUMBER,
    "server_connections": NUMBER,
    "connections": {"total": NUMBER, "by_application": MAP, "by_state": MAP},
    "locks": [_LOCK], "long_transactions": [_BLOCKER],
    "flyway": {"schema": NAME, "schema_version": NAME, "counts": MAP, "failed": [TEXT], "pending": [TEXT], "errors": [_MIGRATION],
               "newer_than_jar": FLAG},
}  # fmt: skip
_REDIS = {
    "host": NAME, "services": [NAME], "address": NAME, "cause": NAME, "message": TEXT, "latency_ms": NUMBER, "version": NAME, "role": NAME,
    "memory": {"used_mb": NUMBER, "max_mb": NUMBER, "policy": NAME}, "clients": NUMBER, "blocked_clients": NUMBER, "rejected": NUMBER,
    "loading": FLAG,
}  # fmt: skip
_HOST = {
    "state": NAME, "message": TEXT, "offset_seconds": NUMBER, "offset_uncertainty": NUMBER, "boot_time": TIME,
    "load": [NUMBER], "cpus": NUMBER, "synchronized": FLAG,
    "memory": {"total_mb": NUMBER, "available_mb": NUMBER, "swap_used_mb": NUMBER},
    "disks": [{"path": TEXT, "mount": NAME, "for": [NAME], "total_mb": NUMBER, "free_mb": NUMBER, "free_percent": NUMBER,
               "inodes_free_percent": NUMBER}],
    "java": {"version": NAME, "path": TEXT}, "oom_kills": [{"time": TIME, "pid": NUMBER, "name": NAME, "service": NAME}],
}  # fmt: skip
_PATH = {
    "ids": [NAME], "related_ids": [NAME], "services": [NAME], "dropped": NUMBER,
    "steps": [{"time": TIME, "service": NAME, "host": NAME, "file": TEXT, "line": NUMBER, "level": NAME, "message": TEXT,
               "after_ms": NUMBER}],
    "gaps": [{"service": NAME, "reason": NAME, "text": TEXT}],
    "longest_wait": {"ms": NUMBER, "before": NAME, "at": TIME}, "failed_at": {"time": TIME, "service": NAME, "host": NAME, "message": TEXT},
}  # fmt: skip
#: Names as keys ({"*": ...}), lists ([...]) and leaves.
REPORT: dict[str, Any] = {
    "schema_version": NUMBER, "generated_at": TIME, "environment": NAME, "duration_seconds": NUMBER,
    "tool": {"name": NAME, "version": NAME}, "window": {"since": TIME, "until": TIME},
    "verdict": {"status": NAME, "failure": NAME, "service": NAME, "host": NAME, "title": TITLE, "confidence": NAME, "reasons": [TEXT],
                "since": TIME, "next_action": _ACTION},
    "victims": [NAME],
    "findings": [{"failure": NAME, "role": NAME, "service": NAME, "host": NAME, "severity": NAME, "title": TITLE, "since": TIME,
                  "told_by": NAME, "last": TIME, "count": NUMBER, "evidence": [_EVIDENCE], "next_action": _ACTION}],
    "unexplained": [{"service": NAME, "why": TEXT}], "ruled_out": [{"what": TEXT, "why": TEXT}],
    "services": {"*": {"state": NAME, "calls": [NAME], "needs": [NAME], "wave": NUMBER, "instances": [_INSTANCE]}},
    "components": {"*": {"state": NAME, "hosts": [NAME], "cause": NAME, "message": TEXT, "needed_by": [NAME]}},
    "edges": [{"host": NAME, "from": NAME, "to": NAME, "variable": NAME, "url": TEXT, "cause": NAME, "status": NUMBER, "message": TEXT,
               "latency_ms": NUMBER, "local": FLAG, "external": FLAG, "points_to": NAME}],
    "hosts": {"*": _HOST},
    "templates": [{"service": NAME, "host": NAME, "template": TEXT, "count": NUMBER, "first": TIME, "last": TIME, "sample": TEXT,
                   "level": NAME, "stale": FLAG}],
    "database": [_DATABASE], "redis": [_REDIS], "request_path": _PATH,
    "environment_differences": [{"service": NAME, "host": NAME, "variable": NAME, "kind": NAME, "between": [NAME], "secret": FLAG,
                                 "values": MAP, "text": TEXT}],
    "timeline": [{"time": TIME, "kind": NAME, "service": NAME, "host": NAME, "text": TEXT}],
    "canary": {"id": NAME, "url": TEXT, "host": NAME, "cause": NAME, "status": NUMBER, "latency_ms": NUMBER, "vanished_at": NAME,
               "text": TEXT},
    "baseline": {"report": TEXT, "generated_at": TIME,
                 "changes": [{"kind": NAME, "service": NAME, "host": NAME, "before": TITLE, "after": TITLE, "text": TEXT}]},
    "not_checked": [{"what": TEXT, "where": TEXT, "why": TEXT}],
}  # fmt: skip

_SCRUBBER = Scrubber()


class Items(list[Any]):
    """The first elements of a list, and how many were left out."""

    left = 0


class Names(dict[str, Any]):
    """The first entries of a mapping, and how many were left out."""

    left = 0


class _Shaper:
    """One pass over a report. What it has given out so far decides how much of the next text is kept."""

    def __init__(self) -> None:
        self.spent = 0

    def shape(self, value: Any, wanted: Any, inside: bool = False) -> Any:
        if isinstance(wanted, list):
            elements = _elements(value)
            most = NESTED if inside else MOST
            items = Items(self.shape(each, wanted[0], True) for each in elements[:most])
            items.left = max(0, len(elements) - most)
            return items
        if isinstance(wanted, dict):
            source = value if isinstance(value, Mapping) else {}
            if "*" not in wanted:
                return {key: self.shape(source.get(key), each, inside) for key, each in wanted.items()}
            names = Names((text(key, _CUT[NAME]), self.shape(each, wanted["*"], True)) for key, each in list(source.items())[:MOST])
            names.left = max(0, len(source) - MOST)
            return names
        return self._leaf(value, wanted)

    def _leaf(self, value: Any, wanted: str) -> Any:
        if wanted == MAP:
            found = tidy(value, 200, WIDE if self.spent < BUDGET else 5) if isinstance(value, Mapping) else Names()
            self.spent += sum(len(str(each)) for each in found.values())
            return found
        if wanted == NUMBER:
            return value if _is_number(value) else None
        if wanted == FLAG:
            return value if isinstance(value, bool) else None
        if wanted == TIME:
            return moment(value)
        if value is None or isinstance(value, (Mapping, list, tuple)):
            return ""
        found = text(value, _CUT[wanted] if self.spent < BUDGET else min(_CUT[wanted], 120))
        self.spent += len(found)
        return found


def shape(value: Any) -> Any:
    """A report as `REPORT` says it looks."""
    return _Shaper().shape(value, REPORT)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -1e18 < value < 1e18


def _elements(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else []


def text(value: Any, longest: int = LONGEST) -> str:
    """Scrubbed, free of control characters, cut."""
    if isinstance(value, int) and not isinstance(value, bool) and not _is_number(value):
        return "[... a huge number]"
    return _SCRUBBER.text(value if isinstance(value, str) else str(value), longest)


def moment(value: Any) -> datetime | str | None:
    """A time in UTC; a text that is none stays text."""
    try:
        if _is_number(value):
            return datetime.fromtimestamp(value, timezone.utc)
        if isinstance(value, str) and value:
            found = datetime.fromisoformat(value.replace("Z", "+00:00"))
            return found.astimezone(timezone.utc) if found.tzinfo else found.replace(tzinfo=timezone.utc)
    except (ValueError, OverflowError, OSError):
        return text(value, 200)[:30]
    return None


def tidy(value: Any, longest: int = LONGEST, most: int = MOST, name: str = "", depth: int = 0) -> Any:
    """The same structure, bounded; the value of a key that says secret is masked unless it is a fingerprint."""
    if isinstance(value, Mapping):
        if depth > DEEPEST:
            return "[... nested too deeply]"
        found = Names()
        for key, each in list(value.items())[:most]:
            known = text(key, 200)
            if known in ("fingerprints", "values") or not SECRET_NAME.search(known):
                found[known] = tidy(each, longest, most, known, depth + 1)
            else:
                found[known] = each if harmless(each) else MASK
        found.left = max(0, len(value) - most)
        if found.left:
            found["..."] = f"{found.left} more"
        return found
    if isinstance(value, (list, tuple)):
        if depth > DEEPEST:
            return "[... nested too deeply]"
        items = [tidy(each, longest, most, name, depth + 1) for each in value[:most]]
        return [*items, f"... {len(value) - most} more"] if len(value) > most else items
    if value is None or isinstance(value, bool) or _is_number(value):
        return value
    return text(value, longest)


def harmless(value: Any) -> bool:
    """Flags and counts about a secret, and its fingerprint of 8 hex digits."""
    fingerprint = isinstance(value, str) and len(value) == 8 and all(each in "0123456789abcdef" for each in value)
    return value is None or isinstance(value, bool) or _is_number(value) or fingerprint


def raw(report: Any) -> str:
    """The report as JSON for comparing, cut harder until it fits into a page."""
    found = ""
    for longest, most in ((LONGEST, MOST), (1000, 50), (200, 10), (60, 3)):
        found = json.dumps(tidy(report, longest, most), indent=1, ensure_ascii=False, sort_keys=True)
        if len(found) <= RAW_LIMIT:
            return found
    return found[:RAW_LIMIT] + "\n[... cut]"
