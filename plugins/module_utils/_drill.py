# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollback drill: where it is allowed, how a service is broken, and what the hosts' journals say about the way back."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

#: How a service can be broken, and who puts it right. The jar stays the one that runs, so no drill can migrate a database.
BREAKS = {
    "fails-at-start": "a JVM option that Java does not know: the process ends at once; deploy.yml turns it back",
    "never-healthy": "the wrong port: the service starts, and its gate never sees it (takes its start_timeout); deploy.yml turns it back",
    "bad-release": "a release that passes its gate; somebody complains, and rollback.yml takes it back",
    "kill": "kill -9 of its process; the service manager starts it again",
}
#: What the broken release adds to its environment; all else is as the inventory says. JDK_JAVA_OPTIONS, since it adds to the options
#: that the service has, where jvm_options would replace them.
_ADDED = {
    "fails-at-start": {"JDK_JAVA_OPTIONS": "-XX:+DwpDrill"},
    "never-healthy": {"JDK_JAVA_OPTIONS": "-Dserver.port=0"},  # any free port; wins over SERVER_PORT, which is checked beforehand
    "bad-release": {"DWP_DRILL": "bad-release"},
}


def refusals(environment: str, allowed: bool) -> list[str]:
    """Why nothing may be broken here on purpose."""
    found = []
    if environment.lower().startswith("prod"):
        found.append(f"{environment}: a drill is never run in an environment whose name begins with prod")
    if not allowed:
        found.append(f"dwp_drill: is not true. A drill breaks a service on purpose, so the inventory of {environment} has to allow it")
    return found


def problems(platform: Mapping[str, Any], environment: str, allowed: bool, service: str, how: str) -> list[str]:
    """Everything that speaks against this drill before any host is asked."""
    found = refusals(environment, allowed)
    if how not in BREAKS:
        found.append(f'dwp_drill_break: "{how}" is unknown; known are {", ".join(BREAKS)}')
    chosen = platform["selected"]  # those with a host, and in dwp_only
    if service not in chosen:
        found.append(f'dwp_drill_service: "{service}" is no service of this run that has a host; known are {", ".join(chosen)}')
    return found


def overlay(how: str, service: str) -> dict[str, Any]:
    """What is merged into dwp_services to make the broken release."""
    return {service: {"environment": _ADDED[how]}}


def not_ready(service: str, before: Mapping[str, Any], compared: Mapping[str, Any]) -> list[str]:
    """What keeps one host from a drill: ``before`` from dwp_status, ``compared`` from dwp_stage, both by service.

    The broken release is the inventory's with one change, so the inventory's has to be the one that runs.
    """
    found = [
        f"{name} is not healthy ({entry.get('cause') or entry.get('state')}); playbooks/triage.yml says why"
        for name, entry in sorted(before.items()) if entry.get("healthy") is not True
    ]
    action = (compared.get(service) or {}).get("action", "none")
    if action != "none":
        found.append(f"{service} is not as the inventory says: deploy.yml would do this to it: {action}; deploy before the drill")
    return found


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What is not as it was, by service of one host."""
    found = []
    for name, old in sorted(before.items()):
        new = after.get(name) or {}
        if new.get("current") != old.get("current"):
            found.append(f"{name} is on release {new.get('current')}, and was on {old.get('current')}")
        if new.get("healthy") is not True:
            found.append(f"{name} is not healthy ({new.get('cause') or new.get('state') or 'not reached'})")
    return found


def measure(journal: Iterable[Mapping[str, Any]], service: str, asked: float, how: str) -> dict[str, float | None]:
    """Seconds from the journal of one host. ``asked``: when the command was given, by the same host's clock.

    The break is the moment in which the service was switched to the broken release; after a complaint (bad-release) only the
    command counts, since nobody knows when the complaint comes.
    """
    events = [(_moment(entry), entry) for entry in journal if entry.get("service") == service and entry.get("at")]
    events = [(at, entry) for at, entry in events if at >= asked]
    broken = next((at for at, entry in events if entry["event"] == "activating"), None)
    gates = [(at, entry.get("outcome")) for at, entry in events if entry["event"] == "gated"]
    noticed = next((at for at, outcome in gates if outcome == "failed"), None)
    healthy = gates[-1][0] if gates and gates[-1][1] == "good" else None
    if how == "bad-release":
        broken = noticed = None
    elif noticed is None:
        healthy = None  # the break did not take
    return {
        "noticed": _seconds(broken, noticed), "from_break": _seconds(broken, healthy), "from_command": _seconds(asked, healthy),
    }


def not_as_meant(how: str, deployed: int | None, rolled_back: int | None) -> list[str]:
    """What the exit codes of deploy.yml and rollback.yml say about the drill itself; None: not run."""
    found = []
    if how == "bad-release" and deployed:
        found.append("deploy.yml failed, though its release should have passed")
    if how in ("fails-at-start", "never-healthy") and not deployed:
        found.append("deploy.yml ended well with a broken release: the break did not take (are dwp_services given with -e?)")
    if rolled_back:
        found.append("rollback.yml failed")
    return found


def report(
    hosts: Mapping[str, Mapping[str, Any]], service: str, how: str, environment: str,
    deployed: int | None = None, rolled_back: int | None = None,
) -> dict[str, Any]:
    """The report of a drill.

    ``hosts``: what was seen of each: ``before`` and ``after`` (services of dwp_status), ``journal``, ``asked`` and ``healthy``
    (times of the host's own clock, ``healthy`` for a killed service). ``deployed``, ``rolled_back``: exit codes.
    """
    instances, found = [], not_as_meant(how, deployed, rolled_back)
    for host, seen in hosts.items():
        found += [f"{host}: {text}" for text in differences(seen["before"], seen["after"])]
        if service not in seen["before"]:
            continue
        if how == "kill":
            healthy = seen["healthy"] if (seen["after"].get(service) or {}).get("healthy") is True else None
            took: dict[str, float | None] = {"noticed": None, "from_break": _seconds(seen["asked"], healthy), "from_command": None}
        else:
            took = measure(seen["journal"], service, seen["asked"], how)
        instances.append({"service": service, "host": host, "release": seen["before"][service].get("current"), **took})
    if not found and all(one["from_break"] is None and one["from_command"] is None for one in instances):
        found.append(f"{service} was not broken, or its journal does not tell how it came back")
    return {
        "schema_version": 1, "environment": environment, "service": service, "break": how, "what": BREAKS[how],
        "instances": instances, "as_before": not found, "problems": found,
    }


def rows(drill: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the table for people."""
    head = ["service", "host", "noticed", "healthy from break", "from command"]
    keys = ("noticed", "from_break", "from_command")
    return head, [
        [one["service"], one["host"], *("-" if one[key] is None else f"{one[key]:.1f} s" for key in keys)] for one in drill["instances"]
    ]


def closing(drill: Mapping[str, Any]) -> Sequence[str]:
    if not drill["problems"]:
        return ["The platform is as it was before: same releases, healthy."]
    return ["NOT as it should be:", *(f"  {text}" for text in drill["problems"])]


def _moment(entry: Mapping[str, Any]) -> float:
    return datetime.datetime.fromisoformat(str(entry["at"])).timestamp()


def _seconds(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else round(end - start, 1)
