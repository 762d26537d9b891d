# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start order as data: waves from the ``after`` edges, and the critical chain of a finished start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def find_cycle(after: Mapping[str, Iterable[str]]) -> list[str] | None:
    """A cycle as the names along it, the first one repeated at the end; None without one."""
    state: dict[str, int] = {}
    path: list[str] = []

    def visit(name: str) -> list[str] | None:
        state[name] = 1
        path.append(name)
        for dependency in sorted(after.get(name, ())):
            if state.get(dependency) == 1:
                return [*path[path.index(dependency):], dependency]
            if dependency not in state:
                cycle = visit(dependency)
                if cycle:
                    return cycle
        path.pop()
        state[name] = 2
        return None

    for name in sorted(after):
        if name not in state:
            cycle = visit(name)
            if cycle:
                return cycle
    return None


def waves(after: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Services that may start together, wave by wave. Edges to names that are not keys are ignored:
    a service that the inventory places nowhere cannot be waited for, but what it waits for still counts."""
    level: dict[str, int] = {}

    def rank(name: str) -> int:
        if name not in level:
            level[name] = 1 + max((rank(d) for d in after[name] if d in after), default=-1)
        return level[name]

    for name in after:
        rank(name)
    result: list[list[str]] = [[] for _wave in range(max(level.values(), default=-1) + 1)]
    for name in sorted(level):
        result[level[name]].append(name)
    return result


def through(after: Mapping[str, Iterable[str]], keep: Iterable[str]) -> dict[str, list[str]]:
    """Edges among ``keep`` alone: an edge to a dropped service is replaced by that service's own edges,
    so that leaving the gateway out of an inventory does not let main start before auth."""
    kept = set(keep)

    def reach(name: str, seen: set[str]) -> set[str]:
        found: set[str] = set()
        for dependency in after.get(name, ()):
            if dependency in kept:
                found.add(dependency)
            elif dependency not in seen:
                found |= reach(dependency, seen | {dependency})
        return found

    return {name: sorted(reach(name, {name})) for name in sorted(kept)}


def critical_chain(after: Mapping[str, Iterable[str]], spans: Mapping[str, tuple[float, float]]) -> list[str]:
    """The services that decided how long the start took, first to last.

    ``spans`` gives (begin, healthy) in seconds. Walk back from the one that was healthy last to the
    dependency that was healthy last, as systemd-analyze critical-chain does.
    """
    if not spans:
        return []
    name = max(spans, key=lambda n: spans[n][1])
    chain = [name]
    while True:
        before = [d for d in after.get(name, ()) if d in spans]
        if not before:
            return list(reversed(chain))
        name = max(before, key=lambda n: spans[n][1])
        chain.append(name)
