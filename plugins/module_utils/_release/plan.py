# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to happen to a service on a host, decided from what was seen there. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.dwp.backend.plugins.module_utils import _envfile

#: From nothing to everything. Actions from ``start`` on touch the process and go through the gate.
ACTIONS = ("none", "policy", "repair", "gate", "start", "restart", "replace", "install")
TOUCHING = ("start", "restart", "replace", "install", "rollback")
#: Set by the launcher or the shell, not by the environment file.
NOT_OURS = frozenset({"DWP_LAUNCH", "DWP_SERVICE", "PATH", "PWD", "OLDPWD", "SHLVL", "_"})


class Observed(NamedTuple):
    """One service on one host, as found. Lists name what differs; empty means as wanted."""

    current: str | None = None
    #: The release that has the wanted content, staged already or not.
    wanted: str | None = None
    #: What differs between the current release and the wanted one.
    differs: tuple[str, ...] = ()
    tampered: tuple[str, ...] = ()
    unit: str = "same"  # same | differs | missing
    policy_differs: bool = False
    running: bool = False
    state: str = "stopped"
    pid: int = 0
    #: The release that the process itself runs (DWP_LAUNCH); None if it cannot be told.
    process_release: str | None = None
    #: Variables that the process has otherwise than the release says.
    drift: tuple[str, ...] = ()
    #: The process was started after the installed unit was changed by hand.
    started_from_tampered_unit: bool = False
    outcome: str | None = None
    #: What became of the wanted release when it was active before; None if it never was.
    wanted_outcome: str | None = None
    orphans: tuple[int, ...] = ()


class Decision(NamedTuple):
    action: str
    reasons: tuple[str, ...]


def decide(seen: Observed, manager: str = "systemd") -> Decision:
    """The least that makes it right, with the reasons a person wants to read."""
    reasons: list[str] = []
    again = {"failed": "it FAILED its gate before", "rolled_back": "it was ROLLED BACK before"}.get(seen.wanted_outcome or "")
    known = (f"{seen.wanted}: {again}",) if again else ()
    if seen.current is None:
        return Decision("install", ("no release is active on this host", *known))
    if seen.wanted != seen.current:
        changed = tuple(f"{what} changed" for what in seen.differs) or ("another release is wanted",)
        return Decision("replace", (*changed, *known))
    if seen.tampered:
        reasons.append(f"changed by hand: {', '.join(seen.tampered)}")
    if seen.unit != "same":
        reasons.append(f"the {manager} definition {'is missing' if seen.unit == 'missing' else 'was changed by hand'}")
    action = "repair" if reasons else "none"
    if not seen.running:
        found = {"failed": "found failed", "missing": f"found stopped, and {manager} does not know it"}.get(seen.state, "found stopped")
        return Decision("start", (*reasons, found))
    restart = []
    if seen.process_release not in (None, seen.current):
        restart.append(f"the process runs {seen.process_release}")
    if seen.drift:
        restart.append(f"the process differs from its release in {', '.join(seen.drift)}")
    if seen.started_from_tampered_unit:
        restart.append("the process was started with the changed definition")
    if seen.orphans:
        restart.append(f"another process of it runs beside the manager's ({', '.join(map(str, seen.orphans))})")
    if restart:
        return Decision("restart", (*reasons, *restart))
    if action == "none" and seen.outcome != "good":
        action = "gate"
        reasons.append(f"its last activation is {seen.outcome or 'not recorded'}; it has to pass its gate")
    if action == "none" and seen.policy_differs:
        return Decision("policy", ("probes or limits changed",))
    return Decision(action, tuple(reasons))


def differences(before: Mapping[str, Any], texts_before: Mapping[str, str], spec: Mapping[str, Any]) -> list[str]:
    """What distinguishes the wanted release from another one, in words; values are never shown."""
    found = []
    if {f["path"]: f["sha256"] for f in before["files"]} != {f["path"]: f["sha256"] for f in spec["files"]}:
        old, new = before.get("artifact", {}).get("sha256", ""), spec.get("artifact", {}).get("sha256", "")
        found.append(f"jar ({old[:8]} -> {new[:8]})" if old != new else "layout")
    names = changed_variables(texts_before.get("environment", ""), spec["environment"])
    if names:
        found.append(f"environment ({', '.join(names)})")
    elif texts_before.get("environment") != spec["environment"]:
        found.append("environment file")
    if texts_before.get("launch") != spec["launch"]:
        found.append("JVM options or launcher")
    if texts_before.get("unit") != spec["unit"]:
        found.append("unit")
    return found


def changed_variables(before: str, after: str) -> list[str]:
    """Names of the variables in which two environment files differ."""
    old, new = _envfile.read(before).values, _envfile.read(after).values
    return sorted(name for name in {*old, *new} if old.get(name) != new.get(name))


def drift(process: Mapping[str, str], environment_file: str) -> list[str]:
    """Variables that a running process has otherwise than its release says."""
    wanted = _envfile.read(environment_file).values
    names = {*process, *wanted} - NOT_OURS
    return sorted(name for name in names if process.get(name) != wanted.get(name))


def masked(environment_file: str, secret: Sequence[str], fingerprint: Any) -> str:
    """The environment for a diff: secrets as keyed fingerprints."""
    values = _envfile.read(environment_file).values
    return "".join(
        f"{name}={'(secret ' + fingerprint(value) + ')' if name in secret else _envfile.quote(value)}\n"
        for name, value in sorted(values.items())
    )
