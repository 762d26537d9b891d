# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what all hosts told to one verdict, in the terminal and as files. See modules/dwp_triage.py."""

from __future__ import annotations

import datetime
import json
import os
import shlex
import shutil
import time
from collections.abc import Mapping
from typing import Any

from ansible import constants
from ansible.plugins.action import ActionBase

from ansible_collections.dwp.backend.plugins.module_utils._diagnosis import baseline, request_path, triage
from ansible_collections.dwp.backend.plugins.plugin_utils import journal, report_html, triage_text
from ansible_collections.dwp.backend.plugins.plugin_utils.platform import plain

_COLOURS = {"healthy": "COLOR_OK", "degraded": "COLOR_WARN", "down": "COLOR_ERROR", "unknown": "COLOR_WARN"}


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validated, args = self.validate_argument_spec(
            argument_spec={
                "platform": {"type": "dict", "required": True},
                "deployment": {"type": "str", "default": ""},
                "answers": {"type": "str", "required": True},
                "followed": {"type": "str", "default": ""},
                "not_checked": {"type": "list", "elements": "dict", "default": []},
                "canary": {"type": "dict"},
                "signatures": {"type": "list", "elements": "dict", "default": []},
                "baseline": {"type": "str", "default": ""},
                "report_dir": {"type": "str", "default": ""},
                "strict": {"type": "bool", "default": False},
            }
        )
        args = plain(args)
        hosts = [str(host) for host in task_vars["ansible_play_hosts_all"]]
        answers, lost, gaps = self._answers(hosts, args["answers"], args["followed"], task_vars)
        gaps = [*args["not_checked"], *gaps]
        notes = [note for note in args["platform"]["notes"] if note.startswith("dwp_only")]
        gaps += [{"what": "dwp_only", "where": "command line", "why": note} for note in notes]
        before, more = _baseline(args["baseline"])
        report = triage.triage(
            triage.Inputs(
                args["platform"], answers, lost, hosts, now=time.time(), duration=_since(args["deployment"]), version=_version(),
                inventory=_inventory(task_vars), installed=not os.path.isdir("playbooks"), site=args["signatures"],
                canary=args["canary"], baseline=before, baseline_name=args["baseline"], not_checked=[*gaps, *more],
            )
        )  # fmt: skip
        paths = [] if self._task.check_mode else self._write(args["report_dir"], report)
        columns = min(shutil.get_terminal_size((triage_text.COLUMNS, 24)).columns, 100)
        shown = triage_text.lines(report, columns, [paths[-1]] if paths else ["not written in check mode"] if self._task.check_mode else [])
        verdict = report["verdict"]
        self._display.display(f"\n{shown[0]}", color=getattr(constants, _COLOURS[verdict["status"]]))
        self._display.display("\n".join([*shown[1:], ""]))
        result.update(changed=False, verdict=verdict, victims=report["victims"], lines=shown, paths=paths)
        if args["strict"] and verdict["status"] != "healthy":
            result.update(failed=True, msg=shown[0])
        return result

    @staticmethod
    def _answers(
        hosts: list[str], name: str, followed: str, task_vars: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, str], list[dict[str, str]]]:
        """What each host told, which could not be reached, and whose collection failed."""
        answers, lost, gaps = {}, {}, []
        for host in hosts:
            found = plain(task_vars["hostvars"][host].get(name)) or {}
            if found.get("unreachable"):
                lost[host] = " ".join(str(found.get("msg") or "unreachable").split())[:400]
            elif found.get("collected") or found.get("logs"):
                more = plain(task_vars["hostvars"][host].get(followed)) or {}
                left, logs = more.get("not_checked") or [], found.get("logs") or {}
                if left and not more.get("request_path"):
                    logs = request_path.not_followed(logs, left[0]["why"])
                answers[host] = {**found, "logs": request_path.joined(logs, more.get("request_path"))}
                gaps += left
            else:
                why = str(found.get("msg") or found.get("module_stderr") or "it was not asked: an earlier task failed there")
                gaps.append({"what": f"everything on {host}", "where": host, "why": " ".join(why.split())[:400]})
        return answers, lost, gaps

    def _write(self, folder: str, report: Mapping[str, Any]) -> list[str]:
        """report.json and report.html, for this user alone: logs and addresses are nobody else's business."""
        environment = str(report["environment"])
        base = os.path.abspath(os.path.expanduser(folder)) if folder else journal.folder(environment)
        stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        path = os.path.join(base, f"triage-{environment}-{stamp}")
        contents = {
            "report.json": json.dumps(report, indent=1, ensure_ascii=False) + "\n",
            "report.html": report_html.render(report),
        }
        written: list[str] = []
        try:
            os.makedirs(path, mode=0o700, exist_ok=True)
            for name, text in contents.items():
                target = os.path.join(path, name)
                with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8", errors="replace") as file:
                    file.write(text)
                written.append(target)
        except OSError as error:
            self._display.warning(f"the report cannot be written to {path}: {error.strerror}; name another dwp_report_dir")
        return written


def _baseline(path: str) -> tuple[Mapping[str, Any] | None, list[dict[str, str]]]:
    if not path:
        return None, []
    full = os.path.abspath(os.path.expanduser(path))
    full = os.path.join(full, "report.json") if os.path.isdir(full) else full
    try:
        with open(full, encoding="utf-8") as file:
            return baseline.check(json.load(file)), []
    except (OSError, ValueError, baseline.BaselineError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        return None, [{"what": "comparison with the baseline (dwp_baseline)", "where": full, "why": str(why)}]


def _since(deployment: str) -> float:
    """Seconds since the platform was checked: the id of the run carries that time."""
    try:
        began = datetime.datetime.strptime(deployment[:15], "%Y%m%d-%H%M%S").replace(tzinfo=datetime.timezone.utc)
    except ValueError:
        return 0.0
    return max(0.0, time.time() - began.timestamp())


def _inventory(task_vars: Mapping[str, Any]) -> str:
    """As it was given on the command line, for a command that is to be pasted: `-i` before each but the first."""
    found = []
    for source in task_vars.get("ansible_inventory_sources") or ():
        text = str(source)
        relative = text if "," in text else os.path.relpath(text)
        found.append(shlex.quote(text if relative.startswith("..") else relative))
    return " -i ".join(found)


def _version() -> str:
    path = os.path.join(os.path.dirname(__file__), "..", "..")
    try:
        with open(os.path.join(path, "galaxy.yml"), encoding="utf-8") as file:
            return next((line.split(":", 1)[1].strip().strip("\"'") for line in file if line.startswith("version:")), "")
    except OSError:
        pass
    try:
        with open(os.path.join(path, "MANIFEST.json"), encoding="utf-8") as file:
            return str(json.load(file)["collection_info"]["version"])
    except (OSError, ValueError, KeyError):
        return ""
