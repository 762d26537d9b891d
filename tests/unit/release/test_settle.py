# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.dwp.backend.plugins.module_utils import _processes
from ansible_collections.dwp.backend.plugins.module_utils._release import settle, state

ALIVE = {"pid": os.getpid(), "start_ticks": _processes.read_stat(os.getpid()).start_ticks}
OTHER = {**ALIVE, "start_ticks": ALIVE["start_ticks"] + 1}
AT = "2026-03-01T10:00:00+00:00"
SINCE = 1772359200.0
POLICIES = {"auth": {"probe": {"name": "auth"}}}


def gated(deployment: str = "d2", outcome: str = "good", process: dict[str, int] | None = None) -> dict[str, Any]:
    known = state.activate(state.empty("auth"), "r1", version="1", deployment="d1", at=AT)
    return state.settle(known, "r1", outcome, at=AT, **settle.details(process or ALIVE, deployment))


class Clock:
    def __init__(self) -> None:
        self.now = SINCE

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def watch(entries: list[settle.Watched], answers: list[bool], seconds: float = 10, pause: float = 0) -> Any:
    clock = Clock()
    asked = iter(answers)

    def ask(probes: list[Any]) -> dict[str, Any]:
        healthy = next(asked)
        return {p["name"]: SimpleNamespace(healthy=healthy, cause="ok" if healthy else "down", message="db=DOWN") for p in probes}

    found, left = settle.broken(entries, POLICIES, settle=seconds, pause_after=pause, clock=lambda: clock.now, sleep=clock.sleep, ask=ask)
    return found, [e.service for e in left], clock.now - SINCE


@pytest.mark.parametrize(
    ("known", "deployment", "names"),
    [
        (gated(), "d2", ["auth"]),
        (gated(), "d3", []),
        (gated(outcome="failed"), "d2", []),
        (gated(deployment=""), "", []),
        (state.empty("auth"), "d2", []),
        (state.activate(gated(), "r2", version="2", deployment="d2", at=AT), "d2", []),
    ],
    ids=["gated by this deployment", "by another one", "failed its gate", "by hand", "never active", "a later activation is pending"],
)
def test_who_is_watched(known: dict[str, Any], deployment: str, names: list[str]) -> None:
    assert [w.service for w in settle.watched({"auth": known}, deployment)] == names


def test_stays_to_the_end_and_is_asked_at_it() -> None:
    entries = settle.watched({"auth": gated()}, "d2")
    assert entries == [settle.Watched("auth", ALIVE["pid"], ALIVE["start_ticks"], SINCE)]
    found, left, took = watch(entries, [True] * 6)
    assert (found, left) == ({}, []) and 10 <= took < 11


def test_unhealthy_at_the_very_end() -> None:
    found, _left, took = watch(settle.watched({"auth": gated()}, "d2"), [*[True] * 5, False])
    assert found == {"auth": ("down", "auth passed its gate and did not stay healthy: db=DOWN")} and took >= 10


@pytest.mark.parametrize("seconds", [0, 10])
def test_another_process_with_the_same_number(seconds: float) -> None:
    found, _left, took = watch(settle.watched({"auth": gated(process=OTHER)}, "d2"), [], seconds)
    cause, message = found["auth"]
    assert cause == "process_dead" and f"process {os.getpid()} was gone" in message and took == 0


def test_pauses_for_a_line_of_progress_and_goes_on() -> None:
    entries = settle.watched({"auth": gated()}, "d2")
    assert watch(entries, [True] * 6, pause=5)[1:] == (["auth"], 5.0)
    assert watch(entries, [], seconds=0) == ({}, [], 0.0), "one look, in the middle of a deployment"
