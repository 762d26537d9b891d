# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For tests: every task boundary as a line of JSON; at one of them SIGKILL to ansible-playbook itself, or the loss of a host."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: dwp_events
type: notification
short_description: Task boundaries as JSON lines, and a kill at one of them
description: For tests only.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "dwp_events"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._path = os.environ["DWP_TEST_EVENTS"]
        self._kill_at = int(os.environ.get("DWP_TEST_KILL_AT", "0"))
        self._lose_at = os.environ.get("DWP_TEST_LOSE_AT")
        self._kill_before = os.environ.get("DWP_TEST_KILL_BEFORE", "")
        self._count = 0

    def _event(self, kind: str, task: str, **fields: Any) -> None:
        self._count += 1
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"event": kind, "task": task, **fields}, default=str) + "\n")
        named = bool(self._kill_before) and kind == "start" and self._kill_before in task
        if self._count == self._kill_at or named:
            os.kill(os.getpid(), signal.SIGKILL)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._event("start", task.get_name())
        if self._lose_at and self._lose_at in task.get_name():
            with open(os.environ["DWP_TEST_LOST"], "w", encoding="utf-8"):  # see connections/dwp_lossy.py
                pass

    def _result(self, kind: str, result: Any) -> None:
        answer = {k: v for k, v in result.result.items() if k not in ("invocation", "diff")}
        self._event(kind, result.task.get_name(), host=result.host.get_name(), result=answer)

    def v2_runner_on_ok(self, result: Any) -> None:
        self._result("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._result("failed", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._result("skipped", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._result("unreachable", result)
