# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A deployment that fails undoes itself, and what it says at its end is true."""

from __future__ import annotations

import pytest

from .fleet import Fleet, Run, environ_of

#: how a release fails, and the cause that its gate reports
FAILURES = {
    "fails at its start": ({"LIGHT_MODE": "fail"}, {}, "process_dead"),
    "never gets healthy": ({"LIGHT_MODE": "never"}, {"start_timeout": 4}, "out_of_service|down|server_error|unexpected"),
    "healthy, then dies": ({"LIGHT_MODE": "dies", "LIGHT_SECONDS": "1.5"}, {"successes": 100}, "process_dead"),
}


def outcome(fleet: Fleet, name: str, release: str) -> str:
    return next(e["outcome"] for e in reversed(fleet.state(name)) if e["release"] == release)


def repair(fleet: Fleet, keys: dict[str, object]) -> None:
    fleet.services["beta"]["environment"] = {"LIGHT_MODE": "ok"}
    for key in keys:
        fleet.services["beta"][key] = {"start_timeout": 60, "successes": 1}[key]


@pytest.mark.parametrize("name", FAILURES)
def test_failed_second_wave_turns_the_first_back(fleet: Fleet, name: str) -> None:
    variables, keys, cause = FAILURES[name]
    fleet.set("alpha", LIGHT_COLOUR=name)
    fleet.set("beta", **variables)
    fleet.services["beta"].update(keys)
    releases, pids = {n: fleet.current(n) for n in fleet.services}, fleet.pids()
    colour = environ_of(pids["alpha"]).get("LIGHT_COLOUR")
    done = fleet.run("deploy")
    repair(fleet, keys)
    assert done.rc != 0
    assert "beta on localhost did not pass its gate" in done.output, str(done)
    assert "Every service is back on its last known good release and healthy." in done.output
    assert any(word in str([e["result"] for e in done.tasks("wave | Activate")]) for word in cause.split("|"))
    assert {n: fleet.current(n) for n in fleet.services} == releases
    assert fleet.healthy()
    after = fleet.pids()
    assert environ_of(after["alpha"]).get("LIGHT_COLOUR") == colour
    assert after["alpha"] != pids["alpha"] and after["gamma"] == pids["gamma"], "gamma was not part of it"
    assert [e["outcome"] for e in fleet.state("beta")][-2:] == ["failed", "good"]
    assert [e["outcome"] for e in fleet.state("alpha")][-2:] == ["rolled_back", "good"]


def test_failed_release_is_kept_as_evidence_and_its_last_words_were_shown(fleet: Fleet) -> None:
    fleet.set("beta", LIGHT_MODE="fail")
    fleet.services["beta"]["secrets"] = {"LIGHT_PASSWORD": "hunter2-of-beta"}
    done = fleet.run("deploy")
    failed = fleet.state("beta")[-2]["release"]
    assert (fleet.home("beta") / "releases" / failed / "environment").is_file()
    assert "cannot start, password *** was refused" in done.output, str(done)
    assert "hunter2-of-beta" not in done.output
    del fleet.services["beta"]["secrets"]
    fleet.set("beta", LIGHT_MODE="ok")
    assert fleet.healthy()


def test_failure_in_the_first_wave_leaves_later_waves_alone(fleet: Fleet) -> None:
    pids = fleet.pids()
    fleet.set("alpha", LIGHT_MODE="fail")
    fleet.set("gamma", LIGHT_COLOUR="never seen")
    done = fleet.run("deploy")
    fleet.set("alpha", LIGHT_MODE="ok")
    del fleet.services["gamma"]["environment"]["LIGHT_COLOUR"]
    assert done.rc != 0
    assert fleet.healthy()
    assert {n: fleet.pids()[n] for n in ("beta", "gamma")} == {n: pids[n] for n in ("beta", "gamma")}
    assert len({e["release"] for e in fleet.state("gamma")}) == 1


def test_stop_instead_of_rollback_leaves_everything_for_a_look(fleet: Fleet) -> None:
    fleet.set("alpha", LIGHT_COLOUR="kept")
    fleet.set("beta", LIGHT_MODE="fail")
    done = fleet.run("deploy", "-e", "dwp_on_failure=stop")
    assert done.rc != 0
    assert "back on its last known good" not in done.output, str(done)
    assert environ_of(fleet.pids()["alpha"])["LIGHT_COLOUR"] == "kept"
    assert outcome(fleet, "beta", fleet.current("beta")) == "failed"
    fleet.set("beta", LIGHT_MODE="ok")
    fleet.deploy()
    assert fleet.healthy()


def test_failed_release_is_no_way_back(fleet: Fleet) -> None:
    """Two failures in a row go back to the same good release, not to the first failure."""
    good = fleet.current("beta")
    for colour in ("one", "two"):
        fleet.set("beta", LIGHT_MODE="fail", LIGHT_COLOUR=colour)
        assert fleet.run("deploy", "-e", "dwp_only=beta").rc != 0
        assert fleet.current("beta") == good
    fleet.services["beta"]["environment"] = {"LIGHT_MODE": "ok"}
    assert fleet.healthy()


def test_slow_start_is_waited_for_and_shown(fleet: Fleet) -> None:
    fleet.set("beta", LIGHT_MODE="slow", LIGHT_SECONDS="10")
    done = fleet.deploy()
    assert done.report["beta"]["start_seconds"] >= 10
    assert "waiting for beta (refused)" in done.output


def first(fresh: Fleet) -> Run:
    fresh.set("beta", LIGHT_MODE="fail")
    return fresh.run("deploy")


def test_first_deployment_that_fails_is_stopped_and_says_so(fresh: Fleet) -> None:
    done = first(fresh)
    assert done.rc != 0
    assert fresh.pids() == {}, str(done)
    assert "NOT healthy after turning back" in done.output
    for name in ("alpha", "beta"):
        assert f"{name} has no last known good release on this host; it is stopped" in done.output
        assert f"{name} on localhost" in done.output.partition("NOT healthy")[2]
        assert (fresh.home(name) / "current").exists(), "left for a look"
    fresh.set("beta", LIGHT_MODE="ok")
    fresh.deploy()
    assert fresh.healthy()
    assert fresh.deploy().changed == []
