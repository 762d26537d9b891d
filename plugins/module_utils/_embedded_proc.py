# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers that run without a supervisor, and ports that somebody else holds."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Collection
from typing import Callable

from ansible_collections.dwp.backend.plugins.module_utils._ports import Listener, listeners, user_name
from ansible_collections.dwp.backend.plugins.module_utils._processes import ProcessError, process_ids, read_stat


def parent_of(pid: int, proc: str = "/proc") -> int:
    try:
        return read_stat(pid, proc).parent
    except (ProcessError, ValueError):
        return 0


def working_in(directory: str, program: str, proc: str = "/proc") -> list[int]:
    """Processes of the program whose working directory this is, without their children: PostgreSQL and Redis both work
    in their data directory. The program's name keeps somebody's shell out."""
    wanted = os.path.realpath(directory)
    found = []
    for pid in process_ids(proc):
        try:
            here = os.readlink(f"{proc}/{pid}/cwd") == wanted
            if here and os.path.basename(os.readlink(f"{proc}/{pid}/exe")).split(" ")[0] == program:
                found.append(pid)
        except OSError:
            continue
    return [pid for pid in found if parent_of(pid, proc) not in found]


def foreign_listener(port: int, ours: Collection[int], proc: str = "/proc") -> Listener | None:
    """Who holds the port, unless it is one of our processes or a child of one."""
    found = listeners([port], proc).get(port)
    if found is None or (found.pid and (found.pid in ours or parent_of(found.pid, proc) in ours)):
        return None
    return found


def describe(listener: Listener) -> str:
    user = user_name(listener.user)
    if not listener.pid:
        return f"a process of user {user}"
    return f"process {listener.pid} of user {user}: {listener.command}"


def alive(pid: int, proc: str = "/proc") -> bool:
    """A zombie does not count: it is gone but for its parent's attention."""
    try:
        return read_stat(pid, proc).state not in ("Z", "X")
    except (ProcessError, ValueError):
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
