# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the releases that a rollback goes back to, under the lock of the host. See modules/dwp_rollback_plan.py."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.dwp.backend.plugins.plugin_utils import lock


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        answer = lock.look(self, task_vars, "dwp.backend.dwp_rollback_plan", arguments, arguments.pop("lock", None) or {})
        answer.pop("invocation", None)
        return {**result, **answer}
