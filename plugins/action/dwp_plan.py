# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says what is going to happen, over all hosts, and in which waves. See modules/dwp_plan.py."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.dwp.backend.plugins.module_utils._platform import steps
from ansible_collections.dwp.backend.plugins.module_utils._release import past, schema_plan, take_back
from ansible_collections.dwp.backend.plugins.module_utils._release.plan import TOUCHING
from ansible_collections.dwp.backend.plugins.plugin_utils.platform import plain


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validated, args = self.validate_argument_spec(
            argument_spec={
                "platform": {"type": "dict", "required": True},
                "plans": {"type": "str", "required": True},
                "strict": {"type": "bool", "default": False},
                "rolling": {"type": "bool", "default": True},
                "schemas": {"type": "str", "default": ""},
                "database": {"type": "str", "choices": ["plan", "keep", "apply"]},
            }
        )
        platform = plain(args["platform"])
        plans = {}
        retired: dict[str, list[str]] = {}
        problems: list[str] = []
        staying: list[str] = []
        answers = {host: plain(task_vars["hostvars"][host].get(args["plans"])) or {} for host in task_vars["ansible_play_hosts"]}
        answers, remarks = past.narrow(answers)
        for host, found in answers.items():
            plans[host] = found.get("services", {})
            problems += [f"{host}: {problem}" for problem in found.get("problems", [])]
            staying += [f"{host}: {text}" for text in found.get("staying", [])]
            retired[host] = found.get("retired", [])
        schemas = {host: answers[host].get("schema") or plain(task_vars["hostvars"][host].get(args["schemas"])) or {} for host in plans}
        remarks_on_schemas, speaks_against = schema_plan.plan(schemas, plans, args["database"])
        databases: list[dict[str, Any]] = []
        if args["database"] == "apply":
            databases, more = take_back.plan(platform, plans, schemas)
            speaks_against += more
            plans = take_back.carried(plans, databases)
            remarks_on_schemas += [take_back.line(one) for one in databases]
        waves = []
        lines = []
        for number, wave in enumerate(platform["waves"], 1):
            busy = False
            for name in wave:
                for host, services in plans.items():
                    action = services.get(name, {}).get("action", "none")
                    if action in (*TOUCHING, "repair", "gate"):
                        busy = True
                    if action != "none":
                        reasons = "; ".join(services[name]["reasons"])
                        where = f" on {host}" if len(plans) > 1 else ""
                        lines.append(f"  wave {number}  {action:8} {name}{where}: {reasons}")
            if busy:
                waves.append(wave)
        found_steps = steps.steps(platform, platform["waves"], plans, rolling=args["rolling"])
        lines += steps.remarks(platform, found_steps, plans)
        for host, names in retired.items():
            lines += [f"  at the end  retire   {name} on {host}: the inventory does not place it there any more" for name in names]
        if speaks_against:
            return {**result, "failed": True, "msg": "No service was touched.\n  " + "\n  ".join(speaks_against)}
        lines += [f"  {text}" for text in remarks_on_schemas]
        if staying and not problems and not lines:
            problems = [*staying, "There is nothing to go back to."]
        lines += [f"  {text}." for text in remarks]
        lines += [f"  stays as it is: {text}" for text in staying]
        if problems and args["strict"]:
            return {**result, "failed": True, "msg": "Nothing was changed.\n  " + "\n  ".join(problems)}
        self._display.display("\n".join(lines) if lines else "  Nothing to do: every service has its wanted release.")
        shown = {"waves": waves, "steps": steps.merged(found_steps), "lines": lines, "todo": plans}
        return {**result, "changed": False, **shown, **(self._taking_back(platform, databases) if databases else {})}

    @staticmethod
    def _taking_back(platform: Any, databases: list[dict[str, Any]]) -> dict[str, Any]:
        """For take_back.yml: the databases by the host that takes them back, who is stopped, and how they are started again."""
        stop = take_back.stopped(databases)
        again = {host: {name: {"action": "start"} for name in names} for host, names in stop.items()}
        return {
            "databases": {host: [one for one in databases if one["host"] == host] for host in stop},
            "stop": again, "resume": steps.merged(steps.steps(platform, platform["waves"], again, rolling=False)),
            "question": take_back.question(databases),
        }
