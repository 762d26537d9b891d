# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host itself: memory, load, disks, clock, and whom the kernel killed for want of memory."""

from __future__ import annotations

import ctypes
import os
import platform
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils import _ports, _processes
from ansible_collections.dwp.backend.plugins.module_utils._collect.parts import NotChecked
from ansible_collections.dwp.backend.plugins.module_utils._release import host as releases_host

Run = Callable[[Sequence[str]], "tuple[int, str, str]"]

_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronized
_KILLED = re.compile(r"(?:Out of memory|Memory cgroup out of memory): Killed process (\d+) \(([^)]{1,64})\)")
_GROUP = re.compile(r"oom-kill:.*\btask_memcg=([^,\s]+).*\bpid=(\d+)")
_UNIT = re.compile(r"/dwp-([A-Za-z0-9_.-]+)\.service(?:/|$)")
_LARGEST_LOG = 16 << 20


def facts(proc: str = "/proc") -> dict[str, Any]:
    """What is cheap to know about the machine."""
    with open(f"{proc}/meminfo", encoding="ascii") as file:
        memory = {name: int(value) >> 10 for name, value in re.findall(r"^(\w+):\s+(\d+) kB", file.read(), re.M)}
    return {
        "boot_time": _processes.boot_time(proc),
        "load": [round(value, 2) for value in os.getloadavg()],
        "cpus": len(os.sched_getaffinity(0)),
        "memory": {
            "total_mb": memory.get("MemTotal"),
            "available_mb": memory.get("MemAvailable"),
            "swap_used_mb": memory.get("SwapTotal", 0) - memory.get("SwapFree", 0),
        },
        "synchronized": synchronized(),
        "user": _ports.user_name(os.geteuid()),
        "root": os.geteuid() == 0,
        "python": platform.python_version(),
        "kernel": platform.release(),
    }


def synchronized() -> bool | None:
    """Whether the kernel knows of a time source (NTP, chrony, a hypervisor); None where it may not be asked."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))  # all zero: only asks
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR


def java(run: Run) -> dict[str, Any]:
    """The Java that a release without a path of its own would get."""
    path = releases_host.find_java("java")
    return {"path": path, "version": releases_host.java_version(path, run) if path else None}


def disks(wanted: Mapping[str, str], percent: float, megabytes: float, mounts: str = "/proc/self/mounts") -> list[dict[str, Any]]:
    """One entry for each file system that the paths (by purpose) are on; paths that do not exist yet count as their parent."""
    found: dict[int, dict[str, Any]] = {}
    for purpose, path in wanted.items():
        while not os.path.exists(path) and path != "/":
            path = os.path.dirname(path)
        device = os.stat(path).st_dev
        entry = found.get(device) or _disk(path, percent, megabytes, mounts)
        entry["for"].append(purpose)
        found[device] = entry
    return list(found.values())


def _disk(path: str, percent: float, megabytes: float, mounts: str) -> dict[str, Any]:
    about = os.statvfs(path)
    total, free = about.f_blocks * about.f_frsize, about.f_bavail * about.f_frsize
    usable = (about.f_blocks - about.f_bfree + about.f_bavail) * about.f_frsize  # without what is kept for root
    share = round(100 * free / usable, 1) if usable else None
    inodes = round(100 * about.f_favail / about.f_files, 1) if about.f_files else None
    low = (share is not None and share < percent) or free < megabytes * (1 << 20) or (inodes is not None and inodes < percent)
    return {
        "path": path, "mount": mount_of(path, mounts), "for": [], "total_mb": total >> 20, "free_mb": free >> 20,
        "free_percent": share, "inodes_free_percent": inodes, "low": low,
        "read_only": bool(about.f_flag & os.ST_RDONLY),
    }  # fmt: skip


def mount_of(path: str, mounts: str) -> str:
    """The longest mount point above the path."""
    real = os.path.realpath(path)
    try:
        with open(mounts, encoding="utf-8", errors="replace") as file:
            points = [line.split()[1].encode().decode("unicode_escape") for line in file if len(line.split()) > 1]
    except (OSError, UnicodeError):
        return "/"
    above = [point for point in points if real == point or real.startswith(point.rstrip("/") + "/")]
    return max(above, key=len, default="/")


def oom_kills(since: float, run: Run, now: float, kmsg: str = "/dev/kmsg") -> list[dict[str, Any]]:
    """Processes that the kernel killed for want of memory, from its own buffer, else from the journal."""
    try:
        lines = read_kmsg(kmsg, now - time.clock_gettime(time.CLOCK_BOOTTIME))
    except OSError as denied:
        argv = ["journalctl", "-k", "-q", "--no-pager", "-o", "short-unix", "--since", f"@{int(since)}"]
        try:
            status, out, err = run(argv)
        except OSError as error:
            status, out, err = 127, "", str(error)
        if status != 0 or (not out and err):
            why = (err.strip().splitlines() or ["journalctl failed"])[0][:200]
            raise NotChecked(f"{kmsg}: {denied.strerror}; journalctl -k: {why}. Needs root (become: true)") from None
        lines = journal_lines(out)
    return kills(lines, since)


def read_kmsg(path: str, boot: float) -> Iterable[tuple[float, str]]:
    """The kernel's buffer as (seconds since the epoch, text); reading ends where it would have to wait."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    found, size = [], 0
    try:
        while size < _LARGEST_LOG:
            try:
                record = os.read(handle, 8192)
            except BrokenPipeError:  # a record was overwritten meanwhile; the next one can be read
                continue
            except BlockingIOError:
                break
            if not record:
                break
            size += len(record)
            head, _semicolon, text = record.decode("utf-8", "replace").partition(";")
            fields = head.split(",")
            if len(fields) > 2 and fields[2].isdigit():
                found.append((boot + int(fields[2]) / 1e6, text))
    finally:
        os.close(handle)
    return found


def journal_lines(text: str) -> Iterable[tuple[float, str]]:
    """C(1795610000.123456 host kernel: text) as journalctl writes it with C(short-unix)."""
    for line in text.splitlines():
        match = re.match(r"(\d+\.\d+) \S+ \S+ (.*)", line)
        if match:
            yield float(match[1]), match[2]


def kills(lines: Iterable[tuple[float, str]], since: float) -> list[dict[str, Any]]:
    """OOM kills in lines of the kernel, with the service whose unit the process was in."""
    groups: dict[int, str] = {}
    found = []
    for at, text in lines:
        group = _GROUP.search(text)
        if group:
            groups[int(group[2])] = group[1]
        killed = _KILLED.search(text)
        if killed and at >= since:
            unit = _UNIT.search(groups.get(int(killed[1]), ""))
            found.append({"time": round(at, 1), "pid": int(killed[1]), "name": killed[2], "service": unit[1] if unit else ""})
    return found[-20:]
