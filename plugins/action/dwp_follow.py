# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a host for the ids of a request that only others found. See modules/dwp_follow.py."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.dwp.backend.plugins.module_utils._diagnosis import request_path
from ansible_collections.dwp.backend.plugins.plugin_utils import reach, triage
from ansible_collections.dwp.backend.plugins.plugin_utils.platform import View, plain


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, args = self.validate_argument_spec(
            argument_spec={
                "answers": {"type": "str", "required": True},
                "since": {"type": "str", "default": "1h"},
                "until": {"type": "str"},
                "time_budget": {"type": "float", "default": 20},
            }
        )
        view = View(task_vars, self._templar)
        told = {
            host: plain(task_vars["hostvars"][host].get(args["answers"])) or {} for host in map(str, task_vars["ansible_play_hosts_all"])
        }
        ids = request_path.learned_elsewhere({host: one.get("logs") or {} for host, one in told.items()}, view.host)
        collected = told.get(view.host, {}).get("collected") or {}
        result.update(changed=False, ids=[], request_path=None, not_checked=[])
        if not ids or not collected.get("log_sources"):
            return result
        environments = [service.get("environment") or {} for service in (collected.get("services") or {}).values()]
        answer = reach.call(
            self,
            "dwp.backend.dwp_logs",
            {
                "sources": collected["log_sources"], "ids": ids, "scan": False, "since": args["since"], "until": args["until"],
                "time_budget": args["time_budget"], "environment_files": [one["file"] for one in environments if one.get("file")],
            },
            task_vars,
        )  # fmt: skip
        if answer.get("failed"):
            # What the first question found stays; a host that is lost by now is no reason to end the run.
            why = " ".join(str(answer.get("msg") or "the module gave no answer").split())[:400]
            result["not_checked"] = [{"what": f"ids that other hosts found, on {view.host}", "where": view.host, "why": why}]
            return result
        found = triage.without_inventory_secrets(view, {key: answer.get(key) for key in ("request_path", "not_checked")})
        return {**result, "ids": ids, **found}
