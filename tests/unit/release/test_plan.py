# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dwp.backend.plugins.module_utils import _envfile
from ansible_collections.dwp.backend.plugins.module_utils._release import plan

HEALTHY = plan.Observed(current="r1", wanted="r1", running=True, state="running", pid=7, process_release="r1", outcome="good")

#: what differs from a healthy service, the action, and a word of its reason
DECISIONS: list[tuple[str, dict[str, Any], str, str]] = [
    ("as wanted", {}, "none", ""),
    ("nothing there", {"current": None, "wanted": None, "running": False}, "install", "no release is active"),
    ("staged but never active", {"current": None, "running": False}, "install", "no release is active"),
    ("jar changed", {"wanted": None, "differs": ("jar (a -> b)",)}, "replace", "jar (a -> b) changed"),
    ("back to an older one", {"wanted": "r0", "differs": ("environment (A)",)}, "replace", "environment (A) changed"),
    ("other release, no visible difference", {"wanted": "r0"}, "replace", "another release is wanted"),
    ("environment file changed by hand", {"tampered": ("environment",)}, "repair", "changed by hand: environment"),
    ("unit changed by hand", {"unit": "differs"}, "repair", "definition was changed by hand"),
    ("unit missing", {"unit": "missing"}, "repair", "definition is missing"),
    ("stopped", {"running": False, "state": "stopped"}, "start", "found stopped"),
    ("failed", {"running": False, "state": "failed"}, "start", "found failed"),
    ("undefined", {"running": False, "state": "missing", "unit": "missing"}, "start", "found stopped, and supervisor does not know it"),
    ("stopped and changed by hand", {"running": False, "state": "stopped", "tampered": ("launch",)}, "start", "changed by hand: launch"),
    ("process of another release", {"process_release": "r0"}, "restart", "the process runs r0"),
    ("process of no release that it tells", {"process_release": None}, "none", ""),
    ("process with other variables", {"drift": ("A", "B")}, "restart", "differs from its release in A, B"),
    ("started from a changed unit", {"unit": "differs", "started_from_tampered_unit": True}, "restart", "changed definition"),
    ("orphan beside it", {"orphans": (8, 9)}, "restart", "(8, 9)"),
    ("gate not passed", {"outcome": "pending"}, "gate", "pending"),
    ("gate failed", {"outcome": "failed"}, "gate", "failed"),
    ("never recorded", {"outcome": None}, "gate", "not recorded"),
    ("probes changed", {"policy_differs": True}, "policy", "probes or limits"),
    ("replaced though stopped", {"wanted": None, "running": False, "state": "stopped"}, "replace", "another release"),
]


@pytest.mark.parametrize(("what", "seen", "action", "words"), DECISIONS, ids=[d[0] for d in DECISIONS])
def test_decision(what: str, seen: dict[str, Any], action: str, words: str) -> None:
    decision = plan.decide(HEALTHY._replace(**seen), "supervisor")
    assert decision.action == action
    assert words in "; ".join(decision.reasons)
    assert bool(decision.reasons) == (action != "none")


OBSERVED = st.builds(
    plan.Observed,
    current=st.sampled_from([None, "r1", "r2"]), wanted=st.sampled_from([None, "r1", "r2"]), differs=st.sampled_from([(), ("unit",)]),
    tampered=st.sampled_from([(), ("launch",)]), unit=st.sampled_from(["same", "differs", "missing"]), policy_differs=st.booleans(),
    running=st.booleans(), state=st.sampled_from(["running", "stopped", "failed", "missing"]), pid=st.integers(0, 9),
    process_release=st.sampled_from([None, "r1", "r2"]), drift=st.sampled_from([(), ("A",)]),
    started_from_tampered_unit=st.booleans(), outcome=st.sampled_from([None, "pending", "good", "failed", "rolled_back"]),
    orphans=st.sampled_from([(), (5,)]),
)  # fmt: skip


@given(OBSERVED)
def test_every_decision_has_a_reason_and_none_is_left_standing(seen: plan.Observed) -> None:
    decision = plan.decide(seen)
    assert decision.action in plan.ACTIONS
    assert bool(decision.reasons) == (decision.action != "none")
    if decision.action in ("none", "policy"):
        assert seen.running and seen.current == seen.wanted and seen.outcome == "good" and not seen.tampered and seen.unit == "same"
    if not seen.running:
        assert decision.action in plan.TOUCHING


def spec(**changes: Any) -> dict[str, Any]:
    base = {
        "files": [{"path": "app.jar", "sha256": "1" * 64}], "artifact": {"sha256": "a" * 64},
        "environment": _envfile.dump({"A": "1", "B": "two"}), "launch": "exec java", "unit": "[Service]",
    }  # fmt: skip
    return {**base, **changes}


def texts(of: dict[str, Any]) -> dict[str, str]:
    return {name: of[name] for name in ("environment", "launch", "unit")}


DIFFERENCES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, []),
    ({"files": [{"path": "app.jar", "sha256": "2" * 64}], "artifact": {"sha256": "b" * 64}}, ["jar (aaaaaaaa -> bbbbbbbb)"]),
    ({"files": [{"path": "lib/x.jar", "sha256": "1" * 64}]}, ["layout"]),
    ({"environment": _envfile.dump({"A": "2", "C": "new"})}, ["environment (A, B, C)"]),
    ({"environment": _envfile.dump({"A": "1", "B": "two"}) + "# remark\n"}, ["environment file"]),
    ({"launch": "exec java -Xmx1g"}, ["JVM options or launcher"]),
    ({"unit": "[Service]\nUser=x"}, ["unit"]),
]


@pytest.mark.parametrize(("changes", "expected"), DIFFERENCES)
def test_differences_are_named_without_values(changes: dict[str, Any], expected: list[str]) -> None:
    before = spec()
    assert plan.differences(before, texts(before), spec(**changes)) == expected


def test_drift_of_a_process() -> None:
    wanted = _envfile.dump({"A": "1", "B": "한글 '\n"})
    started = {"A": "1", "B": "한글 '\n", "PATH": "/bin", "PWD": "/x", "DWP_LAUNCH": "/r", "DWP_SERVICE": "s", "SHLVL": "0", "_": "x"}
    assert plan.drift(started, wanted) == []
    assert plan.drift({**started, "A": "2", "EXTRA": "x"}, wanted) == ["A", "EXTRA"]
    assert plan.drift({"A": "1"}, wanted) == ["B"]


def test_masked_environment_shows_no_secret() -> None:
    text = plan.masked(_envfile.dump({"A": "open", "S": "geheim"}), ["S"], lambda value: f"#{len(value)}")
    assert "geheim" not in text
    assert text == "A='open'\nS=(secret #6)\n" or text == "A=open\nS=(secret #6)\n"
