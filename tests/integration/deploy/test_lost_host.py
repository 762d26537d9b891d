# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that cannot be reached any more in the middle of a deployment: Ansible's own `unreachable`, as SSH has it."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .fleet import Fleet, Run
from .test_transaction import labels, release, text

LOSSY = {"ANSIBLE_CONNECTION_PLUGINS": str(Path(__file__).parent / "connections")}


@pytest.fixture(scope="module")
def pair(light_class: bytes, transaction_ports: Callable[[], int]) -> Iterator[Fleet]:
    """alpha and gamma here, beta on another host; gamma starts beside beta."""
    made = Fleet(transaction_ports(), light_class)
    made.roots["two"] = made.base / "two"
    made.hosts["beta"] = ["two"]
    made.host_variables["two"] = {"ansible_connection": "dwp_lossy"}
    made.environments = {**LOSSY, "DWP_TEST_LOST": str(made.base / "lost")}
    try:
        made.deploy("--limit", "localhost")  # makes the services' user, which both hosts have in common here
        release(made, "v0", "alpha", "beta", "gamma")
        yield made
    finally:
        made.remove()


def lose(fleet: Fleet, at: str) -> Run:
    """A deployment of something new for all services, in which the host is lost when a task with this name begins."""
    fleet.variables["dwp_version"] = "new"
    for name in fleet.services:
        fleet.set(name, LIGHT_LABEL=f"new-{at}")
    try:
        return fleet.run("deploy", DWP_TEST_LOSE_AT=at)
    finally:
        (fleet.base / "lost").unlink()


def finish(fleet: Fleet) -> None:
    """The host is back: a plain run brings everything in line, and the next one has nothing to do."""
    fleet.deploy()
    assert set(labels(fleet).values()) == {fleet.services["beta"]["environment"]["LIGHT_LABEL"]} and fleet.healthy()
    assert fleet.deploy().changed == []


@pytest.mark.parametrize(
    "at", [*(pytest.param(at, marks=pytest.mark.slow) for at in ("begin | Lock the others", "compare |")), "stage | Compare"]
)
def test_lost_before_anything_was_switched(pair: Fleet, at: str) -> None:
    before, running = labels(pair), pair.pids()
    done = lose(pair, at)
    assert done.rc != 0 and "No route to host" in done.output, str(done)
    assert labels(pair) == before and pair.pids() == running
    assert not (pair.root / "lock.json").exists(), "the host that is there is given back"
    finish(pair)


@pytest.mark.parametrize("at", ["wave | Activate and gate beta", "settle | Watch"])
def test_lost_while_services_are_switched(pair: Fleet, at: str) -> None:
    before = labels(pair)
    pair.variables["dwp_settle"] = 1
    done = lose(pair, at)
    pair.variables["dwp_settle"] = 0
    assert done.rc != 0 and "two was lost: No route to host" in text(done), str(done)
    after = labels(pair)
    assert {name: after[name] for name in ("alpha", "gamma")} == {name: before[name] for name in ("alpha", "gamma")}, str(done)
    assert "NOT healthy after turning back: beta on two (host not reached)" in text(done), str(done)
    assert not (pair.root / "lock.json").exists()
    finish(pair)


def test_lost_when_all_is_done(pair: Fleet) -> None:
    at = "end | Write the outcome"
    done = lose(pair, at)
    assert done.rc == 0, str(done)
    assert set(labels(pair).values()) == {f"new-{at}"}
    finish(pair)


def test_lost_while_a_request_is_followed(pair: Fleet) -> None:
    """What the host told before it was lost stays, and the report says what it was not asked any more."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line = "{now}  INFO 1 --- [nio-1] c.d.Light : [correlationId={id} traceId={trace}] {text}\n"
    for root, name, known in (("localhost", "alpha", "asked-0a1b2c3d"), ("two", "beta", "")):
        with (pair.roots[root] / "log" / f"{name}.log").open("a", encoding="utf-8") as log:
            log.write(line.format(now=now, id=known, trace="5f0c9d1e2b3a4f60", text=f"a request in {name}"))
    pair.run("triage", "-e", "dwp_id=asked-0a1b2c3d")
    assert _steps(pair) == {"alpha", "beta"}, "beta knows the trace id alone, which only alpha can tell"
    try:
        done = pair.run("triage", "-e", "dwp_id=asked-0a1b2c3d", DWP_TEST_LOSE_AT="Ask for the ids that other hosts")
    finally:
        (pair.base / "lost").unlink()
    report = _report(pair)
    left = [one["why"] for one in report["not_checked"] if one["what"] == "ids that other hosts found, on two"]
    assert left == ["No route to host"], f"{report['not_checked']}\n{done}"
    assert _steps(pair) == {"alpha"} and report["services"]["beta"]["instances"][0]["health"] == "up", str(done)
    silent = {gap["service"]: gap["reason"] for gap in report["request_path"]["gaps"]}
    assert silent["beta"] == "incomplete" and "did not get there" not in " ".join(done.output.split()), str(done)


def _report(fleet: Fleet) -> dict[str, Any]:
    newest = max((fleet.base / "reports").rglob("report.json"), key=lambda path: path.stat().st_mtime_ns)
    answer: dict[str, Any] = json.loads(newest.read_text(encoding="utf-8"))
    return answer


def _steps(fleet: Fleet) -> set[str]:
    return {step["service"] for step in _report(fleet)["request_path"]["steps"]}
