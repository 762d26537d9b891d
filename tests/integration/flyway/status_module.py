# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module under test: through its main() in a process of its own, and, for many questions, by its function run()."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._flyway import argspec

ROOT = Path(__file__).parents[3]
MODULE = ROOT / "plugins" / "modules" / "flyway_status.py"


def load() -> Any:
    """The module's file as a Python module."""
    spec = importlib.util.spec_from_file_location("flyway_status_under_test", MODULE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def defaults() -> dict[str, Any]:
    """The parameters of a call without arguments."""
    spec = {**argspec.connection_spec(), **argspec.file_spec(), **argspec.history_spec()}
    return {"fail_on": [], **{name: option.get("default") for name, option in spec.items()}}


def call(arguments: dict[str, Any], check: bool = False) -> dict[str, Any]:
    """Run the module as Ansible does: JSON in, JSON out. The result has ``rc``; a traceback fails the test."""
    if check:
        arguments = {**arguments, "_ansible_check_mode": True}
    done = subprocess.run(
        [sys.executable, str(MODULE)],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "collections")},
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr + done.stdout, done.stderr + done.stdout
    result: dict[str, Any] = json.loads(done.stdout)
    result.pop("invocation", None)
    result["warnings"] = [_text(warning) for warning in result.get("warnings", [])]
    return {**result, "rc": done.returncode}


def _text(warning: Any) -> str:
    """A warning as a playbook sees it; from 2.19 on a module's output has it wrapped."""
    return warning if isinstance(warning, str) else warning["event"]["msg"]
