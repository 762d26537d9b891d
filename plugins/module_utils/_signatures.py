# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The signature engine: the catalogue of known failures as data, matched against one record at a time.

`required_literal` gives each pattern the text that any match contains. Looking for that text first is what makes the
scan fast; it is derived from the pattern, so that signatures added by a site are fast as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._logs.errors import LogsError
from ansible_collections.dwp.backend.plugins.module_utils._signature_data import (
    access,
    calls,
    data_stores,
    facts,
    flyway,
    process,
    startup,
)

RISKS = ("read-only", "restart", "destructive")
SEVERITIES = ("down", "degraded", "note")
KEYS = {
    "id", "priority", "about", "severity", "patterns", "details", "meaning", "next", "source", "yields_to", "requires",
    "anywhere", "only_in", "holds_while_running", "by_probe", "observed_by", "variants",
    "otherwise", "told",
}  # fmt: skip
_SAFE = re.compile(r"^[A-Za-z0-9_/][A-Za-z0-9_.:/@%+=-]{0,200}$")
_PLACEHOLDER = re.compile(r"(?<!\$)\{(\w+)\}")


@dataclass(frozen=True)
class Signature:
    """One known failure. `patterns` are alternatives; each is one or more expressions that all have to be found."""

    id: str
    priority: int
    about: str
    severity: str
    meaning: str
    next: dict[str, str]
    source: str
    otherwise: dict[str, str] = field(default_factory=dict)  # next, where a word of its command stays unknown
    told: str = ""  # what it means in a log, where `meaning` has names that only asking fills
    patterns: tuple[tuple[re.Pattern[str], ...], ...] = ()
    literals: tuple[str, ...] = ()  # one for each alternative; "" means: every record has to be tried
    details: tuple[re.Pattern[str], ...] = ()
    yields_to: tuple[str, ...] = ()
    requires: re.Pattern[str] | None = None
    anywhere: str = ""  # text to look for in records of every level, not only WARN and ERROR
    only_in: tuple[str, ...] = ()  # environments in which it counts; empty: all
    holds_while_running: bool = False
    by_probe: bool = False  # triage's own probes can cause it
    observed_by: str = "the log"
    variants: tuple[dict[str, Any], ...] = ()
    site: bool = False


@dataclass(frozen=True)
class Match:
    """A signature found in one record, with what its named groups caught."""

    signature: Signature
    groups: dict[str, str] = field(default_factory=dict)
    variant: dict[str, Any] | None = None

    @property
    def meaning(self) -> str:
        text = str(self.variant["meaning"]) if self.variant else self.signature.told or self.signature.meaning
        return _PLACEHOLDER.sub(lambda match: self.groups.get(match[1], match[1]), text)

    @property
    def about(self) -> str:
        return str((self.variant or {}).get("about", self.signature.about))

    def next_action(self, values: dict[str, str]) -> dict[str, str]:
        """Command, risk and verification, with names from the record filled in where that is safe."""
        action = self.variant["next"] if self.variant else self.signature.next
        known = {**self.groups, **values}
        return {key: fill(text, known) for key, text in action.items()}


def fill(template: str, values: dict[str, str]) -> str:
    """`{name}` by its value; a value that a shell could misread stays a name in capitals, for the reader to fill in."""

    def value(match: re.Match[str]) -> str:
        text = values.get(match[1], "")
        return text if _SAFE.match(text) else match[1].upper()

    return _PLACEHOLDER.sub(value, template)


def blanks(signature: Signature) -> set[str]:
    """What `fill` leaves in the commands of a row for values that it does not get."""
    actions = (signature.next, signature.otherwise, *(variant["next"] for variant in signature.variants))
    return {name.upper() for action in actions for name in _PLACEHOLDER.findall(action.get("command", ""))}


def catalogue(site: Iterable[dict[str, Any]] = ()) -> list[Signature]:
    """All signatures, those of the site added; one with the id of a built-in replaces it. Every fault is named at once."""
    problems: list[str] = []
    found: dict[str, Signature] = {}
    for area in (startup, flyway, data_stores, calls, access, process, facts):
        for entry in area.SIGNATURES:
            found[entry["id"]] = _build(entry, "the catalogue", problems)
    for number, entry in enumerate(site):
        where = f"signatures[{number}]" + (f" ({entry['id']})" if isinstance(entry, dict) and entry.get("id") else "")
        signature = _build(entry, where, problems, site=True)
        found[signature.id] = signature
    if problems:
        raise LogsError("signatures: " + "; ".join(problems))
    return sorted(found.values(), key=lambda signature: (signature.priority, signature.id))


def _build(entry: Any, where: str, problems: list[str], site: bool = False) -> Signature:
    before = len(problems)
    if not isinstance(entry, dict):
        problems.append(f"{where}: expected a mapping, found {type(entry).__name__}")
        entry = {}
    data = {key: value for key, value in entry.items() if value is not None}
    for key in sorted(set(data) - KEYS):
        problems.append(f"{where}: unknown key {key!r}; known are {', '.join(sorted(KEYS))}")
    if site and entry:
        _check(data, where, problems)
    alternatives = [one if isinstance(one, (list, tuple)) else [one] for one in data.get("patterns", [])]
    patterns = tuple(tuple(_compile(str(part), where, problems) for part in one) for one in alternatives)
    if len(problems) > before:
        return Signature(f"invalid {where}", 9, "", "note", "", {}, "")
    return Signature(
        id=str(data["id"]),
        priority=int(data.get("priority", 5)),
        about=str(data.get("about", "service")),
        severity=str(data.get("severity", "degraded")),
        meaning=str(data["meaning"]),
        next={key: str(data["next"][key]) for key in ("command", "risk", "verify")},
        source=str(data.get("source", "added by the site")),
        otherwise={key: str(value) for key, value in (data.get("otherwise") or {}).items()},
        told=str(data.get("told", "")),
        patterns=patterns,
        literals=tuple(max((required_literal(str(part)) for part in one), key=len) for one in alternatives),
        details=tuple(_compile(str(part), where, problems) for part in data.get("details", [])),
        yields_to=tuple(data.get("yields_to", ())),
        requires=_compile(str(data["requires"]), where, problems) if data.get("requires") else None,
        anywhere=str(data.get("anywhere", "")),
        only_in=tuple(data.get("only_in", ())),
        holds_while_running=bool(data.get("holds_while_running", False)),
        by_probe=bool(data.get("by_probe", False)),
        observed_by=str(data.get("observed_by", "the log")),
        variants=tuple(data.get("variants", ())),
        site=site,
    )


def _check(data: dict[str, Any], where: str, problems: list[str]) -> None:
    if not re.match(r"^[A-Z][A-Z0-9_]{1,60}$", str(data.get("id", ""))):
        problems.append(f"{where}: id must be capitals, digits and _, such as SITE_LICENSE")
    if not str(data.get("meaning", "")).strip():
        problems.append(f"{where}: meaning is missing")
    if not isinstance(data.get("patterns"), list) or not data["patterns"]:
        problems.append(f"{where}: patterns must be a list of at least one regular expression")
        data["patterns"] = []
    action = data.get("next")
    missing = [k for k in ("command", "risk", "verify") if not isinstance(action, dict) or not action.get(k)]
    if missing:
        problems.append(f"{where}: next lacks {', '.join(missing)}")
    elif isinstance(action, dict) and action["risk"] not in RISKS:
        problems.append(f"{where}: next.risk is {action['risk']!r}, not one of {', '.join(RISKS)}")
    if not str(data.get("priority", 5)).isdigit() or not 1 <= int(data.get("priority", 5)) <= 9:
        problems.append(f"{where}: priority is {data['priority']!r}, not 1 to 9 (1 is blamed first)")
    if data.get("severity", "degraded") not in SEVERITIES:
        problems.append(f"{where}: severity is {data['severity']!r}, not one of {', '.join(SEVERITIES)}")
    for key in ("details", "yields_to", "only_in", "variants"):
        if not isinstance(data.get(key, []), (list, tuple)):
            problems.append(f"{where}: {key} must be a list")
            data[key] = []


def _compile(text: str, where: str, problems: list[str]) -> re.Pattern[str]:
    try:
        pattern = re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        problems.append(f"{where}: {text!r} is no regular expression: {error}")
        return re.compile("(?!)")
    if pattern.match(""):
        problems.append(f"{where}: {text!r} matches the empty text, so it would match every record")
    return pattern


_QUANTIFIERS = {"*": True, "?": True, "{": True, "+": False}  # whether the character before may be absent


def required_literal(pattern: str) -> str:
    """The longest text that every match holds for sure; "" if there is none that can be told without doubt.

    Only plain characters outside of groups count. Quotes, blanks other than the space, slashes and anything beyond
    ASCII end a run, as a structured log writes them escaped.
    """
    if pattern.startswith("(?") and not pattern.startswith(("(?:", "(?P", "(?=", "(?!", "(?<")):
        return ""  # flags such as (?i)
    runs, current, position = [], "", 0
    while position < len(pattern):
        char = pattern[position]
        if char == "|":
            return ""
        literal = ""
        if char == "\\":
            following = pattern[position + 1 : position + 2]
            literal = "" if following.isalnum() else following
            position += 2
        elif char in "([":
            position = _skip(pattern, position)
        elif char in _QUANTIFIERS:
            if _QUANTIFIERS[char]:
                current = current[:-1]
            position = pattern.find("}", position) + 1 if char == "{" else position + 1
            if position == 0:
                return ""
        else:
            literal = "" if char in ".^$)" else char
            position += 1
        if literal and literal.isascii() and literal.isprintable() and literal not in "\"'\\/<>&":
            current += literal
        else:
            runs.append(current)
            current = ""
    return max([*runs, current], key=len)


def _skip(pattern: str, position: int) -> int:
    """Behind the group or class that opens here."""
    if pattern[position] == "[":
        end = position + 1
        if pattern[end : end + 1] == "^":
            end += 1
        end += 1  # a bracket in the first place is an ordinary character
        while end < len(pattern) and pattern[end] != "]":
            end += 2 if pattern[end] == "\\" else 1
        return end + 1
    depth = 0
    while position < len(pattern):
        char = pattern[position]
        if char == "\\":
            position += 2
            continue
        if char == "[":
            position = _skip(pattern, position)
            continue
        depth += (char == "(") - (char == ")")
        position += 1
        if depth == 0:
            break
    return position
