# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that passed their gate are watched on while later waves go on: healthy is not yet stable.

What is watched stands in the state of each service (its process, and when it passed its gate), because each wave is a
module call of its own. A process that is gone or another one, or that is not healthy any more, breaks the deployment.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterable, Mapping
from typing import Any, Callable, NamedTuple

from ansible_collections.dwp.backend.plugins.module_utils import _gate, _probe_model, _processes

LOOK_GAP = 0.25  # s between two looks at the processes
ASK_GAP = 2.0  # s between two questions for their health
#: A service that is busy with its first requests may miss an answer, but not all of this time.
PATIENCE = 3.0


class Watched(NamedTuple):
    """One service that passed its gate in this deployment."""

    service: str
    pid: int
    start_ticks: int
    #: Seconds since the epoch at which it passed its gate.
    since: float


def details(process: Mapping[str, Any], deployment: str) -> dict[str, Any]:
    """What an activation that passed its gate has to remember, so that others can watch it."""
    return {"gated_by": deployment, "pid": process["pid"], "start_ticks": process["start_ticks"]}


def watched(states: Mapping[str, Mapping[str, Any]], deployment: str) -> list[Watched]:
    """From the states of a host's services those that passed their gate in this deployment."""
    found = []
    for service, state in sorted(states.items()):
        newest = (state["activations"] or [{}])[-1]
        if deployment and newest.get("gated_by") == deployment and newest.get("outcome") == "good":
            since = datetime.datetime.fromisoformat(newest["settled_at"]).timestamp()
            found.append(Watched(service, int(newest["pid"]), int(newest["start_ticks"]), since))
    return found


def gone(entry: Watched, now: float, alive: Callable[[int, int], bool] = _processes.is_alive) -> str | None:
    """Why the process is not the one that passed the gate, or None."""
    if alive(entry.pid, entry.start_ticks):
        return None
    return (
        f"{entry.service} passed its gate and did not stay: process {entry.pid} was gone when it was looked at "
        f"{max(0.0, now - entry.since):.1f} s later"
    )


def broken(
    entries: Iterable[Watched],
    policies: Mapping[str, Mapping[str, Any]],
    *,
    settle: float,
    pause_after: float = 0.0,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
    ask: Callable[[list[Any]], dict[str, Any]] | None = None,
) -> tuple[dict[str, tuple[str, str]], list[Watched]]:
    """Watch until ``settle`` seconds after each one's gate; (cause, message) of the first that broke, and who is still watched.

    With ``settle`` 0 it looks once, at the processes alone. All are asked once more at the end of their time.
    """
    left, begin, asked = list(entries), clock(), 0.0
    while True:
        now = clock()
        found = {e.service: ("process_dead", text) for e in left if (text := gone(e, now))}
        due = [e for e in left if now >= e.since + settle]
        if settle and not found and (due or now - asked >= ASK_GAP):
            found = _unhealthy(left, policies, ask or _ask)
            asked = clock()
        left = [e for e in left if e not in due and e.service not in found]
        if found or not left or not settle or (pause_after and now - begin >= pause_after):
            return found, left
        sleep(LOOK_GAP)


def _unhealthy(
    entries: Iterable[Watched], policies: Mapping[str, Mapping[str, Any]], ask: Callable[[list[Any]], dict[str, Any]]
) -> dict[str, tuple[str, str]]:
    probes = [
        {**policies[e.service]["probe"], "process": {"pid": e.pid, "start_ticks": e.start_ticks}}
        for e in entries if policies.get(e.service, {}).get("probe")
    ]
    return {
        name: (outcome.cause, f"{name} passed its gate and did not stay healthy: {outcome.message}")
        for name, outcome in (ask(probes) if probes else {}).items() if not outcome.healthy
    }


def _ask(probes: list[Any]) -> dict[str, Any]:
    return _gate.gate(_probe_model.parse_probes(probes), timeout=PATIENCE, probe_timeout=PATIENCE, successes=1)
