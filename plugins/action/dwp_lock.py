# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says who deploys, and whether the owner of a foreign lock still lives on this controller. See modules/dwp_lock.py."""

from __future__ import annotations

import getpass
import os
import socket
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.dwp.backend.plugins.module_utils import _processes
from ansible_collections.dwp.backend.plugins.plugin_utils import journal


def controller() -> str:
    """This machine, by name and by the id of its boot: process ids mean nothing on another one or after a reboot."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            boot = file.read().strip()
    except OSError:
        boot = ""
    return f"{socket.gethostname()}/{boot}"


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        arguments = {**self._task.args, "owner": self._owner()}
        answer = self._execute_module("dwp.backend.dwp_lock", module_args=arguments, task_vars=task_vars)
        if answer.get("refused") and self._gone(answer["lock"]):
            again = {**arguments, "owner_gone": answer["lock"]["deployment"]}
            answer = self._execute_module("dwp.backend.dwp_lock", module_args=again, task_vars=task_vars)
        answer.pop("invocation", None)
        host = task_vars["inventory_hostname"]
        events = {"held": "begin", "released": "end", "broken": "broken"}
        state = arguments["state"]
        if state in events and self._done(state, answer) and not self._task.check_mode:
            details = {"deployment": arguments.get("deployment", ""), "kind": arguments.get("kind", "")}
            if state == "released":
                details.update(outcome=arguments.get("outcome", "ok"), reason=str(arguments.get("reason", ""))[:2000])
            problem = journal.note(task_vars, self._templar, events[state], owner=arguments["owner"]["owner"], **details)
            if problem:
                self._display.warning(problem)
        if answer.get("interrupted"):
            self._display.warning(f"{host}: {answer['interrupted']}")
        if answer.get("refused") and not answer.get("failed"):
            answer.update(failed=True, msg=f"{host}: {answer['refused']}.")
        return {**result, **answer}

    def _done(self, state: str, answer: dict[str, Any]) -> bool:
        """Whether the lock was taken, given back or broken; to give back what another run holds does nothing."""
        if any(answer.get(word) for word in ("failed", "unreachable", "refused")):
            return False
        holder = (answer.get("lock") or {}).get("deployment")
        return {"held": True, "broken": bool(holder), "released": holder == self._task.args.get("deployment")}[state]

    @staticmethod
    def _owner() -> dict[str, Any]:
        """The ansible-playbook process is the parent of the worker that runs this."""
        pid = os.getppid()
        try:
            ticks = _processes.read_stat(pid).start_ticks
        except _processes.ProcessError:
            ticks = 0
        try:
            user = getpass.getuser()
        except (KeyError, OSError):
            user = str(os.getuid())
        return {"owner": f"{user}@{socket.gethostname()}", "controller": controller(), "pid": pid, "start_ticks": ticks}

    @staticmethod
    def _gone(lock: dict[str, Any]) -> bool:
        """Only a process of this very machine and boot can be known to be gone."""
        here, boot = controller().split("/", 1)
        name, _slash, other_boot = str(lock.get("controller", "")).partition("/")
        if name != here or not boot or not other_boot:
            return False
        return other_boot != boot or not _processes.is_alive(int(lock.get("pid") or 0), int(lock.get("start_ticks") or 0))
