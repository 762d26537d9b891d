# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a service whose trouble nobody knows: its last words, is it starting, does a deployment run, is its release new?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.from_logs import time_of
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.health import Health
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.model import DOWN

NEW = 3600.0  # s for which a release counts as new
BOOTED = 600.0  # s for which a host counts as just booted


def circumstances(
    service: str,
    facts: Mapping[str, Mapping[str, Any]],
    logs: Mapping[str, Mapping[str, Any]],
    health: Health,
    catalogue: Mapping[str, Any],
    now: float,
) -> list[str]:
    """Sentences, the most telling first."""
    found: list[str] = []
    for row in health.instances.get(service, ()):
        host = str(row["host"])
        about: Mapping[str, Any] = (facts.get(host) or {}).get("host") or {}
        one: Mapping[str, Any] = ((facts.get(host) or {}).get("services") or {}).get(service) or {}
        words = ((logs.get(host) or {}).get("services") or {}).get(service, {}).get("last_words") or ()
        if words and row["health"] == DOWN:
            found.append(f"its last words: {' | '.join(words)}")
        lock = about.get("lock") or {}
        if lock:
            found.append(f"deployment {lock.get('deployment')} of {lock.get('owner')} is under way on {host}")
        limit = float(catalogue["services"][service].get("start_timeout") or 0)
        age = now - float(one.get("since") or 0)
        if row["health"] == DOWN and row["pid"] and age < limit:
            text = f"its process on {host} began {age:.0f} s ago and may still be starting (start_timeout {limit:.0f} s)"
            if now - float(about.get("boot_time") or 0) < BOOTED:
                text += f"; the host booted {now - float(about['boot_time']):.0f} s ago"
            found.append(text)
        activated = time_of(one.get("activated_at"), 0.0)
        if activated is not None and 0 <= now - activated < NEW and len(one.get("releases") or ()) > 1:
            minutes = (now - activated) / 60
            found.append(
                f"its release {one.get('current')} was activated {minutes:.0f} min ago: rollback.yml -e dwp_only={service} takes it back"
            )
    return list(dict.fromkeys(found))
