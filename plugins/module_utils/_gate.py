# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Follow many ladders at once until each gave N good answers in a row, under one deadline.

One loop decides, threads ask. A thread that does not come back by its deadline is given up (its connection is cut);
all are daemons, so nothing can hold the process longer than the overall deadline.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Callable

from ansible_collections.dwp.backend.plugins.module_utils import _prober
from ansible_collections.dwp.backend.plugins.module_utils._probe import first_rung, judge, skip_of, usable_skips
from ansible_collections.dwp.backend.plugins.module_utils._probe_messages import describe
from ansible_collections.dwp.backend.plugins.module_utils._probe_model import (
    Answer,
    Outcome,
    Probe,
    Rung,
    Skip,
    Verdict,
    scrub,
)

#: What a deployment asks for: three answers tell a service that stays from one that answers once and dies.
GATE_SUCCESSES = 3
FIRST_GAP = 0.1  # s after the first answer that is not good; grows to `interval`
GAP_GROWTH = 1.5
# Nothing listens yet: being refused costs both sides next to nothing (0.4 ms, no line in any log), so ask that often, to see the port open.
REFUSED_SHARE = 0.2  # of `interval`
CONFIRM_GAP = 0.02  # s between confirming answers: three of them cost each wave less than 0.1 s; who dies later is seen by the settle time
# A port opens up to 2.4 s before the application is ready (measured). Where nothing better than TCP can be asked of a
# starting process, its confirmations are spread over more than that.
TCP_CONFIRM_GAP = 1.5
# A rung that is closed or absent, with no other left: each question may log a stack trace, so ask rarely.
HOPELESS_GAP = 5.0
ALIVE_GAP = 0.25
TICK_GAP = 1.0

Ask = Callable[[Rung, float, "_prober.Cutter"], Answer]
Alive = Callable[[Probe], "str | None"]


def start_thread(job: Callable[[], None]) -> None:
    threading.Thread(target=job, daemon=True, name="dwp-probe").start()


@dataclass
class _Follower:
    """All that is known about one service while it is followed."""

    probe: Probe
    skips: dict[int, Skip]
    attempts: int = 0
    streak: int = 0
    verdict: Verdict | None = None
    rung: int = 0  # of the verdict
    dead: str = ""
    gap: float = FIRST_GAP
    due: float = 0.0
    alive_at: float = 0.0
    asked: int = 0  # rung that is being asked
    token: int = 0  # changes with every question; an answer with another one came too late
    cutter: _prober.Cutter | None = None
    give_up: float = 0.0
    limit: float = 0.0  # own limit of the attempt, s
    done: Outcome | None = None

    def store(self) -> dict[str, Any]:
        return {
            "attempts": self.attempts,
            "streak": self.streak,
            "verdict": None if self.verdict is None else {**vars(self.verdict)},
            "rung": self.rung,
            "gap": self.gap,
            "skip_rungs": [skip.as_dict() for skip in self.skips.values()],
            "outcome": self.done.as_dict() if self.done else None,
        }

    @classmethod
    def restore(cls, probe: Probe, kept: dict[str, Any]) -> _Follower:
        skips = usable_skips(probe, {skip["rung"]: Skip(**skip) for skip in kept.get("skip_rungs") or ()})
        follower = cls(probe, skips)
        if kept:
            follower.attempts, follower.streak = kept["attempts"], kept["streak"]
            follower.gap, follower.rung = kept["gap"], min(kept["rung"], len(probe.ladder) - 1)
            follower.verdict = Verdict(**kept["verdict"]) if kept["verdict"] else None
            follower.done = Outcome(**kept["outcome"]) if kept["outcome"] else None
        return follower


@dataclass
class _Settings:
    timeout: float
    probe_timeout: float
    interval: float
    successes: int
    pause_after: float
    alive: Alive
    clock: Callable[[], float]
    ask: Ask
    start: Callable[[Callable[[], None]], None]
    once: bool
    begin: float
    spent: float  # in earlier slices
    end: float
    inbox: deque[tuple[_Follower, int, Any]] = field(default_factory=deque)
    wake: threading.Event = field(default_factory=threading.Event)


def gate(
    probes: Iterable[Probe],
    *,
    timeout: float,
    probe_timeout: float = 5.0,
    interval: float = 0.5,
    successes: int = GATE_SUCCESSES,
    alive: Alive | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] | None = None,
    on_tick: Callable[[dict[str, Outcome]], None] | None = None,
    memory: dict[str, Any] | None = None,
    pause_after: float = 0.0,
    ask: Ask = _prober.ask,
    start: Callable[[Callable[[], None]], None] = start_thread,
) -> dict[str, Outcome]:
    """Ask until every service is settled. All times in seconds.

    :param timeout: overall limit; 0 asks every service once.
    :param alive: tells why the process behind a probe is gone, or None; called often, so it has to be quick.
    :param memory: a JSON-able dict that carries the state from one call to the next; changed in place.
    :param pause_after: stop asking after so long (0: never), let running questions end, and return with outcomes that
        are not final; call again with the same memory to go on.
    :param sleep: waits up to the given time; the default wakes up as soon as an answer is there.
    """
    memory, probes = {} if memory is None else memory, list(probes)
    if ask is _prober.ask:
        _prober.prepare(rung.kind for probe in probes for rung in probe.ladder)
    begin, spent = clock(), float(memory.get("elapsed", 0.0))
    kept = memory.get("services") or {}
    followers = [_Follower.restore(probe, kept.get(probe.name) or {}) for probe in probes]
    once = timeout <= 0
    longest = max((len(follower.probe.ladder) for follower in followers), default=1)
    end = begin + (probe_timeout * longest if once else max(0.0, timeout - spent))
    settings = _Settings(
        timeout, probe_timeout, interval, successes, pause_after, alive or process_gone, clock, ask, start, once, begin,
        spent, end,
    )  # fmt: skip
    for follower in followers:
        follower.due = begin
    next_tick = begin + TICK_GAP
    while True:
        now = clock()
        _take_answers(settings, now)
        for follower in followers:
            _step(settings, follower, now)
        if on_tick is not None and now >= next_tick:
            next_tick = now + TICK_GAP
            on_tick({follower.probe.name: _outcome(settings, follower, now) for follower in followers})
        open_ones = [follower for follower in followers if follower.done is None]
        paused = _paused(settings, now)
        if not open_ones or (paused and not any(follower.cutter for follower in open_ones)):
            break
        pause = max(0.0, min(_next_event(settings, follower, paused) for follower in open_ones) - now)
        if on_tick is not None:
            pause = min(pause, max(0.0, next_tick - now))
        if sleep is None:
            settings.wake.wait(pause)
        else:
            sleep(min(pause, 0.05))
        settings.wake.clear()
    now = clock()
    memory["elapsed"] = spent + now - begin
    memory["services"] = {follower.probe.name: follower.store() for follower in followers}
    return {follower.probe.name: _outcome(settings, follower, now) for follower in followers}


def process_gone(probe: Probe) -> str | None:
    """Why the process of the probe is not the one it was, or None. Reads /proc only."""
    if probe.process is None:
        return None
    pid = probe.process.pid
    try:
        with open(f"/proc/{pid}/stat", "rb") as handle:
            fields = handle.read().rpartition(b")")[2].split()
    except OSError:
        return f"process {pid} ended"
    if fields[0] in (b"Z", b"X"):
        return f"process {pid} ended"
    if probe.process.start_ticks is not None and int(fields[19]) != probe.process.start_ticks:
        return f"process {pid} ended and its number was given to another one"
    return None


def _paused(settings: _Settings, now: float) -> bool:
    return settings.pause_after > 0 and now - settings.begin >= settings.pause_after


def _take_answers(settings: _Settings, now: float) -> None:
    while settings.inbox:
        follower, token, answer = settings.inbox.popleft()
        if token != follower.token or follower.done is not None:
            continue  # given up before
        if isinstance(answer, BaseException):
            raise answer
        _accept(settings, follower, answer, now)


def _step(settings: _Settings, follower: _Follower, now: float) -> None:
    """Everything that time alone can bring about for one service."""
    if follower.done is not None:
        return
    if now >= follower.alive_at:
        follower.alive_at = now + ALIVE_GAP
        _check_alive(settings, follower, now)
    if follower.done is None and follower.cutter is not None and now >= follower.give_up:
        _give_up(settings, follower, now)
    if follower.done is None and now >= settings.end:
        _finish(settings, follower, now)
    if follower.done is None and follower.cutter is None and now >= follower.due and not _paused(settings, now):
        _ask_rung(settings, follower, first_rung(follower.probe, follower.skips), now)


def _check_alive(settings: _Settings, follower: _Follower, now: float) -> None:
    reason = settings.alive(follower.probe)
    if reason is not None:
        follower.dead, follower.streak = reason, 0
        _finish(settings, follower, now)


def _ask_rung(settings: _Settings, follower: _Follower, index: int, now: float) -> None:
    rung = follower.probe.ladder[index]
    follower.asked = index
    follower.token += 1
    follower.attempts += 1
    follower.limit = rung.timeout or settings.probe_timeout
    follower.give_up = min(now + follower.limit, settings.end)
    token, cutter, limit = follower.token, _prober.Cutter(), follower.give_up - now
    follower.cutter = cutter

    def job() -> None:
        try:
            answer: Any = settings.ask(rung, limit, cutter)
        except BaseException as error:  # handed to the loop, which raises it
            answer = error
        settings.inbox.append((follower, token, answer))
        settings.wake.set()

    settings.start(job)


def _give_up(settings: _Settings, follower: _Follower, now: float) -> None:
    """The deadline of the attempt is over and its thread has not come back."""
    cutter = follower.cutter
    if cutter is None:
        raise AssertionError(f"{follower.probe.name} was not asked, so its answer cannot be late")
    phase = cutter.phase
    cutter.cut()
    by_overall_limit = follower.give_up >= settings.end
    if by_overall_limit and follower.verdict is not None and follower.rung == follower.asked:
        follower.cutter = None  # the answer before says more than a question that got no time
        follower.token += 1
    else:
        _accept(settings, follower, Answer(failure="timeout", phase=phase, latency_ms=follower.limit * 1000), now)


def _accept(settings: _Settings, follower: _Follower, answer: Answer, now: float) -> None:
    """Judge an answer; go on to the next rung, count it, or plan the next attempt."""
    index, follower.cutter = follower.asked, None
    follower.token += 1
    rung = follower.probe.ladder[index]
    verdict = judge(rung, answer)
    opened = follower.verdict is not None and follower.verdict.cause == "refused" and verdict.cause != "refused"
    follower.verdict, follower.rung = verdict, index
    if verdict.why and index + 1 < len(follower.probe.ladder):
        follower.skips[index] = skip_of(index, rung, verdict)
        _ask_rung(settings, follower, first_rung(follower.probe, follower.skips), now)
        return
    if verdict.cause == "ok":
        _check_alive(settings, follower, now)  # the answer counts only if the process is still the same
        if follower.done is not None:
            return
        follower.streak += 1
        follower.gap = FIRST_GAP
        if follower.streak >= settings.successes:
            _finish(settings, follower, now)
            return
        settled = rung.kind == "tcp" and follower.probe.process is not None
        follower.due = now + (TCP_CONFIRM_GAP if settled else min(CONFIRM_GAP, settings.interval))
        return
    follower.streak = 0
    if settings.once:
        _finish(settings, follower, now)
        return
    if opened:
        follower.gap = FIRST_GAP  # it will soon be ready
    follower.due = now + _gap(settings, follower, verdict)
    follower.gap = min(follower.gap * GAP_GROWTH, settings.interval)


def _gap(settings: _Settings, follower: _Follower, verdict: Verdict) -> float:
    """Seconds from an answer that was not good to the next question."""
    if verdict.why:
        return max(HOPELESS_GAP, settings.interval)
    if verdict.cause == "refused":
        return min(settings.interval, max(FIRST_GAP, settings.interval * REFUSED_SHARE))
    return min(follower.gap, settings.interval)


def _next_event(settings: _Settings, follower: _Follower, paused: bool) -> float:
    times = [settings.end]
    if follower.cutter is not None:
        times.append(follower.give_up)
    elif not paused:
        times.append(follower.due)
    if follower.probe.process is not None or settings.alive is not process_gone:
        times.append(follower.alive_at)
    if settings.pause_after > 0 and not paused:
        times.append(settings.begin + settings.pause_after)
    return min(times)


def _finish(settings: _Settings, follower: _Follower, now: float) -> None:
    if follower.cutter is not None:
        follower.cutter.cut()
        follower.cutter = None
    follower.token += 1
    outcome = _outcome(settings, follower, now)
    outcome.final = True
    if outcome.cause == "ok" and not outcome.healthy:
        outcome.cause = "timeout"  # good answers, but not enough of them in time
    follower.done = outcome


def _outcome(settings: _Settings, follower: _Follower, now: float) -> Outcome:
    if follower.done is not None:
        return follower.done
    probe, verdict = follower.probe, follower.verdict
    rung = probe.ladder[follower.rung]
    healthy = bool(verdict) and not follower.dead and follower.streak >= settings.successes
    outcome = Outcome(
        probe.name,
        healthy=healthy,
        attempts=follower.attempts,
        successes=follower.streak,
        waited_s=round(settings.spent + now - settings.begin, 3),
        rung={"index": follower.rung, "kind": rung.kind, "url": rung.url},
        shallow=bool(follower.skips),
        skip_rungs=[skip.as_dict() for skip in follower.skips.values()],
    )
    if verdict is not None:
        outcome.cause, outcome.http_status = verdict.cause, verdict.http_status
        outcome.status, outcome.components = verdict.status, dict(verdict.components)
        outcome.latency_ms, outcome.content_type = round(verdict.latency_ms, 1), verdict.content_type
    if follower.dead:
        outcome.cause = "process_dead"
    text = describe(probe, outcome, rung, verdict, follower.skips, follower.dead)
    outcome.message = scrub(text, [secret for each in probe.ladder for secret in each.secrets()])
    return outcome
