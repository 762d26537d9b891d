# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scenario: what is broken, and what the verdict has to say of it. Its function does the breaking."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .world import World

ANYWHERE = "*"  # the host does not matter
_TOLD = ("root", "contributing", "note")

Happen = Callable[[World], None]


@dataclass(frozen=True)
class Cause:
    """C(GW_REFUSED|GW_504/mail|none): failures of the catalogue or C(unknown), and whom they are about."""

    failures: frozenset[str]
    services: frozenset[str]
    text: str

    @classmethod
    def of(cls, text: str) -> Cause:
        failures, _slash, services = text.partition("/")
        return cls(frozenset(failures.split("|")), frozenset(services.split("|")), text)

    def is_told(self, failure: str | None, service: str | None) -> bool:
        return (failure or "unknown") in self.failures and (service or "none") in self.services


@dataclass(frozen=True)
class Expected:
    """The right answer. Where several causes are as right as each other, all are there."""

    status: frozenset[str]
    causes: tuple[Cause, ...] = ()
    host: str | None = ANYWHERE
    victims: frozenset[str] = frozenset()  # these have to be told
    may: frozenset[str] = frozenset()  # these may be named beside the cause
    also: tuple[Cause, ...] = ()  # has to be told somewhere
    notes: frozenset[str] = frozenset()
    confidence: frozenset[str] = frozenset(["high", "medium", "low"])
    text: str = ""  # a pattern that title, reasons or the next action have to match

    @property
    def allowed(self) -> frozenset[str]:
        """Whom the report may name."""
        about = [name for cause in (*self.causes, *self.also) for name in cause.services]
        return self.victims | self.may | frozenset(about)


def cause(
    *causes: str, status: str = "degraded", host: str | None = ANYWHERE, victims: str = "", may: str = "", also: Sequence[str] = (),
    text: str = "",
) -> Expected:  # fmt: skip
    return Expected(
        frozenset(status.split("|")), tuple(Cause.of(one) for one in causes), host, frozenset(victims.split()), frozenset(may.split()),
        tuple(Cause.of(one) for one in also), text=text,
    )  # fmt: skip


def nothing(*, notes: str = "", confidence: str = "high|medium|low") -> Expected:
    """All is well, and nobody is blamed."""
    return Expected(frozenset(["healthy"]), notes=frozenset(notes.split()), confidence=frozenset(confidence.split("|")))


@dataclass(frozen=True)
class Scenario:
    id: str
    title: str
    expected: Expected
    happen: Happen
    xfail: str = ""  # why the verdict is not right yet
    options: Mapping[str, Any] = field(default_factory=dict)  # of the world

    def world(self) -> World:
        world = World(**self.options)
        self.happen(world)
        return world


SCENARIOS: dict[str, Scenario] = {}


def scenario(title: str, expected: Expected, *, xfail: str = "", **options: Any) -> Callable[[Happen], Happen]:
    """Keeps the function as a scenario with its own name as id."""

    def keep(happen: Happen) -> Happen:
        name = happen.__name__.replace("_", "-")
        if name in SCENARIOS:
            raise ValueError(f"two scenarios have the name {name}")
        SCENARIOS[name] = Scenario(name, title, expected, happen, xfail, options)
        return happen

    return keep


# ---- is the report right?
def accused(report: Mapping[str, Any]) -> dict[str, str]:
    """Whom a report names as being or having a trouble, and where it does."""
    verdict, found = report["verdict"], {}
    if verdict["service"]:
        found[verdict["service"]] = "verdict"
    for one in report["findings"]:
        if one["role"] in ("root", "contributing") and one["service"]:
            found.setdefault(one["service"], f"{one['failure']}, {one['role']}")
    for one in report["unexplained"]:
        found.setdefault(one["service"], "unexplained")
    for name in report["victims"]:
        found.setdefault(name, "victim")
    return found


def mistakes(expected: Expected, report: Mapping[str, Any]) -> list[str]:
    """What is wrong with a report; empty for a right one."""
    verdict = report["verdict"]
    told = [(one["failure"], one["service"]) for one in report["findings"] if one["role"] in _TOLD]
    told += [(None, one["service"]) for one in report["unexplained"]] + [(verdict["failure"], verdict["service"])]
    wrong = []
    if verdict["status"] not in expected.status:
        wrong.append(f"status {verdict['status']}, expected {_list(expected.status)}")
    if expected.causes and not any(one.is_told(verdict["failure"], verdict["service"]) for one in expected.causes):
        wrong.append(f"cause {_name(verdict)}, expected {' or '.join(one.text for one in expected.causes)}")
    elif expected.host not in (ANYWHERE, verdict["host"]):
        wrong.append(f"host {verdict['host']}, expected {expected.host}")
    wrong += [f"blames {name} ({where})" for name, where in sorted(accused(report).items()) if name not in expected.allowed]
    missing = expected.victims - set(report["victims"]) - {verdict["service"]}
    if missing:
        wrong.append(f"does not call {_list(missing)} a victim")
    wrong += [f"does not tell {one.text}" for one in expected.also if not any(one.is_told(*pair) for pair in told)]
    wrong += [f"has no note {one}" for one in sorted(expected.notes - {failure for failure, _service in told if failure})]
    if verdict["confidence"] not in expected.confidence:
        wrong.append(f"confidence {verdict['confidence']}, expected {_list(expected.confidence)}")
    if not re.search(expected.text, f"{verdict['title']} {verdict['reasons']} {verdict['next_action']}"):
        wrong.append(f"the verdict has nothing of {expected.text!r}")
    return wrong


def explained(one: Scenario, report: Mapping[str, Any], wrong: Iterable[str]) -> str:
    """A failure with what is needed to understand it."""
    verdict = report["verdict"]
    lines = [
        f"{one.id}: {one.title}", *(f"  - {text}" for text in wrong),
        f"verdict: {verdict['status']}, {_name(verdict)} at {verdict['host']}, confidence {verdict['confidence']}",
        f"  title: {verdict['title']}", *(f"  reason: {text}" for text in verdict["reasons"]),
        f"  victims: {_list(report['victims']) or 'none'}",
    ]  # fmt: skip
    for finding in report["findings"]:
        told = f"{_name(finding)} of {finding['told_by']} at {finding['host']}, {finding['count']} times"
        lines.append(f"  {finding['role']}: {told}: {finding['title'][:120]}")
    lines += [f"  unexplained: {entry['service']}: {entry['why'][:160]}" for entry in report["unexplained"]]
    lines += [f"  ruled out: {entry['what']}: {entry['why'][:160]}" for entry in report["ruled_out"]]
    lines += [f"  not checked: {entry['what']} at {entry['where']}: {entry['why'][:120]}" for entry in report["not_checked"]]
    return "\n".join(lines)


def _name(told: Mapping[str, Any]) -> str:
    return f"{told['failure'] or 'unknown'}/{told['service'] or 'none'}"


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
