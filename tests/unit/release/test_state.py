# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dwp.backend.plugins.module_utils._release import state


def history(*steps: tuple[str, str]) -> dict[str, Any]:
    """A state after these activations: (release, outcome)."""
    result = state.empty("auth")
    for number, (release, outcome) in enumerate(steps):
        result = state.activate(result, release, version=release, deployment=f"d{number}", at=f"2026-01-01T00:{number:02}")
        if outcome != "pending":
            result = state.settle(result, release, outcome, at=f"2026-01-01T01:{number:02}")
    return result


#: activations, the release that does not count, and the last known good one
GOOD = [
    ([], None, None),
    ([("a", "good")], None, "a"),
    ([("a", "good")], "a", None),
    ([("a", "pending")], None, None),
    ([("a", "failed")], None, None),
    ([("a", "good"), ("b", "good")], "b", "a"),
    ([("a", "good"), ("b", "failed")], "b", "a"),
    ([("a", "good"), ("b", "pending")], "b", "a"),
    ([("a", "good"), ("b", "rolled_back"), ("a", "good")], "a", None),
    ([("a", "good"), ("b", "good"), ("c", "failed"), ("b", "good")], "b", "a"),
    ([("a", "good"), ("b", "good"), ("b", "failed")], "c", "a"),  # b was good once, and then failed
    ([("a", "failed"), ("a", "good")], "b", "a"),
    ([("a", "good"), ("b", "good"), ("c", "rolled_back"), ("b", "rolled_back"), ("a", "good")], "a", None),
    ([("a", "unhealthy"), ("b", "failed")], "b", "a"),  # a has proven itself, and was not healthy at a later start
]

#: activations (the deployments are d0, d1 ...), the deployment in which the gate of a failed, and what that makes of a
BLAMED = [
    ([("a", "pending")], "d0", "failed"),
    ([("a", "good")], "d0", "failed"),  # it did not stay healthy for its settle time
    ([("a", "pending")], "d1", "failed"),  # left by a run that was killed
    ([("a", "good")], "d1", "unhealthy"),
    ([("a", "unhealthy")], "d1", "unhealthy"),
    ([("a", "good"), ("b", "failed"), ("a", "pending")], "d2", "unhealthy"),
    ([("a", "rolled_back"), ("a", "pending")], "d1", "failed"),
    ([("a", "good"), ("a", "failed"), ("a", "pending")], "d2", "failed"),
    ([("a", "good")], "", "unhealthy"),  # by hand, without a deployment
]


@pytest.mark.parametrize(("steps", "deployment", "expected"), BLAMED)
def test_release_that_has_proven_itself_is_not_to_blame(steps: list[tuple[str, str]], deployment: str, expected: str) -> None:
    assert state.blame(history(*steps), "a", deployment) == expected


@pytest.mark.parametrize(("steps", "before", "expected"), GOOD)
def test_last_known_good(steps: list[tuple[str, str]], before: str | None, expected: str | None) -> None:
    found = state.last_known_good(history(*steps), before=before)
    assert (found["release"] if found else None) == expected


def test_outcome_is_that_of_the_newest_activation() -> None:
    known = history(("a", "good"), ("b", "failed"), ("a", "pending"))
    assert [state.outcome_of(known, r) for r in "abc"] == ["pending", "failed", None]
    settled = state.settle(known, "a", "good", at="x", cause="ok")
    assert [e["outcome"] for e in settled["activations"]] == ["good", "failed", "good"]
    assert settled["activations"][-1]["cause"] == "ok" and "cause" not in settled["activations"][0]
    assert known["activations"][-1]["outcome"] == "pending", "states are values"


#: activations, the current link, the release that ought to run, and the one that a rollback was going back to
UNDER_WAY = [
    ([], None, None, None),
    ([("a", "good", "install")], "a", "a", None),
    ([("a", "good", "install"), ("b", "pending", "replace")], "a", "b", None),  # killed before the switch
    ([("a", "good", "install"), ("b", "pending", "replace")], "b", "b", None),
    ([("a", "good", "install"), ("b", "failed", "replace")], "b", "b", None),
    ([("a", "good", "install"), ("b", "rolled_back", "replace"), ("a", "pending", "rollback")], "b", "a", "a"),
    ([("a", "good", "install"), ("b", "rolled_back", "replace"), ("a", "good", "rollback")], "a", "a", None),
    ([("a", "pending", "")], None, "a", None),
]


@pytest.mark.parametrize(("steps", "current", "attempted", "unfinished"), UNDER_WAY)
def test_what_was_under_way(
    steps: list[tuple[str, str, str]], current: str | None, attempted: str | None, unfinished: str | None
) -> None:
    known = state.empty("auth")
    for release, outcome, action in steps:
        known = state.activate(known, release, version="v", deployment="d", at="then", action=action)
        known = state.settle(known, release, outcome, at="later")
    assert state.attempted(known, current) == attempted
    assert state.unfinished_rollback(known) == unfinished


#: outcome of what is left, outcome of where it goes, and what becomes of the one that is left
LEFT = [
    ("good", "good", "rolled_back"), ("pending", "good", "rolled_back"), ("failed", "good", "failed"),
    ("good", "rolled_back", "good"), ("good", "failed", "good"), ("failed", "failed", "failed"),
]  # fmt: skip


@pytest.mark.parametrize(("left", "to", "becomes"), LEFT)
def test_release_that_is_left_is_marked_unless_it_is_left_to_go_forward(left: str, to: str, becomes: str) -> None:
    known = state.leave(history(("to", to), ("left", left)), "left", "to", at="now", by="d9")
    assert state.outcome_of(known, "left") == becomes
    assert state.outcome_of(known, "to") == to


def test_number_of_activations_is_bounded() -> None:
    known = history(*[(f"r{n}", "good") for n in range(state.KEPT_ACTIVATIONS + 7)])
    assert len(known["activations"]) == state.KEPT_ACTIVATIONS
    assert known["activations"][-1]["release"] == f"r{state.KEPT_ACTIVATIONS + 6}"


RELEASES = st.sampled_from("abcdefgh")
STEPS = st.lists(st.tuples(RELEASES, st.sampled_from(state.OUTCOMES)), max_size=12)


@given(STEPS)
def test_written_and_read_again(steps: list[tuple[str, str]]) -> None:
    known = history(*steps)
    assert state.parse(state.dump(known), "auth") == known


@given(STEPS, st.integers(1, 6))
def test_pruning_keeps_what_is_needed(steps: list[tuple[str, str]], keep: int) -> None:
    known = history(*steps)
    present = sorted({release for release, _outcome in steps})
    current = steps[-1][0] if steps else None
    kept = state.kept_releases(known, current, keep, present)
    good = state.last_known_good(known, before=current)
    bad = [release for release, outcome in steps if outcome in ("failed", "rolled_back")]
    if current:
        assert current in kept
    if good:
        assert good["release"] in kept
    assert not bad or bad[-1] in kept
    assert len(kept) <= max(keep, 3)


DAMAGED = [
    "", "{", "null", "[]", "7", '"x"', '{"schema": 1}', '{"schema": 1, "activations": 5}', '{"schema": 1, "activations": [7]}',
    '{"schema": "1", "activations": []}', '{"schema": 1, "activations": [{"release": "a"}]}',
    '{"schema": 1, "activations": [{"release": 5, "outcome": "good"}]}',
    '{"schema": 1, "activations": [{"release": "a", "outcome": "excellent"}]}', '{"schema": 2, "activations": []}', "\0\0\0\0",
]  # fmt: skip


@pytest.mark.parametrize("text", DAMAGED)
def test_damaged_states_are_refused_and_never_raise_anything_else(text: str) -> None:
    with pytest.raises(state.StateError):
        state.parse(text, "auth")


@given(STEPS, st.data())
def test_a_torn_state_is_never_taken_for_a_whole_one(steps: list[tuple[str, str]], data: Any) -> None:
    text = state.dump(history(*steps))
    cut = data.draw(st.integers(0, len(text) - 2))
    with pytest.raises(state.StateError):
        state.parse(text[:cut], "auth")


def test_newer_schema_is_named() -> None:
    with pytest.raises(state.StateError, match=r"newer dwp\.backend"):
        state.parse(json.dumps({"schema": state.SCHEMA + 1, "activations": []}), "auth")
