# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One request through the gateway, with an id that is found again in the logs. See modules/dwp_canary.py."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.dwp.backend.plugins.plugin_utils.canary import told
from ansible_collections.dwp.backend.plugins.plugin_utils.platform import plain


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validated, args = self.validate_argument_spec(
            argument_spec={"request": {"type": "dict", "required": True}, "timeout": {"type": "int", "default": 10}}
        )
        request = plain(args["request"])
        # A GET changes nothing, so it is sent in check mode as well; its failure is what we want to know, not an error.
        self._task.check_mode = False
        answer = self._execute_module(
            "ansible.builtin.uri",
            {
                "url": request["url"], "headers": request["headers"], "timeout": args["timeout"], "status_code": list(range(100, 600)),
                "follow_redirects": "none", "use_proxy": False,
            },
            task_vars=task_vars,
        )  # fmt: skip
        if answer.get("unreachable"):
            return {**result, **answer}
        return {**result, "changed": False, "canary": told(request, answer, float(answer.get("elapsed") or 0))}
