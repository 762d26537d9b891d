# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules over several environments: one value everywhere, or a value of its own for each service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ansible_collections.dwp.backend.plugins.module_utils._environment_model import Instance, Rule, concerns
from ansible_collections.dwp.backend.plugins.module_utils._environment_text import is_loopback

Report = Callable[[Rule, Instance, str, str], None]
Fingerprint = Callable[[str], str]
Show = Callable[[Instance, str, str], str]


def equal_across(
    rule: Rule, instances: Sequence[Instance], fingerprint: Fingerprint, show: Show, report: Report
) -> None:
    """All instances have one value, or all that agree on the variables in ``same`` have. Fingerprints are compared."""
    name = rule["variable"]
    for members in _grouped(rule, rule.get("same", ()), instances):
        values = [
            (instance, instance.values.get(name, "")) for instance in members
            if instance.values.get(name) or rule.get("unset_counts")
        ]
        digests = [(instance, fingerprint(value) if value else "empty") for instance, value in values]
        counted = [digest for _service, digest in digests]
        if len(set(counted)) < 2:
            continue
        # The many are taken to be right; with equal numbers the first is the measure.
        right = max(counted, key=lambda digest: (counted.count(digest), -counted.index(digest)))
        having = _titles([instance for instance, digest in digests if digest == right])
        for instance, digest in digests:
            if digest != right:
                report(rule, instance, name, f"differs (fingerprint {digest}) from that of {having} (fingerprint {right})")


def distinct_across(
    rule: Rule, instances: Sequence[Instance], fingerprint: Fingerprint, show: Show, report: Report
) -> None:
    """No two services have the same value (where the variables in ``same`` agree, or on one host)."""
    name = rule["variable"]
    groups: dict[tuple[str, ...], list[Instance]] = {}
    for members in _grouped(rule, rule.get("same", ()), instances):
        for instance in members:
            if instance.values.get(name):
                host = (instance.host or "",) if rule.get("same_host") else ()
                group = (*host, *(_place(rule, each, instance) for each in rule.get("same", ())), instance.values[name])
                groups.setdefault(group, []).append(instance)
    for members in groups.values():
        first = members[0]
        for instance in members[1:]:
            if instance.service != first.service:
                report(rule, instance, name, f"is {show(instance, name, instance.values[name])}, the same as for {first.title}")


CHECKS: dict[str, Callable[[Rule, Sequence[Instance], Fingerprint, Show, Report], None]] = {
    "equal_across": equal_across,
    "distinct_across": distinct_across,
}


def _grouped(rule: Rule, same: Sequence[str], instances: Sequence[Instance]) -> list[list[Instance]]:
    """Instances that the rule speaks of, by the values of these variables; those without them stand alone."""
    groups: dict[tuple[str, ...], list[Instance]] = {}
    for instance in instances:
        if concerns(rule, instance):
            key = tuple(_place(rule, name, instance) for name in same)
            if all(key):
                groups.setdefault(key, []).append(instance)
    return list(groups.values())


def _place(rule: Rule, name: str, instance: Instance) -> str:
    """A value as part of a place: this machine is one place for those on it and another for those on other hosts."""
    assume: Mapping[str, Any] = rule.get("assume", {})
    value = instance.values.get(name) or str(assume.get(name, ""))
    return f"this machine@{instance.host or ''}" if value and is_loopback(value) else value


def _titles(instances: Sequence[Instance]) -> str:
    names = sorted({instance.title for instance in instances})
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
