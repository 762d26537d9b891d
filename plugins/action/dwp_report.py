# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a run as a table, from a task, so that it appears with any callback. See modules/dwp_report.py."""

from __future__ import annotations

import datetime
import json
import os
import shutil
from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.dwp.backend.plugins.module_utils._platform import graph
from ansible_collections.dwp.backend.plugins.plugin_utils.flyway import taken_back
from ansible_collections.dwp.backend.plugins.plugin_utils.lock import gone
from ansible_collections.dwp.backend.plugins.plugin_utils.platform import plain
from ansible_collections.dwp.backend.plugins.plugin_utils.table import table

#: States of a service that nobody started, or that its manager does not know (supervisord after a reboot).
DOWN = ("stopped", "missing")
#: What to do about a run that was interrupted.
CURES = {"deployment": "deploy.yml finishes it, rollback.yml undoes it"}


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validated, args = self.validate_argument_spec(
            argument_spec={
                "title": {"type": "str", "required": True},
                "platform": {"type": "dict", "required": True},
                "statuses": {"type": "str", "required": True},
                "known": {"type": "str", "default": ""},
                "gated": {"type": "dict", "default": {}},
                "broken": {"type": "list", "elements": "str", "default": []},
                "turned_back": {"type": "bool", "default": False},
                "taken_back": {"type": "str", "default": ""},
                "resumed": {"type": "bool", "default": False},
                "deployment": {"type": "str", "default": ""},
                "run": {"type": "str", "default": ""},
                "report_dir": {"type": "str", "default": ""},
                "hints": {"type": "list", "elements": "str", "default": []},
                "strict": {"type": "bool", "default": True},
            }
        )
        args = plain(args)
        statuses = {h: self._status(task_vars["hostvars"][h], args) for h in task_vars["ansible_play_hosts_all"]}
        instances = self._instances(args["platform"], statuses)
        # What --limit or dwp_only left out is shown as far as it is known, and not judged.
        selected = args["platform"]["selected"]
        problems = [i for i in instances if i["healthy"] is not True and i["host"] in statuses and i["service"] in selected]
        lines = ["", f"{args['title']}: {args['platform']['environment']}", ""]
        columns = min(shutil.get_terminal_size((100, 24)).columns, 140)
        lines += self._table(instances, columns)
        lines += self._chain(args, instances)
        lines += ["", *[f"  ! {text}" for text in self._remarks(instances)], *self._locks(statuses, args["deployment"], args["run"])]
        lines += [f"  note: {note}" for note in args["platform"]["notes"]]
        takers = {h: plain(task_vars["hostvars"][h].get(args["taken_back"]) or {}) for h in statuses}
        told = [taken_back(one, args["resumed"]) for found in takers.values() for one in found.get("taken", ())]
        lines += [f"  {text}" for text in told]
        lines += ["", *[f"  {hint}" for hint in args["hints"]]] if args["hints"] and not problems else []
        self._display.display("\n".join(lines).rstrip() + "\n")
        report = {
            "schema_version": 1,
            "generated_at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "environment": args["platform"]["environment"],
            "deployment": args["deployment"],
            "instances": instances,
        }
        if args["report_dir"] and not self._task.check_mode:
            report["path"] = self._write(args["report_dir"], args["deployment"] or "status", report)
        outcome = "ok" if not args["broken"] and not problems else "failed" if problems or not args["turned_back"] else "undone"
        result.update(changed=False, report=report, outcome=outcome)
        if args["broken"]:
            message = "\n".join([*args["broken"], self._end_state(problems, args["turned_back"]), *told])
            result.update(failed=True, msg=message, report={}, outcome=outcome)
        elif problems and args["strict"]:
            names = ", ".join(f"{i['service']} on {i['host']} ({i['cause'] or i['state']})" for i in problems)
            result.update(failed=True, msg=f"not healthy: {names}", report={}, outcome=outcome)
        return result

    @staticmethod
    def _status(variables: Mapping[str, Any], args: Mapping[str, Any]) -> dict[str, Any]:
        """The last look at a host; or what comparing saw there, and the gates since, if there was no need for another one."""
        found = plain(variables.get(args["statuses"]) or {})
        if not found.get("skipped"):
            return found
        compared = plain(variables.get(args["known"]) or {}).get("status") or {}
        return {"services": {**compared, **args["gated"].get(variables["inventory_hostname"], {})}}

    @staticmethod
    def _locks(statuses: Mapping[str, Any], deployment: str, run: str) -> list[str]:
        """Runs of others that are under way (or were interrupted)."""
        found: dict[str, tuple[dict[str, Any], list[str]]] = {}
        for host, answer in statuses.items():
            lock = answer.get("lock") or {}
            if lock and lock["deployment"] not in (deployment, run):
                found.setdefault(lock["deployment"], (lock, []))[1].append(host)
        lines = []
        for name, (lock, hosts) in found.items():
            kind, where, doing = lock.get("kind", "deployment"), f"on {', '.join(hosts)}", str(lock.get("step")).strip()
            if gone(lock):
                cure = CURES.get(kind, f"{kind}.yml finishes it")
                lines.append(f"  ! {kind} {name} was interrupted {where} ({doing}); {cure}")
            else:
                lines.append(
                    f"  ! {kind} {name} of {lock.get('owner')} is under way {where}: {doing}, last sign of life {lock.get('seen')}; "
                    "if its controller is lost, unlock.yml breaks its lock"
                )
        if not deployment and not found:  # a deployment that reports is about to finish what was left
            left = {name for answer in statuses.values() for name in answer.get("unfinished", ())} - {run}
            lines += [f"  ! deployment {name} was interrupted; {CURES['deployment']}" for name in sorted(left)]
        return lines

    @staticmethod
    def _end_state(problems: list[dict[str, Any]], turned_back: bool) -> str:
        names = ", ".join(f"{i['service']} on {i['host']} ({i['cause'] or i['state']})" for i in problems)
        if not turned_back:
            state = f"NOT healthy: {names}." if problems else "Every service is healthy now."
            return f"{state} Nothing was turned back."
        if not problems:
            return "Every service is back on its last known good release and healthy. The database was not changed back."
        return f"NOT healthy after turning back: {names}. The database was not changed back."

    @staticmethod
    def _instances(platform: Mapping[str, Any], statuses: Mapping[str, Any]) -> list[dict[str, Any]]:
        """One row per instance that the inventory wants, in start order."""
        rows = []
        for wave in platform["waves"]:
            for name in wave:
                for host in platform["services"][name]["hosts"]:
                    answer = statuses.get(host) or {}
                    found = (answer.get("services") or {}).get(name)
                    silent = not answer or answer.get("unreachable") or (answer.get("module_stderr") and "services" not in answer)
                    lost = "host not reached" if host in statuses and silent else ""
                    row = {"service": name, "host": host, "port": platform["services"][name]["port"]}
                    unknown = "not deployed" if host in statuses else "not asked"
                    why = lost or str(answer.get("msg") or "")
                    empty = {"current": None, "state": lost or unknown, "healthy": None, "cause": "", "message": why}
                    full = {**empty, **(found or {}), **row}
                    if full["healthy"] is True and full["state"] == "starting":
                        full["state"] = "running"  # supervisord calls it so for a second after the gate has passed
                    rows.append(full)
        return rows

    @staticmethod
    def _table(instances: list[dict[str, Any]], columns: int) -> list[str]:
        def since(seconds: Any) -> str:
            return datetime.datetime.fromtimestamp(seconds).strftime("%m-%d %H:%M:%S") if seconds else "-"

        rows = []
        for i in instances:
            health = {True: "healthy", False: i["cause"] or "no", None: "not asked"}[i["healthy"]]
            runs = i["state"] not in DOWN  # what is known of its last life says nothing about now
            start = f"{i['start_seconds']:.1f} s" if i.get("start_seconds") and runs else "-"
            rows.append([
                i["service"], i["host"], i["current"] or "-", i["state"], health + ("*" if i.get("shallow") else ""),
                str(i["port"]), since(i.get("since") if runs else None), start,
            ])
        return table(["service", "host", "release", "state", "health", "port", "since", "start"], rows, columns)

    @staticmethod
    def _remarks(instances: list[dict[str, Any]]) -> list[str]:
        found = []
        for i in instances:
            where = f"{i['service']} on {i['host']}"
            if i["healthy"] is not True and i.get("message"):
                found.append(f"{where}: {i['message']}{'; deploy.yml starts it' if i['state'] in DOWN else ''}")
            if i.get("drift"):
                found.append(f"{where}: the running process differs from its release in {', '.join(i['drift'])}; deploy.yml restarts it")
            if i.get("tampered"):
                found.append(f"{where}: changed by hand: {', '.join(i['tampered'])}; deploy.yml puts it right")
            if i.get("process_release") and i["process_release"] != i["current"]:
                found.append(f"{where}: the process runs {i['process_release']}, not {i['current']}")
            if (i.get("archive") or {}).get("state") in ("none", "ignored"):
                found.append(f"{where}: CDS archive {i['archive']['state']} ({i['archive']['why']})")
            if i.get("warning"):
                found.append(f"{where}: {i['warning']}")
        shallow = sorted({i["service"] for i in instances if i.get("shallow") and i["healthy"]})
        if shallow:
            found.append(f"* {', '.join(shallow)}: alive, but its probe says nothing about database or Redis; add "
                         "spring-boot-starter-actuator (or permit /actuator/health) to know more")
        return found

    @staticmethod
    def _chain(args: Mapping[str, Any], instances: list[dict[str, Any]]) -> list[str]:
        """What decided the duration of this deployment's starts."""
        spans: dict[str, tuple[float, float]] = {}
        for i in instances:
            if i.get("started_by") == args["deployment"] and i.get("start_seconds") and i.get("since"):
                begin, end = i["since"], i["since"] + i["start_seconds"]
                old = spans.get(i["service"], (begin, end))
                spans[i["service"]] = (min(begin, old[0]), max(end, old[1]))
        if not args["deployment"] or not spans:
            return []
        chain = graph.critical_chain(args["platform"]["edges"], spans)
        total = max(end for _begin, end in spans.values()) - min(begin for begin, _end in spans.values())
        steps = " -> ".join(f"{name} {spans[name][1] - spans[name][0]:.1f} s" for name in chain)
        return ["", f"  critical chain: {steps}; all starts took {total:.1f} s"]

    @staticmethod
    def _write(folder: str, name: str, report: Mapping[str, Any]) -> str:
        os.makedirs(folder, mode=0o755, exist_ok=True)
        path = os.path.join(folder, f"{name}.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=1, ensure_ascii=False)
        return path
