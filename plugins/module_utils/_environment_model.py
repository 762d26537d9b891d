# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rule is, to whom it applies, and what it answers."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from ansible_collections.dwp.backend.plugins.module_utils._environment_kinds import KINDS
from ansible_collections.dwp.backend.plugins.module_utils._environment_text import near_name

ERROR = "error"
WARNING = "warning"
OFF = "off"
PROFILE_VARIABLE = "SPRING_PROFILES_ACTIVE"

Rule = Mapping[str, Any]

# Keys that every kind of rule understands, with their types.
_COMMON: dict[str, tuple[type, ...]] = {
    "id": (str,),
    "rule": (str,),
    "variable": (str, list, tuple),  # a name, several, or a pattern such as SERVICE_*_URL
    "services": (str, list, tuple),  # "all", or names of services and "trait:NAME"
    "severity": (str,),  # error, warning or off
    "in_development": (str,),  # severity there: off, warning or error
    "default": (str,),  # what the application takes when the variable is not set; checked in its place
    "profiles": (list, tuple),  # only when one of these Spring profiles is active
    "not_profiles": (list, tuple),
    "when": (dict,),  # only when these variables have these values (case does not count)
    "when_set": (str,),
    "unless_set": (str,),
    "when_service": (str,),  # only when that service is part of the platform
    "why": (str,),
    "fix": (str,),
    "source": (str,),
}
_WITHOUT_VARIABLE = ("known_name",)


class RuleError(ValueError):
    """Rules or options that cannot be used; every problem in one go."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        super().__init__("Environment rules: " + "; ".join(self.problems))


class Violation(NamedTuple):
    """One rule broken by one variable of one instance."""

    service: str
    host: str | None
    variable: str
    rule: str
    id: str
    severity: str
    message: str
    line: int | None
    source: str | None
    reference: str

    def to_dict(self) -> dict[str, Any]:
        return dict(self._asdict())


class Source(NamedTuple):
    """Where an environment was read from, and the line of each variable if it has lines."""

    name: str
    lines: Mapping[str, int] = {}


class Instance(NamedTuple):
    """The environment of one service on one host with all that is known about it."""

    key: str
    service: str
    host: str | None
    values: Mapping[str, str]
    required: frozenset[str]
    secrets: frozenset[str]
    traits: frozenset[str]
    local_ok: Mapping[str, Collection[int] | None]
    exempt: frozenset[str]
    source: Source | None

    @property
    def title(self) -> str:
        return f"{self.service} on {self.host}" if self.host else self.service

    @property
    def profiles(self) -> frozenset[str]:
        return frozenset(part.strip() for part in self.values.get(PROFILE_VARIABLE, "").split(",")) - {""}


def split_key(key: str) -> tuple[str, str | None]:
    """C(auth@app-01) -> auth, app-01; C(auth) -> auth, None."""
    service, _at, host = key.partition("@")
    return service, host or None


def matching_variables(rule: Rule, values: Collection[str]) -> list[str]:
    """The names that a rule speaks of: as written, or for a pattern those that are set."""
    wanted = rule.get("variable", ())
    result: list[str] = []
    for name in [wanted] if isinstance(wanted, str) else wanted:
        found = sorted(each for each in values if fnmatchcase(each, name)) if "*" in name else [name]
        result.extend(each for each in found if each not in result)
    return result


def severity_of(rule: Rule, development: bool) -> str | None:
    """Error, warning, or None when the rule rests, everywhere or in development."""
    severity = str(rule.get("severity", ERROR))
    if development and severity != OFF:
        severity = str(rule.get("in_development", severity))
    return None if severity == OFF else severity


def concerns(rule: Rule, instance: Instance) -> bool:
    """Whether the rule speaks of this service at all."""
    if rule["id"] in instance.exempt:
        return False
    services = rule.get("services", "all")
    if services == "all":
        return True
    names = [services] if isinstance(services, str) else services
    return any(
        name[6:] in instance.traits if name.startswith("trait:") else name == instance.service for name in names
    )


def applies(rule: Rule, instance: Instance, services: Collection[str]) -> bool:
    """Whether the rule speaks of this service in its present state."""
    if not concerns(rule, instance):
        return False
    if "profiles" in rule and not instance.profiles & set(rule["profiles"]):
        return False
    if instance.profiles & set(rule.get("not_profiles", ())):
        return False
    if "when_service" in rule and rule["when_service"] not in services:
        return False
    if "when_set" in rule and not instance.values.get(rule["when_set"]):
        return False
    if "unless_set" in rule and instance.values.get(rule["unless_set"]):
        return False
    conditions = rule.get("when", {})
    return all(instance.values.get(name, "").lower() == str(value).lower() for name, value in conditions.items())


def merge_rules(
    defaults: Iterable[Rule], extra: Iterable[Rule] = (), disable: Collection[str] = ()
) -> list[dict[str, Any]]:
    """The rules in use: an extra rule with a known id replaces it key by key, a new one is added."""
    rules = {str(rule["id"]): dict(rule) for rule in defaults}
    problems: list[str] = []
    for position, rule in enumerate(extra, 1):
        identity = rule.get("id") if isinstance(rule, Mapping) else None
        if not identity or not isinstance(identity, str):
            problems.append(f"rule {position} needs an id (a word)")
            continue
        # YAML 1.1 reads a bare off as false.
        rule = {key: OFF if value is False and key in ("severity", "in_development") else value for key, value in rule.items()}
        before = rules.get(identity, {})
        # Another kind of rule has other arguments: nothing of the old one may linger.
        rules[identity] = {**before, **rule} if before.get("rule") == rule.get("rule", before.get("rule")) else dict(rule)
    for identity in disable:
        if identity not in rules:
            meant = near_name(identity, rules, limit=3)
            problems.append(f"disable: there is no rule {identity}" + (f" (did you mean {meant}?)" if meant else ""))
    for identity, rule in rules.items():
        problems.extend(f"{identity}: {problem}" for problem in _rule_problems(rule))
    if problems:
        raise RuleError(problems)
    return [rule for identity, rule in rules.items() if identity not in disable]


def _rule_problems(rule: Rule) -> list[str]:
    name = rule.get("rule")
    if not isinstance(name, str) or name not in KINDS:
        meant = near_name(str(name), KINDS)
        return [f"there is no kind of rule {name!r}" + (f" (did you mean {meant}?)" if meant else "")]
    kind = KINDS[name]
    allowed = {**_COMMON, **kind.arguments}
    problems = []
    for key, value in rule.items():
        if key not in allowed:
            meant = near_name(str(key), allowed)
            hint = f" (did you mean {meant}?)" if meant else f"; {name} takes {', '.join(sorted(kind.arguments)) or 'none'}"
            problems.append(f"unknown argument {key}{hint}")
        elif not isinstance(value, allowed[key]) or (isinstance(value, bool) and bool not in allowed[key]):
            types = " or ".join(sorted({_type_name(each) for each in allowed[key]}))
            problems.append(f"{key} is of type {_type_name(type(value))}, not {types}")
    problems.extend(f"{name} needs the argument {key}" for key in kind.needed if key not in rule)
    if name not in _WITHOUT_VARIABLE and not rule.get("variable"):
        problems.append("the variable is missing")
    for key in ("severity", "in_development"):
        if rule.get(key, ERROR) not in (ERROR, WARNING, OFF):
            problems.append(f"{key} is {rule[key]!r}, not one of {ERROR}, {WARNING}, {OFF}")
    if "regex" in rule and not problems:
        try:
            re.compile(rule["regex"])
        except re.error as error:
            problems.append(f"regex cannot be compiled: {error}")
    return problems


def _type_name(each: type) -> str:
    return {str: "text", int: "number", bool: "true/false", dict: "mapping", list: "list", tuple: "list"}.get(
        each, each.__name__
    )
