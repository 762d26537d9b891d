# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running process was given: environment, arguments, start time, read from /proc.

The root of the proc file system is a parameter. A process id alone names nothing for long; a process id with its
start ticks does, so every answer carries both and was read from one and the same process.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ansible_collections.dwp.backend.plugins.module_utils._envfile import decode

PROC = "/proc"


class ProcessError(Exception):
    """A process that cannot be read; ``cause`` is C(gone) or C(denied)."""

    def __init__(self, pid: int, cause: str, message: str) -> None:
        self.pid = pid
        self.cause = cause
        super().__init__(message)


class Stat(NamedTuple):
    """The part of /proc/PID/stat that we use; ``start_ticks`` are clock ticks since boot."""

    pid: int
    command: str
    state: str
    parent: int
    start_ticks: int


class Process(NamedTuple):
    """One process as it was given its environment and arguments."""

    pid: int
    start_ticks: int
    state: str
    parent: int
    arguments: tuple[str, ...]
    environment: dict[str, str]


class Found(NamedTuple):
    """Processes that carry a marker, and how many could not be asked (other users' processes)."""

    processes: tuple[Process, ...]
    unreadable: int


def parse_environ(data: bytes) -> dict[str, str]:
    """NUL-separated C(NAME=value); the first of two equal names counts, as for getenv and the JVM."""
    result: dict[str, str] = {}
    for entry in data.split(b"\0"):
        name, separator, value = entry.partition(b"=")
        if separator and name:
            result.setdefault(decode(name), decode(value))
    return result


def parse_cmdline(data: bytes) -> tuple[str, ...]:
    """Arguments; empty ones count, the NUL after the last one does not."""
    if not data:
        return ()
    return tuple(decode(part) for part in data[: -1 if data.endswith(b"\0") else None].split(b"\0"))


def parse_stat(text: str) -> Stat:
    """One line of /proc/PID/stat; the command may itself hold blanks and brackets."""
    head, _bracket, tail = text.rpartition(")")
    pid, _bracket, command = head.partition("(")
    fields = tail.split()
    try:
        return Stat(int(pid), command, fields[0], int(fields[1]), int(fields[19]))
    except (IndexError, ValueError):
        raise ValueError("this is not a line of /proc/PID/stat") from None


def parse_boot_time(text: str) -> int:
    """Seconds since the epoch at which the machine booted, from /proc/stat."""
    for line in text.split("\n"):
        if line.startswith("btime "):
            return int(line.split()[1])
    raise ValueError("there is no btime in /proc/stat")


def started_at(start_ticks: int, boot_time: int, ticks_per_second: int) -> float:
    """Start of a process in seconds since the epoch; exact to about a second, like boot_time."""
    return boot_time + start_ticks / ticks_per_second


def clock_ticks() -> int:
    """Ticks per second of this machine."""
    return os.sysconf("SC_CLK_TCK")


def read_stat(pid: int, proc: str = PROC) -> Stat:
    """State and start ticks of a process; readable for every user."""
    return parse_stat(decode(_read(pid, "stat", proc)))


def since(pid: int, proc: str = PROC) -> float:
    """Start of a process in seconds since the epoch, exact to a few hundredths; 0 if there is none."""
    try:
        ticks = read_stat(pid, proc).start_ticks
    except (ProcessError, ValueError):
        return 0.0
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + ticks / clock_ticks()


def boot_time(proc: str = PROC) -> int:
    """See :func:`parse_boot_time`."""
    with open(os.path.join(proc, "stat"), "rb") as stream:
        return parse_boot_time(decode(stream.read()))


def read_process(pid: int, proc: str = PROC) -> Process:
    """Everything about one process, or :class:`ProcessError`. Never a mixture of two that shared the id."""
    before = read_stat(pid, proc)
    if before.state in ("Z", "X"):
        raise ProcessError(pid, "gone", f"process {pid} has ended (a zombie of {before.parent})")
    environment = parse_environ(_read(pid, "environ", proc))
    arguments = parse_cmdline(_read(pid, "cmdline", proc))
    after = read_stat(pid, proc)
    if after.start_ticks != before.start_ticks or after.state in ("Z", "X"):
        raise ProcessError(pid, "gone", f"process {pid} ended while it was being read")
    return Process(pid, after.start_ticks, after.state, after.parent, arguments, environment)


def is_alive(pid: int, start_ticks: int, proc: str = PROC) -> bool:
    """Whether the very process with these start ticks still runs (a zombie does not)."""
    try:
        stat = read_stat(pid, proc)
    except ProcessError:
        return False
    return stat.start_ticks == start_ticks and stat.state not in ("Z", "X")


def find_by_marker(name: str, value: str | None = None, proc: str = PROC) -> Found:
    """Processes whose environment holds C(name) (with this value, if given), by process id.

    A shell that launched one with C(exec) is the same process; children inherit the marker and are listed too.
    """
    needle = os.fsencode(name) + b"="
    found: list[Process] = []
    unreadable = 0
    for pid in process_ids(proc):
        try:
            if not _holds(_read(pid, "environ", proc), needle):
                continue
            process = read_process(pid, proc)
        except ProcessError as error:
            unreadable += error.cause == "denied"
            continue
        if name in process.environment and value in (None, process.environment[name]):
            found.append(process)
    return Found(tuple(found), unreadable)


def outermost(processes: Sequence[Process]) -> list[Process]:
    """Those whose parent is not among them: of a launcher and the children that inherited its marker, the launcher."""
    ids = {process.pid for process in processes}
    return [process for process in processes if process.parent not in ids]


def process_ids(proc: str = PROC) -> Iterator[int]:
    """All process ids in ascending order."""
    return iter(sorted(int(entry) for entry in os.listdir(proc) if entry.isdigit()))


def _holds(data: bytes, needle: bytes) -> bool:
    return data.startswith(needle) or b"\0" + needle in data


def _read(pid: int, name: str, proc: str) -> bytes:
    try:
        with open(os.path.join(proc, str(pid), name), "rb") as stream:
            return stream.read()
    except (FileNotFoundError, NotADirectoryError, ProcessLookupError):
        raise ProcessError(pid, "gone", f"there is no process {pid}") from None
    except PermissionError:
        raise ProcessError(
            pid, "denied", f"process {pid} belongs to another user: {name} needs its owner or root (become: true)"
        ) from None
