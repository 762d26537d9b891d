# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part in the lock of a host: who deploys, and whether the owner of a foreign lock still lives here."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils import _processes
from ansible_collections.dwp.backend.plugins.plugin_utils import journal

EVENTS = {"held": "begin", "released": "end", "broken": "broken"}


def controller() -> str:
    """This machine, by name and by the id of its boot: process ids mean nothing on another one or after a reboot."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            boot = file.read().strip()
    except OSError:
        boot = ""
    return f"{socket.gethostname()}/{boot}"


def owner() -> dict[str, Any]:
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


def gone(lock: Mapping[str, Any]) -> bool:
    """Only a process of this very machine and boot can be known to be gone."""
    here, boot = controller().split("/", 1)
    name, _slash, other_boot = str(lock.get("controller", "")).partition("/")
    if name != here or not boot or not other_boot:
        return False
    return other_boot != boot or not _processes.is_alive(int(lock.get("pid") or 0), int(lock.get("start_ticks") or 0))


def ask(call: Callable[[dict[str, Any]], dict[str, Any]], wish: Mapping[str, Any], part: str = "") -> dict[str, Any]:
    """Call a module that takes or gives back the lock; once more if only a dead owner stands against it.

    ``part`` is where its answer has the lock's result; empty where that is the answer itself.
    """
    answer = call(dict(wish))
    taken = answer.get(part, {}) if part else answer
    if taken.get("refused") and gone(taken["lock"]):
        answer = call({**wish, "owner_gone": taken["lock"]["deployment"]})
    return answer


def look(action: Any, task_vars: Mapping[str, Any], module: str, arguments: Mapping[str, Any], wish: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of a module that takes the lock for ``deployment`` before it looks at the host; failed if it did not get it."""

    def call(wanted: dict[str, Any]) -> dict[str, Any]:
        more = {"lock": wanted} if wanted else {}
        return dict(action._execute_module(module, module_args={**arguments, **more}, task_vars=task_vars))

    if not wish:
        return call({})
    wish = {**wish, "owner": owner()}
    answer = ask(call, wish, "lock")
    refused = tell(action, task_vars, "held", answer.get("lock", {}), {**wish, "deployment": arguments["deployment"]})
    return {**answer, "failed": True, "msg": refused} if refused else answer


def tell(action: Any, task_vars: Mapping[str, Any], state: str, taken: Mapping[str, Any], wish: Mapping[str, Any]) -> str:
    """Note what became of the lock in the controller's journal and warn of what was interrupted; returns why it was refused."""
    host = task_vars["inventory_hostname"]
    if state in EVENTS and _done(state, taken, str(wish.get("deployment", ""))) and not action._task.check_mode:
        kind = wish.get("kind") or (taken.get("lock") or {}).get("kind", "")
        details = {"deployment": wish.get("deployment", ""), "kind": kind}
        if state == "released":
            details.update(outcome=wish.get("outcome", "ok"), reason=str(wish.get("reason", ""))[:2000])
        problem = journal.note(task_vars, action._templar, EVENTS[state], owner=wish["owner"]["owner"], **details)
        if problem:
            action._display.warning(problem)
    if taken.get("problem"):
        action._display.warning(f"{host}: {taken['problem']}")
    if taken.get("interrupted"):
        action._display.warning(f"{host}: {taken['interrupted']}")
    return f"{host}: {taken['refused']}." if taken.get("refused") else ""


def _done(state: str, taken: Mapping[str, Any], deployment: str) -> bool:
    """Whether the lock was taken, given back or broken; to give back what another run holds does nothing."""
    if any(taken.get(word) for word in ("failed", "unreachable", "refused")):
        return False
    if state == "held":
        return bool(taken.get("held")) and (taken.get("lock") or {}).get("deployment") != deployment
    holder = (taken.get("lock") or {}).get("deployment")
    return bool(holder) if state == "broken" else holder == deployment
