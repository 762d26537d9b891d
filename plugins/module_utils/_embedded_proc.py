# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who listens on a port, who works in a directory: answers from /proc alone."""

from __future__ import annotations

import os
import pwd
import signal
import time
from typing import Callable, NamedTuple

LISTEN = "0A"


class Listener(NamedTuple):
    pid: int  # 0 if it belongs to somebody else, so that its process cannot be seen
    command: str
    user: str

    def __str__(self) -> str:
        if not self.pid:
            return f"a process of user {self.user}"
        return f"process {self.pid} of user {self.user}: {self.command}"


def user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def command_of(pid: int, proc: str = "/proc") -> str:
    """The program and its first words; never a whole command line, which may hold secrets."""
    try:
        with open(f"{proc}/{pid}/cmdline", "rb") as file:
            words = file.read().decode(errors="replace").replace("\0", " ").split()
    except OSError:
        return "?"
    return " ".join(words[:2]) if words else "?"


def _sockets(port: int, proc: str) -> dict[str, int]:
    """inode -> uid of listening TCP sockets on the port."""
    found: dict[str, int] = {}
    for name in ("tcp", "tcp6"):
        try:
            with open(f"{proc}/net/{name}", encoding="ascii", errors="replace") as file:
                rows = [line.split() for line in file.readlines()[1:]]
        except OSError:
            continue
        for row in rows:
            if len(row) > 9 and row[3] == LISTEN and int(row[1].rsplit(":", 1)[1], 16) == port:
                found[row[9]] = int(row[7])
    return found


def pids(proc: str = "/proc") -> list[int]:
    return sorted(int(name) for name in os.listdir(proc) if name.isdigit())


def listener(port: int, proc: str = "/proc") -> Listener | None:
    """None if nobody listens on the port."""
    wanted = _sockets(port, proc)
    if not wanted:
        return None
    for pid in pids(proc):
        try:
            links = [os.readlink(f"{proc}/{pid}/fd/{name}") for name in os.listdir(f"{proc}/{pid}/fd")]
            uid = os.stat(f"{proc}/{pid}").st_uid
        except OSError:
            continue
        if any(link.startswith("socket:[") and link[8:-1] in wanted for link in links):
            return Listener(pid, command_of(pid, proc), user_name(uid))
    return Listener(0, "?", user_name(next(iter(wanted.values()))))


def parent_of(pid: int, proc: str = "/proc") -> int:
    try:
        with open(f"{proc}/{pid}/stat", encoding="ascii", errors="replace") as file:
            return int(file.read().rsplit(")", 1)[1].split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def working_in(directory: str, program: str, proc: str = "/proc") -> list[int]:
    """Processes of the program whose working directory this is, without their children: PostgreSQL and Redis both work
    in their data directory. The program's name keeps somebody's shell out."""
    wanted = os.path.realpath(directory)
    found = []
    for pid in pids(proc):
        try:
            here = os.readlink(f"{proc}/{pid}/cwd") == wanted
            if here and os.path.basename(os.readlink(f"{proc}/{pid}/exe")).split(" ")[0] == program:
                found.append(pid)
        except OSError:
            continue
    return [pid for pid in found if parent_of(pid, proc) not in found]


def alive(pid: int, proc: str = "/proc") -> bool:
    """A zombie does not count: it is gone but for its parent's attention."""
    try:
        with open(f"{proc}/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except (OSError, IndexError):
        return False


def terminate(
    pid: int,
    gentle: int = signal.SIGTERM,
    timeout: float = 60.0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Ask the process to end and wait; false if it is still there."""
    try:
        os.kill(pid, gentle)
    except ProcessLookupError:
        return True
    deadline = clock() + timeout
    while alive(pid):
        if clock() >= deadline:
            return False
        sleep(0.05)
    return True
