# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""rollback_drill.yml: breaks a service, measures the way back, and leaves the platform as it was."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .fleet import Fleet, Run, environ_of


@pytest.fixture(scope="module")
def drilled(light_class: bytes, drill_ports: Callable[[], int]) -> Iterator[Fleet]:
    made = Fleet(drill_ports(), light_class, "alpha beta")
    made.variables["dwp_drill"] = True
    try:
        made.deploy()
        yield made
    finally:
        made.remove()


def drill(fleet: Fleet, how: str, *arguments: str) -> tuple[Run, dict[str, Any]]:
    """A drill of beta that must succeed, with its written report; nothing but beta's process is another one afterwards."""
    shutil.rmtree(fleet.base / "reports", ignore_errors=True)
    before, pids = {n: fleet.current(n) for n in fleet.services}, fleet.pids()
    done = fleet.run("rollback_drill", "-e", f"dwp_drill_break={how}", *arguments)
    assert done.rc == 0, str(done)
    assert "The platform is as it was before: same releases, healthy." in done.output, str(done)
    assert {n: fleet.current(n) for n in fleet.services} == before
    assert fleet.healthy()
    assert fleet.pids()["alpha"] == pids["alpha"] and fleet.pids()["beta"] != pids["beta"]
    assert not {"DWP_DRILL", "JDK_JAVA_OPTIONS"} & set(environ_of(fleet.pids()["beta"]))
    [report] = [json.loads(path.read_text()) for path in (fleet.base / "reports").glob("drill-*.json")]
    assert (report["break"], report["service"], report["as_before"], report["problems"]) == (how, "beta", True, [])
    [instance] = report["instances"]
    assert (instance["host"], instance["release"]) == ("localhost", before["beta"])
    return done, instance


@pytest.mark.parametrize("how", ["fails-at-start", pytest.param("never-healthy", marks=pytest.mark.slow)])
def test_broken_release_is_turned_back_by_its_deployment(drilled: Fleet, how: str) -> None:
    drilled.services["beta"]["start_timeout"] = 6
    drilled.deploy()
    done, instance = drill(drilled, how)
    assert 0 < instance["noticed"] < instance["from_break"] < instance["from_command"] < done.seconds, instance
    assert how == "fails-at-start" or instance["noticed"] >= 6
    assert [e["outcome"] for e in drilled.state("beta")][-2:] == ["failed", "good"]
    assert drilled.deploy().changed == [], "nothing is left to put right"


def test_bad_release_is_taken_back_by_a_rollback(drilled: Fleet) -> None:
    done, instance = drill(drilled, "bad-release", "-e", "dwp_drill_service=beta")
    assert instance["noticed"] is None and instance["from_break"] is None
    assert 0 < instance["from_command"] < done.seconds
    assert [e["outcome"] for e in drilled.state("beta")][-2:] == ["rolled_back", "good"]


def test_killed_process_is_started_again_by_its_manager(drilled: Fleet) -> None:
    activations = len(drilled.state("beta"))
    done, instance = drill(drilled, "kill")
    assert 0 < instance["from_break"] < done.seconds and instance["from_command"] is None
    assert len(drilled.state("beta")) == activations, "nobody deployed"


def test_break_that_does_not_take_is_said_and_nothing_is_rolled_back(drilled: Fleet) -> None:
    """Services given with -e win over the drill's: the same release is deployed, and a rollback would go one further back."""
    drilled.write()
    services = drilled.base / "services.json"
    services.write_text(json.dumps({"dwp_services": {**dict.fromkeys(
        ("gateway", "auth", "main", "mail", "chat", "approval")), **drilled.services}}))
    before, pids = drilled.current("beta"), drilled.pids()
    done = drilled.run("rollback_drill", "-e", json.dumps({"dwp_drill_arguments": ["-e", f"@{services}"]}))
    assert done.rc != 0
    assert "the break did not take" in done.output, str(done)
    assert (drilled.current("beta"), drilled.pids()) == (before, pids)


def test_check_mode_breaks_nothing(drilled: Fleet) -> None:
    pids, listing = drilled.pids(), drilled.listing()
    done = drilled.run("rollback_drill", "--check")
    assert done.rc == 0, str(done)
    assert drilled.pids() == pids and drilled.listing() == listing


@pytest.mark.parametrize(("variables", "messages"), [
    ({"dwp_environment": "production", "dwp_development": True}, ["never run in an environment whose name begins with prod"]),
    ({"dwp_drill": False}, ["dwp_drill: is not true"]),
    ({"dwp_drill_break": "unplugged", "dwp_drill_service": "delta"}, [
        '"unplugged" is unknown; known are fails-at-start, never-healthy, bad-release, kill', '"delta" is no service of this run']),
])
def test_refused(drilled: Fleet, variables: dict[str, Any], messages: list[str]) -> None:
    pids, listing = drilled.pids(), drilled.listing()
    done = drilled.run("rollback_drill", "-e", json.dumps(variables))
    assert done.rc != 0
    assert "Nothing was broken." in done.output and all(text in done.output for text in messages), str(done)
    assert drilled.pids() == pids and drilled.listing() == listing


def test_refused_while_something_differs_from_the_inventory(drilled: Fleet) -> None:
    """The broken release is the inventory's with one change: anything else that waits in there must not come with it."""
    pids = drilled.pids()
    drilled.jar("beta", "2")
    done = drilled.run("rollback_drill")
    drilled.jar("beta", "1")
    assert done.rc != 0
    assert "beta is not as the inventory says: deploy.yml would do this to it: replace" in done.output, str(done)
    assert drilled.pids() == pids
