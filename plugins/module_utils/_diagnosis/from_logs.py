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
    return [one for result in results for one in findings_of_host(result, platform)]


def findings_of_host(result: Mapping[str, Any], platform: Platform, host: str = "", offset: float = 0.0) -> list[Finding]:
    """`host`: its name in the inventory, which is not always the one that it gives itself. `offset`: how far its clock is ahead."""
    return [
        _finding(one, platform, host, offset)
        for service in (result.get("services") or {}).values() for one in service.get("signatures", ())
    ]  # fmt: skip


def _finding(one: Mapping[str, Any], platform: Platform, host: str, offset: float) -> Finding:
    groups, about = one.get("groups") or {}, str(one.get("about") or "service")
    target = target_of(groups, platform)
    if about == "downstream" and not target and not any(groups.get(name) for name in ("target_host", "url", "name")):
        target = _behind(one.get("evidence") or (), platform)
    return Finding(
        failure=str(one["id"]),
        service=str(one["service"]),
        host=host or str(one.get("host") or ""),
        since=time_of(one.get("first"), offset),
        last=time_of(one.get("last"), offset),
        count=int(one.get("count") or 1),
        variant=str(one.get("variant") or ""),
        severity=str(one.get("severity") or "degraded"),
        about=about,
        target=target,
        priority=int(one.get("priority") or 5),
        stale=bool(one.get("stale")),
        current=bool(one.get("current", True)),
        suspect=bool(one.get("suspect")),
        holds=bool(one.get("holds_while_running")),
        title=str(one.get("meaning") or ""),
        evidence=tuple(one.get("evidence") or ()),
        next_action=dict(one.get("next_action") or {}),
    )


_PATH = re.compile(r'HTTP [A-Z]+ "?(/[^\s"?]*)')


def _behind(evidence: Iterable[Mapping[str, Any]], platform: Platform) -> str:
    """Who did not answer in time, of which a record tells the path alone; several services at once have a cause in common."""
    paths = [match[1] for one in evidence if (match := _PATH.search(str(one.get("record") or "")))]
    names = {platform.behind(path) for path in paths}
    return names.pop() if len(names) == 1 else ""


def time_of(text: Any, offset: float = 0.0) -> float | None:
    """A time of a result, by the clock of the controller."""
    found = parse_time(str(text), 0.0) if text else None
    return None if found is None else found - offset


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
    bare = re.sub(r"-(?:service|server)$", "", name or host)
    if bare in names:
        return bare
    # A stranger may listen on a port that one of ours has, too. Of an address in numbers nobody knows the name.
    stranger = platform.called and re.search("[a-z]", host) and host != "localhost" and host not in platform.called
    ours = {**platform.ports, **platform.frontends}
    return str(ours[int(port)]) if port.isdigit() and int(port) in ours and not stranger else ""
