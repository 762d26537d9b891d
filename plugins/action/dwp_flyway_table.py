# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers of flyway_status for all databases as one table. See modules/dwp_flyway_table.py."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.dwp.backend.plugins.plugin_utils.platform import plain
from ansible_collections.dwp.backend.plugins.plugin_utils.table import table


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validated, args = self.validate_argument_spec(
            argument_spec={"results": {"type": "str", "required": True}, "strict": {"type": "bool", "default": False}}
        )
        answers: list[tuple[str, Mapping[str, Any]]] = []
        for host in task_vars["ansible_play_hosts_all"]:
            asked = plain(task_vars["hostvars"][host].get(args["results"])) or {}
            answers += [(str(one["item"]), one) for one in asked.get("results", []) if one.get("item")]
        rows, remarks, bad = [], [], []
        for service, answer in sorted(answers, key=lambda pair: pair[0]):
            if "validation" not in answer:
                bad.append(service)
                rows.append([service, answer.get("database", "-"), "-", "-", "not readable", "-"])
                remarks.append(f"  ! {service}: {answer.get('msg', 'no answer')}")
                continue
            validation = answer["validation"]
            states = ", ".join(f"{count} {state}" for state, count in sorted(answer["counts"].items()))
            lock = answer.get("lock_held")
            rows.append([
                service, answer["database"], answer["schema_version"] or "-", states or "no migrations",
                "valid" if validation["valid"] else "NOT VALID", "held" if lock else "free",
            ])
            if not validation["valid"]:
                bad.append(service)
                for error in validation["errors"]:
                    message = " ".join(error["error_message"].split())
                    remarks.append(f"  ! {service}: {message} [{error['error_code']}]. {error.get('what_to_do', '')}".rstrip())
            remarks += [f"  note: {service}: {text}" for text in answer.get("warnings", [])]
        columns = min(shutil.get_terminal_size((100, 24)).columns, 140)
        lines = table(["service", "database", "version", "migrations", "history", "lock"], rows, columns) if rows else [
            "No service of this platform uses Flyway."
        ]
        self._display.display("\n".join(["", *lines, "", *remarks, ""]))
        failed = {"failed": True, "msg": f"the schema history is not valid: {', '.join(bad)}"} if bad and args["strict"] else {}
        return {**result, "changed": False, "invalid": bad, **failed}
