# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a failed start, an interrupted deployment, a label and a full disk mean for the way back."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .fleet import Fleet, Run, environ_of, kill
from .test_kill import modules, settle


@pytest.fixture
def three(light_class: bytes, transaction_ports: Callable[[], int]) -> Iterator[Fleet]:
    made = Fleet(transaction_ports(), light_class)
    try:
        yield made
    finally:
        made.remove()


def release(fleet: Fleet, label: str, *names: str) -> None:
    """A release with this label, in which these services are other ones."""
    fleet.variables["dwp_version"] = label
    for name in names:
        fleet.set(name, LIGHT_LABEL=label)
    fleet.deploy()


def labels(fleet: Fleet) -> dict[str, str]:
    """What the processes themselves run."""
    return {name: environ_of(pid)["LIGHT_LABEL"] for name, pid in fleet.pids().items()}


def outcomes(fleet: Fleet, name: str) -> list[str]:
    return [entry["outcome"] for entry in fleet.state(name)]


def text(done: Run) -> str:
    return " ".join(done.output.split())


# ---- a dependency that is away
@pytest.fixture
def needy(three: Fleet) -> Fleet:
    """beta is healthy only while a file is there."""
    (three.base / "database").touch()
    three.set("beta", LIGHT_NEEDS=str(three.base / "database"))
    three.services["beta"]["start_timeout"] = 4
    release(three, "v1", "alpha", "beta", "gamma")
    release(three, "v2", "beta")
    return three


def test_failed_restart_of_a_good_release_is_not_its_fault(needy: Fleet) -> None:
    good = needy.current("beta")
    (needy.base / "database").unlink()
    done = needy.run("restart", "-e", "dwp_only=beta")
    assert done.rc != 0
    assert f"Release {good} passed its gate before and stays a release to go back to" in text(done), str(done)
    assert "turning back" not in done.output, "a restart turns nothing back"
    assert outcomes(needy, "beta") == ["good", "unhealthy"]
    again = needy.run("deploy")
    assert again.rc != 0 and again.actions["beta"] == "gate", "the next deployment asks it again"
    (needy.base / "database").touch()
    needy.deploy()
    assert outcomes(needy, "beta") == ["good", "good"]


def test_deployment_that_fails_with_its_undo_leaves_a_way_back(needy: Fleet) -> None:
    """While the database is away, neither the new release nor the old one passes; the new one alone is marked."""
    good = needy.current("beta")
    (needy.base / "database").unlink()
    needy.set("beta", LIGHT_LABEL="v3")
    done = needy.run("deploy")
    assert done.rc != 0 and "NOT healthy after turning back: beta on localhost" in text(done), str(done)
    assert needy.current("beta") == good
    assert outcomes(needy, "beta") == ["good", "good", "failed", "unhealthy"]
    (needy.base / "database").touch()
    needy.set("beta", LIGHT_LABEL="v2")
    needy.deploy()
    assert needy.healthy() and outcomes(needy, "beta")[-1] == "good"
    assert needy.run("rollback", "-e", "dwp_only=beta").rc == 0
    assert labels(needy)["beta"] == "v1"


# ---- an interrupted deployment
def interrupt(fleet: Fleet, name: str) -> None:
    """Kill everything of a deployment as soon as it has written that it activates this service."""
    before = len(fleet.state(name))
    process = fleet.start("deploy")
    end = time.monotonic() + 60
    while len(fleet.state(name)) == before:
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGKILL)
    for pid in modules(fleet):
        kill(pid, signal.SIGKILL)
    fleet.finish(process)
    settle(fleet)


def test_rollback_after_an_interrupted_deployment_takes_back_what_it_touched(three: Fleet) -> None:
    release(three, "v1", "alpha", "beta", "gamma")
    release(three, "v2", "alpha", "beta", "gamma")
    gamma = three.pids()["gamma"]
    for name in ("alpha", "beta"):
        three.set(name, LIGHT_LABEL="v3")
    interrupt(three, "beta")
    assert labels(three)["alpha"] == "v3", "the first wave was done"
    dead = three.state("beta")[-1]["deployment"]
    shown = three.run("status")
    assert f"{dead} was interrupted" in text(shown) and "deploy.yml finishes it, rollback.yml undoes it" in text(shown), str(shown)
    done = three.run("rollback")
    assert done.rc == 0, str(done)
    assert f"Deployment {dead} was interrupted: only what it touched goes back" in text(done)
    assert labels(three) == {"alpha": "v2", "beta": "v2", "gamma": "v2"} and three.healthy()
    assert three.pids()["gamma"] == gamma
    assert "was interrupted" not in three.run("status").output
    assert three.run("rollback").rc == 0
    assert labels(three) == {"alpha": "v1", "beta": "v1", "gamma": "v1"}, "one further back, all of them"


# ---- labels
def test_label_takes_services_that_did_not_change_under_it_to_what_they_had_then(three: Fleet) -> None:
    release(three, "v1", "alpha", "beta", "gamma")
    release(three, "v2", "beta")
    release(three, "v3", "alpha", "beta")
    gamma = three.pids()["gamma"]
    done = three.run("rollback", "-e", "dwp_to=v2")
    assert done.rc == 0, str(done)
    assert labels(three) == {"alpha": "v1", "beta": "v2", "gamma": "v1"} and three.healthy()
    assert three.pids()["gamma"] == gamma, "it is there already"
    unknown = three.run("rollback", "-e", "dwp_to=v4")
    assert unknown.rc != 0 and "there is no release v4 on this host" in unknown.output


# ---- a full disk
@pytest.fixture
def small(three: Fleet) -> Iterator[Fleet]:
    """The root is a file system of its own."""
    if os.geteuid() != 0:
        pytest.skip("needs root for a file system of its own")
    three.root.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m", "none", str(three.root)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount here: {done.stderr}")
    try:
        three.root.chmod(0o755)
        release(three, "v1", "alpha", "beta", "gamma")
        release(three, "v2", "beta")
        release(three, "v3", "beta")
        release(three, "v4", "beta")
        yield three
    finally:
        three.down()
        subprocess.run(["umount", "-l", str(three.root)], check=False)


def fill(fleet: Fleet) -> Path:
    """Not a byte is left."""
    filler = fleet.root / "filler"
    with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:
        while True:
            file.write(bytes(1 << 12))
    assert os.statvfs(fleet.root).f_bavail == 0
    return filler


def test_rollback_on_a_full_disk(small: Fleet) -> None:
    assert (small.root / ".reserve").stat().st_size == 4 << 20
    filler = fill(small)
    done = small.run("rollback", "-e", "dwp_only=beta")
    assert done.rc == 0, str(done)
    assert labels(small)["beta"] == "v3" and small.healthy()
    assert not (small.root / ".reserve").exists()
    # once more, without the reserve: v1 is no way back and no evidence, and makes room
    fill(small)
    done = small.run("rollback", "-e", "dwp_only=beta")
    assert done.rc == 0, str(done)
    assert labels(small)["beta"] == "v2" and outcomes(small, "beta")[-1] == "good"
    filler.unlink()
    small.deploy()
    assert labels(small)["beta"] == "v4" and (small.root / ".reserve").exists()


def test_reason_of_a_refused_run_stands_in_the_history(small: Fleet) -> None:
    journal = small.root / "journal.jsonl"
    small.services["beta"]["java_version"] = 99
    assert small.run("deploy").rc != 0
    small.services["beta"].pop("java_version")
    assert small.run("rollback", "-e", "dwp_to=v9").rc != 0
    history = small.run("history", COLUMNS="200").output
    assert "beta needs Java 99, but" in history and "beta: there is no release v9 on this host" in history, history
    # a history that cannot be written stops nothing and is said
    kept = journal.read_bytes()
    journal.unlink()
    journal.mkdir()
    done = small.run("restart", "-e", "dwp_only=beta")
    assert done.rc == 0 and f"{journal} cannot be written (Is a directory)" in text(done), str(done)
    journal.rmdir()
    journal.write_bytes(kept)
