# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last words of a service that failed: from its log file and its manager, without secrets."""

from __future__ import annotations

import os
import re
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils import _envfile, _manager
from ansible_collections.dwp.backend.plugins.module_utils._release.store import Store

_TAIL = 64 << 10
_LINES = 25
_TELLING = re.compile(r"\b(ERROR|FATAL|WARN)\b|Caused by:|APPLICATION FAILED TO START|^Description:|^Action:|Exception")
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


def tail(path: str, size: int = _TAIL) -> list[str]:
    """The last lines of a file, terminal escapes and control characters removed."""
    try:
        with open(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - size))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [_ESCAPES.sub("", line)[:500] for line in text.splitlines()]


def telling(lines: list[str], limit: int = _LINES) -> list[str]:
    """The lines that say why: the last errors, without the frames of their stack traces; else simply the last lines."""
    chosen = [line for line in lines if _TELLING.search(line) and not line.lstrip().startswith("at ")]
    return (chosen or [line for line in lines if line.strip()])[-limit:]


def last_words(store: Store, manager: Any, service: str) -> dict[str, Any]:
    """Where the evidence is and what it says; the values of secrets are taken out."""
    current = store.current(service)
    text = (store.text(service, current, "environment") or "") if current else ""
    values = _envfile.read(text).values
    manifest = (store.manifest(service, current) or {}) if current else {}
    path = values.get("LOGGING_FILE_NAME", "")
    lines, source = tail(path), path
    console, console_source = _console(manager, service)
    if not telling(lines) or not any(_TELLING.search(line) for line in lines):
        lines, source = console, console_source
    secrets = sorted((values[n] for n in manifest.get("secret_names", ()) if values.get(n)), key=len, reverse=True)
    shown = telling(lines)
    for secret in secrets:
        shown = [line.replace(secret, "***") for line in shown]
    return {"source": source, "lines": shown, "console": console_source}


def _console(manager: Any, service: str) -> tuple[list[str], str]:
    if isinstance(manager, _manager.Systemd):
        return manager.journal(service, 200), f"journalctl -u {manager.unit(service)}"
    path = manager.console(service)
    return tail(path), path
