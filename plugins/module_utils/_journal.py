# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of a host: one JSON object a line, appended before and after each step, never rewritten.

It is the truth about what happened; the controller keeps a copy. A full disk must not stop a rollback, so a line that
cannot be written is reported to the caller and nothing else; a torn last line (power loss) is closed and passed over.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable
from typing import Any

NAME = "journal.jsonl"
_MAX_READ = 4 << 20
_TEXTS = ("event", "at", "deployment", "kind", "owner", "service", "outcome", "reason")


def path_of(root: str) -> str:
    return os.path.join(root, NAME)


def append(root: str, entry: dict[str, Any]) -> str | None:
    """Append one entry; returns why it could not be written, or None."""
    line = json.dumps(entry, sort_keys=True, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
    try:
        handle = os.open(path_of(root), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            size = os.fstat(handle).st_size
            if size and os.pread(handle, 1, size - 1) != b"\n":
                line = b"\n" + line  # the last writer died in the middle of its line
            if os.write(handle, line) < len(line):  # a disk that fills up takes a part of it without an error
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        return f"{path_of(root)} cannot be written ({error.strerror}): this step is missing in the history"
    return None


def parse(text: str) -> list[dict[str, Any]]:
    """Entries in order; lines that are none (torn, or written by somebody else) are passed over."""
    entries = []
    for line in text.split("\n"):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and "event" in entry and all(isinstance(entry.get(name, ""), str) for name in _TEXTS):
            entries.append(entry)
    return entries


def read(root: str) -> list[dict[str, Any]]:
    """The newest entries of a host (the last 4 MB)."""
    try:
        with open(path_of(root), "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _MAX_READ))
            return parse(file.read().decode("utf-8", "replace"))
    except OSError:
        return []


def deployments(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row per deployment, oldest first: who, when, what became of it. Without an end it was interrupted."""
    rows: dict[str, dict[str, Any]] = {}
    for entry in entries:
        name = entry.get("deployment")
        if not name:
            continue
        row = rows.setdefault(name, {
            "deployment": name, "kind": "", "owner": "", "began": entry.get("at", ""), "ended": None,
            "outcome": "interrupted", "services": {}, "reason": "", "version": "", "databases": {},
        })
        event = entry["event"]
        if event == "begin":
            row.update(began=entry.get("at", ""), **{k: entry.get(k, "") for k in ("kind", "owner", "version")})
        elif event == "end":
            row.update(ended=entry.get("at"), outcome=entry.get("outcome", ""), reason=entry.get("reason", ""))
        elif event == "database_rolled_back":
            row["databases"][entry.get("database", "")] = entry.get("versions", [])
        elif event in ("activated", "activating", "gated", "stopped"):
            service = row["services"].setdefault(entry.get("service", ""), {})
            service.update({k: v for k, v in entry.items() if k in ("release", "from", "outcome", "seconds", "cause")})
    return list(rows.values())


def merge(by_host: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Deployments over all hosts, oldest first. One that a host saw interrupted or failed is so for all."""
    merged: dict[str, dict[str, Any]] = {}
    rank = {"ok": 0, "": 1, "undone": 2, "failed": 3, "interrupted": 4}
    for host, entries in sorted(by_host.items()):
        for row in deployments(entries):
            found = merged.setdefault(row["deployment"], {**row, "services": {}, "databases": {}, "hosts": []})
            found["hosts"].append(host)
            found["began"] = min(found["began"], row["began"])
            found["ended"] = max(found["ended"] or "", row["ended"] or "") or None
            for name, service in row["services"].items():
                found["services"][f"{name}@{host}"] = service
            found["databases"].update(row["databases"])
            if rank.get(row["outcome"], 3) > rank.get(found["outcome"], 3):
                found.update(outcome=row["outcome"], reason=row["reason"])
    return sorted(merged.values(), key=lambda row: row["began"])
