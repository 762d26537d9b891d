# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Healthy, then gone: what breaks within its settle time breaks the deployment like a failed gate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .fleet import Fleet, environ_of

SETTLE = {"dwp_settle": 7}


@pytest.fixture(scope="module")
def settled(light_class: bytes, transaction_ports: Callable[[], int]) -> Iterator[Fleet]:
    made = Fleet(transaction_ports(), light_class)
    made.variables.update(SETTLE)
    try:
        done = made.deploy()
        assert "watching beta, gamma for the settle time" in done.output.replace("alpha, ", ""), str(done)  # beside the first 5 s
        yield made
    finally:
        made.remove()


def broken(fleet: Fleet, **modes: dict[str, str]) -> Any:
    """A deployment with these variables, which has to turn everything back."""
    releases = {n: fleet.current(n) for n in fleet.services}
    for name, variables in modes.items():
        fleet.set(name, **variables)
    done = fleet.run("deploy")
    for name, variables in modes.items():
        for variable in variables:
            fleet.services[name]["environment"].pop(variable)
        fleet.set(name, LIGHT_MODE="ok")
    assert done.rc != 0, str(done)
    assert {n: fleet.current(n) for n in fleet.services} == releases
    assert fleet.healthy()
    assert "Every service is back on its last known good release and healthy." in done.output
    return done


def test_first_wave_that_dies_while_the_second_one_starts(settled: Fleet) -> None:
    """Found out in the middle of the second wave, not at its end."""
    done = broken(settled, alpha={"LIGHT_MODE": "dies", "LIGHT_SECONDS": "4"}, beta={"LIGHT_MODE": "slow", "LIGHT_SECONDS": "40"})
    assert "alpha on localhost broke: alpha passed its gate and did not stay: process" in done.output, str(done)
    assert "ERROR Light: gave up" in done.output, "its last words"
    assert done.seconds < 40, "beta was not waited for"
    assert [e["outcome"] for e in settled.state("alpha")][-2:] == ["failed", "good"]
    assert settled.state("beta")[-2]["outcome"] == "rolled_back"


def test_last_wave_that_dies_after_its_gate(settled: Fleet) -> None:
    alpha = settled.pids()["alpha"]
    done = broken(settled, beta={"LIGHT_MODE": "dies", "LIGHT_SECONDS": "4"})
    assert "beta on localhost broke: beta passed its gate and did not stay" in done.output, str(done)
    assert settled.pids()["alpha"] == alpha


def test_process_that_stays_but_does_not_stay_healthy(settled: Fleet) -> None:
    done = broken(settled, beta={"LIGHT_MODE": "sickens", "LIGHT_SECONDS": "3"}, alpha={"LIGHT_COLOUR": "red"})
    assert "beta on localhost broke: beta passed its gate and did not stay healthy:" in done.output, str(done)
    assert "LIGHT_COLOUR" not in environ_of(settled.pids()["alpha"]), "its wave had settled, and goes back all the same"


def test_nothing_to_do_waits_for_nothing(settled: Fleet) -> None:
    done = settled.deploy()
    assert not done.tasks("settle | Watch") and "watching" not in done.output


def test_restart_and_rollback_are_watched_too(settled: Fleet) -> None:
    settled.set("beta", LIGHT_MODE="dies", LIGHT_SECONDS="4")
    settled.deploy("-e", "dwp_settle=0")
    done = settled.run("restart", "-e", "dwp_only=beta")
    assert done.rc != 0 and "beta on localhost broke: beta passed its gate and did not stay" in done.output, str(done)
    dying = settled.current("beta")
    settled.set("beta", LIGHT_MODE="ok", LIGHT_COLOUR="fine")
    settled.deploy()
    back = settled.run("rollback", "-e", "dwp_only=beta", "-e", "dwp_force=true", "-e", f"dwp_to={dying}")
    assert back.rc != 0 and "beta on localhost broke: beta passed its gate and did not stay" in back.output, str(back)
