# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts on paper: the machine, its clock, and what the kernel did there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .logs import NOW


@dataclass
class Host:
    """One machine. Times are the controller's; `offset` is by how much its own clock is ahead."""

    name: str
    address: str
    lost: str = ""  # why Ansible cannot reach it
    off: bool = False  # nobody can
    broken: str = ""  # why no module can run there
    offset: float = 0.012
    synchronized: bool = True
    booted: float = NOW - 30 * 86400
    load: tuple[float, float, float] = (0.42, 0.38, 0.3)
    available_mb: int = 9120
    swap_used_mb: int = 0
    java: int = 17
    disk: dict[str, Any] = field(default_factory=dict)  # what is unusual about its one file system
    lock: dict[str, Any] = field(default_factory=dict)  # of a deployment
    kernel: list[tuple[float, str]] = field(default_factory=list)

    @property
    def ahead(self) -> float:
        """What its clock adds to a time that it writes; milliseconds are nobody's business."""
        return self.offset if abs(self.offset) > 1 else 0.0

    def kernel_lines(self) -> list[tuple[float, str]]:
        """The kernel's buffer, by the host's clock."""
        return [(time + self.ahead, text) for time, text in self.kernel]

    def out_of_memory(self, ago: float, pid: int, *, unit: str = "", uid: int = 998) -> None:
        """The kernel kills a java for want of memory; it names the unit of the process where it has one."""
        time = NOW - ago
        if unit:
            self.kernel.append((time, (
                "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,"
                f"task_memcg=/system.slice/{unit},task=java,pid={pid},uid={uid}"
            )))  # fmt: skip
        self.kernel.append((time, (
            f"Out of memory: Killed process {pid} (java) total-vm:5242880kB, anon-rss:1048576kB, file-rss:0kB, shmem-rss:0kB, "
            f"UID:{uid} pgtables:2400kB oom_score_adj:0"
        )))  # fmt: skip

    def facts(self) -> dict[str, Any]:
        return {
            "boot_time": round(self.booted), "load": list(self.load), "cpus": 4,
            "memory": {"total_mb": 15890, "available_mb": self.available_mb, "swap_used_mb": self.swap_used_mb},
            "synchronized": self.synchronized, "user": "root", "root": True, "python": "3.11.2", "kernel": "6.1.0",
        }  # fmt: skip

    def disks(self, purposes: list[str]) -> list[dict[str, Any]]:
        usual = {
            "path": "/opt/dwp", "mount": "/", "for": purposes, "total_mb": 80000, "free_mb": 51234, "free_percent": 64.0,
            "inodes_free_percent": 91.2, "read_only": False,
        }  # fmt: skip
        disk = {**usual, **self.disk}
        disk["low"] = disk["free_percent"] < 5 or disk["free_mb"] < 200 or disk["inodes_free_percent"] < 5
        return [disk]
