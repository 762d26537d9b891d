# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One service of a host for people and reports: release, process, what differs, health. Reads only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils import _gate, _manager, _probe_model
from ansible_collections.dwp.backend.plugins.module_utils._release import cds, plan
from ansible_collections.dwp.backend.plugins.module_utils._release.activate import is_shallow
from ansible_collections.dwp.backend.plugins.module_utils._release.observe import Found
from ansible_collections.dwp.backend.plugins.module_utils._release.store import Store


def describe(store: Store, manager: _manager.Manager, name: str, found: Found) -> dict[str, Any]:
    """One service, without its health."""
    current = found.current
    policy = store.policy(name)
    state, _warning = store.state(name)
    last: dict[str, Any] = next((e for e in reversed(state["activations"]) if e["release"] == current), {})
    environment = store.text(name, current, "environment") if current else None
    unit = store.text(name, current, "unit") if current else None
    tampered = store.tampered(name, current) if current and may_verify(store, name, current) else []
    if unit is not None and manager.definition(name) != unit:
        tampered.append(f"{manager.kind} definition")
    return {
        "current": current,
        "version": found.manifest.get("version"),
        "git_sha": found.manifest.get("artifact", {}).get("git_sha", ""),
        "process_release": found.process_release,
        "state": found.running.state,
        "pid": found.running.pid,
        "since": found.running.since,
        "restarts": found.running.restarts,
        "exit_status": found.running.exit_status,
        "exit_signal": found.running.exit_signal,
        "result": found.running.result,
        "outcome": found.outcome,
        "deployment": last.get("deployment"),
        "started_by": last.get("started_by"),
        "activated_at": last.get("at"),
        "start_seconds": last.get("start_seconds"),
        "wave": policy.get("wave", 0),
        "after": policy.get("after", []),
        "port": found.manifest.get("port"),
        "drift": plan.drift(found.process.environment, environment)
        if found.process and environment is not None and found.process_release == current else [],
        "tampered": tampered,
        "archive": cds.describe(store, name, current, found.running.pid, found.running.since or 0.0),
        "releases": store.releases(name),
        "warning": found.warning,
        "healthy": None,
        "cause": "" if found.running.active else "process_dead",
        "message": "" if found.running.active else f"{name} is {found.running.state}",
        "shallow": False,
    }


def may_verify(store: Store, name: str, release: str) -> bool:
    """Whether this user may read what proves that a release is as it was made: its secrets, and the key of their digest."""
    paths = (os.path.join(store.root, ".digest-key"), os.path.join(store.path(name, release), "environment"))
    return all(os.access(path, os.R_OK) or not os.path.exists(path) for path in paths)


def add_health(
    store: Store, services: Mapping[str, dict[str, Any]], timeout: float, fallback: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, dict[str, Any]]:
    """Ask every running service once, all at the same time; the whole answers by name.

    ``fallback`` has policies (probe, deep_rungs) for services without a readable one on this host.
    """
    probes = []
    policies = {name: store.policy(name) or (fallback or {}).get(name, {}) for name in services}
    for name, service in services.items():
        if service["pid"] and policies[name]:
            probes.append({**policies[name]["probe"], "process": {"pid": service["pid"]}})
        elif service["state"] not in ("running", "starting"):
            service["healthy"] = False
    if not probes:
        return {}
    outcomes = _gate.gate(_probe_model.parse_probes(probes), timeout=0, probe_timeout=timeout, successes=1)
    answers = {}
    for name, outcome in outcomes.items():
        answers[name] = outcome.as_dict()
        answers[name]["shallow"] = is_shallow(answers[name], policies[name])
        services[name].update({key: answers[name][key] for key in ("healthy", "cause", "message", "shallow", "components", "rung")})
    return answers
