# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment that a process runs with: against its file, against the rules; secrets as keyed fingerprints alone."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils import _environment
from ansible_collections.dwp.backend.plugins.module_utils._collect.services import Seen
from ansible_collections.dwp.backend.plugins.module_utils._environment_rules import DEFAULT_RULES
from ansible_collections.dwp.backend.plugins.module_utils._environment_text import HIDDEN, is_secret_name, overlay_arguments, shower
from ansible_collections.dwp.backend.plugins.module_utils._release import plan

Fingerprint = Callable[[str], str]

_OF_JAVA = "_JAVA_OPTIONS|JAVA_TOOL_OPTIONS|JDK_JAVA_OPTIONS"  # what the JVM itself reads
#: Names whose values say where something is or how it is set, and are no secrets.
_PLAIN = re.compile(
    r"_(?:URL|URI|HOST|ADDRESS|PORT|NAME|USERNAME|DATABASE|SCHEMAS?|TABLE|IMPORT|LOCATIONS?|ENABLED|SECONDS|CHANNEL|SIZE|TIMEOUT)$"
    r"|^(?:SPRING_PROFILES_ACTIVE|TZ|LANG)$|^(?:CORS|JPA|LOG|LOGGING)_"
    rf"|^(?:{_OF_JAVA})$"
    r"|AUTHSERVERURL$|REDIRECTBASEURL$|^MANAGEMENT_|^SERVER_"
    r"|^SPRING_(?:CLOUD_GATEWAY|DATASOURCE_HIKARI|DATA_REDIS|FLYWAY|JPA|LIFECYCLE|MAIN|MVC|SERVLET|TASK|WEB)_"
)


def secrets_of(seen: Iterable[Seen], rules: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Every secret value in reach, also those that only a file or an earlier process has."""
    found: set[str] = set()
    for one in seen:
        declared = rules.get(one.name, {}).get("secrets", ())
        pairs = list(one.file.items())
        if one.process:
            pairs += one.process.environment.items()
            given = [argument.lstrip("-").removeprefix("D").partition("=") for argument in one.process.arguments]
            pairs += [(name, value) for name, _equals, value in given]
        found.update(value for name, value in pairs if value and is_secret_name(name, declared))
    return found


class Environments:
    """All services of the host together, because some rules compare them with each other."""

    def __init__(
        self, seen: Mapping[str, Seen], host: str, rules: Mapping[str, Mapping[str, Any]], extra: Sequence[Mapping[str, Any]],
        fingerprint: Fingerprint,
    ) -> None:  # fmt: skip
        self._host, self._fingerprint = host, fingerprint
        self._rules, self._used = rules, _environment.merge_rules(DEFAULT_RULES, extra)
        known = _environment.known_names(self._used, rules)
        self._values = {
            name: overlay_arguments(one.process.environment, one.process.arguments, known) if one.process else dict(one.file)
            for name, one in seen.items()
            if one.source != "none"
        }

    def secret(self, service: str, variable: str) -> bool:
        return is_secret_name(variable, self._rules.get(service, {}).get("secrets", ()))

    def violations(self, environment_name: str, development: bool) -> dict[str, list[dict[str, Any]]]:
        """What speaks against the running environments, by service."""
        rules = {**self._rules, **{f"{name}@{self._host}": rule for name, rule in self._rules.items() if name in self._values}}
        keyed = {f"{name}@{self._host}": values for name, values in self._values.items()}
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in self._values}
        for one in _environment.check(
            keyed, self._used, environment_name=environment_name, development=development, service_rules=rules,
            fingerprint=self._fingerprint,
        ):  # fmt: skip
            found[one.service].append(
                {"variable": one.variable, "rule": one.rule, "id": one.id, "severity": one.severity, "message": one.message}
            )
        return found

    def describe(self, one: Seen, started: float | None) -> dict[str, Any]:
        """One service; its violations are added later."""
        values = self._values.get(one.name, {})
        shown = shower(value for name, value in values.items() if self.secret(one.name, name))
        modified = _modified(one.path)
        edited = "environment" in one.entry["tampered"]
        plain = {
            name: shown(name, value, False) if value else ""
            for name, value in sorted(values.items())
            if _PLAIN.search(name) and not self.secret(one.name, name)
        }
        return {
            "source": one.source,
            "file": one.path,
            "file_modified": modified,
            "process_started": started,
            "edited": edited,
            "fingerprints": {
                name: self._fingerprint(value) for name, value in sorted(values.items()) if value and self.secret(one.name, name)
            },
            "differences": self._differences(one, "file" if edited else "release"),
            "plain": plain,
            "violations": [],
        }

    def _differences(self, one: Seen, label: str) -> list[dict[str, Any]]:
        """Where the process has not what the file on disk says: what a restart would change."""
        if one.process is None or one.text is None:
            return []
        running = one.process.environment
        everything = [value for values in (one.file, running) for name, value in values.items() if self.secret(one.name, name)]
        shown = shower(everything)
        result = []
        for name in plan.drift(running, one.text):
            secret = self.secret(one.name, name)
            sides = ((label, one.file.get(name)), ("process", running.get(name)))
            if secret:
                values = {side: self._fingerprint(value) if value else "" for side, value in sides if value is not None}
            else:
                values = {side: shown(name, value, False) if value else "" for side, value in sides if value is not None}
            result.append({"variable": name, "between": [label, "process"], "secret": secret, "values": values})
        return result


_READ = re.compile(
    r"(?:SPRING|SERVER|MANAGEMENT|SERVICE|DB|REDIS|CORS|JPA|JWT|AURA|LOGGING)_"
    rf"|(?:{_OF_JAVA})$"
)


def against_inventory(
    wanted: Mapping[str, str], declared: Collection[str], environment: Mapping[str, Any], fingerprint: Fingerprint
) -> list[dict[str, Any]]:
    """Where a described environment has not what the inventory says: what a deployment would change.

    Only what was described can be compared: addresses, names and the fingerprints of secrets, nothing that is masked.
    """
    source = environment.get("source")
    if source not in ("process", "release"):
        return []
    plain, digests = environment.get("plain") or {}, environment.get("fingerprints") or {}
    shown = shower(value for name, value in wanted.items() if value and is_secret_name(name, declared))
    found = []
    for name, value in sorted(wanted.items()):
        secret = is_secret_name(name, declared)
        if not secret and not _PLAIN.search(name):
            continue
        if secret:
            sides = (fingerprint(value) if value else "", digests.get(name, ""))
        else:
            sides = (shown(name, value, False) if value else "", plain.get(name))
        if sides[0] != sides[1] and not any("***" in str(side) or side == HIDDEN for side in sides):
            values = {where: side for where, side in zip(("inventory", source), sides) if side is not None}
            found.append({"variable": name, "between": ["inventory", source], "secret": secret, "values": values})
    # What the application reads and the inventory does not set: a deployment takes it away.
    for name in sorted({name for name in (*plain, *digests) if _READ.match(name)} - set(wanted)):
        values = {source: plain.get(name, digests.get(name))}
        found.append({"variable": name, "between": ["inventory", source], "secret": name in digests, "values": values})
    return sorted(found, key=lambda one: str(one["variable"]))


def _modified(path: str) -> float | None:
    try:
        return round(os.stat(path).st_mtime, 1)
    except OSError:
        return None
