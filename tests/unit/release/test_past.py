# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dwp.backend.plugins.module_utils._release import past, state


def run(number: int, outcome: str = "", kind: str = "deployment", version: str = "") -> list[dict[str, Any]]:
    """Begin and, unless it was interrupted, end of a run in the journal."""
    about = {"deployment": f"d{number}", "kind": kind, "version": version}
    begin = {**about, "event": "begin", "at": f"2026-01-0{number}T10:00:00"}
    return [begin, {**about, "event": "end", "at": f"2026-01-0{number}T10:09:00", "outcome": outcome}] if outcome else [begin]


def active(*steps: tuple[str, int, str]) -> dict[str, Any]:
    """A state after these activations: (release, number of the deployment, outcome); the release's label is its letter."""
    known = state.empty("auth")
    for release, number, outcome in steps:
        known = state.activate(known, release, version=release.upper(), deployment=f"d{number}", at=f"2026-01-0{number}T10:05:00")
        known = state.settle(known, release, outcome, at="later")
    return known


JOURNALS = {
    "nothing ever": ([], []),
    "ended well": ([*run(1, "ok"), *run(2, "ok")], []),
    "interrupted": ([*run(1, "ok"), *run(2)], ["d2"]),
    "interrupted twice, something left of the second": ([*run(1), *run(2)], ["d2"]),
    "interrupted, finished by the next": ([*run(2), *run(3, "ok")], []),
    "interrupted, the next one undid only itself": ([*run(2), *run(3, "undone")], ["d2"]),
    "a stop or a refused rollback in between": ([*run(2), *run(3, "ok", "stop"), *run(4, "failed", "rollback")], ["d2"]),
    "interrupted before it touched anything": ([*run(2, "ok"), *run(3)], []),
    "an interrupted rollback is finished, not taken back": ([*run(1, "ok"), *run(2, kind="rollback")], []),
}


@pytest.mark.parametrize("name", JOURNALS)
def test_deployments_that_were_interrupted(name: str) -> None:
    journal, expected = JOURNALS[name]
    assert past.unfinished(journal, [active(("a", 1, "good"), ("b", 2, "good")), state.empty("main")]) == expected


def plan(name: str, by: str) -> dict[str, Any]:
    return {name: {"action": "rollback", "current": "b", "release": "a", "by": by}}


def test_only_what_the_interrupted_deployment_touched_goes_back_on_all_hosts() -> None:
    found = {
        "app-1": {"services": {**plan("auth", "d2"), **plan("main", "d1")}, "unfinished": ["d2"],
                  "problems": ["main: release a is damaged"], "staying": ["auth: x"]},
        "app-2": {"services": plan("auth", "d1"), "unfinished": [], "staying": ["auth: no release before b"]},
        "db-1": {},
    }  # fmt: skip
    plans, remarks = past.narrow(found)
    assert plans["app-1"]["services"]["auth"]["action"] == "rollback"
    assert plans["app-1"]["services"]["main"] == {"action": "none", "current": "b", "release": "b", "by": "d1"}
    assert plans["app-2"]["services"]["auth"]["action"] == "none"
    assert plans["app-1"]["problems"] == [] and plans["app-1"]["staying"] == ["auth: x"] and plans["app-2"]["staying"] == []
    assert len(remarks) == 1 and remarks[0].startswith("Deployment d2 was interrupted: only what it touched goes back")


def test_nothing_was_interrupted() -> None:
    found = {"app-1": {"services": plan("auth", "d1"), "unfinished": []}, "db-1": {}}
    assert past.narrow(found) == (found, [])


def test_moment_and_release_of_a_label() -> None:
    auth, main = active(("a", 1, "good"), ("c", 3, "rolled_back"), ("e", 5, "failed")), active(("b", 2, "good"))
    states = [auth, main]
    assert past.labelled("X", [], states) is None and past.labelled("E", [], states) is None
    moment = past.labelled("B", [], states)
    assert moment and past.active_at(auth, moment) == "a" and past.active_at(main, moment) == "b"
    assert past.active_at(main, str(past.labelled("A", [], states))) is None, "it was not there yet"
    # a label under which nothing changed here stands in the journal alone
    journal = [*run(4, "ok", version="N"), *run(6, "failed", version="F"), *run(7, version="I")]
    moment = past.labelled("N", journal, states)
    assert moment and past.active_at(auth, moment) == "c"
    assert past.labelled("F", journal, states) is None and past.labelled("I", journal, states) is None
