# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the host what the catalogue says about it, and compares its clock with the controller's. See modules/dwp_collect.py."""

from __future__ import annotations

import json
import time
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.dwp.backend.plugins.module_utils._platform.catalogue import CatalogueError
from ansible_collections.dwp.backend.plugins.plugin_utils import triage
from ansible_collections.dwp.backend.plugins.plugin_utils.platform import View


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        view = View(task_vars, self._templar)
        try:
            platform = triage.host_platform(view)
        except CatalogueError as error:
            raise AnsibleActionFail(str(error)) from error
        arguments = {
            "root": view.get("dwp_root"), "manager": view.get("dwp_manager"), "log_dir": view.get("dwp_log_dir"),
            "platform": json.dumps(platform), "fingerprint_key": triage.fingerprint_key(str(view.get("dwp_environment"))),
            **self._task.args,
        }  # fmt: skip
        self._check(arguments)
        begin = time.time()
        answer = self._execute_module("dwp.backend.dwp_collect", module_args=arguments, task_vars=task_vars)
        end = time.time()
        answer.pop("invocation", None)
        if "collected" not in answer:
            if answer.get("unreachable"):
                return {**result, **answer}
            # A host on which nothing can be run is a finding, not a failed task: the other hosts have to go on.
            why = str(answer.get("msg") or answer.get("module_stderr") or "the module gave no answer")[:500]
            missing = [{"what": "everything", "where": view.host, "why": why}]
            return {**result, "changed": False, "collected": {"host": {"name": view.host}, "not_checked": missing}, "logs": None}
        offset, doubt = clock_offset(begin, end, answer["collected"]["host"])
        triage.compare_with_inventory(view, answer["collected"].get("services") or {}, str(arguments["fingerprint_key"]))
        answer["collected"]["host"].update(offset_seconds=offset, offset_uncertainty=doubt)
        told = triage.without_inventory_secrets(view, {part: answer.get(part) for part in ("collected", "logs")})
        return {**result, **answer, **told, "changed": False}

    @staticmethod
    def _check(arguments: dict[str, Any]) -> None:
        try:
            enough = float(arguments.get("time_budget", 20)) >= 1
        except (TypeError, ValueError):
            enough = False
        if not enough:
            raise AnsibleActionFail(f"time_budget is {arguments['time_budget']!r}; it must be a number of seconds, at least 1")


def clock_offset(begin: float, end: float, host: dict[str, Any]) -> tuple[float, float]:
    """The host's clock minus the controller's, and by how much that may be wrong.

    The module cannot have begun before it was called, nor ended after it had answered.
    """
    most, least = host["time"] - begin, host.pop("ended") - end
    return round((most + least) / 2, 3), round(max(0.0, (most - least) / 2), 3)
