# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who depends on whom, as coordinates: callers above, what they need below.

A layer is as deep as its longest way from a caller; wide layers are broken into rows, and an arrow over several rows
passes between the boxes, together with those that have the same end. Arrows that others imply are left out.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

HEIGHT, NARROWEST, WIDEST = 42, 106, 146  # of a box
GAP, LEVEL, LANE = 10, 34, 6  # between boxes, between rows, of an arrow that passes a row
MOST = 40  # boxes; more are a wall, not a picture


@dataclass
class Node:
    name: str
    look: str  # root, victim, up, degraded, down, unknown
    kind: str = "service"  # service, component, host
    note: str = ""
    x: float = 0
    y: float = 0


@dataclass
class Line:
    source: str
    target: str
    path: str = ""
    tip: str = ""
    blame: bool = False  # a way on which the failure spreads


@dataclass
class Picture:
    width: float = 0
    height: float = 0
    box: int = NARROWEST  # width of each
    nodes: list[Node] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    left: int = 0


def columns(name: str) -> int:
    """Korean characters take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in name)


def shorten(name: str, most: int) -> str:
    """Cut to a width in columns."""
    if columns(name) <= most:
        return name
    kept = name[:most]
    while columns(kept) > most - 1:
        kept = kept[:-1]
    return kept + "…"


def reach(edges: Mapping[str, Iterable[str]], start: str) -> set[str]:
    """Everything that `start` depends on, directly or not."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for other in edges.get(waiting.pop(), ()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found


def draw(nodes: Sequence[Node], edges: Mapping[str, Sequence[str]], room: int) -> Picture:
    """`edges`: what each needs. Boxes, as wide as their names need, get their place within about `room` units."""
    shown = _important(nodes)
    box = min(max([NARROWEST, *(36 + 9 * columns(node.name) for node in shown)]), WIDEST)
    per_row = max(2, room // (box + GAP))
    names = [node.name for node in shown]
    downwards = _reduced(_acyclic(names, edges))
    rows = _rows(names, downwards, {node.name for node in shown if node.kind != "service"}, per_row)
    row_of = {name: number for number, row in enumerate(rows) for name in row}
    # Arrows that pass a row on the way to the same box share a lane in it.
    lanes: list[list[str]] = [[] for _row in rows]
    for source, targets in downwards.items():
        for target in targets:
            for number in range(row_of[source] + 1, row_of[target]):
                if f"\0{target}" not in lanes[number]:
                    lanes[number].append(f"\0{target}")
    places = _place(rows, lanes, downwards, row_of, box)
    picture = Picture(box=box, left=len(nodes) - len(shown), nodes=list(shown))
    picture.width = max((_length([*row, *lane], box) for row, lane in zip(rows, lanes)), default=0)
    picture.height = max(0, len(rows) * (HEIGHT + LEVEL) - LEVEL)
    for node in shown:
        node.x = places[row_of[node.name]][node.name]
        node.y = row_of[node.name] * (HEIGHT + LEVEL)
    root = next((node.name for node in shown if node.look == "root"), "")
    looks = {node.name: node.look for node in shown}
    for source, targets in downwards.items():
        for target in targets:
            way = [places[row_of[source]][source]]
            way += [places[number][f"\0{target}"] for number in range(row_of[source] + 1, row_of[target])]
            way.append(places[row_of[target]][target])
            blame = looks[source] == "victim" and (target == root or (looks[target] == "victim" and root in reach(edges, target)))
            tip = f"M{way[-1]:.1f} {row_of[target] * (HEIGHT + LEVEL)}l-4 -7h8z"
            picture.lines.append(Line(source, target, _path(way, row_of[source]), tip, blame))
    picture.lines.sort(key=lambda line: line.blame)
    return picture


def _important(nodes: Sequence[Node]) -> list[Node]:
    if len(nodes) <= MOST:
        return list(nodes)
    order = {"root": 0, "victim": 1, "down": 2, "degraded": 3, "unknown": 4}
    kept = sorted(nodes, key=lambda node: order.get(node.look, 5))[:MOST]
    names = {node.name for node in kept}
    return [node for node in nodes if node.name in names]


def _acyclic(names: Sequence[str], edges: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Without the edges that close a cycle, and without those to boxes that are not shown."""
    found: dict[str, list[str]] = {name: [] for name in names}
    for name in names:
        for target in dict.fromkeys(edges.get(name, ())):
            if target in found and target != name and name not in reach(found, target):
                found[name].append(target)
    return found


def _reduced(edges: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    reached = {name: reach(edges, name) for name in edges}
    return {
        name: [one for one in targets if not any(one in reached[other] for other in targets if other != one)]
        for name, targets in edges.items()
    }


def _rows(names: Sequence[str], edges: Mapping[str, Sequence[str]], last: set[str], per_row: int) -> list[list[str]]:
    depth = dict.fromkeys(names, 0)
    for _pass in names:
        for name in names:
            for target in edges[name]:
                depth[target] = max(depth[target], depth[name] + 1)
    # Components and hosts are the ground on which everything stands.
    deepest = max([depth[name] + 1 for name in names if name not in last] or [0])
    for name in last:
        depth[name] = max(depth[name], deepest)
    rows: list[list[str]] = []
    for level in sorted(set(depth.values())):
        layer = [name for name in names if depth[name] == level]
        count = -(-len(layer) // per_row)
        size = -(-len(layer) // count)
        rows.extend(layer[start : start + size] for start in range(0, len(layer), size))
    return rows


def _place(
    rows: list[list[str]], lanes: list[list[str]], edges: Mapping[str, Sequence[str]], row_of: Mapping[str, int], box: int
) -> list[dict[str, float]]:
    """Middle of every box and lane, by row. Each wants to be over or under what it is joined with."""
    joined: list[dict[str, list[tuple[int, str]]]] = [{name: [] for name in [*row, *lane]} for row, lane in zip(rows, lanes)]
    for source, targets in edges.items():
        for target in targets:
            way = [(row_of[source], source)]
            way += [(number, f"\0{target}") for number in range(row_of[source] + 1, row_of[target])] + [(row_of[target], target)]
            for upper, lower in zip(way, way[1:]):
                joined[upper[0]][upper[1]].append(lower)
                joined[lower[0]][lower[1]].append(upper)
    orders = [[*row, *lane] for row, lane in zip(rows, lanes)]
    places = [_spread(order, box) for order in orders]
    for turn in range(8):
        down = turn % 2 == 0
        for number in range(len(orders)) if down else reversed(range(len(orders))):
            wishes = {}
            for name in orders[number]:
                others = [places[row][other] for row, other in joined[number][name] if (row < number) == down]
                wishes[name] = sum(others) / len(others) if others else places[number][name]
            orders[number].sort(key=wishes.__getitem__)
            places[number] = _spread(orders[number], box)
    half = max((_length(order, box) for order in orders), default=0) / 2
    return [{name: x + half for name, x in row.items()} for row in places]


def _length(order: Sequence[str], box: int) -> float:
    return sum(LANE if name.startswith("\0") else box for name in order) + GAP * max(0, len(order) - 1)


def _spread(order: Sequence[str], box: int) -> dict[str, float]:
    """Side by side, the middle of all at 0."""
    found, x = {}, -_length(order, box) / 2
    for name in order:
        width = LANE if name.startswith("\0") else box
        found[name] = x + width / 2
        x += width + GAP
    return found


def _path(way: Sequence[float], row: int) -> str:
    """A line through the middles of its lanes: straight past boxes, curved between rows."""
    y = row * (HEIGHT + LEVEL) + HEIGHT
    parts = [f"M{way[0]:.1f} {y}"]
    for number, (x, following) in enumerate(zip(way, way[1:])):
        end = y + LEVEL
        half = (y + end) / 2
        last = number == len(way) - 2
        parts.append(f"C{x:.1f} {half} {following:.1f} {half} {following:.1f} {end - (6 if last else 0)}")
        if not last:
            parts.append(f"V{end + HEIGHT}")
        y = end + HEIGHT
    return "".join(parts)
