# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""rollback.yml in every situation in which somebody may need it. The tests of this file are one story, in order.

beta has releases 1, 2, 3 ... that differ in everything that makes a release; alpha has one, and stays as it is.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.dwp.backend.plugins.module_utils import _journal
from ansible_collections.dwp.backend.plugins.module_utils._supervisor import Supervisor

from .fleet import JVM, Fleet, Run, cmdline_of, environ_of, kill
from .test_kill import modules, settle

FIRST_PORT, LAST_PORT = 15800, 15849
OWN_JAVA = 2  # this release of beta runs with a Java of its own


class Story:
    """A fleet and the ids of beta's releases by number."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.ids: dict[int, str] = {}
        self.java = fleet.base / "jdk" / "bin" / "java"
        self.java.parent.mkdir(parents=True)
        self.show_java()

    def show_java(self) -> None:
        self.java.symlink_to(os.path.realpath(shutil.which("java") or "java"))

    def write(self, number: int, mode: str = "ok") -> None:
        """Another jar, environment, unit, JVM options and port."""
        beta = self.fleet.services["beta"]
        self.fleet.jar("beta", str(number))
        self.fleet.set("beta", LIGHT_NUMBER=str(number), LIGHT_MODE=mode, LIGHT_SECONDS="4")
        beta.update(jvm_options=[*JVM, f"-Dnumber={number}"], stop_timeout=10 + number, port=self.fleet.first_port + number)
        beta.pop("java", None)
        if number == OWN_JAVA:
            beta["java"] = str(self.java)
        self.fleet.variables["dwp_version"] = f"v{number}"

    def deploy(self, number: int, mode: str = "ok") -> None:
        self.write(number, mode)
        self.fleet.deploy()
        self.ids[number] = self.fleet.current("beta")

    def rollback(self, *arguments: str, **environment: str) -> Run:
        done = self.fleet.run("rollback", *arguments, **environment)
        assert done.rc == 0, str(done)
        return done

    def is_on(self, number: int) -> None:
        """Every part of beta is that of this release, and it is healthy."""
        fleet = self.fleet
        assert fleet.current("beta") == self.ids[number], self.ids
        pid = fleet.pids()["beta"]
        assert environ_of(pid)["DWP_LAUNCH"].endswith(f"/releases/{self.ids[number]}")
        assert environ_of(pid)["LIGHT_NUMBER"] == str(number)
        assert f"-Dnumber={number}" in cmdline_of(pid)
        assert (cmdline_of(pid)[0] == str(self.java)) == (number == OWN_JAVA)
        unit = (fleet.root / "supervisor" / "conf.d" / "beta.conf").read_text()
        assert f"stopwaitsecs = {10 + number}" in unit
        port = fleet.services["beta"]["port"]
        try:
            fleet.services["beta"]["port"] = fleet.first_port + number
            assert fleet.mark("beta") == str(number)
            assert fleet.healthy()
        finally:
            fleet.services["beta"]["port"] = port
        assert self.outcome(number) == "good"
        assert not (fleet.root / "lock.json").exists()

    def outcome(self, number: int) -> str:
        return str(next(e["outcome"] for e in reversed(self.fleet.state("beta")) if e["release"] == self.ids[number]))

    def release(self, number: int) -> Path:
        return self.fleet.home("beta") / "releases" / self.ids[number]

    def refused(self, *words: str, playbook: str = "rollback", arguments: tuple[str, ...] = ()) -> None:
        """The run fails with these words, and neither files nor processes are others afterwards."""
        pids, listing = self.fleet.pids(), self.fleet.listing()
        done = self.fleet.run(playbook, *arguments)
        assert done.rc != 0, str(done)
        text = " ".join(done.output.split())
        for word in words:
            assert word in text, f"{word!r} is missing: {done}"
        assert "Traceback" not in text
        assert self.fleet.listing() == listing and self.fleet.pids() == pids

    def journal(self, folder: Path | None = None) -> list[dict[str, Any]]:
        return _journal.read(str(folder or self.fleet.root))


@pytest.fixture(scope="session")
def own_ports() -> Callable[[], int]:
    numbers = iter(range(FIRST_PORT, LAST_PORT - 20, 20))
    return lambda: next(numbers)


@pytest.fixture(scope="module")
def story(light_class: bytes, own_ports: Callable[[], int]) -> Iterator[Story]:
    fleet = Fleet(own_ports(), light_class, "alpha beta")
    fleet.variables["dwp_keep_releases"] = 20
    try:
        made = Story(fleet)
        for number in (1, 2, 3):
            made.deploy(number)
        yield made
    finally:
        fleet.remove()


@pytest.fixture
def bare(light_class: bytes, own_ports: Callable[[], int]) -> Iterator[Fleet]:
    fleet = Fleet(own_ports(), light_class, "alpha beta")
    try:
        yield fleet
    finally:
        fleet.remove()


# ---- what is refused, while release 2 is the one to go back to
def test_host_where_nothing_was_deployed(bare: Fleet) -> None:
    done = bare.run("rollback")
    assert done.rc != 0
    assert "nothing was ever deployed on this host" in done.output and "Nothing was changed" in done.output, str(done)
    assert not (bare.root / "services").exists() and bare.pids() == {}
    assert not (bare.root / "lock.json").exists()


@pytest.mark.parametrize("in_place", [True, False], ids=["written into", "replaced"])
def test_release_whose_library_was_changed_by_hand(story: Story, in_place: bool) -> None:
    library = story.release(2) / "lib" / "mark.jar"
    kept = story.fleet.base / "kept.jar"
    os.link(library, kept)
    good, about = library.read_bytes(), library.stat()
    try:
        if in_place:  # of the same size, and with its time put back
            library.write_bytes(good[:-1] + b"X")
            os.utime(library, ns=(about.st_atime_ns, about.st_mtime_ns))
        else:
            library.unlink()
            library.write_bytes(b"something else")
        story.refused(f"release {story.ids[2]} is damaged (lib/mark.jar differ", "choose another with dwp_to")
    finally:
        kept.write_bytes(good)
        os.utime(kept, ns=(about.st_atime_ns, about.st_mtime_ns))
        os.replace(kept, library)
        kept.unlink(missing_ok=True)


def test_release_whose_java_is_gone(story: Story) -> None:
    story.java.unlink()
    try:
        story.refused(f"release {story.ids[2]} runs with {story.java}, which is gone", "Nothing was changed")
    finally:
        story.show_java()


def test_unknown_release(story: Story) -> None:
    story.refused("beta: there is no release 7.7 on this host", story.ids[1], arguments=("-e", "dwp_only=beta", "-e", "dwp_to=7.7"))


def test_outside_development_an_empty_answer_is_a_no(story: Story) -> None:
    story.refused("was not confirmed", "dwp_confirm=true", "Roll back alpha, beta", arguments=("-e", "dwp_development=false"))


def lock(fleet: Fleet, **fields: Any) -> dict[str, Any]:
    """Somebody else's, from a controller that is not this one."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    about = {
        "deployment": "20260101-000000-abcd", "kind": "deployment", "owner": "lee@elsewhere", "controller": "elsewhere/boot",
        "pid": 1, "start_ticks": 1, "since": "2026-01-01T00:00:00+00:00", "seen": moment, "step": "apply alpha", **fields,
    }  # fmt: skip
    (fleet.root / "lock.json").write_text(json.dumps(about))
    return about


@pytest.mark.parametrize("playbook", ["rollback", "stop"])
def test_live_foreign_lock_says_who_since_when_and_what(story: Story, playbook: str) -> None:
    controller = story.fleet.base / ".local" / "state" / "dwp-backend" / "test"
    about, journal, own = lock(story.fleet), story.journal(), story.journal(controller)
    story.refused(
        "held by lee@elsewhere (deployment 20260101-000000-abcd, started", "last sign of life", "apply alpha", "unlock.yml",
        playbook=playbook,
    )  # fmt: skip
    assert json.loads((story.fleet.root / "lock.json").read_text()) == about, "it stays his"
    assert story.journal() == journal and story.journal(controller) == own, "a run that did not begin has no end"


def test_call_of_a_deployment_that_lost_the_lock_does_nothing(story: Story) -> None:
    """What an orphan of a killed run does after somebody else took over, and after everything is over."""
    fleet = story.fleet
    play = fleet.base / "orphan.yml"
    calls = [
        {"dwp.backend.dwp_service": {
            "root": str(fleet.root), "manager": "supervisor", "action": action, "deployment": "20250101-000000-dead",
            "services": [{"name": "beta"}],
        }, "ignore_errors": True}
        for action in ("apply", "undo", "stop")
    ]  # fmt: skip
    release: dict[str, Any] = {"ansible.builtin.file": {"path": str(fleet.root / "lock.json"), "state": "absent"}}
    play.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [*calls, release, *calls]}]))
    lock(fleet)
    pids, listing = fleet.pids(), fleet.listing()
    done = fleet.run(str(play.with_suffix("")))
    answers = [e["result"]["msg"] for e in done.events if e["event"] == "failed"]
    assert len(answers) == 2 * len(calls), str(done)
    assert all("20260101-000000-abcd of lee@elsewhere has taken over this host; nothing was done" in a for a in answers[:3])
    assert all("does not hold the lock of this host any more" in a for a in answers[3:])
    assert fleet.listing() == listing and fleet.pids() == pids


# ---- going back
def test_back_to_the_last_known_good_and_then_one_further_not_to_and_fro(story: Story) -> None:
    alpha = story.fleet.pids()["alpha"]
    lock(story.fleet, seen="2026-01-01T00:00:00+00:00")
    done = story.rollback("-e", "dwp_development=false", "-e", "dwp_confirm=true")
    assert f"{story.ids[3]} -> {story.ids[2]}" in done.output
    assert "longer than dwp_lock_expiry" in done.output and "interrupted while apply alpha" in " ".join(done.output.split())
    story.is_on(2)
    assert "stays as it is: localhost: alpha: no release before" in done.output
    (story.fleet.home("beta") / "state.json").write_text('{"schema": 1, "activ')
    again = story.rollback(XDG_STATE_HOME=str(story.fleet.base / "xdg"))
    story.is_on(1)
    assert "state.json is damaged" in " ".join(again.output.split()), str(again)
    assert "rebuilt from the manifests" in " ".join(again.output.split())
    assert story.fleet.pids()["alpha"] == alpha, "alpha has nothing to go back to, and goes on"
    assert [story.outcome(n) for n in (1, 2, 3)] == ["good", "rolled_back", "rolled_back"]
    for number in (2, 3):
        assert (story.release(number) / "app.jar").is_file(), "kept as evidence"
    controller = story.journal(story.fleet.base / "xdg" / "dwp-backend" / "test")
    assert [e["event"] for e in controller] == ["begin", "gated", "end"]
    assert controller[-1]["outcome"] == "ok" and controller[1]["service"] == "beta"
    events = [(e["event"], e.get("from")) for e in story.journal()]
    assert ("reclaimed", "20260101-000000-abcd") in events


def test_nothing_is_left_to_go_back_to(story: Story) -> None:
    story.refused(f"beta: no release before {story.ids[1]} passed its gate", "There is nothing to go back to.", "Nothing was changed")


def test_rolled_back_release_is_no_target_unless_forced(story: Story) -> None:
    only = ("-e", "dwp_only=beta", "-e", "dwp_to=v3")
    story.refused(f"{story.ids[3]} is marked rolled_back", "dwp_force=true", arguments=only)
    story.rollback(*only, "-e", "dwp_force=true")
    story.is_on(3)
    assert story.outcome(1) == "good", "it was left to go forward, and is still a way back"


def test_to_a_release_by_its_id_or_the_beginning_of_it_while_the_service_is_down(story: Story) -> None:
    Supervisor(str(story.fleet.root)).stop("beta")
    story.rollback("-e", "dwp_only=beta", "-e", f"dwp_to={story.ids[1][:6]}")
    story.is_on(1)
    pids = story.fleet.pids()
    there = story.rollback("-e", "dwp_only=beta", "-e", f"dwp_to={story.ids[1]}")
    assert story.fleet.pids() == pids and there.changed == [], str(there)


def test_from_a_release_that_crashes_again_and_again(story: Story) -> None:
    story.deploy(4, mode="dies")
    first = story.fleet.pids().get("beta", 0)  # it may be between two lives already
    end = time.monotonic() + 30
    while story.fleet.pids().get("beta", first) == first:
        assert time.monotonic() < end, "it does not crash"
        time.sleep(0.2)
    story.rollback()
    story.is_on(1)
    assert story.outcome(4) == "rolled_back"


def test_from_a_release_that_failed_its_gate_and_never_back_to_it(story: Story) -> None:
    story.deploy(5)
    story.write(6, mode="fail")
    assert story.fleet.run("deploy").rc != 0
    story.is_on(5)  # the deployment undid itself
    assert story.fleet.run("deploy", "-e", "dwp_on_failure=stop").rc != 0
    story.ids[6] = story.fleet.current("beta")
    assert story.outcome(6) == "failed"
    story.rollback()
    story.is_on(5)
    assert story.outcome(6) == "failed"
    story.refused(f"{story.ids[6]} is marked failed", arguments=("-e", "dwp_only=beta", "-e", "dwp_to=v6"))


# ---- after a kill
def pending(story: Story, before: str) -> bool:
    """Written down, but the link is still the old one."""
    newest = story.fleet.state("beta")[-1]
    return bool(newest["outcome"] == "pending" and newest["release"] != before)


def switched(story: Story, before: str) -> bool:
    return story.fleet.current("beta") != before


@pytest.mark.parametrize(("moment", "number"), [(pending, 7), (switched, 8)], ids=["before the switch", "before the gate"])
def test_from_a_half_finished_deployment(story: Story, moment: Callable[[Story, str], bool], number: int) -> None:
    """Killed with its module, as when the controller and the host lose their power: back to what ran before, not one too far."""
    fleet = story.fleet
    story.write(number)
    process = fleet.start("deploy")
    end = time.monotonic() + 60
    while not moment(story, story.ids[5]):
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGKILL)
    for pid in modules(fleet):
        kill(pid, signal.SIGKILL)
    fleet.finish(process)
    settle(fleet)
    newest = fleet.state("beta")[-1]
    story.ids[number] = newest["release"]
    assert newest["outcome"] == "pending"
    dead = newest["deployment"]
    done = story.rollback()
    story.is_on(5)
    assert story.outcome(number) == "rolled_back"
    text = " ".join(done.output.split())
    assert f"deployment {dead}" in text and "on this controller has ended" in text, str(done)
    assert "It was interrupted while apply beta" in text
    assert history(fleet)[dead].split()[-2] == "interrupted"


def history(fleet: Fleet) -> dict[str, str]:
    """The rows of history.yml by deployment."""
    done = fleet.run("history", COLUMNS="160")
    assert done.rc == 0 and done.changed == [], str(done)
    return {line.split()[0]: line for line in done.output.splitlines() if line[:2] == "20"}


def test_rollback_that_was_interrupted_is_finished_by_the_next_one(story: Story) -> None:
    """It does not go one further back than the first one was to go (and would find nothing there)."""
    fleet = story.fleet
    process = fleet.start("rollback")
    end = time.monotonic() + 60
    while not pending(story, story.ids[5]):
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGKILL)
    for pid in modules(fleet):
        kill(pid, signal.SIGKILL)
    fleet.finish(process)
    settle(fleet)
    story.rollback()
    story.is_on(1)
    assert story.outcome(5) == "rolled_back"


# ---- by hand
def test_unlock_breaks_a_lock_by_hand_and_says_whose_it_was(story: Story) -> None:
    lock(story.fleet)
    story.refused("was not confirmed", "Break the deployment lock", playbook="unlock", arguments=("-e", "dwp_development=false"))
    done = story.fleet.run("unlock")
    assert done.rc == 0
    text = " ".join(done.output.split())
    assert "The lock of deployment 20260101-000000-abcd (lee@elsewhere, since 2026-01-01T00:00:00+00:00) is broken." in text
    assert not (story.fleet.root / "lock.json").exists()
    assert [(e["event"], e["deployment"]) for e in story.journal()][-1] == ("broken", "20260101-000000-abcd")
    again = story.fleet.run("unlock")
    assert again.rc == 0 and "There was no lock." in again.output and again.changed == []


def test_release_that_was_removed_to_make_room(story: Story) -> None:
    story.fleet.variables["dwp_keep_releases"] = 2
    story.rollback("-e", "dwp_only=beta", "-e", "dwp_to=v5", "-e", "dwp_force=true")
    story.is_on(5)
    assert story.release(1).exists(), "the way back"
    gone = next(n for n in (2, 3, 4) if not story.release(n).exists())
    story.refused(
        f"{story.ids[gone]} was removed by dwp_keep_releases; deploy it again", arguments=("-e", "dwp_only=beta", "-e", f"dwp_to=v{gone}")
    )
