# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.circumstances import circumstances
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.health import Health
from ansible_collections.dwp.backend.plugins.module_utils._logs.window import iso

NOW = 1_795_000_000.0
LOCK = {"deployment": "20261130-100000-ab12", "owner": "kim"}
OLD = {"since": NOW - 9000, "activated_at": iso(NOW - 9000), "current": "r2", "releases": ["r1", "r2"]}

CASES = [
    ("nothing", "down", 0, OLD, {}, [], []),
    ("last words", "down", 0, OLD, {}, ["Unrecognized VM option 'X'"], ["its last words: Unrecognized VM option 'X'"]),
    ("those of a life before", "up", 7, OLD, {}, ["Unrecognized VM option 'X'"], []),
    ("a deployment", "degraded", 7, OLD, {"lock": LOCK}, [], ["deployment 20261130-100000-ab12 of kim is under way on app-1"]),
    (
        "still starting", "down", 7, {**OLD, "since": NOW - 12}, {}, [],
        ["its process on app-1 began 12 s ago and may still be starting (start_timeout 180 s)"],
    ),
    (
        "just booted", "down", 7, {**OLD, "since": NOW - 12}, {"boot_time": NOW - 40}, [],
        ["its process on app-1 began 12 s ago and may still be starting (start_timeout 180 s); the host booted 40 s ago"],
    ),
    ("began and ended", "down", 0, {**OLD, "since": NOW - 12}, {}, [], []),
    (
        "a new release", "degraded", 7, {**OLD, "activated_at": iso(NOW - 300)}, {}, [],
        ["its release r2 was activated 5 min ago: rollback.yml -e dwp_only=auth takes it back"],
    ),
    ("the first release", "degraded", 7, {**OLD, "activated_at": iso(NOW - 300), "releases": ["r2"]}, {}, [], []),
]  # fmt: skip


@pytest.mark.parametrize(("health", "pid", "service", "host", "words", "expected"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_what_is_known_of_a_service(
    health: str, pid: int, service: dict[str, Any], host: dict[str, Any], words: list[str], expected: list[str]
) -> None:
    facts = {"app-1": {"host": {"boot_time": NOW - 1e6, **host}, "services": {"auth": service}}}
    logs = {"app-1": {"services": {"auth": {"last_words": words}}}}
    row = {"host": "app-1", "health": health, "pid": pid or None}
    catalogue = {"services": {"auth": {"start_timeout": 180}}}
    assert circumstances("auth", facts, logs, Health(instances={"auth": [row]}), catalogue, NOW) == expected
