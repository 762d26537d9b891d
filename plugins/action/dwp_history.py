# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journals of all hosts as one table. See modules/dwp_history.py."""

from __future__ import annotations

import datetime
import shutil
import textwrap
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.dwp.backend.plugins.module_utils import _journal
from ansible_collections.dwp.backend.plugins.plugin_utils.platform import plain
from ansible_collections.dwp.backend.plugins.plugin_utils.table import table


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validated, args = self.validate_argument_spec(
            argument_spec={"journals": {"type": "str", "required": True}, "last": {"type": "int", "default": 20}}
        )
        found = {h: plain(task_vars["hostvars"][h].get(args["journals"]) or {}) for h in task_vars["ansible_play_hosts_all"]}
        rows = _journal.merge({host: answer.get("journal", []) for host, answer in found.items()})[-args["last"]:]
        running = {answer["lock"]["deployment"] for answer in found.values() if answer.get("lock")}
        for row in rows:
            if row["outcome"] == "interrupted" and row["deployment"] in running:
                row["outcome"] = "running or interrupted"
        columns = min(shutil.get_terminal_size((120, 24)).columns, 160)
        head = ["deployment", "kind", "by", "began", "took", "outcome", "services"]
        cells = [
            [r["deployment"], r["kind"], r["owner"], _local(r["began"]), _took(r), r["outcome"], _services(r)] for r in rows
        ]
        lines = table(head, cells, columns) if cells else ["Nothing was deployed yet."]
        # One line each: what a service said last is part of a reason, with line breaks of its own.
        reasons = [f"  {r['deployment']}: {textwrap.shorten(r['reason'], 300, placeholder=' …')}" for r in rows if r["reason"]]
        reasons += [
            f"  {r['deployment']}: database {name} was taken back: {', '.join(map(str, versions))}"
            for r in rows for name, versions in sorted(r["databases"].items())
        ]
        self._display.display("\n".join(["", *lines, *([""] if reasons else []), *reasons, ""]))
        return {**result, "changed": False, "deployments": rows}


def _local(moment: str) -> str:
    try:
        return datetime.datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return moment


def _took(row: dict[str, Any]) -> str:
    try:
        took = datetime.datetime.fromisoformat(row["ended"]) - datetime.datetime.fromisoformat(row["began"])
    except (TypeError, ValueError):
        return "-"
    return f"{took.total_seconds():.0f} s"


def _services(row: dict[str, Any]) -> str:
    parts = []
    for name, service in sorted(row["services"].items()):
        mark = {"good": "", "failed": "!", None: "?"}.get(service.get("outcome"), "")
        parts.append(f"{name.split('@')[0]}{mark}")
    return " ".join(dict.fromkeys(parts)) or "-"
