# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened to the releases of one service on one host: the state file, pure.

``activations`` is ordered by time. The last known good release is read from here and nowhere else: file times say
nothing (field: ansistrano's second rollback does nothing, or deletes what runs).
"""

from __future__ import annotations

import json
from typing import Any

SCHEMA = 1
KEPT_ACTIVATIONS = 100
OUTCOMES = ("pending", "good", "unhealthy", "failed", "rolled_back")
#: It passed its gate once. Unhealthy: it did not at a later start, for which a release that has proven itself is not to blame.
PROVEN = ("good", "unhealthy")


class StateError(ValueError):
    """The state file cannot be read as one."""


def empty(service: str) -> dict[str, Any]:
    return {"schema": SCHEMA, "service": service, "activations": []}


def parse(text: str, service: str) -> dict[str, Any]:
    """Read a state file; raises :class:`StateError` when it is damaged or of a newer kind."""
    try:
        state = json.loads(text)
        if state["schema"] > SCHEMA:
            raise StateError(f"was written by a newer dwp.backend (schema {state['schema']}, this one knows {SCHEMA})")
        for entry in state["activations"]:
            if entry["outcome"] not in OUTCOMES or not isinstance(entry["release"], str):
                raise StateError(f"unknown entry {entry!r}")
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, StateError):
            raise
        raise StateError(f"is damaged ({error})") from None
    return {**empty(service), **state}


def dump(state: dict[str, Any]) -> str:
    return json.dumps(state, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def activate(state: dict[str, Any], release: str, *, version: str, deployment: str, at: str, **details: Any) -> dict[str, Any]:
    """A release becomes current; whether it is good is not known yet."""
    entry = {"release": release, "version": version, "deployment": deployment, "at": at, "outcome": "pending", **details}
    return {**state, "activations": [*state["activations"], entry][-KEPT_ACTIVATIONS:]}


def settle(state: dict[str, Any], release: str, outcome: str, *, at: str, **details: Any) -> dict[str, Any]:
    """Write the outcome of the newest activation of ``release`` (an older one that is good stays what it was)."""
    activations = [dict(entry) for entry in state["activations"]]
    for entry in reversed(activations):
        if entry["release"] == release:
            entry.update(outcome=outcome, settled_at=at, **details)
            break
    return {**state, "activations": activations}


def leave(state: dict[str, Any], release: str, to: str, *, at: str, by: str) -> dict[str, Any]:
    """Mark what a rollback goes away from. Who is made to go forward again, to a marked release, leaves a good one."""
    marked = ("failed", "rolled_back")
    if outcome_of(state, release) == "failed" or outcome_of(state, to) in marked:
        return state
    return settle(state, release, "rolled_back", at=at, by=by)


def outcome_of(state: dict[str, Any], release: str) -> str | None:
    """What the newest activation of ``release`` came to; None if it never was active."""
    for entry in reversed(state["activations"]):
        if entry["release"] == release:
            return str(entry["outcome"])
    return None


def blame(state: dict[str, Any], release: str, deployment: str) -> str:
    """The outcome of a release whose gate failed in ``deployment``: one that was good before it is a victim (of a database
    that is down, for example) and stays a way back."""
    before = [e["outcome"] for e in state["activations"] if e["release"] == release and (e["deployment"] != deployment or not deployment)]
    return "unhealthy" if before and before[-1] in PROVEN else "failed"


def attempted(state: dict[str, Any], current: str | None) -> str | None:
    """The release that ought to be current: a run that was killed before its switch has left the link as it was."""
    newest = state["activations"][-1:]
    return str(newest[0]["release"]) if newest and newest[0]["outcome"] == "pending" else current


def unfinished_rollback(state: dict[str, Any]) -> str | None:
    """The release that a rollback (or an undo) was going back to when it was interrupted."""
    newest = state["activations"][-1:]
    return str(newest[0]["release"]) if newest and newest[0]["outcome"] == "pending" and newest[0].get("action") == "rollback" else None


def last_known_good(state: dict[str, Any], before: str | None = None) -> dict[str, Any] | None:
    """The newest activation that passed its gate and was not marked failed or rolled back since.

    With ``before``, that release itself does not count: what a rollback of it goes back to.
    """
    for entry in reversed(state["activations"]):
        if entry["release"] != before and entry["outcome"] in PROVEN and outcome_of(state, entry["release"]) in PROVEN:
            return dict(entry)
    return None


def kept_releases(state: dict[str, Any], current: str | None, keep: int, present: list[str]) -> set[str]:
    """Releases that must not be pruned: the current, the last known good before it, the newest failure (evidence),
    and the newest ``keep`` in order of activation."""
    kept: list[str] = [current] if current else []
    good = last_known_good(state, before=current)
    kept += [good["release"]] if good else []
    failed = [e["release"] for e in state["activations"] if e["outcome"] in ("failed", "rolled_back")]
    kept += failed[-1:]
    for entry in reversed(state["activations"]):
        if len(set(kept)) >= keep:
            break
        if entry["release"] in present:
            kept.append(entry["release"])
    return set(kept)
