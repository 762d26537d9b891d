# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the environments of a host and checks them: the work of dwp_env_assert without Ansible."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.dwp.backend.plugins.module_utils import _envfile, _processes
from ansible_collections.dwp.backend.plugins.module_utils._environment import (
    DEFAULT_RULES,
    check,
    check_fingerprints,
    fingerprinter,
    fingerprints,
    instances_of,
    known_names,
    merge_rules,
)
from ansible_collections.dwp.backend.plugins.module_utils._environment_model import (
    ERROR,
    WARNING,
    Source,
    Violation,
    split_key,
)
from ansible_collections.dwp.backend.plugins.module_utils._environment_text import is_secret_name, overlay_arguments
from ansible_collections.dwp.backend.plugins.module_utils._platform.environment import as_text

_SHORTEST_KEY = 16
_LARGEST_FILE = 4 * 1024 * 1024


class OptionError(ValueError):
    """Options that cannot be used."""


class Trouble(NamedTuple):
    """What is wrong with a source rather than with a value."""

    message: str
    severity: str = ERROR
    rule: str = "readable"
    variable: str = ""
    line: int | None = None


class Found(NamedTuple):
    """One environment as read; without values when it could not be."""

    values: dict[str, str] | None
    source: Source
    troubles: Sequence[Trouble] = ()


def assert_environments(options: Mapping[str, Any], proc: str = _processes.PROC) -> dict[str, Any]:
    """Options of the module in, its result out; what cannot be read is a violation like others."""
    rules = merge_rules(DEFAULT_RULES, options["rules"], options["disable"])
    services: Mapping[str, Mapping[str, Any]] = options["services"]
    _check_shapes(services, options["fingerprints"])
    known = known_names(rules, services)
    found: dict[str, Found] = {}
    for entry in options["environments"]:
        key = f"{entry['service']}@{entry['host']}" if entry.get("host") else entry["service"]
        if key in found:
            raise OptionError(f"environments: {key} is given twice; give host to tell instances apart")
        found[key] = read_source(entry, known, proc)

    environments = {key: each.values for key, each in found.items() if each.values is not None}
    digest = fingerprinter(_key(options["fingerprint_key"]))
    violations = [_violation(key, trouble, each.source) for key, each in found.items() for trouble in each.troubles]
    violations += check(
        environments, rules, environment_name=options["environment_name"], development=options["development"],
        service_rules=services, fingerprint=digest, sources={key: each.source for key, each in found.items()},
    )
    if not found:
        raise OptionError("environments: is empty, and a check of nothing finds nothing; name at least one")
    own = fingerprints(instances_of(environments, services), digest)
    if options["fingerprints"]:
        merged = {**options["fingerprints"], **own}
        whole = {rule["id"] for rule in rules if rule["rule"] == "equal_across" and not rule.get("same")}
        violations = [violation for violation in violations if violation.id not in whole]
        violations += check_fingerprints(merged, rules, development=options["development"], service_rules=services)
    ordered = sorted(
        set(violations), key=lambda v: (v.service, v.host or "", v.variable, v.severity, v.id, v.line or 0, v.message)
    )
    return {
        "violations": [violation.to_dict() for violation in ordered],
        "errors": sum(violation.severity == "error" for violation in ordered),
        "warnings_count": sum(violation.severity == "warning" for violation in ordered),
        "fingerprints": own,
        "checked": {key: len(values) for key, values in environments.items()},
    }


def read_source(entry: Mapping[str, Any], known: Collection[str], proc: str = _processes.PROC) -> Found:
    """One environment from the file, process or text that the entry names."""
    if entry.get("file"):
        return _from_file(entry["file"])
    if entry.get("environment") is not None:
        return _from_text(entry["environment"])
    source = Source(f"process {entry['pid']}" if entry.get("pid") is not None else "process")
    try:
        process = _find(entry, proc)
    except _processes.ProcessError as error:
        return Found(None, source, [Trouble(str(error))])
    except OSError as error:
        return Found(None, source, [Trouble(f"{proc} cannot be read: {error.strerror}")])
    values = overlay_arguments(process.environment, process.arguments, known)
    return Found(values, Source(f"process {process.pid}"))


def _find(entry: Mapping[str, Any], proc: str) -> _processes.Process:
    if entry.get("pid") is not None:
        return _processes.read_process(entry["pid"], proc)
    name, equals, value = entry["marker"].partition("=")
    if not equals or _envfile.name_problem(name):
        raise OptionError("environments: marker has to be of the form NAME=value")
    found = _processes.find_by_marker(name, value, proc)
    processes = _processes.outermost(found.processes)
    if len(processes) == 1:
        return processes[0]
    if processes:
        pids = ", ".join(str(process.pid) for process in processes)
        raise _processes.ProcessError(0, "ambiguous", f"several processes carry the marker {name}: {pids}; give a pid")
    hidden = f"; {found.unreadable} processes of other users could not be asked (become: true)" if found.unreadable else ""
    raise _processes.ProcessError(0, "gone", f"no running process carries the marker {name}{hidden}")


def _from_file(path: str) -> Found:
    source = Source(path)
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for its writer
            return Found(None, source, [Trouble(f"{path} is not a file")])
        with open(path, "rb") as stream:
            data = stream.read(_LARGEST_FILE + 1)
    except OSError as error:
        what = error.strerror or "it cannot be read"
        return Found(None, source, [Trouble(f"{path}: {what}")])
    if len(data) > _LARGEST_FILE:
        return Found(None, source, [Trouble(f"{path} is larger than any environment can be")])
    found = _from_text_lines(_envfile.decode(data), path)
    if found.values and status.st_mode & stat.S_IROTH and any(is_secret_name(name) for name in found.values):
        mode = format(stat.S_IMODE(status.st_mode), "04o")
        text = f"{path} holds secrets and has mode {mode}: every user of the host can read them; set 0640 or 0600"
        # A warning: the values are right, and the service starts with them.
        found = found._replace(troubles=[*found.troubles, Trouble(text, WARNING, "file_mode")])
    return found


def _from_text(text: str) -> Found:
    source = Source("environment given")
    if not text.lstrip().startswith("{"):
        return _from_text_lines(text, source.name)
    try:
        values = json.loads(text)
    except ValueError as error:
        place = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise OptionError(f"environments: environment starts with {{ but is not JSON{place}; use the filter to_json") from None
    troubles = []
    good: dict[str, str] = {}
    for name, value in values.items():
        if value is None:  # as in the catalogue: the variable is not set
            continue
        given = as_text(value) if isinstance(value, (bool, int, float)) else value
        wrong = _envfile.value_problem(given)
        if not _envfile.NAME.match(name):
            troubles.append(Trouble(f"{name!r} is not a name for a variable", variable=name))
        elif wrong:
            troubles.append(Trouble(f"{name} {wrong}", variable=name))
        else:
            good[name] = given
    return Found(good, source, troubles)


def _from_text_lines(text: str, name: str) -> Found:
    result = _envfile.read(text)
    troubles = [
        Trouble(_envfile.render(name, each), each.severity, variable=each.name or "", line=each.line)
        for each in result.problems
    ]
    return Found(result.values, Source(name, result.lines), troubles)


def _violation(key: str, trouble: Trouble, source: Source) -> Violation:
    service, host = split_key(key)
    title = f"{service} on {host}" if host else service
    return Violation(
        service, host, trouble.variable, trouble.rule, trouble.rule, trouble.severity, f"{title}: {trouble.message}",
        trouble.line, source.name, "",
    )


def _key(text: str | None) -> bytes | None:
    if text is None:
        return None
    if len(text) < _SHORTEST_KEY:
        raise OptionError(f"fingerprint_key has {len(text)} characters, at least {_SHORTEST_KEY} are needed; or leave it out")
    return text.encode("utf-8", "surrogateescape")


def _check_shapes(services: Mapping[str, Any], others: Mapping[str, Any]) -> None:
    for option, mapping in (("services", services), ("fingerprints", others)):
        for key, entry in mapping.items():
            if not isinstance(entry, Mapping):
                raise OptionError(f"{option}.{key} has to be a mapping")
    for key, entry in services.items():
        for name, value in entry.items():
            if not isinstance(value, (list, tuple, Mapping) if name == "local_ok" else (list, tuple)):
                raise OptionError(f"services.{key}.{name} has to be a list")
