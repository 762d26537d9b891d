# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts, ends and exits of a service as its log tells them, and what is stale because of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ansible_collections.dwp.backend.plugins.module_utils._logs.formats import Record

STARTING = b" using Java "
STARTED = b"(process running for "
STOPPING = b"Commencing graceful shutdown"
ANCHORS = (STARTING, STARTED, STOPPING)
# Exits are told by the manager: its own log, or the journal of the unit.
EXIT_ANCHORS = (b"exited: ", b"gave up: ", b"Main process exited")

_STARTING = re.compile(r"^Starting (\S+)(?: v(\S+))? using Java (\S+) with PID (\d+)")
_STARTED = re.compile(r"^Started (\S+) in ([\d.]+) seconds \(process running for ([\d.]+)\)")
_STOPPING = re.compile(r"^Commencing graceful shutdown")
_SUPERVISOR_EXIT = re.compile(r"exited: (\S+) \((?:exit status (\d+)|terminated by (\w+)(?: \(core dumped\))?); (not )?expected\)")
_SUPERVISOR_FATAL = re.compile(r"gave up: (\S+) entered FATAL state")
_SYSTEMD_EXIT = re.compile(r"Main process exited, code=(\w+), status=(\d+)(?:/(\w+))?")
_RUN_FAILED = ("Application run failed", "APPLICATION FAILED TO START")


@dataclass
class Event:
    """One turn in a service's life."""

    kind: str  # starting, started, failed, stopping, exited
    time: float | None
    record: Record
    pid: int | None = None
    version: str = ""
    java: str = ""
    seconds: float | None = None
    status: int | None = None
    signal: str = ""
    expected: bool | None = None


@dataclass
class Life:
    """From one start to the next: did it come up, and how did it end."""

    starting: Event | None = None
    started: Event | None = None
    stopping: Event | None = None
    failed: Event | None = None
    exits: list[Event] = field(default_factory=list)
    followed: bool = False  # another start came after it

    @property
    def began(self) -> float | None:
        first = self.starting or self.started
        return first.time if first else None

    @property
    def state(self) -> str:
        if self.stopping and self.started:
            return "stopped"
        if self.started:
            return "killed" if self.followed or self.exits else "running"
        if self.starting is None:
            return "unknown"
        return "died during startup" if self.followed or self.exits or self.failed else "starting"


def event_of(record: Record, names: Iterable[str] = ()) -> Event | None:
    """The event that a record tells; a text that only quotes one in the middle of its message is none.

    `names` are those under which a manager may know the service.
    """
    message = record.message
    match = _STARTING.match(message)
    if match:
        return Event("starting", record.time, record, int(match[4][:9]), match[2] or "", match[3])
    match = _STARTED.match(message)
    if match:
        return Event("started", record.time, record, record.pid, seconds=float(match[2]))
    if _STOPPING.match(message):
        return Event("stopping", record.time, record, record.pid)
    if record.text.lstrip("\n* ").startswith(_RUN_FAILED):
        return Event("failed", record.time, record, record.pid)
    match = _SUPERVISOR_EXIT.match(message)
    if match and match[1].split(":")[-1] in names:
        status = int(match[2]) if match[2] else None
        return Event("exited", record.time, record, status=status, signal=match[3] or "", expected=not match[4])
    match = _SUPERVISOR_FATAL.match(message)
    if match and match[1].split(":")[-1] in names:
        return Event("exited", record.time, record, signal="FATAL", expected=False)
    match = _SYSTEMD_EXIT.search(message) if record.logger == "systemd" else None
    if match:
        signal = f"SIG{match[3]}" if match[1] in ("killed", "dumped") and match[3] else ""
        status = int(match[2])
        return Event("exited", record.time, record, status=None if signal else status, signal=signal,
                     expected=status in (0, 143) and not signal)  # fmt: skip
    return None


def lives(events: Iterable[Event]) -> list[Life]:
    """The events of one service, in order of time, cut into lives; several instances in one log are told by PID."""
    ordered = sorted(
        (event for event in events if event.time is not None),
        key=lambda event: (event.time, event.record.file, event.record.offset),
    )
    found: list[Life] = []
    seen: set[tuple[object, ...]] = set()
    for event in ordered:
        twin = (event.kind, event.time, event.pid, event.record.message)
        if event.kind != "exited" and twin in seen:
            continue  # the console of a service repeats its log
        seen.add(twin)
        current = found[-1] if found else None
        if event.kind == "starting" or current is None or (event.kind == "started" and current.started):
            if current is not None:
                current.followed = True
            current = Life()
            found.append(current)
        if event.kind == "starting":
            current.starting = event
        elif event.kind == "started":
            current.started = current.started or event
        elif event.kind == "failed":
            current.failed = current.failed or event
        elif event.kind == "stopping":
            current.stopping = current.stopping or event
        else:
            current.exits.append(event)
    return found


@dataclass(frozen=True)
class Boundaries:
    """What makes a record stale: the last successful start. Records of the start itself may still hold."""

    started: float | None = None  # time of the last "Started"
    began: float | None = None  # time of the "Starting" that belongs to it
    last_starting: float | None = None  # time of the newest "Starting", successful or not
    first_starting: float | None = None  # what is older may come from a process whose start is not in the window
    pids: frozenset[int] = frozenset()

    def stale(self, time: float | None, holds_while_running: bool = False) -> bool:
        """`holds_while_running`: told once at the start and true as long as the process lives."""
        limit = self.began if holds_while_running and self.began is not None else self.started
        return time is not None and limit is not None and time < limit

    def current(self, time: float | None) -> bool:
        """Belongs to the newest life, whether that came up or not."""
        return time is None or self.last_starting is None or time >= self.last_starting


def boundaries(history: list[Life]) -> Boundaries:
    last = next((life for life in reversed(history) if life.started), None)
    starts = [life.starting.time for life in history if life.starting and life.starting.time is not None]
    pids = frozenset(life.starting.pid for life in history if life.starting and life.starting.pid is not None)
    return Boundaries(
        last.started.time if last and last.started else None,
        last.began if last else None,
        max(starts) if starts else None,
        min(starts) if starts else None,
        pids,
    )
