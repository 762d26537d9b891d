# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""restart.yml, stop.yml and status.yml."""

from __future__ import annotations

import json

from ansible_collections.dwp.backend.plugins.module_utils import _processes
from ansible_collections.dwp.backend.plugins.module_utils._supervisor import Supervisor

from .fleet import Fleet


def started(fleet: Fleet) -> list[str]:
    """Services in the order in which their processes began."""
    pids = fleet.pids()
    return sorted(pids, key=lambda name: _processes.read_stat(pids[name]).start_ticks)


def test_status_of_a_fresh_host(fresh: Fleet) -> None:
    done = fresh.run("status")
    assert done.rc == 0, str(done)
    assert {row["state"] for row in done.report.values()} == {"not deployed"}
    assert not fresh.root.exists()


def test_status_of_a_healthy_platform(fleet: Fleet) -> None:
    listing = fleet.listing()
    done = fleet.run("status", "-e", "dwp_strict=true")
    assert done.rc == 0, str(done)
    assert done.changed == [] and fleet.listing() == listing
    for name, pid in fleet.pids().items():
        row = done.report[name]
        assert (row["state"], row["healthy"], row["pid"], row["current"]) == ("running", True, pid, fleet.current(name))
    reports = [json.loads(path.read_text()) for path in (fleet.base / "reports").iterdir()]
    assert {row["service"] for report in reports for row in report["instances"]} == {"alpha", "beta", "gamma"}


def test_restart_of_everything_in_start_order(fleet: Fleet) -> None:
    before, releases = fleet.pids(), {n: fleet.current(n) for n in fleet.services}
    done = fleet.run("restart")
    assert done.rc == 0, str(done)
    after = fleet.pids()
    assert all(after[name] != before[name] for name in after)
    assert started(fleet)[0] == "alpha", "the others wait for it"
    assert {n: fleet.current(n) for n in fleet.services} == releases
    assert fleet.healthy()


def test_restart_of_one(fleet: Fleet) -> None:
    before = fleet.pids()
    done = fleet.run("restart", "-e", "dwp_only=gamma")
    assert done.rc == 0
    assert "under way" not in done.output, "its own lock is no news"
    assert {n for n, pid in fleet.pids().items() if pid != before[n]} == {"gamma"}


def test_restart_in_check_mode_restarts_nothing(fleet: Fleet) -> None:
    before = fleet.pids()
    assert fleet.run("restart", "--check").rc == 0
    assert fleet.pids() == before


def test_status_shows_what_is_wrong(fleet: Fleet) -> None:
    launch = fleet.home("beta") / "current" / "launch"
    good = launch.read_text()
    launch.write_text(good + "# by hand\n")
    Supervisor(str(fleet.root)).stop("gamma")
    try:
        done = fleet.run("status")
        assert done.rc == 0, "status tells, and does not judge unless it is asked to"
        assert done.report["beta"]["tampered"] == ["launch"]
        assert done.report["gamma"]["healthy"] is False and done.report["gamma"]["state"] == "stopped"
        assert "changed by hand: launch" in done.output
        assert "gamma is stopped; deploy.yml starts it" in done.output
        row = next(line for line in done.output.splitlines() if line.startswith("gamma "))
        assert row.split()[-2:] == ["-", "-"], "since when, and how fast, its last life began says nothing"
        strict = fleet.run("status", "-e", "dwp_strict=true")
        assert strict.rc != 0
        assert "not healthy: gamma on localhost" in strict.output
    finally:
        launch.write_text(good)
        Supervisor(str(fleet.root)).start("gamma", wait=True)


def test_stop_in_check_mode_stops_nothing(fleet: Fleet) -> None:
    before = fleet.pids()
    done = fleet.run("stop", "--check")
    assert done.rc == 0 and done.changed, str(done)
    assert fleet.pids() == before


def test_stop_of_one(fleet: Fleet) -> None:
    before = fleet.pids()
    assert fleet.run("stop", "-e", "dwp_only=beta").rc == 0
    assert fleet.pids() == {n: pid for n, pid in before.items() if n != "beta"}


def test_stop_of_everything_and_again(fleet: Fleet) -> None:
    done = fleet.run("stop")
    assert done.rc == 0, str(done)
    assert fleet.pids() == {}
    stopped = [e["result"]["stopped"] for e in done.events if "stopped" in (e.get("result") or {})]
    assert stopped == [["gamma"], ["alpha"]], "the last wave first; beta was stopped before"
    again = fleet.run("stop")
    assert again.rc == 0 and again.changed == []


def test_deployment_after_a_stop_starts_what_was_stopped(fleet: Fleet) -> None:
    releases = {n: fleet.current(n) for n in fleet.services}
    done = fleet.deploy()
    assert set(done.actions.values()) == {"start"}
    assert fleet.healthy()
    assert {n: fleet.current(n) for n in fleet.services} == releases


def test_stop_and_restart_on_a_fresh_host_say_that_nothing_is_deployed(fresh: Fleet) -> None:
    stop = fresh.run("stop")
    assert stop.rc == 0 and stop.changed == [], str(stop)
    restart = fresh.run("restart")
    assert restart.rc != 0
    assert "deploy" in restart.output
