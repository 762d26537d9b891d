# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the deployment playbooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._platform import steps as _steps
from ansible_collections.dwp.backend.plugins.module_utils._release.plan import TOUCHING


def in_wave(
    plan: Mapping[str, Mapping[str, Any]], rounds: Iterable[Iterable[str]], actions: Iterable[str] = ()
) -> list[dict[str, Any]]:
    """The services of one host's plan that have something to do in a step, as dwp_wave wants them.

    ``rounds``: names of services; what comes later waits for what comes before.
    """
    wanted = set(actions or (*TOUCHING, "repair", "gate"))
    return [
        {"name": name, "action": plan[name]["action"], "release": plan[name].get("release"), "round": number}
        for number, names_ in enumerate(rounds)
        for name in sorted(names_)
        if name in plan and plan[name]["action"] in wanted
    ]


def migrating(plan: Mapping[str, Mapping[str, Any]], platform: Mapping[str, Any]) -> list[dict[str, str]]:
    """The services of one host's plan that are going to be started with a Flyway database, as dwp_schema wants them.

    A release that proved good and is merely started again is not a change: it met its database before.
    """
    return [
        {"name": name, "release": entry.get("release") or entry.get("current")}
        for name, entry in sorted(plan.items())
        if entry["action"] in TOUCHING and (platform["services"][name]["database"] or {}).get("flyway")
        and (entry.get("release") or entry.get("current"))
        and not (entry["action"] in ("start", "restart") and entry.get("outcome") == "good")
    ]


def on_databases(platform: Mapping[str, Any], host: str) -> list[str]:
    """The services of a host that use a database, chosen or not: whoever takes one back must know all of them."""
    return [name for name, service in platform["services"].items() if service["database"] and host in service["hosts"]]


def plan_for(platform: Mapping[str, Any], host: str, action: str) -> dict[str, dict[str, Any]]:
    """A plan that does the same with every chosen service of a host (restart.yml)."""
    return {
        name: {"action": action} for name in platform["selected"] if host in platform["services"][name]["hosts"]
    }


def selected_waves(platform: Mapping[str, Any]) -> list[list[str]]:
    """The waves without the services that dwp_only leaves out."""
    chosen = set(platform["selected"])
    waves = [[name for name in wave if name in chosen] for wave in platform["waves"]]
    return [wave for wave in waves if wave]


def steps(platform: Mapping[str, Any], hosts: Iterable[str], action: str) -> list[dict[str, Any]]:
    """The steps of a run that does the same with every chosen instance on these hosts (restart.yml)."""
    plans = {host: plan_for(platform, host, action) for host in hosts}
    return _steps.merged(_steps.steps(platform, platform["waves"], plans, rolling=True))


def begun(steps: Iterable[Mapping[str, Any]], verdict: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The steps that were begun before the verdict was broken; all of them if it fell after the last one."""
    return [step for step in steps if step["number"] in verdict.get("steps", (step["number"],))]


def still_true(compared: Mapping[str, Any], verdict: Mapping[str, Any], host: str, platform: Mapping[str, Any] | None = None) -> bool:
    """Whether a report can do without another look at the host: all of it was healthy when it was compared, or gated since.

    ``platform``: where nothing was compared, the gates have to have seen everything that it places there.
    """
    placed = [name for name, service in (platform or {"services": {}})["services"].items() if host in service["hosts"]]
    known = {**(compared.get("status") or {}), **verdict.get("status", {}).get(host, {})}
    if verdict.get("broken") or compared.get("retired") or not known or not known.keys() >= set(placed):
        return False
    return all(entry["healthy"] is True for entry in known.values())


def all_there_is(steps: Iterable[Mapping[str, Any]], platform: Mapping[str, Any], staged: Mapping[str, Any]) -> bool:
    """Whether the run is over with its only step: all that was chosen is touched by it, on one host, and nothing has to follow."""
    steps = list(steps)
    if len(steps) != 1 or len(steps[0]["instances"]) != 1 or steps[0]["drain"] or staged.get("retired"):
        return False
    services = platform["services"]
    chosen = {(host, name) for name in platform["selected"] for host in services[name]["hosts"]}
    touched = {(host, name) for host, rounds in steps[0]["instances"].items() for group in rounds for name in group}
    return chosen == touched and not any(service.get("frontend") for service in services.values())


def names(values: Iterable[str]) -> list[dict[str, str]]:
    """Names as the list of services that dwp_service wants."""
    return [{"name": value} for value in values]


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {
            "in_wave": in_wave, "on_databases": on_databases, "migrating": migrating, "plan_for": plan_for,
            "selected_waves": selected_waves, "service_list": names, "still_true": still_true, "steps": steps, "begun": begun,
            "all_there_is": all_there_is,
        }
