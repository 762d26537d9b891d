# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a diagnosis is made from, and what it says: plain values only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SEVERITIES = ("note", "degraded", "down")
UP, DEGRADED, DOWN, UNKNOWN = "up", "degraded", "down", "unknown"
CALLER = "caller"  # not a part of the platform: whoever sends the requests


@dataclass(frozen=True)
class Finding:
    """One thing observed, with its evidence.

    `directness`: `direct` was asked of the thing itself (a probe of the database, the state of a process), `reported`
    was told about it by a log.
    """

    failure: str
    service: str  # who told it, or what was asked
    host: str = ""
    since: float | None = None
    last: float | None = None
    severity: str = "degraded"
    directness: str = "reported"
    about: str = "service"
    target: str = ""  # the service that a call was meant for
    priority: int = 5
    stale: bool = False
    current: bool = True
    suspect: bool = False
    holds: bool = False  # stays true as long as the process lives, however long ago it was told
    subject: str = ""  # what it blames, where that is known for sure; else diagnose.subject_of tells
    count: int = 1
    variant: str = ""  # which of the meanings of its row
    title: str = ""
    evidence: tuple[Mapping[str, Any], ...] = ()
    next_action: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Platform:
    """Who depends on whom. Names of components (postgres, redis) and services share one space."""

    calls: Mapping[str, Sequence[str]] = field(default_factory=dict)
    needs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    hosts: Mapping[str, Sequence[str]] = field(default_factory=dict)  # service or component to its hosts
    ports: Mapping[int, str] = field(default_factory=dict)
    frontends: Mapping[int, str] = field(default_factory=dict)  # ports of the balancer
    paths: Mapping[str, str] = field(default_factory=dict)  # first segment of what a service answers to -> the service
    called: frozenset[str] = frozenset()  # names of hosts under which services call each other; empty: not known

    @property
    def names(self) -> list[str]:
        found = [*self.calls, *self.needs, *self.hosts]
        for targets in (*self.calls.values(), *self.needs.values()):
            found.extend(targets)
        return list(dict.fromkeys(found))

    def behind(self, path: str) -> str:
        """The service that the gateway asks for a path; empty if that is not known. Behind /api it is the service's own."""
        segments = path.removeprefix("/api").split("/", 2)
        return self.paths.get(segments[1], "") if len(segments) > 1 else ""

    def on(self, name: str) -> set[str]:
        """Everything that `name` depends on, directly or not, itself left out even in a cycle."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            one = waiting.pop()
            for other in (*self.calls.get(one, ()), *self.needs.get(one, ()), *(f"host:{h}" for h in self.hosts.get(one, ()))):
                if other not in found:
                    found.add(other)
                    waiting.append(other)
        return found - {name}

    def is_component(self, name: str) -> bool:
        return any(name in needed for needed in self.needs.values())


@dataclass(frozen=True)
class Trouble:
    """Errors of a service that no row of the catalogue knows: enough to say where, not why."""

    service: str
    host: str
    text: str
    count: int = 1
    since: float | None = None
    last: float | None = None
    restless: bool = False  # it ended by itself and was started again: whatever others log, this is where to look


@dataclass(frozen=True)
class Unexplained:
    """Something that is wrong and that no finding explains."""

    service: str
    why: str


@dataclass(frozen=True)
class Diagnosis:
    """The answer. `failure` is None when the cause is not known; the service may be known all the same."""

    status: str  # healthy, degraded, down, unknown
    failure: str | None = None
    service: str = ""
    host: str = ""
    title: str = ""
    since: float | None = None
    root: Finding | None = None
    victims: tuple[str, ...] = ()
    contributing: tuple[Finding, ...] = ()
    symptoms: tuple[Finding, ...] = ()
    stale: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()
    unexplained: tuple[Unexplained, ...] = ()
    confidence: str = "low"
    reasons: tuple[str, ...] = ()
    next_action: Mapping[str, str] = field(default_factory=dict)
    not_checked: tuple[Mapping[str, str], ...] = ()
    subjects: Mapping[int, str] = field(default_factory=dict)  # id() of a finding -> what it blames; host:NAME or caller are no services

    def blames(self, one: Finding) -> str:
        """The service or component that a finding blames; "" if none."""
        subject = self.subjects.get(id(one), one.service)
        return "" if subject == CALLER or subject.startswith("host:") else subject
