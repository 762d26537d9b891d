# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel tells about a host and its processes."""

from __future__ import annotations

import os

import pytest

from ansible_collections.dwp.backend.plugins.module_utils._collect import host, process
from ansible_collections.dwp.backend.plugins.module_utils._collect.parts import NotChecked
from ansible_collections.dwp.backend.plugins.module_utils._manager import Systemd

CGROUP_KILL = (
    "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/system.slice/dwp-auth.service,"
    "task_memcg=/system.slice/dwp-auth.service,task=java,pid=4121,uid=996"
)


@pytest.mark.parametrize(("lines", "found"), [
    ([], []),
    ([(50.0, "Out of memory: Killed process 7 (java) total-vm:1kB")], []),  # before the window
    ([(150.0, "Out of memory: Killed process 7 (java) total-vm:1kB")], [(7, "java", "")]),
    ([(150.0, CGROUP_KILL), (150.1, "Memory cgroup out of memory: Killed process 4121 (java) total-vm:1kB, anon-rss:2kB")],
     [(4121, "java", "auth")]),
    ([(150.0, "usb 1-1: Killed process 3 (x)")], []),
])
def test_oom_kills(lines, found):
    assert [(one["pid"], one["name"], one["service"]) for one in host.kills(lines, 100.0)] == found


def test_oom_kills_from_the_journal_where_the_buffer_is_closed(tmp_path):
    text = "1795610000.500000 app-01 kernel: Out of memory: Killed process 9 (java) total-vm:1kB\nnonsense\n"
    found = host.oom_kills(1795600000.0, lambda argv: (0, text, ""), 1795610001.0, str(tmp_path / "none"))
    assert found == [{"time": 1795610000.5, "pid": 9, "name": "java", "service": ""}]


def test_oom_kills_that_nobody_may_see(tmp_path):
    with pytest.raises(NotChecked, match=r"kmsg: No such file.*journalctl -k: No journal files.*become"):
        host.oom_kills(0.0, lambda argv: (1, "", "No journal files were found.\n"), 1.0, str(tmp_path / "kmsg"))


def test_disks_are_listed_by_file_system(tmp_path):
    (disk,) = host.disks({"releases": str(tmp_path / "not" / "yet"), "logs": str(tmp_path)}, 0.0, 0.0)
    assert disk["for"] == ["releases", "logs"] and not disk["low"] and disk["total_mb"] >= disk["free_mb"]
    (low,) = host.disks({"logs": str(tmp_path)}, 100.1, 0.0)
    (small,) = host.disks({"logs": str(tmp_path)}, 0.0, 1e12)
    assert low["low"] and small["low"]


def test_the_mount_is_the_nearest_one(tmp_path):
    mounts = tmp_path / "mounts"
    mounts.write_text("a / ext4 rw 0 0\nb /var ext4 rw 0 0\nc /var/lib/with\\040blank ext4 rw 0 0\nd /va ext4 rw 0 0\n")
    assert host.mount_of("/var/log/x", str(mounts)) == "/var"
    assert host.mount_of("/var/lib/with blank/y", str(mounts)) == "/var/lib/with blank"
    assert host.mount_of("/srv", str(mounts)) == "/"
    assert host.mount_of("/srv", str(tmp_path / "none")) == "/"


def test_facts_of_this_host():
    found = host.facts()
    assert found["memory"]["total_mb"] > found["memory"]["available_mb"] > 0 and len(found["load"]) == 3
    assert found["synchronized"] in (True, False, None) and found["root"] is (os.geteuid() == 0)


def test_facts_of_this_process():
    found = process.facts(os.getpid(), lambda argv: (0, "", ""))
    assert found["rss_mb"] > 1 and found["fds"] >= 3 and found["fd_limit"] > 10 and found["java_version"] is None
    assert found["peak_mb"] >= found["rss_mb"] - 1 and found["cpu_seconds"] >= 0 and found["state"] in "RS"


def test_memory_of_the_control_group(tmp_path):
    group = tmp_path / "system.slice" / "dwp-auth.service"
    group.mkdir(parents=True)
    (group / "memory.max").write_text("536870912\n")
    (group / "memory.events").write_text("low 0\nhigh 0\nmax 12\noom 2\noom_kill 2\n")
    cgroup = "0::/system.slice/dwp-auth.service\n"
    assert process.memory_group(cgroup, str(tmp_path)) == {"memory_limit_mb": 512, "oom_kills": 2}
    (group / "memory.max").write_text("max\n")
    assert process.memory_group(cgroup, str(tmp_path))["memory_limit_mb"] is None
    assert process.memory_group("0::/\n", str(tmp_path)) == {"memory_limit_mb": None, "oom_kills": None}
    assert process.memory_group("9:memory:/x\n", str(tmp_path)) == {"memory_limit_mb": None, "oom_kills": None}


@pytest.mark.parametrize(("fields", "signal", "status", "result"), [
    ("ActiveState=failed\nExecMainCode=2\nExecMainStatus=9\nResult=oom-kill", "SIGKILL", 9, "oom-kill"),
    ("ActiveState=failed\nExecMainCode=1\nExecMainStatus=1\nResult=exit-code", "", 1, "exit-code"),
    ("ActiveState=active\nExecMainCode=0\nExecMainStatus=0\nResult=success", "", 0, ""),
    ("ActiveState=failed\nExecMainCode=3\nExecMainStatus=99\nResult=core-dump", "signal 99", 99, "core-dump"),
])
def test_how_systemd_says_that_a_unit_ended(fields, signal, status, result):
    def run(argv):
        return 0, f"Id=dwp-auth.service\nLoadState=loaded\n{fields}\n", ""

    found = Systemd(run).status(["auth"])["auth"]
    assert (found.exit_signal, found.exit_status, found.result) == (signal, status, result)
