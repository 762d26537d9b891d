# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate under a clock that does not tick by itself: no test here waits, none depends on the machine's speed."""

from __future__ import annotations

import heapq
import json
import os
import subprocess
import time
from typing import Any, Callable

import pytest

from ansible_collections.dwp.backend.plugins.module_utils import _gate
from ansible_collections.dwp.backend.plugins.module_utils._gate import gate, process_gone
from ansible_collections.dwp.backend.plugins.module_utils._probe_model import Answer, parse_probes

UP = Answer(http_status=200, body=b'{"status":"UP"}')
DOWN = Answer(http_status=503, body=b'{"status":"DOWN"}')
REFUSED = Answer(failure="refused")
ABSENT = Answer(http_status=404)
CLOSED = Answer(http_status=401)
HANG = None  # never answers


class World:
    """Time, and endpoints that answer by a script: (seconds from begin, answer, seconds that the answer takes)."""

    def __init__(self, **scripts: list[Any]) -> None:
        self.now = 100.0
        self.scripts = scripts
        self.asked: list[tuple[float, str, str]] = []
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.cuts = 0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        target = self.now + max(seconds, 0.0005)
        while self.events and self.events[0][0] <= target:
            self.now, _order, job = heapq.heappop(self.events)
            job()
        self.now = target

    def ask(self, rung, timeout, cutter):
        raise AssertionError("start() below asks")

    def start(self, job: Callable[[], None]) -> None:
        cells = dict(zip(job.__code__.co_freevars, (cell.cell_contents for cell in job.__closure__)))
        follower, rung = cells["follower"], cells["rung"]
        self.asked.append((round(self.now - 100, 3), follower.probe.name, rung.kind))
        answer, takes = self.answer(follower.probe.name, rung.kind)
        if answer is not HANG:
            entry = (follower, cells["token"], answer)
            event = (self.now + takes, len(self.asked), lambda: cells["settings"].inbox.append(entry))
            heapq.heappush(self.events, event)

    def answer(self, name: str, kind: str) -> tuple[Any, float]:
        current = (REFUSED, 0.001)
        for step in self.scripts.get(f"{name}_{kind}", self.scripts.get(name, [])):
            if step[0] <= self.now - 100:
                current = (step[1], step[2] if len(step) > 2 else 0.001)
        return current

    def run(self, probes, **options):
        settings = {"timeout": 60, "probe_timeout": 5, "interval": 0.5, "successes": 3, **options}
        return gate(parse_probes(probes), clock=self.clock, sleep=self.sleep, ask=self.ask, start=self.start, **settings)


A = {"name": "a", "port": 1}
LADDER = {"name": "a", "port": 1, "ladder": [{"kind": "actuator"}, {"kind": "http", "path": "/h"}, {"kind": "tcp"}]}


def test_ready_service_needs_three_answers_and_little_time():
    world = World(a=[(0, UP)])
    outcome = world.run([A])["a"]
    assert outcome.healthy and outcome.final and outcome.cause == "ok"
    assert (outcome.attempts, outcome.successes) == (3, 3)
    assert outcome.waited_s <= 0.6


def test_becoming_ready_is_seen_soon():
    outcome = World(a=[(0, REFUSED), (20, UP)]).run([A], successes=1)["a"]
    assert outcome.healthy and 20 <= outcome.waited_s <= 20.6


def test_successes_have_to_be_consecutive():
    world = World(a=[(0, UP), (0.07, DOWN), (1.2, UP)])
    outcome = world.run([A])["a"]
    assert outcome.healthy and outcome.attempts > 4 and outcome.waited_s > 1.25


def test_flapping_service_never_passes_but_says_why():
    script = [(step * 0.5, UP if step % 2 else DOWN) for step in range(20)]
    outcome = World(a=script).run([A], timeout=10, interval=0.5, successes=9)["a"]
    assert not outcome.healthy and outcome.cause in ("down", "timeout") and outcome.final


def test_each_service_finishes_on_its_own():
    world = World(a=[(0, UP)], b=[(0, DOWN)], c=[(0, HANG)], d=[(5, UP)])
    names = [{"name": name, "port": 1} for name in "abcd"]
    outcomes = world.run(names, timeout=12)
    assert {name: outcome.cause for name, outcome in outcomes.items()} == {"a": "ok", "b": "down", "c": "timeout", "d": "ok"}
    assert outcomes["a"].waited_s < 1 and 5 < outcomes["d"].waited_s < 6.5 and outcomes["b"].waited_s == 12
    assert not [moment for moment, name, _kind in world.asked if name == "a" and moment > 1], "a finished one is left alone"


@pytest.mark.parametrize("timeout,probe_timeout,attempts", [(3, 5, 1), (12, 5, 3), (0, 5, 1)])
def test_hanging_endpoints_end_by_the_deadline(timeout, probe_timeout, attempts):
    world = World()
    world.scripts = {f"s{number}": [(0, HANG)] for number in range(7)}
    outcomes = world.run([{"name": f"s{n}", "port": 1} for n in range(7)], timeout=timeout, probe_timeout=probe_timeout)
    assert world.now - 100 <= (timeout or probe_timeout) + 0.06
    assert {outcome.cause for outcome in outcomes.values()} == {"timeout"}
    assert {outcome.attempts for outcome in outcomes.values()} == {attempts}


def test_attempt_cut_by_the_end_does_not_hide_the_answer_before():
    outcome = World(a=[(0, DOWN), (2, HANG)]).run([A], timeout=4, probe_timeout=5)["a"]
    assert outcome.cause == "down" and outcome.http_status == 503


def test_late_answer_of_a_given_up_attempt_is_ignored():
    outcome = World(a=[(0, UP, 1.5), (1, DOWN)]).run([A], timeout=3, probe_timeout=1, successes=1)["a"]
    assert outcome.cause == "down"


def test_rung_may_have_a_limit_of_its_own():
    slow = {"name": "a", "port": 1, "ladder": [{"kind": "actuator", "timeout": 20}]}
    outcome = World(a=[(0, UP, 12)]).run([slow], probe_timeout=2, successes=1)["a"]
    assert outcome.healthy and outcome.attempts == 1


@pytest.mark.parametrize("upper,why", [(ABSENT, "absent"), (CLOSED, "closed")])
def test_absent_or_closed_rung_is_asked_once(upper, why):
    world = World(a_actuator=[(0, upper)], a_http=[(0, Answer(http_status=200))])
    outcome = world.run([LADDER])["a"]
    assert [kind for _moment, _name, kind in world.asked] == ["actuator", "http", "http", "http"]
    assert outcome.healthy and outcome.shallow and outcome.rung["index"] == 1
    assert outcome.skip_rungs[0]["why"] == why and "rung 2 decided" in outcome.message
    assert ("filter chain" if why == "closed" else "spring-boot-starter-actuator") in outcome.message


def test_ladder_ends_at_tcp():
    world = World(a_actuator=[(0, ABSENT)], a_http=[(0, CLOSED)], a_tcp=[(0, Answer())])
    outcome = world.run([LADDER], successes=1)["a"]
    assert outcome.healthy and outcome.rung["kind"] == "tcp" and "proves little" in outcome.message


@pytest.mark.parametrize("answer", [REFUSED, DOWN, Answer(failure="dns"), Answer(failure="tls"), Answer(http_status=500)])
def test_conclusive_answer_is_not_covered_up_by_a_lower_rung(answer):
    world = World(a_actuator=[(0, answer)], a_http=[(0, Answer(http_status=200))], a_tcp=[(0, Answer())])
    assert not world.run([LADDER], timeout=5)["a"].healthy
    assert {kind for _moment, _name, kind in world.asked} == {"actuator"}


def test_known_skips_are_honoured():
    skip = {"rung": 0, "url": "", "cause": "not_found", "why": "absent", "http_status": 404}
    world = World(a_http=[(0, Answer(http_status=200))])
    outcome = world.run([{**LADDER, "skip_rungs": [skip]}], successes=1)["a"]
    assert [kind for _moment, _name, kind in world.asked] == ["http"] and outcome.shallow


def test_only_rung_closed_is_the_answer_and_asked_rarely():
    world = World(a=[(0, CLOSED)])
    outcome = world.run([A], timeout=20)["a"]
    assert outcome.cause == "unauthorized" and not outcome.healthy and outcome.attempts <= 5


def test_timeout_zero_asks_once():
    world = World(a=[(0, DOWN), (0.3, UP)], b=[(0, UP)])
    outcomes = world.run([A, {"name": "b", "port": 2}], timeout=0, successes=1)
    assert [outcome.attempts for outcome in outcomes.values()] == [1, 1]
    assert (outcomes["a"].cause, outcomes["b"].cause) == ("down", "ok")


def test_dead_process_ends_its_own_wait_only():
    world = World(a=[(0, REFUSED)], b=[(0, REFUSED), (6, UP)])
    dead = {"a": 3.0}

    def alive(probe):
        return "process 7 ended" if world.now - 100 >= dead.get(probe.name, 99) else None

    outcomes = world.run([A, {"name": "b", "port": 2}], alive=alive)
    assert outcomes["a"].cause == "process_dead" and 3 <= outcomes["a"].waited_s <= 3.4
    assert "process 7 ended" in outcomes["a"].message and "refused" in outcomes["a"].message
    assert outcomes["b"].healthy


def test_dead_process_is_seen_while_its_endpoint_hangs():
    world = World(a=[(0, HANG)])
    outcome = world.run([A], alive=lambda probe: "gone" if world.now > 101 else None, probe_timeout=30)["a"]
    assert outcome.cause == "process_dead" and outcome.waited_s < 1.5


def test_good_answer_of_another_process_does_not_count():
    world = World(a=[(0, UP)])
    checks = iter([None, "process 7 ended"])
    outcome = world.run([A], alive=lambda probe: next(checks, "process 7 ended"), successes=1)["a"]
    assert not outcome.healthy and outcome.cause == "process_dead" and outcome.successes == 0


def test_open_port_of_a_starting_process_has_to_stay_open():
    """Measured: the port opens up to 2.4 s before the application is ready, or gives up."""
    own = os.getpid()
    probe = {"name": "a", "port": 1, "ladder": [{"kind": "tcp"}], "process": {"pid": own}}
    assert World(a=[(0, Answer())]).run([probe])["a"].waited_s > 2.4
    assert not World(a=[(0, Answer()), (2.4, REFUSED)]).run([probe], timeout=9)["a"].healthy


def test_slices_add_up_to_one_gate():
    world = World(a_actuator=[(0, ABSENT)], a_http=[(0, REFUSED), (12.95, Answer(http_status=200))])
    memory: dict[str, Any] = {}
    slices = []
    for _second in range(10):
        outcome = world.run([LADDER], memory=memory, pause_after=5)["a"]
        memory = json.loads(json.dumps(memory))  # it travels as JSON
        slices.append(outcome)
        if outcome.final:
            break
    assert len(slices) == 3 and outcome.healthy and not slices[0].final and slices[0].cause == "refused"
    assert [kind for _moment, _name, kind in world.asked].count("actuator") == 1
    assert outcome.attempts == len(world.asked) and 12.9 < outcome.waited_s < 14


def test_slice_lets_a_slow_answer_arrive():
    world = World(a=[(0, UP, 8)])
    assert world.run([A], memory={}, pause_after=5, probe_timeout=10, successes=1)["a"].healthy


def test_finished_ones_are_not_asked_again_in_the_next_slice():
    world = World(a=[(0, UP)], b=[(0, DOWN)])
    memory: dict[str, Any] = {}
    probes = [A, {"name": "b", "port": 2}]
    world.run(probes, memory=memory, pause_after=2)
    asked_a = len([1 for _moment, name, _kind in world.asked if name == "a"])
    assert world.run(probes, memory=memory, pause_after=2)["a"].healthy
    assert len([1 for _moment, name, _kind in world.asked if name == "a"]) == asked_a


def test_deadline_counts_over_slices():
    world = World(a=[(0, DOWN)])
    memory: dict[str, Any] = {}
    while not world.run([A], memory=memory, pause_after=4, timeout=10)["a"].final:
        pass
    assert 10 <= world.now - 100 < 10.2


def test_ticks_tell_what_is_waited_for():
    world = World(a=[(0, REFUSED)], b=[(0, UP)])
    seen: list[dict[str, Any]] = []
    world.run([A, {"name": "b", "port": 2}], timeout=4, on_tick=lambda outcomes: seen.append(dict(outcomes)))
    assert len(seen) >= 3 and seen[1]["a"].cause == "refused" and seen[1]["b"].healthy


def test_nothing_to_ask():
    assert gate([], timeout=5) == {}


def test_mistake_in_a_thread_is_raised_not_waited_out():
    def ask(rung, timeout, cutter):
        raise KeyError("bug")

    with pytest.raises(KeyError):
        gate(parse_probes([A]), timeout=30, ask=ask)


def test_secrets_never_reach_a_message():
    rung = {"kind": "http", "path": "/x", "token": "tok-12345678", "headers": {"X-Api-Key": "key-12345678"}}
    leak = Answer(http_status=302, headers={"location": "/?a=tok-12345678&b=key-12345678"})
    memory: dict[str, Any] = {}
    outcome = World(a=[(0, leak)]).run([{"name": "a", "port": 1, "ladder": [rung]}], timeout=1, memory=memory)["a"]
    assert "12345678" not in json.dumps([outcome.as_dict(), memory]) and "***" in outcome.message


def test_secrets_in_what_the_caller_says_are_scrubbed_too():
    rung = {"kind": "http", "path": "/x", "token": "tok-12345678"}
    outcome = World().run([{**A, "ladder": [rung]}], alive=lambda probe: "java -Dtoken=tok-12345678 ended")["a"]
    assert outcome.cause == "process_dead" and "12345678" not in outcome.message and "java -Dtoken=***" in outcome.message


def test_process_identity():
    def probe(pid, ticks=None):
        return parse_probes([{"name": "a", "port": 1, "process": {"pid": pid, "start_ticks": ticks}}])[0]

    child = subprocess.Popen(["sleep", "60"])
    try:
        with open(f"/proc/{child.pid}/stat", encoding="ascii") as handle:
            ticks = int(handle.read().rpartition(")")[2].split()[19])
        assert process_gone(probe(child.pid, ticks)) is None
        assert process_gone(probe(child.pid)) is None
        assert "given to another" in process_gone(probe(child.pid, ticks - 1))
        child.kill()
        deadline = time.monotonic() + 5
        while process_gone(probe(child.pid, ticks)) is None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert "ended" in process_gone(probe(child.pid, ticks)), "a zombie is dead"
    finally:
        child.kill()
        child.wait()
    assert "ended" in process_gone(probe(child.pid, ticks))
    assert process_gone(parse_probes([A])[0]) is None


def test_real_threads_answer_without_delay():
    started = time.monotonic()
    outcome = gate(parse_probes([A]), timeout=5, successes=1, ask=lambda *_: UP)["a"]
    assert outcome.healthy and time.monotonic() - started < 1
    assert _gate.GATE_SUCCESSES == 3
