# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Error records grouped by what they say: numbers, ids, addresses and quoted text masked away."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field

from ansible_collections.dwp.backend.plugins.module_utils._logs.formats import Record

LONGEST = 400
_MASKS = (
    (re.compile(r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b"), "<uuid>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), "<mail>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"), "<ip>"),
    (re.compile(r"@[0-9a-f]{5,16}\b"), "@<hex>"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b|\b(?=[0-9a-fA-F]*\d)(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{8,}(?:-\d+)?\b"), "<hex>"),
    (re.compile(r'"[^"\n]{0,200}"'), '"<text>"'),
    (re.compile(r"(?<!\w)'[^'\n]{0,200}'"), "'<text>'"),
    (re.compile(r"(?<![A-Za-z_<])-?\d+(?:\.\d+)?"), "<n>"),
)
_EXCEPTION = re.compile(r"^(?:[\w$]+\.)+([A-Z][\w$]*(?:Exception|Error|Throwable|Failure)\b)", re.M)
_DESCRIPTION = re.compile(r"^Description:\s*\n(.*?)(?=^Action:|\Z)", re.M | re.S)
_DRAWN = re.compile(r"[\s|\u2190-\u21ff\u2500-\u257f]+")  # blanks, and the arrows and boxes of a cycle of beans
_FRAME = re.compile(r"\s+at |\s*\.\.\. \d+ |\s+Suppressed: ")
_CAUSE = re.compile(r"^Caused by: (?:[\w$]+\.)*([A-Z][\w$]*)(?:: (.*))?$", re.M)


def template_of(message: str) -> str:
    """The constant part of a message; two records of one line of code give the same text."""
    text = message[: LONGEST * 4]
    for pattern, replacement in _MASKS:
        text = pattern.sub(replacement, text)
    return re.sub(r"\s+", " ", text).strip()[:LONGEST]


def _deepest(stack: str) -> re.Match[str] | None:
    return next(reversed(list(_CAUSE.finditer(stack))), None)


def exceptions_of(stack: str) -> tuple[str, str]:
    """Class of the exception, class of its deepest cause."""
    first, last = _EXCEPTION.search(stack), _deepest(stack)
    return (first[1] if first else ""), (last[1] if last else "")


def cause_of(text: str) -> str:
    """Why, in the words of a record of many lines: Spring Boot's description of a failed start, else the deepest cause."""
    described = _DESCRIPTION.search(text)
    if described:
        return _DRAWN.sub(" ", described[1]).strip()
    last = _deepest(text)
    if last is None or not last[2]:
        return last[1] if last else ""
    more = itertools.takewhile(lambda line: not _FRAME.match(line), text[last.end():].splitlines()[1:])
    return f"{last[1]}: {' '.join(' '.join([last[2], *more]).split())}"


@dataclass
class Group:
    """Records of one template: how many, from when to when, and one to look at."""

    template: str
    level: str
    logger: str
    exception: str
    cause: str
    sample: Record
    count: int = 0
    times: list[float] = field(default_factory=list)
    first: float | None = None
    last: float | None = None
    newest: Record | None = None

    def add(self, time: float | None) -> None:
        self.count += 1
        if time is None:
            return
        if len(self.times) < 100000:
            self.times.append(time)
        self.first = time if self.first is None else min(self.first, time)
        self.last = time if self.last is None else max(self.last, time)


def key_of(record: Record) -> tuple[str, str, str, str, str]:
    message = record.message
    if not message.strip():  # a failure analysis has its text in the lines below
        message = next((line for line in record.stack.splitlines() if line.strip(" *")), "")
    exception, cause = exceptions_of(record.stack)
    return record.level, record.logger, template_of(message), exception, cause


def group_for(groups: dict[tuple[str, ...], Group], record: Record) -> Group:
    """The group of a record; made when it is the first of its kind."""
    key = key_of(record)
    group = groups.get(key)
    if group is None:
        level, logger, template, exception, cause = key
        group = Group(template, level, logger, exception, cause, record)
        groups[key] = group
    return group
