# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What somebody changed by hand is put right by the next deployment, and nothing else is touched."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.dwp.backend.plugins.module_utils._supervisor import Supervisor

from .fleet import Fleet, environ_of


def program(fleet: Fleet) -> Path:
    return fleet.root / "supervisor" / "conf.d" / "beta.conf"


def part(fleet: Fleet, name: str) -> Path:
    return fleet.home("beta") / "releases" / fleet.current("beta") / name


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def link(fleet: Fleet, target: str | None) -> None:
    current = fleet.home("beta") / "current"
    current.unlink()
    if target:
        current.symlink_to(target)


def overwrite(path: Path) -> None:
    """A new file in its place, as an editor or an unpacked archive leaves it (the store's own file stays whole)."""
    path.unlink()
    path.write_bytes(b"something else")


def directory_for_link(fleet: Fleet) -> None:
    current = fleet.home("beta") / "current"
    release = current.resolve()
    current.unlink()
    shutil.copytree(release, current)


def earlier_release(fleet: Fleet) -> None:
    others = [p.name for p in (fleet.home("beta") / "releases").iterdir() if p.name != fleet.current("beta")]
    link(fleet, f"releases/{others[0]}")


#: by name: what is done, and whether the process has to be restarted for it
TAMPERED: dict[str, tuple[Callable[[Fleet], None], bool]] = {
    "program file changed": (lambda f: append(program(f), "priority = 5\n"), False),
    "program file deleted": (lambda f: program(f).unlink(), False),
    "environment file changed": (lambda f: append(part(f, "environment"), "LIGHT_COLOUR='pink'\n"), False),
    "environment file deleted": (lambda f: part(f, "environment").unlink(), False),
    "environment file readable for all": (lambda f: part(f, "environment").chmod(0o644), False),
    "launcher changed": (lambda f: append(part(f, "launch"), "# hello\n"), False),
    "launcher not executable": (lambda f: part(f, "launch").chmod(0o640), False),
    "jar replaced": (lambda f: overwrite(part(f, "app.jar")), False),
    "library deleted": (lambda f: part(f, "lib/mark.jar").unlink(), False),
    "current link deleted": (lambda f: link(f, None), False),
    "current link dangling": (lambda f: link(f, "releases/nothing"), False),
    "current link elsewhere": (lambda f: link(f, "/tmp"), False),
    "current link to another release": (earlier_release, False),
    "current is a directory": (directory_for_link, False),
}


@pytest.fixture(scope="module")
def tampered_fleet(fleet: Fleet) -> Fleet:
    """With a second release of beta, to which a link can be bent."""
    fleet.set("beta", LIGHT_COLOUR="blue")
    fleet.deploy()
    return fleet


def essence(fleet: Fleet) -> dict[str, tuple[str, int, str]]:
    """What has to be as before; states tell what happened, and what somebody made in the place of the link is kept aside."""
    return fleet.listing("state.json", "outcome.json", "by-hand")


@pytest.mark.parametrize("name", TAMPERED)
def test_file_is_put_right_and_nothing_else_touched(tampered_fleet: Fleet, name: str) -> None:
    fleet = tampered_fleet
    act, restarts = TAMPERED[name]
    pids, before, release = fleet.pids(), essence(fleet), fleet.current("beta")
    act(fleet)
    assert essence(fleet) != before, "the test changed nothing"
    done = fleet.deploy()
    assert done.changed, str(done)
    assert essence(fleet) == before
    assert fleet.current("beta") == release
    after = fleet.pids()
    assert {n: after[n] for n in ("alpha", "gamma")} == {n: pids[n] for n in ("alpha", "gamma")}
    assert (after["beta"] != pids["beta"]) == restarts
    assert done.actions["alpha"] == done.actions["gamma"] == "none"
    assert fleet.healthy()


def test_nothing_is_left_to_do_after_all_that(tampered_fleet: Fleet) -> None:
    assert tampered_fleet.deploy().changed == []


def test_process_started_with_a_changed_environment_is_replaced(tampered_fleet: Fleet) -> None:
    fleet = tampered_fleet
    pids = fleet.pids()
    good = part(fleet, "environment").read_text()
    supervisor = Supervisor(str(fleet.root))
    supervisor.stop("beta")
    append(part(fleet, "environment"), "LIGHT_COLOUR='pink'\n")
    supervisor.start("beta", wait=True)
    assert environ_of(fleet.pids()["beta"])["LIGHT_COLOUR"] == "pink"
    done = fleet.deploy()
    assert environ_of(fleet.pids()["beta"])["LIGHT_COLOUR"] == "blue"
    assert part(fleet, "environment").read_text() == good
    assert any("LIGHT_COLOUR" in reason for reason in done.plan["beta"]["reasons"])
    assert {n: fleet.pids()[n] for n in ("alpha", "gamma")} == {n: pids[n] for n in ("alpha", "gamma")}


def test_process_beside_its_manager_is_ended(tampered_fleet: Fleet) -> None:
    """Somebody stopped the service and started it by hand: it holds the port, and nobody looks after it."""
    fleet = tampered_fleet
    pids = fleet.pids()
    Supervisor(str(fleet.root)).stop("beta")
    by_hand = subprocess.Popen([part(fleet, "launch")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        end = time.monotonic() + 30
        while fleet.pids().get("beta") != by_hand.pid or not responds(fleet):
            assert time.monotonic() < end, "started by hand, it does not answer"
            time.sleep(0.1)
        done = fleet.deploy()
        assert by_hand.wait(15) is not None
    finally:
        if by_hand.poll() is None:
            by_hand.kill()
    assert done.actions["beta"] in ("start", "restart")
    assert fleet.pids()["beta"] not in (by_hand.pid, pids["beta"])
    assert {n: fleet.pids()[n] for n in ("alpha", "gamma")} == {n: pids[n] for n in ("alpha", "gamma")}
    assert fleet.deploy().changed == []


def responds(fleet: Fleet) -> bool:
    try:
        return fleet.get("beta", "/mark") == b"1"
    except OSError:
        return False


def test_process_that_runs_another_release_is_replaced(tampered_fleet: Fleet) -> None:
    """The link was bent, the service restarted, and the link bent back: only the process tells."""
    fleet = tampered_fleet
    release, supervisor = fleet.current("beta"), Supervisor(str(fleet.root))
    earlier_release(fleet)
    other = fleet.current("beta")
    supervisor.stop("beta")
    supervisor.start("beta", wait=True)
    link(fleet, f"releases/{release}")
    assert os.path.basename(environ_of(fleet.pids()["beta"])["DWP_LAUNCH"]) == other
    done = fleet.deploy()
    assert done.actions["beta"] == "restart"
    assert os.path.basename(environ_of(fleet.pids()["beta"])["DWP_LAUNCH"]) == release
