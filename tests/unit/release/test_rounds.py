# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rounds on one host, with a host that only notes what is asked of it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dwp.backend.plugins.module_utils._platform import steps
from ansible_collections.dwp.backend.plugins.module_utils._release import rounds

SPECS = [
    {"name": "gateway", "action": "replace", "round": 0}, {"name": "auth", "action": "replace", "round": 1},
    {"name": "mail", "action": "replace", "round": 2}, {"name": "chat", "action": "start", "round": 2},
]


class Store:
    def prune(self, name: str, keep: int) -> list[str]:
        return []

    def sweep(self) -> None:
        pass


class Host:
    """``slow``: services that need a second look; ``bad``: never pass; ``dead``: gone after their gate."""

    def __init__(self, slow: tuple[str, ...] = (), bad: tuple[str, ...] = (), dead: tuple[str, ...] = ()) -> None:
        self.store, self.slow, self.bad, self.dead = Store(), set(slow), bad, dead
        self.calls: list[str] = []

    def still_current(self, step: str) -> None:
        self.calls.append(f"sign of life: {step}")

    def apply(self, targets: list[Any]) -> dict[str, Any]:
        self.calls.append("apply " + " ".join(target.service for target in targets))
        return {target.service: {"release": "r2"} for target in targets}

    def undo(self, names: list[str]) -> tuple[list[str], dict[str, Any]]:
        self.calls.append("undo " + " ".join(names))
        return names, {name: {"release": "r1"} for name in names}

    def gate(self, names: list[str], **_more: Any) -> dict[str, Any]:
        result = {name: {"final": name not in self.slow, "healthy": name not in (*self.slow, *self.bad)} for name in names}
        self.slow -= set(names)
        return result

    def settle(self, _seconds: float, _pause: float) -> tuple[dict[str, Any], list[str]]:
        return {name: {"final": True, "healthy": False, "left": True} for name in self.dead}, []


@pytest.fixture(autouse=True)
def plain_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds.cds, "prune", lambda store, name: None)
    monkeypatch.setattr(rounds, "_status", lambda host, results: {name: {"healthy": True} for name in results})


def acts(host: Host) -> list[str]:
    return [call for call in host.calls if not call.startswith("sign")]


def test_a_round_begins_when_the_one_before_has_passed() -> None:
    host = Host()
    answer = rounds.carry_out(host, "apply", SPECS, {})
    assert acts(host) == ["apply gateway", "apply auth", "apply mail chat"]
    assert host.calls[2] == "sign of life: apply auth"
    assert sorted(answer["services"]) == ["auth", "chat", "gateway", "mail"] == sorted(answer["status"])
    assert answer["changed"] and not answer["unfinished"] and answer["services"]["auth"]["release"] == "r2"


def test_a_pause_goes_on_where_it_stopped() -> None:
    host = Host(slow=("auth",))
    first = rounds.carry_out(host, "apply", SPECS, {}, pause_after=5)
    assert first["unfinished"] == ["auth", "mail", "chat"] and "status" not in first
    second = rounds.carry_out(host, "gate", SPECS, first["memory"], pause_after=5)
    assert acts(host) == ["apply gateway", "apply auth", "apply mail chat"] and not second["unfinished"] and second["changed"]


def test_used_up_time_ends_a_call_between_two_rounds() -> None:
    times = iter([0.0, 0.0, 6.0, 6.0, 6.0])
    host = Host()
    answer = rounds.carry_out(host, "apply", SPECS, {}, pause_after=5, clock=lambda: next(times))
    assert acts(host) == ["apply gateway"] and answer["unfinished"] == ["auth", "mail", "chat"]


def test_a_failed_round_is_the_last_one() -> None:
    host = Host(bad=("auth",))
    answer = rounds.carry_out(host, "apply", SPECS, {})
    assert acts(host) == ["apply gateway", "apply auth"] and answer["unhealthy"] == ["auth"] and not answer["unfinished"]


def test_undo_goes_over_all_rounds_the_last_one_first() -> None:
    host = Host(bad=("mail",))
    answer = rounds.carry_out(host, "undo", SPECS, {})
    assert acts(host) == ["undo mail chat", "undo auth", "undo gateway"] and answer["unhealthy"] == ["mail"]


def test_what_is_gone_within_its_settle_time_ends_it() -> None:
    host = Host(dead=("gateway",))
    answer = rounds.carry_out(host, "apply", SPECS[1:], {}, settle=10)
    assert acts(host) == [] and answer["unhealthy"] == ["gateway"] and not answer["unfinished"]


def step(number: int, label: str, drain: list[Any] | None = None, **instances: list[str]) -> dict[str, Any]:
    return {"number": number, "wave": number, "label": label, "instances": instances, "drain": drain or []}


def test_steps_of_one_host_alone_are_merged_and_no_others() -> None:
    drain = [{"service": "mail", "host": "a"}]
    merged = steps.merged([
        step(1, "gateway", a=["gateway"]), step(2, "auth", a=["auth"]), step(3, "main", a=["main"], b=["main"]),
        step(4, "chat", b=["chat"]), step(5, "mail on a", drain, a=["mail"]), step(6, "x", a=["x"]),
    ])
    assert [(one["number"], one["label"], one["instances"]) for one in merged] == [
        (1, "gateway, then auth", {"a": [["gateway"], ["auth"]]}), (2, "main", {"a": [["main"]], "b": [["main"]]}),
        (3, "chat", {"b": [["chat"]]}), (4, "mail on a", {"a": [["mail"]]}), (5, "x", {"a": [["x"]]}),
    ]
