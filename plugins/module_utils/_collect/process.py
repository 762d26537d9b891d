# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process of a service is and has, and whether the kernel killed some: read from /proc and the cgroup."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils import _processes
from ansible_collections.dwp.backend.plugins.module_utils._release import host as releases_host

Run = Callable[[Sequence[str]], "tuple[int, str, str]"]


def facts(pid: int, run: Run, proc: str = "/proc", cgroups: str = "/sys/fs/cgroup") -> dict[str, Any]:
    """One process. What only its owner or root may see is None. ProcessError when it is gone."""
    stat = _processes.read_stat(pid, proc)
    status = _text(f"{proc}/{pid}/status")
    java = None
    with contextlib.suppress(OSError):
        java = os.readlink(f"{proc}/{pid}/exe")
    is_java = bool(java) and os.path.basename(str(java)) == "java"
    return {
        "pid": pid,
        "started": round(_processes.started_at(stat.start_ticks, _processes.boot_time(proc), _processes.clock_ticks()), 1),
        "state": stat.state,
        "rss_mb": kilobytes(status, "VmRSS"),
        "peak_mb": kilobytes(status, "VmHWM"),
        "threads": number(status, r"^Threads:\s+(\d+)"),
        "fds": _count(f"{proc}/{pid}/fd"),
        "fd_limit": number(_text(f"{proc}/{pid}/limits"), r"^Max open files\s+(\d+)"),
        "cpu_seconds": cpu_seconds(_text(f"{proc}/{pid}/stat")),
        "executable": java,
        "java_version": releases_host.java_version(str(java), run) if is_java else None,
        **memory_group(_text(f"{proc}/{pid}/cgroup"), cgroups),
    }


def kilobytes(status: str, field: str) -> int | None:
    """A size in /proc/PID/status, in MB."""
    found = number(status, rf"^{field}:\s+(\d+) kB")
    return None if found is None else found >> 10


def number(text: str, pattern: str) -> int | None:
    match = re.search(pattern, text, re.M)
    return int(match[1]) if match else None


def cpu_seconds(stat: str) -> float | None:
    """User and system time of /proc/PID/stat."""
    fields = stat.rpartition(")")[2].split()
    try:
        return round((int(fields[11]) + int(fields[12])) / _processes.clock_ticks(), 1)
    except (IndexError, ValueError):
        return None


def memory_group(cgroup: str, cgroups: str) -> dict[str, int | None]:
    """Limit and kills of the control group (version 2) that the process is in."""
    path = next((line[3:] for line in cgroup.splitlines() if line.startswith("0::")), "")
    if path in ("", "/"):
        return {"memory_limit_mb": None, "oom_kills": None}
    limit = number(_text(f"{cgroups}{path}/memory.max"), r"^(\d+)$")
    kills = number(_text(f"{cgroups}{path}/memory.events"), r"^oom_kill (\d+)")
    return {"memory_limit_mb": None if limit is None else limit >> 20, "oom_kills": kills}


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _count(folder: str) -> int | None:
    try:
        return len(os.listdir(folder))
    except OSError:
        return None
