# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks environments against rules. Pure: mappings in, a list of violations out, no value of a secret anywhere.

An environment has the key C(auth) or, with several instances, C(auth@app-01); without a host, all are taken to share one.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets as random_source
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Callable

from ansible_collections.dwp.backend.plugins.module_utils import _environment_fleet as fleet
from ansible_collections.dwp.backend.plugins.module_utils._environment_kinds import VALUE_KINDS
from ansible_collections.dwp.backend.plugins.module_utils._environment_model import (
    PROFILE_VARIABLE,
    Instance,
    Rule,
    RuleError,
    Source,
    Violation,
    applies,
    matching_variables,
    merge_rules,
    severity_of,
    split_key,
)
from ansible_collections.dwp.backend.plugins.module_utils._environment_rules import DEFAULT_RULES, DEFAULT_TRAITS
from ansible_collections.dwp.backend.plugins.module_utils._environment_text import (
    addresses,
    is_loopback,
    is_secret_name,
    near_name,
    shower,
)

DEVELOPMENT_NAMES = frozenset(["demo", "dev", "development", "local", "test"])
_JWT_SECRET = "JWT_SECRET"  # who declares it takes part in the rules about it
_CATALOGUE = "the catalogue"
_SERVICE_KEYS = frozenset(["required", "optional", "secrets", "traits", "local_ok", "exempt"])

Fingerprint = Callable[[str], str]
Report = Callable[..., None]


def is_development(environment_name: str) -> bool:
    """Whether an environment of this name is for developing, if nobody says so explicitly."""
    return environment_name.lower() in DEVELOPMENT_NAMES


def fingerprinter(key: bytes | None = None) -> Fingerprint:
    """A function from a value to 8 hex digits: equal values, equal digits, and nothing else to learn without the key.

    The key is random for each run; give one to compare the results of several hosts or runs.
    """
    used = key or random_source.token_bytes(32)

    def fingerprint(value: str) -> str:
        return hmac.new(used, value.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()[:8]

    return fingerprint


def instances_of(
    environments: Mapping[str, Mapping[str, str]],
    service_rules: Mapping[str, Mapping[str, Any]] | None = None,
    sources: Mapping[str, Source] | None = None,
) -> list[Instance]:
    """Environments by key joined with what the catalogue says of the service (and, keyed C(auth@app-01), the instance)."""
    rules = service_rules or {}
    problems = [
        f"services.{key}: unknown key {name}; known are {', '.join(sorted(_SERVICE_KEYS))}"
        for key, entry in rules.items() for name in entry if name not in _SERVICE_KEYS
    ]
    if problems:
        raise RuleError(problems)
    result = []
    for key in sorted(environments):
        service, host = split_key(key)
        entry = {**rules.get(service, {}), **rules.get(key, {})}
        local_ok = entry.get("local_ok", {})
        traits = set(entry["traits"] if "traits" in entry else DEFAULT_TRAITS.get(service, ()))
        if _JWT_SECRET in (*entry.get("required", ()), *entry.get("secrets", ())):
            traits.add("jwt")
        result.append(Instance(
            key, service, host, environments[key],
            required=frozenset(entry.get("required", ())),
            secrets=frozenset(entry.get("secrets", ())),
            traits=frozenset(traits),
            local_ok=dict(local_ok) if isinstance(local_ok, Mapping) else dict.fromkeys(local_ok),
            exempt=frozenset(entry.get("exempt", ())),
            source=(sources or {}).get(key),
        ))
    return result


def check(
    environments: Mapping[str, Mapping[str, str]],
    rules: Iterable[Rule] = DEFAULT_RULES,
    *,
    environment_name: str = "",
    development: bool = False,
    service_rules: Mapping[str, Mapping[str, Any]] | None = None,
    fingerprint: Fingerprint | None = None,
    sources: Mapping[str, Source] | None = None,
) -> list[Violation]:
    """All violations at once, by service, host, variable and rule. Of rules with one id the later changes the earlier.

    ``service_rules`` by service or instance: C(required), C(optional), C(secrets) (names), C(traits), C(exempt) (ids of
    rules that this service need not keep), and C(local_ok): the variables that may point to this very machine because
    the inventory places their target on it, as a list, or as a mapping to the ports that are right there.
    """
    used = merge_rules((), rules)
    instances = instances_of(environments, service_rules, sources)
    checker = _Checker(used, instances, environment_name, development, service_rules or {})
    for instance in instances:
        for rule in checker.rules_for(instance):
            checker.check_instance(rule, instance)
    digest = fingerprint or fingerprinter()
    for rule in used:
        if rule["rule"] in fleet.CHECKS and severity_of(rule, development):
            fleet.CHECKS[rule["rule"]](rule, instances, digest, checker.show, checker.report)
    return checker.sorted()


def fingerprints(instances: Iterable[Instance], fingerprint: Fingerprint) -> dict[str, dict[str, str]]:
    """Fingerprints of the secrets that are set, by instance and variable."""
    return {
        instance.key: {
            name: fingerprint(value) for name, value in sorted(instance.values.items())
            if value and is_secret_name(name, instance.secrets)
        }
        for instance in instances
    }


def check_fingerprints(
    found: Mapping[str, Mapping[str, str]],
    rules: Iterable[Rule] = DEFAULT_RULES,
    *,
    development: bool = False,
    service_rules: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[Violation]:
    """The one-value rules over fingerprints that several hosts made with the same key."""
    instances = instances_of(found, service_rules)
    checker = _Checker([], instances, "", development, service_rules or {})
    for rule in merge_rules((), rules):
        if rule["rule"] == "equal_across" and not rule.get("same") and severity_of(rule, development):
            fleet.equal_across(rule, instances, str, checker.show, checker.report)
    return checker.sorted()


def differences(
    wanted: Mapping[str, str], actual: Mapping[str, str], fingerprint: Fingerprint, secrets: Collection[str] = ()
) -> list[dict[str, str]]:
    """Where a running process has not what its file says: C(missing) or C(different), secrets as fingerprints only."""
    shown = shower([value for each in (wanted, actual) for name, value in each.items() if is_secret_name(name, secrets)])
    result = []
    for name, value in sorted(wanted.items()):
        if actual.get(name) == value:
            continue
        secret = is_secret_name(name, secrets)
        entry = {"variable": name, "state": "different" if name in actual else "missing"}
        entry["wanted"] = fingerprint(value) if secret else shown(name, value, False)
        if name in actual:
            entry["actual"] = fingerprint(actual[name]) if secret else shown(name, actual[name], False)
        result.append(entry)
    return result


def known_names(rules: Iterable[Rule], service_rules: Mapping[str, Mapping[str, Any]] | None = None) -> frozenset[str]:
    """Every name that a rule or the catalogue speaks of."""
    names: set[str] = {PROFILE_VARIABLE}
    for rule in rules:
        variable = rule.get("variable", ())
        names.update([variable] if isinstance(variable, str) else variable)
        names.update(rule.get("names", ()))
        names.update(str(rule[key]) for key in ("other", "instead", "unless_set", "when_set") if key in rule)
    for entry in (service_rules or {}).values():
        for key in ("required", "optional", "secrets"):
            names.update(entry.get(key, ()))
    return frozenset(name for name in names if "*" not in name)


class _Checker:
    def __init__(
        self, rules: list[dict[str, Any]], instances: list[Instance], environment_name: str, development: bool,
        service_rules: Mapping[str, Mapping[str, Any]],
    ) -> None:
        self.rules = rules
        self.development = development
        self.outside = "outside development" + (f" (environment {environment_name})" if environment_name else "")
        self.services = {instance.service for instance in instances} | {split_key(key)[0] for key in service_rules}
        self.known = known_names(rules, service_rules)
        self.shown = shower(
            value for instance in instances for name, value in instance.values.items()
            if is_secret_name(name, instance.secrets)
        )
        self.typos: dict[str, str] = {}
        self.meant: dict[str, str | None] = {}
        for rule in rules:
            self.typos.update(rule.get("typos", {}))
        self.found: dict[tuple[str, str, str], Violation] = {}

    def rules_for(self, instance: Instance) -> list[dict[str, Any]]:
        catalogue = [
            {"id": "catalogue-required", "rule": "required", "variable": name, "source": _CATALOGUE}
            for name in sorted(instance.required)
        ]
        return [
            rule for rule in self.rules + catalogue
            if rule["rule"] not in fleet.CHECKS and severity_of(rule, self.development)
            and applies(rule, instance, self.services)
        ]

    def check_instance(self, rule: Rule, instance: Instance) -> None:
        kind = rule["rule"]
        if kind == "known_name":
            self.known_name(rule, instance)
            return
        for name in matching_variables(rule, instance.values):
            if kind == "required":
                self.required(rule, instance, name)
            elif kind in VALUE_KINDS:
                self.value(rule, instance, name)
            else:
                getattr(self, kind)(rule, instance, name)

    def show(self, instance: Instance, name: str, value: str) -> str:
        return self.shown(name, value, is_secret_name(name, instance.secrets))

    def value(self, rule: Rule, instance: Instance, name: str) -> None:
        value = instance.values.get(name, rule.get("default"))
        if value is None or (value == "" and rule["rule"] not in ("not_empty", "one_of")):
            return
        check_value = VALUE_KINDS[rule["rule"]].check
        problem = check_value(value, rule, lambda text: self.show(instance, name, text)) if check_value else None
        if problem and name not in instance.values:
            problem = f"is not set, and the default {problem}"
        if problem:
            self.report(rule, instance, name, problem)

    def required(self, rule: Rule, instance: Instance, name: str) -> None:
        if instance.values.get(name):
            return
        written = sorted(typo for typo, meant in self.typos.items() if meant == name and typo in instance.values)
        hint = f", but {written[0]} is (a typing mistake?)" if written else ""
        self.report(rule, instance, name, "is set, but empty" if name in instance.values else f"is not set{hint}")

    def not_localhost(self, rule: Rule, instance: Instance, name: str) -> None:
        value = instance.values.get(name, rule.get("default", ""))
        allowed = instance.local_ok.get(name) if name in instance.local_ok else frozenset()
        for part in value.split(rule["separator"]) if "separator" in rule else [value]:
            for host, port in addresses(part):
                port = port or _number(instance.values.get(rule.get("port_variable", ""), "")) or rule.get("port")
                if not is_loopback(host) or allowed is None or port in allowed:
                    continue
                what = f"points to this very machine ({self.show(instance, name, part)}) {self.outside}"
                if name not in instance.values:
                    what = f"is not set, and the default {what}"
                elif name in instance.local_ok:
                    what += f", where the inventory places nothing on port {port or 'of its scheme'}"
                self.report(rule, instance, name, what)
                return

    def unused(self, rule: Rule, instance: Instance, name: str) -> None:
        if name in instance.values and not instance.values.get(rule.get("instead", "")):
            instead = f"; {rule['instead']} is read instead, and that is not set" if "instead" in rule else ""
            self.report(rule, instance, name, f"has no effect here: {instance.service} does not read it{instead}")

    def shadowed(self, rule: Rule, instance: Instance, name: str) -> None:
        if name not in instance.values:
            return
        if "by" in rule:
            if instance.values.get(rule["by"]) not in (None, "", instance.values[name]):
                self.report(rule, instance, name, f"has no effect: {rule['by']} is set too and wins")
            return
        for profile in sorted(instance.profiles & set(rule.get("profiles", ()))):
            fixed = rule.get("fixed", {}).get(profile)
            if fixed is None or fixed.rstrip("/") != instance.values[name].rstrip("/"):
                to = f" to {fixed}" if fixed else ""
                self.report(rule, instance, name, f"has no effect: the profile {profile} fixes the value{to}")

    def same_value(self, rule: Rule, instance: Instance, name: str) -> None:
        mine, other = instance.values.get(name), instance.values.get(rule["other"])
        if mine and other and mine.rstrip("/") != other.rstrip("/"):
            self.report(
                rule, instance, name,
                f"is {self.show(instance, name, mine)}, but {rule['other']} is {self.show(instance, rule['other'], other)}",
            )

    def known_name(self, rule: Rule, instance: Instance) -> None:
        namespaces = tuple(rule.get("namespaces", ()))
        for name in sorted(instance.values):
            if name in self.known or name in rule.get("ignore", ()) or re.sub(r"_?\d+\Z", "", name) in self.known:
                continue
            in_namespace = name.startswith(namespaces) if namespaces else False
            if name not in self.meant:  # a fleet has the same names on every host
                self.meant[name] = self.typos.get(name) or near_name(name, self.known, 1 if in_namespace else 2)
            meant = self.meant[name]
            if meant:
                self.report(rule, instance, name, f"is a name that nothing reads; {meant} was probably meant")
            elif rule.get("strict") and not in_namespace:
                self.report(rule, instance, name, "is not a name that the catalogue or a rule knows")

    def report(self, rule: Rule, instance: Instance, name: str, problem: str) -> None:
        severity = severity_of(rule, self.development)
        if severity is None:
            return
        source = instance.source
        line = source.lines.get(name) if source else None
        place = f" ({source.name}{f', line {line}' if line else ''})" if source else ""
        parts = [f"{instance.title}: {name} {problem}{place}.", rule.get("why", ""), rule.get("fix", "")]
        if is_secret_name(name, instance.secrets) and instance.values.get(name):
            parts.append("The value is not shown.")
        violation = Violation(
            instance.service, instance.host, name, rule["rule"], rule["id"], severity,
            " ".join(part for part in parts if part), line, source.name if source else None, rule.get("source", ""),
        )
        before = self.found.get((instance.key, name, rule["rule"] + problem))
        if before is None or (before.severity != "error" and severity == "error"):
            self.found[(instance.key, name, rule["rule"] + problem)] = violation

    def sorted(self) -> list[Violation]:
        return sorted(
            self.found.values(),
            key=lambda each: (each.service, each.host or "", each.variable, each.severity, each.id, each.message),
        )


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,5}", text) else None
