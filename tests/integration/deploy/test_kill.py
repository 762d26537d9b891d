# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SIGKILL at any moment; a plain rerun ends healthy, and what it says about changes is true."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .fleet import Fleet, Run, cmdline_of, kill

#: Moments of a run, as parts of its task boundaries: 0 is the first one, 1 the last. `make test-all` walks them all.
STEPS = 70 if os.environ.get("DWP_SAMPLE") == "all" else 4
MOMENTS = [n / (STEPS - 1) for n in range(STEPS)]


class Walk:
    """A fleet that is deployed again and again, and how many task boundaries one such deployment has."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet, self.number = fleet, 0
        self.boundaries: dict[str, int] = {}

    def next_release(self) -> None:
        self.number += 1
        for name in self.fleet.services:
            self.fleet.set(name, LIGHT_NUMBER=str(self.number))

    def count(self, kind: str) -> int:
        """Boundaries of an undisturbed run of this kind (update of everything, or the first deployment)."""
        if kind not in self.boundaries:
            self.prepare(kind)
            self.boundaries[kind] = len(self.fleet.deploy().events)
        return self.boundaries[kind]

    def prepare(self, kind: str) -> None:
        if kind == "first":
            self.fleet.wipe()
        elif not self.fleet.root.exists():
            self.fleet.deploy()
        self.next_release()


@pytest.fixture(scope="module")
def walk(light_class: bytes, new_ports: Callable[[], int]) -> Iterator[Walk]:
    made = Fleet(new_ports(), light_class, "alpha beta")
    try:
        yield Walk(made)
    finally:
        made.remove()


def good(fleet: Fleet, name: str) -> str | None:
    """The last known good release as the state file tells it."""
    if not (fleet.home(name) / "state.json").exists():
        return None
    return next((e["release"] for e in reversed(fleet.state(name)) if e["outcome"] == "good"), None)


def settle(fleet: Fleet) -> None:
    """Let modules that outlived their playbook come to their end, as they do in the time that a person needs."""
    end = time.monotonic() + 20
    while modules(fleet) and time.monotonic() < end:
        time.sleep(0.1)


def modules(fleet: Fleet, name: str = "") -> list[int]:
    """Processes of modules that work for this fleet: their files lie below its home."""
    found = []
    for entry in Path("/proc").iterdir():
        words = cmdline_of(int(entry.name)) if entry.name.isdigit() else []
        if len(words) > 1 and words[1].startswith(str(fleet.base)) and f"/AnsiballZ_{name}" in words[1]:
            found.append(int(entry.name))
    return found


def rerun(fleet: Fleet, known_good: dict[str, str | None]) -> Run:
    """The plain rerun: healthy, with the wanted variables, truthful."""
    for name, release in known_good.items():
        if release:
            assert (fleet.home(name) / "releases" / release / "manifest.json").exists(), "the last known good release survives"
            assert release in {e["release"] for e in fleet.state(name)}
    before, pids = fleet.listing("state.json", "outcome.json"), fleet.pids()
    done = fleet.deploy()
    assert fleet.healthy()
    for name in fleet.services:
        number = fleet.services[name]["environment"]["LIGHT_NUMBER"]
        assert f"LIGHT_NUMBER={number}".encode() in fleet.get(name, "/environment").split(b"\0")
        assert fleet.state(name)[-1]["outcome"] == "good"
        assert good(fleet, name) == fleet.current(name)
    after = fleet.listing("state.json", "outcome.json")
    happened = after != before or fleet.pids() != pids
    assert bool(done.changed) == happened, f"changed: {done.changed}, but {differences(before, after)} {pids} {fleet.pids()}"
    leftovers = [path for path in after if path.endswith(".new") or "/.ansible" in path]
    assert leftovers == []
    return done


def differences(before: dict[str, tuple[str, int, str]], after: dict[str, tuple[str, int, str]]) -> list[str]:
    return sorted(path for path in {*before, *after} if before.get(path) != after.get(path))


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS, ids=[f"at-{moment:.2f}" for moment in MOMENTS])
@pytest.mark.parametrize("kind", ["first", "update"])
def test_killed_at_a_task_boundary(walk: Walk, kind: str, moment: float) -> None:
    at = max(1, round(moment * walk.count(kind)))
    assert STEPS < 10 or walk.count(kind) <= STEPS, "raise STEPS, so that no boundary is left out"
    walk.prepare(kind)
    known_good = {name: good(walk.fleet, name) for name in walk.fleet.services}
    killed = walk.fleet.run("deploy", DWP_TEST_KILL_AT=str(at))
    assert killed.rc == -signal.SIGKILL, str(killed)
    settle(walk.fleet)
    rerun(walk.fleet, known_good)
    if at % 5 == 0:
        assert walk.fleet.deploy().changed == []


def wait_for_module(fleet: Fleet, name: str) -> int:
    """Process id of the first module of this name."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        for pid in modules(fleet, name):
            return pid
        time.sleep(0.005)
    raise AssertionError(f"no process of {name} was seen")


#: Seconds that a module may have worked at most.
MIDDLES = [
    ("dwp_service", 0.3), ("dwp_service", 1.2), ("dwp_release", 0.3),
    *(pytest.param(module, delay, marks=pytest.mark.slow) for module, delay in (("dwp_service", 0.7), ("dwp_embedded", 0.3))),
]  # fmt: skip


@pytest.mark.parametrize(("module", "delay"), MIDDLES)
def test_module_and_playbook_killed_in_the_middle(walk: Walk, module: str, delay: float) -> None:
    """As when the machine loses its power: nobody tidies up."""
    walk.prepare("update")
    known_good = {name: good(walk.fleet, name) for name in walk.fleet.services}
    process = walk.fleet.start("deploy")
    pid = wait_for_module(walk.fleet, module)
    time.sleep(delay * random.random())
    os.killpg(process.pid, signal.SIGKILL)
    kill(pid, signal.SIGKILL)
    for left in modules(walk.fleet):
        kill(left, signal.SIGKILL)
    walk.fleet.finish(process)
    rerun(walk.fleet, known_good)


def test_module_alone_killed_in_the_middle(walk: Walk) -> None:
    """The playbook goes on and sees it: the run fails, and either way the platform can be deployed again."""
    walk.prepare("update")
    known_good = {name: good(walk.fleet, name) for name in walk.fleet.services}
    process = walk.fleet.start("deploy")
    kill(wait_for_module(walk.fleet, "dwp_service"), signal.SIGKILL)
    done = walk.fleet.finish(process)
    assert done.rc != 0
    rerun(walk.fleet, known_good)


def test_playbook_alone_killed_while_its_module_goes_on(walk: Walk) -> None:
    """The rerun starts at once, while the orphan still works: it waits, or refuses and says why, but never breaks anything."""
    walk.prepare("update")
    known_good = {name: good(walk.fleet, name) for name in walk.fleet.services}
    process = walk.fleet.start("deploy")
    wait_for_module(walk.fleet, "dwp_service")
    process.kill()
    rerun_at_once = walk.fleet.run("deploy")
    walk.fleet.finish(process)
    settle(walk.fleet)
    if rerun_at_once.rc != 0:
        assert "lock" in rerun_at_once.output or "not the current" in rerun_at_once.output, str(rerun_at_once)
    rerun(walk.fleet, known_good)


def test_interrupted_by_the_user(walk: Walk) -> None:
    """Ctrl-C."""
    walk.prepare("update")
    known_good = {name: good(walk.fleet, name) for name in walk.fleet.services}
    process = walk.fleet.start("deploy")
    wait_for_module(walk.fleet, "dwp_service")
    os.killpg(process.pid, signal.SIGINT)
    assert walk.fleet.finish(process).rc != 0
    settle(walk.fleet)
    rerun(walk.fleet, known_good)
