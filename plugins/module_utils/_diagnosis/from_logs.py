# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of dwp_logs as findings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.model import Finding, Platform
from ansible_collections.dwp.backend.plugins.module_utils._logs.window import parse_time


def findings_of_logs(results: Iterable[Mapping[str, Any]], platform: Platform) -> list[Finding]:
    """`results`: one module result for each host, with its `services`."""
    found: list[Finding] = []
    for result in results:
        for service in (result.get("services") or {}).values():
            found.extend(_finding(one, platform) for one in service.get("signatures", ()))
    return found


def _finding(one: Mapping[str, Any], platform: Platform) -> Finding:
    return Finding(
        failure=str(one["id"]),
        service=str(one["service"]),
        host=str(one.get("host") or ""),
        since=_time(one.get("first")),
        last=_time(one.get("last")),
        severity=str(one.get("severity") or "degraded"),
        about=str(one.get("about") or "service"),
        target=target_of(one.get("groups") or {}, platform),
        priority=int(one.get("priority") or 5),
        stale=bool(one.get("stale")),
        current=bool(one.get("current", True)),
        suspect=bool(one.get("suspect")),
        holds=bool(one.get("holds_while_running")),
        title=str(one.get("meaning") or ""),
        evidence=tuple(one.get("evidence") or ()),
        next_action=dict(one.get("next_action") or {}),
    )


def _time(text: Any) -> float | None:
    return parse_time(str(text), 0.0) if text else None


def target_of(groups: Mapping[str, str], platform: Platform) -> str:
    """The service that a failed call was meant for: by the name it has in the record, else by its port."""
    name = groups.get("name", "")
    names = platform.names
    if name in names:
        return name
    host, port = groups.get("target_host", ""), groups.get("target_port", "")
    if groups.get("url"):
        try:
            parts = urlsplit(groups["url"])
            host, port = parts.hostname or "", str(parts.port or "")
        except ValueError:
            return ""
    if port.isdigit() and int(port) in platform.ports:
        return str(platform.ports[int(port)])
    bare = re.sub(r"-(?:service|server)$", "", name or host)
    return bare if bare in names else ""
