# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import shutil
import subprocess

import pytest

from ansible_collections.dwp.backend.plugins.module_utils._collect.services import is_launching, runs_the_service
from ansible_collections.dwp.backend.plugins.module_utils._processes import Process

COMMANDS = [
    (("/bin/sh", "/opt/dwp/services/auth/releases/a-1/launch"), True),
    (("/usr/bin/java", "-Xmx192m", "-jar", "/opt/dwp/services/auth/releases/a-1/app.jar"), False),
    ((), False),
]


@pytest.mark.parametrize(("arguments", "expected"), COMMANDS)
def test_a_launcher_is_not_yet_the_service(arguments, expected):
    """Its environment is empty: a service that starts again and again must not look as if it had no variables."""
    assert is_launching(Process(1, 1, "S", 0, arguments, {"DWP_LAUNCH": "/opt"})) is expected


def test_a_child_of_the_manager_is_not_yet_the_service():
    environment = {"HOME": "/", "LC_ALL": "C.UTF-8"}
    assert is_launching(Process(1, 1, "S", 0, ("/opt/dwp/infra/venv/bin/python", "supervisord", "-c", "x.conf"), environment))
    assert is_launching(Process(1, 1, "S", 0, ("(launch)",), environment))
    assert not is_launching(Process(1, 1, "S", 0, ("/usr/bin/java", "-jar", "app.jar"), environment)), "started by hand"


def test_a_process_that_has_ended_is_no_orphan(tmp_path):
    java = tmp_path / "java"
    java.symlink_to(shutil.which("sleep"))
    process = subprocess.Popen([str(java), "60"])
    try:
        assert runs_the_service(process.pid)
    finally:
        process.kill()
        process.wait()
    assert not runs_the_service(process.pid)
