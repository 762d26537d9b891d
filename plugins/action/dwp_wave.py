# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One wave on one host: activate and gate, with a line of progress while it waits. See modules/dwp_wave.py."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.dwp.backend.plugins.plugin_utils import journal, lock, reach

SLICE = 8.0  # seconds until the first line of progress; the next ones come later and later, as each costs the host some CPU
LONGEST = 3  # slices
WATCH = 3.0  # seconds until it is said who is watched for the settle time


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        undo, stop = arguments.pop("undo", False), arguments.pop("stop", False)
        first = "undo" if undo else "stop" if stop else "apply"
        watch = arguments.pop("watch", False)
        host = str(task_vars["inventory_hostname"])
        self._task_vars = task_vars
        self._prefix = f"{host}: " if len(task_vars.get("ansible_play_hosts_all", [])) > 1 else ""
        if not (watch or arguments.get("services")):
            return {**result, "skipped": True, "changed": False, "services": {}, "unhealthy": []}
        begin = time.monotonic()
        first, then = ("settle", "settle") if watch else (first, "gate")
        answer = self._call({**arguments, "action": first, "pause_after": WATCH if watch else SLICE}, task_vars)
        changed = bool(answer.get("changed"))
        done: set[str] = set()
        slices = 1
        while not answer.get("failed"):
            self._show(answer["services"], done, time.monotonic() - begin)
            if not answer["unfinished"]:
                break
            if watch:
                self._display.display(f"  {self._prefix}watching {', '.join(answer['unfinished'])} for the settle time", color="cyan")
            slices += 1
            answer = self._call(
                {**arguments, "action": then, "memory": answer["memory"], "pause_after": SLICE * min(slices, LONGEST)}, task_vars
            )
            changed = changed or bool(answer.get("changed"))
        answer.pop("memory", None)
        if given_back := answer.pop("lock", None):
            lock.tell(self, task_vars, "released", given_back, {"deployment": arguments["deployment"], "owner": lock.owner()})
            result["ended"] = True
        result.update(answer)
        result["changed"] = changed
        unhealthy = result.get("unhealthy", [])
        if unhealthy or result.get("failed"):
            # Data, not a failure: the play has to go on, to undo what the whole fleet did.
            texts = [self._failure(name, result["services"][name], host) for name in unhealthy]
            why = f"{host}{' was lost' if result.get('lost') else ''}: {result.get('msg')}"
            result.update(broken=True, failed=False, message="\n".join(texts or [why]))
        return result

    def _call(self, arguments: Mapping[str, Any], task_vars: Any) -> dict[str, Any]:
        return reach.call(self, "dwp.backend.dwp_service", arguments, task_vars)

    def _show(self, services: Mapping[str, Mapping[str, Any]], done: set[str], elapsed: float) -> None:
        """Each service once when it is settled; those that are still waited for in one line."""
        for name in sorted(services):
            outcome = services[name]
            if not outcome["final"] or name in done:
                continue
            done.add(name)
            journal.note(
                self._task_vars, self._templar, "gated", deployment=str(self._task.args.get("deployment", "")), service=name,
                release=outcome.get("release"), outcome="good" if outcome["healthy"] else "failed", cause=outcome["cause"],
            )
            if outcome["healthy"]:
                seconds = outcome.get("start_seconds")
                shallow = " (shallow: see status)" if outcome.get("shallow") else ""
                self._display.display(
                    f"  {self._prefix}{name} healthy" + (f" {seconds:.1f} s after its start" if seconds else "") + shallow,
                    color="green",
                )
            else:
                why = outcome["message"] if outcome.get("stopped") else f"{name} FAILED: {outcome['cause']}"
                self._display.display(f"  {self._prefix}{why}", color="red")
        waiting = [f"{n} ({o['cause']})" for n, o in sorted(services.items()) if not o["final"]]
        if waiting:
            self._display.display(f"  {self._prefix}{elapsed:4.0f} s  waiting for {', '.join(waiting)}", color="cyan")

    @staticmethod
    def _failure(name: str, outcome: Mapping[str, Any], host: str) -> str:
        evidence = outcome.get("evidence") or {}
        # "left": it passed its gate, and did not stay healthy for the settle time.
        lines = [f"{name} on {host} {'broke' if outcome.get('left') else 'did not pass its gate'}: {outcome['message']}"]
        if evidence.get("lines"):
            lines.append(f"Last words ({evidence['source']}):")
            lines += [f"  | {line[:200]}" for line in evidence["lines"][-12:]]
        return "\n".join(lines)
