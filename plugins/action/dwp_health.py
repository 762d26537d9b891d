# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dwp_health in slices, so that a person sees what is waited for while it is waited for."""

from __future__ import annotations

import time
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.dwp.backend.plugins.module_utils._probe_messages import progress

SLICE = 5.0  # s between two lines

display = Display()


class ActionModule(ActionBase):
    _supports_async = True
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        try:
            timeout, fail = float(arguments.get("timeout", 60)), boolean(arguments.get("fail", True))
        except (TypeError, ValueError):
            timeout, fail = 0.0, True  # the module says what is wrong with them
        if self._task.async_val or timeout <= SLICE or arguments.get("slice"):
            return self._ask(result, arguments, task_vars, wrap_async=bool(self._task.async_val))
        return self._ask_in_slices(result, arguments, timeout, fail, task_vars)

    def _ask(self, result: dict[str, Any], arguments: dict[str, Any], task_vars: Any, **options: Any) -> dict[str, Any]:
        name = "dwp.backend.dwp_health"
        answer = self._execute_module(module_name=name, module_args=arguments, task_vars=task_vars, **options)
        return {**result, **answer}

    def _ask_in_slices(
        self, result: dict[str, Any], arguments: dict[str, Any], timeout: float, fail: bool, task_vars: Any
    ) -> dict[str, Any]:
        started = time.monotonic()
        resume = arguments.get("resume")
        while True:
            answer = self._ask(result, {**arguments, "slice": SLICE, "resume": resume, "fail": False}, task_vars)
            pending = answer.pop("pending", None)
            resume = answer.pop("resume", None)
            if not pending or not resume:
                break
            # The time between two calls counts too: the limit is one on the clock of whoever waits.
            resume["elapsed"] = max(resume["elapsed"], time.monotonic() - started)
            self._show(answer["services"], pending, resume["elapsed"], timeout, task_vars)
        if fail and answer.get("unhealthy"):
            answer["failed"] = True
        return answer

    def _show(self, services: dict[str, Any], pending: list[str], elapsed: float, timeout: float, task_vars: Any) -> None:
        if self._task.no_log:
            return
        host = (task_vars or {}).get("inventory_hostname", "")
        for name in pending:
            display.display(f"  [{host}] {progress(services[name], elapsed, timeout)}")
