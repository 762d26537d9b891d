# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What journal and states of a host tell about earlier deployments, for those who go back. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils import _journal
from ansible_collections.dwp.backend.plugins.module_utils._release.state import PROVEN


def newest_deployment(state: Mapping[str, Any]) -> str:
    """The deployment that activated a release of the service last."""
    return str(state["activations"][-1]["deployment"]) if state["activations"] else ""


def unfinished(journal: Iterable[dict[str, Any]], states: Iterable[Mapping[str, Any]]) -> list[str]:
    """Deployments that were interrupted, that no later one finished, and of which something is still active here."""
    found: list[str] = []
    for row in _journal.deployments(journal):
        if row["kind"] == "deployment" and row["outcome"] == "interrupted":
            found.append(row["deployment"])
        elif row["kind"] == "deployment" and row["outcome"] == "ok":
            found.clear()
    left = {newest_deployment(state) for state in states}
    return [deployment for deployment in found if deployment in left]


def narrow(found: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Rollback plans by host: after an interrupted deployment only what it touched goes back, on all hosts.

    Returns the plans and, if they were narrowed, why.
    """
    plans = {host: dict(result) for host, result in found.items()}
    left = sorted({deployment for result in found.values() for deployment in result.get("unfinished", ())})
    if not left:
        return plans, []
    for result in plans.values():
        untouched = {n for n, s in result.get("services", {}).items() if s.get("by") not in left}
        result["services"] = {
            name: {**service, "action": "none", "release": service["current"]} if name in untouched else service
            for name, service in result.get("services", {}).items()
        }
        for kind in ("problems", "staying"):
            result[kind] = [text for text in result.get(kind, ()) if text.partition(":")[0] not in untouched]
    which = " and ".join(left)
    return plans, [
        f"Deployment {which} was interrupted: only what it touched goes back. Run rollback.yml again to go one further back, "
        "with all services; deploy.yml finishes it instead"
    ]


def labelled(label: str, journal: Iterable[dict[str, Any]], states: Iterable[Mapping[str, Any]]) -> str | None:
    """When the newest deployment with this version label was in place; None if none ever was."""
    ends = [
        row["ended"] for row in _journal.deployments(journal)
        if row["version"] == label and row["kind"] == "deployment" and row["outcome"] == "ok" and row["ended"]
    ]
    ends += [
        entry["at"] for state in states for entry in state["activations"]
        if entry.get("version") == label and entry["outcome"] in (*PROVEN, "rolled_back")
    ]
    return max(ends, default=None)


def active_at(state: Mapping[str, Any], moment: str) -> str | None:
    """The release that was active at a moment: the one activated last before it that passed its gate."""
    for entry in reversed(state["activations"]):
        if entry["at"] <= moment and entry["outcome"] in (*PROVEN, "rolled_back"):
            return str(entry["release"])
    return None
