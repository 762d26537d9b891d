# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report of triage for a terminal: at most 25 lines of 80 columns. What matters most comes first, what has no room is left out."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.dwp.backend.plugins.plugin_utils.table import fit, width

LINES, COLUMNS = 25, 80
_LABEL = 10


def lines(report: Mapping[str, Any], columns: int = COLUMNS, paths: Sequence[str] = ()) -> list[str]:
    """The verdict. `paths`: files of the report."""
    columns = max(40, min(columns, 120))
    verdict = report["verdict"]
    found = [*wrap(headline(verdict), columns), *_indented(_title(verdict, report), columns)]
    sections = [part for part in (list(_section(*one, columns=columns)) for one in _sections(report)) if part]
    sections = [part for part in (_next(verdict.get("next_action") or {}, columns), *sections) if part]
    end = [row for path in paths for row in _section("report", [path], 2, columns=columns)]
    room = LINES - len(found) - len(end) - 1
    body: list[str] = []
    for part in sections:
        rows = sum(max(1, -(-width(row) // columns)) for row in part)
        if rows <= room:  # else a shorter one may still fit
            body += part
            room -= rows
    return [*found, "", *body, *end] if body or end else found


def headline(verdict: Mapping[str, Any]) -> str:
    if verdict["status"] == "healthy":
        return f"HEALTHY (confidence: {verdict['confidence']})"
    where = verdict["service"] or ""
    if verdict["host"]:
        where = f"{where} on {verdict['host']}" if where else str(verdict["host"])
    what = verdict["failure"] or "cause unknown"
    return f"{verdict['status'].upper()}: {what}{', ' + where if where else ''} (confidence: {verdict['confidence']})"


def _title(verdict: Mapping[str, Any], report: Mapping[str, Any]) -> str:
    text = str(verdict["title"])
    since = _when(verdict.get("since"), report.get("generated_at"))
    return f"{text}; since {since}" if since else text


def _sections(report: Mapping[str, Any]) -> Iterator[tuple[str, list[str], int]]:
    """Label, texts and how many lines each text may take; in order of weight."""
    verdict = report["verdict"]
    if report["victims"]:
        yield "victims", [", ".join(report["victims"])], 2
    yield "states", [_states(report)], 3
    root = next((one for one in report["findings"] if one["role"] == "root"), None)
    if root:
        yield "evidence", [_evidence(one) for one in root["evidence"][:2]], 2
    elif verdict["status"] != "healthy":
        yield "why", list(verdict["reasons"]), 2
    also = [one for one in report["findings"] if one["role"] == "contributing"]
    if also:
        more = f" (and {len(also) - 3} more)" if len(also) > 3 else ""
        yield "also", [f"{one['failure']}: {one['title']}" for one in also[:2]] + [
            f"{one['failure']}: {one['title']}{more}" for one in also[2:3]], 2
    if report.get("canary"):
        yield "canary", [report["canary"]["text"]], 3
    path = report.get("request_path")
    canary = report.get("canary") or {}
    if path and not (canary.get("ids") and set(path["ids"]) <= set(canary["ids"])):  # what became of the canary is told above
        gaps = [gap["text"] for gap in path["gaps"] if gap["reason"] == "no line"][:2] if path["services"] else []
        failed = path.get("failed_at")
        ended = [f"failed in {failed['service']}: {failed['message']}"] if failed else []
        yield "request", [" -> ".join(path["services"]) or "no log has this id", *ended, *gaps], 2
    recent = _deployment(report)
    if recent:
        yield "deployed", [recent], 2
    changes = (report.get("baseline") or {}).get("changes")
    if changes is not None:
        texts = [one["text"] for one in changes]
        more_texts = [f"and {len(texts) - 3} more"] if len(texts) > 3 else []
        yield "changed", [*texts[:3], *more_texts] if texts else ["nothing since the baseline"], 1
    if root and verdict["reasons"]:
        yield "because", ["; ".join(verdict["reasons"])], 3
    others = [(count, role) for role in ("note", "stale") for count in [sum(one["role"] == role for one in report["findings"])] if count]
    notes: dict[str, list[str]] = {}
    for one in report["findings"]:
        if one["role"] == "note":
            notes.setdefault(f"{one['failure']}: {one['title']}", []).append(one["service"] or one["host"] or "")
    if notes:
        yield "note", [f"{text} ({', '.join(dict.fromkeys(names))})" for text, names in list(notes.items())[:2]], 2
    if report["not_checked"]:
        skipped = report["not_checked"]
        texts = [f"{one['what']}: {one['why']}" for one in skipped[:2]]
        yield "unasked", [*texts, *([f"and {len(skipped) - 2} more"] if len(skipped) > 2 else [])], 2
    if others and others[-1][1] == "stale":
        yield "over", [", ".join(sorted({one["failure"] for one in report["findings"] if one["role"] == "stale"}))], 1


def _states(report: Mapping[str, Any]) -> str:
    odd, well = [], 0
    everything = {**report["components"], **report["services"]}
    for name, entry in everything.items():
        if entry["state"] == "up":
            well += 1
            continue
        told = [entry.get("cause"), *(row["cause"] for row in entry.get("instances", ()) if row["health"] != "up")]
        causes = sorted({str(cause) for cause in told if cause not in (None, "", "ok", "down")})
        odd.append(f"{name} {entry['state']}" + (f" ({', '.join(causes)})" if causes else ""))
    total = f"{well} of {len(everything)} up" if everything else "no service was looked at"
    return "; ".join([total, ", ".join(odd)] if odd else [total])


def _evidence(one: Mapping[str, Any]) -> str:
    if one.get("file"):
        first, cause = str(one.get("record") or "").strip().partition("\n")[0], str(one.get("cause") or "")
        said = cause if not first.strip("*") else f"{first} <- {cause}" if cause and cause.partition(": ")[2] not in first else first
        return f"{one['file']}:{one.get('line') or '?'} {said}"
    return f"{one.get('source')}: {one.get('text')}"


def _deployment(report: Mapping[str, Any]) -> str:
    """The deployment shortly before it began: the first thing that one asks."""
    since = _parse(report["verdict"].get("since"))
    if since is None:
        return ""
    began = [one for one in report["timeline"] if one["kind"] == "deployment" and one["text"].endswith("began")]
    for one in reversed(began):
        moment = _parse(one["time"])
        if moment and datetime.timedelta(0) <= since - moment <= datetime.timedelta(hours=1):
            minutes = round((since - moment).total_seconds() / 60)
            return f"{one['text']} {minutes} min before"
    return ""


def _parse(text: Any) -> datetime.datetime | None:
    try:
        return datetime.datetime.fromisoformat(str(text).replace("Z", "+00:00")) if text else None
    except ValueError:
        return None


def _when(since: Any, now: Any) -> str:
    moment, end = _parse(since), _parse(now)
    if moment is None or end is None:
        return ""
    local = moment.astimezone()
    shown = local.strftime("%H:%M:%S" if local.date() == end.astimezone().date() else "%Y-%m-%d %H:%M:%S")
    seconds = max(0, round((end - moment).total_seconds()))
    ago = f"{seconds} s" if seconds < 120 else f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
    return f"{shown} ({ago} ago)"


# ---- shape


def _next(action: Mapping[str, Any], columns: int) -> list[str]:
    """The command in one piece, however long it is: it is there to be copied."""
    if not action:
        return []
    where = f", on {action['where']}" if action.get("where") else ""
    after = _section("", [f"({action['risk']}{where}) then: {action['verify']}"], 3, columns=columns)
    return [f"{'next':{_LABEL}}{action['command']}", *after]


def _indented(text: str, columns: int) -> list[str]:
    return [f"  {row}" for row in wrap(text, columns - 2)[:3]]


def _section(label: str, texts: Sequence[str], most: int, *, columns: int) -> Iterator[str]:
    """The label once, then the texts beside it; each takes at most so many lines."""
    first = True
    for text in texts:
        rows = wrap(" ".join(text.split()), columns - _LABEL)
        if len(rows) > most:
            rows = [*rows[: most - 1], fit(rows[most - 1] + " " + rows[most], columns - _LABEL).rstrip()]
        for row in rows:
            yield f"{label if first else '':{_LABEL}}{row}"
            first = False


def wrap(text: str, columns: int) -> list[str]:
    """At blanks; a word that is longer than a line is cut, so that nothing is lost."""
    rows, row = [], ""
    for word in text.split(" "):
        candidate = f"{row} {word}" if row else word
        if width(candidate) <= columns:
            row = candidate
            continue
        if row:
            rows.append(row)
        row = word
        while width(row) > columns:
            part = row[:columns]
            while width(part) > columns:
                part = part[:-1]
            rows.append(part)
            row = row[len(part):]
    return [*rows, row] if row or not rows else rows
