# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts as findings: unreachable, their disks, memory, service manager and clocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.health import Health
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.known import Known
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.model import DOWN, UP, Finding, Platform

SKEW = 30.0  # s from which tokens begin to fail; what is less is Ansible's own delay


def lost_host(host: str, why: str, platform: Platform, health: Health, known: Known) -> list[Finding]:
    """The root of what runs there, unless its services answer others: then only our way to it is broken."""
    rows = [row for rows in health.instances.values() for row in rows if row["host"] == host]
    components = [name for name, entry in health.components.items() if host in entry["hosts"] and entry["state"] == UP]
    if components or any(row["health"] == UP for row in rows):
        return []
    severity = "down" if any(row["health"] == DOWN for row in rows) else "degraded"
    return [known.finding("HOST_UNREACHABLE", "", host, {}, f"connection to {host}", why, severity=severity, subject=f"host:{host}")]


def on_host(host: str, facts: Mapping[str, Any], health: Health, known: Known) -> list[Finding]:
    found = []
    about: Mapping[str, Any] = facts.get("host") or {}
    seen: set[str] = set()
    for disk in about.get("disks") or ():
        mount = str(disk.get("mount") or disk.get("path"))
        if mount in seen:
            continue
        seen.add(mount)
        free, percent, inodes = disk.get("free_mb"), disk.get("free_percent"), disk.get("inodes_free_percent")
        uses = ", ".join(disk.get("for") or ())
        text = f"{mount} ({uses}): {free} of {disk.get('total_mb')} MB free ({percent} %), {inodes} % of the inodes"
        values = {"path": mount, "free": f"{free} MB ({percent} %)"}
        source = f"file systems of {host}"
        if disk.get("read_only"):
            found.append(known.finding("DISK_READ_ONLY", "", host, {**values, "uses": uses}, source, text, subject=f"host:{host}"))
        full = (free is not None and free < 20) or (inodes is not None and inodes < 0.1)
        if full:
            lack = "is full" if free is not None and free < 20 else "has no inodes left"
            title = f"the file system {mount} of {host} {lack} ({uses})"
            more = {} if "logs" in (disk.get("for") or ()) else {"next_action": known.action("DISK_LOW", values)}
            found.append(known.finding("DISK_FULL", "", host, values, source, text, title=title, subject=f"host:{host}", **more))
        elif (percent is not None and percent < 5 and (free or 0) < 1024) or (inodes is not None and inodes < 2):
            found.append(known.finding("DISK_LOW", "", host, values, source, text, subject=f"host:{host}"))
    memory = about.get("memory") or {}
    left = memory.get("available_mb")
    if left is not None and left < max(64, 0.01 * float(memory.get("total_mb") or 0)):
        text = f"{left} of {memory.get('total_mb')} MB available, {memory.get('swap_used_mb')} MB swapped out"
        hang = any(row["cause"] == "timeout" for rows in health.instances.values() for row in rows if row["host"] == host)
        severity = {"severity": "down"} if hang else {}  # what waits for its pages does not answer
        found.append(known.finding("MEMORY_LOW", "", host, {"free": left}, f"memory of {host}", text, subject=f"host:{host}", **severity))
    manager = about.get("manager") or {}
    deployed = any(service.get("current") for service in (facts.get("services") or {}).values())
    running = any(row["health"] == UP for rows in health.instances.values() for row in rows if row["host"] == host)
    if manager.get("reachable") is False and deployed and not running:
        text = str(manager.get("message") or "it does not answer")
        source = f"{manager.get('kind', 'manager')} of {host}"
        found.append(known.finding("MANAGER_DOWN", "", host, {}, source, text, subject=f"host:{host}"))
    return found


def clocks(collected: Mapping[str, Mapping[str, Any]], known: Known) -> list[Finding]:
    """Clocks against each other; the controller's own is only one of them."""
    offsets = {}
    for host, facts in collected.items():
        about = facts.get("host") or {}
        if isinstance(about.get("offset_seconds"), (int, float)):
            offsets[host] = (float(about["offset_seconds"]), float(about.get("offset_uncertainty") or 0), about.get("synchronized"))
    found = []
    ordered = sorted(value for value, _doubt, _sync in offsets.values())
    # With three and more hosts the majority is right, and so are two that agree and are synchronised; else the controller has a voice.
    agreed = len(ordered) > 1 and ordered[-1] - ordered[0] < SKEW and all(sync is True for _value, _doubt, sync in offsets.values())
    middle = ordered[len(ordered) // 2] if len(ordered) > 2 or agreed else 0.0
    for host, (offset, doubt, synchronized) in offsets.items():
        skew = offset - middle
        if abs(skew) - doubt < SKEW or (synchronized is True and len(offsets) == 1):
            continue
        values = {"seconds": round(abs(skew)), "direction": "ahead of" if skew > 0 else "behind"}
        text = f"{skew:+.1f} s; synchronised: {synchronized}"
        found.append(known.finding("CLOCK_SKEW", "", host, values, f"clock of {host}", text, subject=f"host:{host}"))
    return found
