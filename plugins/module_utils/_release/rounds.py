# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services of one host in rounds: the next one begins when the one before has passed its gate.

A module call may pause at any moment of it; ``memory`` carries on where the last call stopped. Rounds that follow one another on
one host need nothing from the controller in between, and a call costs half a second.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ansible_collections.dwp.backend.plugins.module_utils._release import cds, observe, status
from ansible_collections.dwp.backend.plugins.module_utils._release.activate import Host, Target

LEAST = 0.05  # s: also a call that has used up its time looks once


def split(specs: Sequence[Mapping[str, Any]], reverse: bool = False) -> list[list[dict[str, Any]]]:
    """The services by their ``round``, in order."""
    numbers = sorted({spec.get("round") or 0 for spec in specs}, reverse=reverse)
    return [[dict(spec) for spec in specs if (spec.get("round") or 0) == number] for number in numbers]


def carry_out(
    host: Host,
    action: str,
    specs: Sequence[Mapping[str, Any]],
    memory: dict[str, Any],
    *,
    settle: float = 0,
    pause_after: float = 0,
    timeout: float | None = None,
    keep: int = 5,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, Any]:
    """``apply`` or ``undo`` from the beginning, ``gate`` to go on; the result of the module."""
    begin, changed = clock(), False
    if action != "gate":
        memory.update(verb=action, waiting=split(specs, reverse=action == "undo"), current=[], done={})
    elif "verb" not in memory:
        memory.update(verb="gate", waiting=[], current=[spec["name"] for spec in specs], done={})
    results = memory["done"]
    if settle and memory["verb"] != "undo" and _left(host, memory):
        memory["current"] = []
    while memory["current"] or memory["waiting"]:
        if not memory["current"]:
            if settle and memory["verb"] != "undo" and results and _left(host, memory):
                break
            changed = _begin(host, memory) or changed
        left = max(LEAST, pause_after - (clock() - begin)) if pause_after else 0
        found = host.gate(memory["current"], memory=memory, pause_after=left, timeout=timeout)
        for name, result in found.items():
            result.update(memory.get("applied", {}).get(name, {}))
            if result["final"] and result["healthy"]:
                result["pruned"] = host.store.prune(name, keep)
                cds.prune(host.store, name)
        results.update(found)
        if not all(result["final"] for result in found.values()):
            break
        memory["current"] = []
        if memory["verb"] != "undo" and not all(result["healthy"] for result in found.values()):
            memory["waiting"] = []
        if pause_after and clock() - begin >= pause_after:
            break
    unfinished = [name for name in memory["current"] if not results[name]["final"]]
    unfinished += [spec["name"] for group in memory["waiting"] for spec in group]
    if not unfinished:
        host.store.sweep()
    unhealthy = sorted(name for name, result in results.items() if result["final"] and not result["healthy"] and not result.get("stopped"))
    answer = {"changed": changed, "services": results, "unfinished": unfinished, "unhealthy": unhealthy, "memory": memory}
    return answer if unfinished or unhealthy else {**answer, "status": _status(host, results)}


def _status(host: Host, results: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What a report shows of services that are known to be healthy, so that it need not look again."""
    found = observe.look(host.store, host.manager, sorted(results))
    return {name: {**status.describe(host.store, host.manager, name, found[name]), **{
        key: results[name][key] for key in ("healthy", "cause", "message", "shallow", "components", "rung") if key in results[name]
    }} for name in results}


def _begin(host: Host, memory: dict[str, Any]) -> bool:
    """Touch the services of the next round; whether that changed anything."""
    specs = memory["waiting"].pop(0)
    names = [spec["name"] for spec in specs]
    host.still_current(f"{memory['verb']} {', '.join(names)}")
    memory.update(gate={}, processes={})
    if memory["verb"] == "undo":
        names, done = host.undo(names)
        memory["applied"] = {name: done[name] for name in names}
        memory["done"].update({name: one for name, one in done.items() if name not in names})
        memory["current"] = names
        return bool(done)
    targets = [Target(spec["name"], spec["action"], spec.get("release")) for spec in specs]
    memory["applied"] = host.apply(targets)
    memory["current"] = names
    return any(target.action != "gate" for target in targets)


def _left(host: Host, memory: dict[str, Any]) -> bool:
    """What passed its gate earlier in this deployment and is gone by now ends all of it."""
    gone, _watched = host.settle(0, 0)
    memory["done"].update(gone)
    if gone:
        memory["waiting"] = []
    return bool(gone)
