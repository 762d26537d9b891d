# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at the services of a host and say what has to be done to bring each to its wanted release. Reads only."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.dwp.backend.plugins.module_utils import _manager, _processes
from ansible_collections.dwp.backend.plugins.module_utils._release import host, plan, state
from ansible_collections.dwp.backend.plugins.module_utils._release.store import Store


class Found(NamedTuple):
    """One service as it is now, apart from what is wanted."""

    current: str | None
    manifest: dict[str, Any]
    running: _manager.Running
    process: _processes.Process | None
    process_release: str | None
    #: The release that was activated last, whatever the link says now.
    activated: str | None
    outcome: str | None
    warning: str | None


def look(store: Store, manager: _manager.Manager, services: Sequence[str]) -> dict[str, Found]:
    """The present state of the services, with one question to the manager for all of them."""
    status = manager.status(list(services))
    found = {}
    for name in services:
        current = store.current(name)
        known, warning = store.state(name)
        activated = known["activations"][-1]["release"] if known["activations"] else None
        process = _process(status[name].pid)
        found[name] = Found(
            current,
            (store.manifest(name, current) if current else None) or {},
            status[name],
            process,
            release_of(process),
            activated,
            state.outcome_of(known, current or activated or ""),
            warning,
        )
    return found


def _process(pid: int) -> _processes.Process | None:
    if not pid:
        return None
    try:
        return _processes.read_process(pid)
    except (_processes.ProcessError, ValueError):
        return None


def release_of(process: _processes.Process | None) -> str | None:
    """The release that a process was launched from."""
    launch = process.environment.get("DWP_LAUNCH") if process else None
    return os.path.basename(launch) if launch else None


def observe(
    store: Store, manager: _manager.Manager, spec: Mapping[str, Any], found: Found, orphans: Sequence[int]
) -> plan.Observed:
    """Compare one service as it is with what is wanted."""
    name = spec["service"]
    wanted = store.find(name, store.digest(dict(spec)))
    current = found.current
    # The link was bent by hand: what was activated last is what ought to be there.
    bent = wanted is not None and wanted == found.activated and current != wanted
    current = wanted if bent else current
    same = current is not None and wanted == current
    differs: list[str] = []
    tampered: list[str] = []
    if current and not same:
        before = {part: store.text(name, current, part) or "" for part in ("environment", "launch", "unit")}
        differs = plan.differences(found.manifest, before, spec)
    elif same and current:
        tampered = (["current link"] if bent else []) + store.tampered(name, current, dict(spec))
    installed = manager.definition(name)
    unit = "missing" if installed is None else "same" if installed == spec["unit"] else "differs"
    environment = found.process.environment if found.process else None
    return plan.Observed(
        current=current,
        wanted=wanted,
        differs=tuple(differs),
        tampered=tuple(tampered),
        unit=unit,
        policy_differs=store.policy(name) != spec["policy"],
        running=found.running.active,
        state=found.running.state,
        pid=found.running.pid,
        process_release=found.process_release,
        drift=tuple(plan.drift(environment, spec["environment"])) if environment is not None and same else (),
        started_from_tampered_unit=unit == "differs" and same and _changed_before(manager, name, found.running.since),
        outcome=found.outcome,
        wanted_outcome=state.outcome_of(store.state(name)[0], wanted) if wanted else None,
        orphans=tuple(orphans),
    )


def _changed_before(manager: _manager.Manager, name: str, since: float) -> bool:
    """The unit was changed before the running process started, so the process was started from the changed one."""
    try:
        return os.stat(manager.path(name)).st_mtime < since
    except OSError:
        return False


def orphans(store: Store, found: Mapping[str, Found]) -> dict[str, list[int]]:
    """Processes of these services that their manager does not know, in one walk through /proc."""
    root = os.path.realpath(store.root)
    result: dict[str, list[int]] = {}
    for process in _processes.find_by_marker("DWP_SERVICE").processes:
        name = process.environment["DWP_SERVICE"]
        if name not in found or not host.is_ours(process.environment, name, root):
            continue
        if found[name].running.pid not in (process.pid, process.parent):
            result.setdefault(name, []).append(process.pid)
    return result
