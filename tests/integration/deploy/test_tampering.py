# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What somebody changed by hand is put right by the next deployment, and nothing else is touched."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.dwp.backend.plugins.module_utils._supervisor import Supervisor

from .fleet import Fleet, environ_of


def program(fleet: Fleet, name: str) -> Path:
    return fleet.root / "supervisor" / "conf.d" / f"{name}.conf"


def part(fleet: Fleet, name: str, file: str) -> Path:
    return fleet.home(name) / "releases" / fleet.current(name) / file


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def link(fleet: Fleet, name: str, target: str | None) -> None:
    current = fleet.home(name) / "current"
    current.unlink()
    if target:
        current.symlink_to(target)


def overwrite(path: Path) -> None:
    """A new file in its place, as an editor or an unpacked archive leaves it (the store's own file stays whole)."""
    path.unlink()
    path.write_bytes(b"something else")


def directory_for_link(fleet: Fleet, name: str) -> None:
    current = fleet.home(name) / "current"
    release = current.resolve()
    current.unlink()
    shutil.copytree(release, current)


def earlier_release(fleet: Fleet, name: str) -> None:
    others = [p.name for p in (fleet.home(name) / "releases").iterdir() if p.name != fleet.current(name)]
    link(fleet, name, f"releases/{others[0]}")


#: What is done to a service while it runs. None of it is a reason to restart the process, which is as it should be.
TAMPERED: dict[str, Callable[[Fleet, str], None]] = {
    "program file changed": lambda f, n: append(program(f, n), "priority = 5\n"),
    "environment file changed": lambda f, n: append(part(f, n, "environment"), "LIGHT_COLOUR='pink'\n"),
    "launcher changed": lambda f, n: append(part(f, n, "launch"), "# hello\n"),
    "current link deleted": lambda f, n: link(f, n, None),
    "program file deleted": lambda f, n: program(f, n).unlink(),
    "environment file deleted": lambda f, n: part(f, n, "environment").unlink(),
    "launcher not executable": lambda f, n: part(f, n, "launch").chmod(0o640),
    "current link dangling": lambda f, n: link(f, n, "releases/nothing"),
    "environment file readable for all": lambda f, n: part(f, n, "environment").chmod(0o644),
    "jar replaced": lambda f, n: overwrite(part(f, n, "app.jar")),
    "library deleted": lambda f, n: part(f, n, "lib/mark.jar").unlink(),
    "current link to another release": earlier_release,
    "current is a directory": directory_for_link,
    "current link elsewhere": lambda f, n: link(f, n, "/tmp"),
}
SERVICES = ("beta", "gamma", "delta", "epsilon")  # one case each at a time; alpha stays untouched
ROUNDS = [list(TAMPERED)[n : n + len(SERVICES)] for n in range(0, len(TAMPERED), len(SERVICES))]


@pytest.fixture(scope="module")
def tampered_fleet(light_class: bytes, new_ports: Callable[[], int]) -> Iterator[Fleet]:
    """Two releases of each service, so that a link can be bent to the other one."""
    made = Fleet(new_ports(), light_class, " ".join(("alpha", *SERVICES)))
    try:
        for colour in ("red", "blue"):
            for name in made.services:
                made.set(name, LIGHT_COLOUR=colour)
            made.deploy()
        yield made
    finally:
        made.remove()


def essence(fleet: Fleet) -> dict[str, tuple[str, int, str]]:
    """What has to be as before; states tell what happened, and what somebody made in the place of the link is kept aside."""
    return fleet.listing("state.json", "outcome.json", "by-hand")


def others(pids: dict[str, int]) -> dict[str, int]:
    return {name: pid for name, pid in pids.items() if name != "beta"}


@pytest.mark.parametrize("cases", ROUNDS, ids=", ".join)
def test_files_are_put_right_and_nothing_else_touched(tampered_fleet: Fleet, cases: list[str]) -> None:
    fleet = tampered_fleet
    pids, releases = fleet.pids(), {name: fleet.current(name) for name in fleet.services}
    before = essence(fleet)
    for name, case in zip(SERVICES, cases):
        here = {path: about for path, about in essence(fleet).items() if f"/{name}" in path}
        TAMPERED[case](fleet, name)
        assert {path: about for path, about in essence(fleet).items() if f"/{name}" in path} != here, f"{case}: nothing was changed"
    done = fleet.deploy()
    assert essence(fleet) == before
    assert {name: fleet.current(name) for name in fleet.services} == releases
    assert fleet.pids() == pids
    assert {name for name, action in done.actions.items() if action != "none"} == {name for name, _case in zip(SERVICES, cases)}
    assert fleet.healthy()


def test_nothing_is_left_to_do_after_all_that(tampered_fleet: Fleet) -> None:
    assert tampered_fleet.deploy().changed == []


def test_process_started_with_a_changed_environment_is_replaced(tampered_fleet: Fleet) -> None:
    fleet = tampered_fleet
    pids = fleet.pids()
    good = part(fleet, "beta", "environment").read_text()
    supervisor = Supervisor(str(fleet.root))
    supervisor.stop("beta")
    append(part(fleet, "beta", "environment"), "LIGHT_COLOUR='pink'\n")
    supervisor.start("beta", wait=True)
    assert environ_of(fleet.pids()["beta"])["LIGHT_COLOUR"] == "pink"
    done = fleet.deploy()
    assert environ_of(fleet.pids()["beta"])["LIGHT_COLOUR"] == "blue"
    assert part(fleet, "beta", "environment").read_text() == good
    assert any("LIGHT_COLOUR" in reason for reason in done.plan["beta"]["reasons"])
    assert others(fleet.pids()) == others(pids)


def test_process_beside_its_manager_is_ended(tampered_fleet: Fleet) -> None:
    """Somebody stopped the service and started it by hand: it holds the port, and nobody looks after it."""
    fleet = tampered_fleet
    pids = fleet.pids()
    Supervisor(str(fleet.root)).stop("beta")
    launch, nowhere = part(fleet, "beta", "launch"), subprocess.DEVNULL
    by_hand = subprocess.Popen([launch], stdout=nowhere, stderr=nowhere, start_new_session=True)
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
    assert others(fleet.pids()) == others(pids)
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
    earlier_release(fleet, "beta")
    other = fleet.current("beta")
    supervisor.stop("beta")
    supervisor.start("beta", wait=True)
    link(fleet, "beta", f"releases/{release}")
    assert os.path.basename(environ_of(fleet.pids()["beta"])["DWP_LAUNCH"]) == other
    done = fleet.deploy()
    assert done.actions["beta"] == "restart"
    assert os.path.basename(environ_of(fleet.pids()["beta"])["DWP_LAUNCH"]) == release
