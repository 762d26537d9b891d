# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes, gives back, breaks or shows the lock of a host. See modules/dwp_lock.py."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.dwp.backend.plugins.plugin_utils import lock


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        wish = {**self._task.args, "owner": lock.owner()}

        def call(arguments: dict[str, Any]) -> dict[str, Any]:
            return self._execute_module("dwp.backend.dwp_lock", module_args=arguments, task_vars=task_vars)

        answer = lock.ask(call, wish)
        answer.pop("invocation", None)
        refused = lock.tell(self, task_vars, wish["state"], answer, wish)
        if refused and not answer.get("failed"):
            answer.update(failed=True, msg=refused)
        return {**result, **answer}
