# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Did a wave succeed on all hosts? Data instead of a failed play, so that the undo can run. See modules/dwp_verdict.py."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.dwp.backend.plugins.plugin_utils.platform import plain


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validated, args = self.validate_argument_spec(
            argument_spec={
                "results": {"type": "str", "required": True}, "earlier": {"type": "dict", "default": {}},
                "step": {"type": "int"}, "balancer": {"type": "list", "elements": "dict", "default": []},
            }
        )
        earlier = plain(args["earlier"])
        if earlier.get("broken"):
            return {**result, "changed": False, "broken": True, "problems": earlier["problems"], "steps": earlier.get("steps", [])}
        status = earlier.get("status", {})
        steps = [*earlier.get("steps", []), *([] if args["step"] is None else [args["step"]])]
        problems = [str(found["message"]) for found in plain(args["balancer"]) if found.get("broken")]
        ended = True
        for host in task_vars["ansible_play_hosts_all"]:
            found = plain(task_vars["hostvars"][host].get(args["results"])) or {}
            if found.get("broken"):
                problems.append(str(found.get("message") or f"{host}: failed"))
            status[host] = {**status.get(host, {}), **found.get("status", {})}
            ended = ended and bool(found.get("ended"))
        if problems:
            self._display.display("\n" + "\n".join(problems) + "\n", color="red")
        begun = {"steps": steps} if steps else {}
        return {**result, "changed": False, "broken": bool(problems), "problems": problems, "status": status, "ended": ended, **begun}
