# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A deployment does what is needed and nothing else."""

from __future__ import annotations

import os
import signal
import time

from ansible_collections.dwp.backend.plugins.module_utils._supervisor import Supervisor

from .fleet import Fleet, environ_of, kill, wait_gone


def test_everything_runs_and_is_healthy(fleet: Fleet) -> None:
    assert set(fleet.pids()) == {"alpha", "beta", "gamma"}
    assert fleet.healthy()
    assert {name: fleet.state(name)[-1]["outcome"] for name in fleet.services} == dict.fromkeys(fleet.services, "good")


def test_services_have_their_own_environment_and_user_and_nothing_of_the_caller(fleet: Fleet) -> None:
    pid = fleet.pids()["beta"]
    assert "DWP_SECRET_OF_THE_SHELL" not in environ_of(pid)
    assert environ_of(pid)["SERVER_PORT"] == str(fleet.services["beta"]["port"])
    assert os.stat(f"/proc/{pid}").st_uid != 0 or os.geteuid() != 0


def test_second_deployment_changes_and_restarts_nothing(fleet: Fleet) -> None:
    pids, listing = fleet.pids(), fleet.listing()
    again = fleet.deploy()
    assert again.changed == []
    assert "changed=0" in again.output
    assert fleet.pids() == pids
    assert fleet.listing() == listing


def test_another_label_alone_is_no_other_release(fleet: Fleet) -> None:
    pids = fleet.pids()
    assert fleet.deploy("-e", "dwp_version=another").changed == []
    assert fleet.pids() == pids


def test_one_variable_of_one_service_restarts_that_service_alone(fleet: Fleet) -> None:
    before, others = fleet.pids(), fleet.listing("/beta", "/store")
    fleet.set("beta", LIGHT_COLOUR="blue")
    done = fleet.deploy()
    assert done.actions == {"alpha": "none", "beta": "replace", "gamma": "none"}
    assert done.plan["beta"]["reasons"] == ["environment (LIGHT_COLOUR) changed"]
    after = fleet.pids()
    assert after["beta"] != before["beta"]
    assert {n: after[n] for n in ("alpha", "gamma")} == {n: before[n] for n in ("alpha", "gamma")}
    assert environ_of(after["beta"])["LIGHT_COLOUR"] == "blue"
    assert fleet.listing("/beta", "/store") == others


def test_new_jar_of_one_service(fleet: Fleet) -> None:
    before, old = fleet.pids(), fleet.current("gamma")
    fleet.jar("gamma", "2")
    done = fleet.deploy()
    assert done.actions == {"alpha": "none", "beta": "none", "gamma": "replace"}
    assert fleet.mark("gamma") == "2" and fleet.mark("beta") == "1"
    assert {n: p for n, p in fleet.pids().items() if n != "gamma"} == {n: p for n, p in before.items() if n != "gamma"}
    releases = fleet.home("gamma") / "releases"
    assert (releases / old / "lib" / "mark.jar").exists(), "the old release is kept"
    kept, new = ((releases / r / "lib" / "mark.jar").stat() for r in (old, fleet.current("gamma")))
    assert kept.st_ino != new.st_ino


def test_unchanged_files_of_releases_are_one_file(fleet: Fleet) -> None:
    jars = {name: (fleet.home(name) / "current" / "lib" / "mark.jar").stat() for name in ("alpha", "beta")}
    assert jars["alpha"].st_ino == jars["beta"].st_ino, "the same library of two services lies on the disk once"


def test_killed_and_stopped_services_are_started(fleet: Fleet) -> None:
    pids = fleet.pids()
    # More often than its manager would start it again by itself would not be a test of the deployment: stop it there.
    supervisor = Supervisor(str(fleet.root))
    supervisor.stop("beta")
    supervisor.signal("gamma", "KILL")
    supervisor.stop("gamma")
    done = fleet.deploy()
    assert done.actions == {"alpha": "none", "beta": "start", "gamma": "start"}
    assert fleet.healthy()
    assert fleet.pids()["alpha"] == pids["alpha"]


def test_crash_is_answered_by_the_manager_itself(fleet: Fleet) -> None:
    pid = fleet.pids()["alpha"]
    kill(pid, signal.SIGKILL)
    wait_gone(pid, 10)
    end = time.monotonic() + 30
    while time.monotonic() < end and "alpha" not in fleet.pids():
        time.sleep(0.1)
    assert fleet.pids()["alpha"] != pid


def test_everything_was_killed_supervisor_too(fleet: Fleet) -> None:
    fleet.down()
    assert fleet.pids() == {}
    releases = {name: fleet.current(name) for name in fleet.services}
    done = fleet.deploy()
    assert fleet.healthy()
    assert {name: fleet.current(name) for name in fleet.services} == releases
    assert done.changed
    assert fleet.deploy().changed == []


def test_service_is_added_by_inventory_alone(fleet: Fleet) -> None:
    pids = fleet.pids()
    fleet.add("delta", fleet.first_port + 3, after=["beta"], url_variable="SERVICE_DELTA_URL")
    fleet.services["beta"]["calls"] = ["delta"]
    done = fleet.deploy()
    assert done.actions == {"alpha": "none", "beta": "replace", "delta": "install", "gamma": "none"}
    assert done.plan["beta"]["reasons"] == ["environment (SERVICE_DELTA_URL) changed"]
    assert environ_of(fleet.pids()["beta"])["SERVICE_DELTA_URL"] == f"http://127.0.0.1:{fleet.first_port + 3}"
    assert {n: fleet.pids()[n] for n in ("alpha", "gamma")} == {n: pids[n] for n in ("alpha", "gamma")}


def test_service_that_left_the_inventory_is_stopped(fleet: Fleet) -> None:
    pids = fleet.pids()
    del fleet.services["delta"], fleet.hosts["delta"]
    fleet.services["beta"]["calls"] = []
    home = fleet.root / "services" / "delta"
    limited = fleet.deploy("-e", "dwp_only=alpha")
    assert limited.changed == [] and "delta" in fleet.pids(), "a limited run leaves it alone"
    done = fleet.deploy()
    assert "delta" not in fleet.pids()
    assert not (fleet.root / "supervisor" / "conf.d" / "delta.conf").exists()
    assert (home / "releases").is_dir(), "its releases stay as evidence"
    assert {n: fleet.pids()[n] for n in ("alpha", "gamma")} == {n: pids[n] for n in ("alpha", "gamma")}
    assert any("retire" in task for task in done.changed)
    assert fleet.deploy().changed == []


def test_bounded_number_of_releases_is_kept(fleet: Fleet) -> None:
    fleet.variables["dwp_keep_releases"] = 2
    for colour in ("red", "green"):
        fleet.set("gamma", LIGHT_COLOUR=colour)
        fleet.deploy("-e", "dwp_only=gamma")
    releases = sorted(p.name for p in (fleet.home("gamma") / "releases").iterdir())
    assert len(releases) == 2 and fleet.current("gamma") in releases
    stored = {p.stat().st_nlink for p in (fleet.root / "store").rglob("*") if p.is_file()}
    assert min(stored) > 1, "files that no release has any more are gone"
    del fleet.variables["dwp_keep_releases"]
    assert fleet.deploy().changed == []
