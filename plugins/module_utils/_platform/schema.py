# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may stand in ``dwp_services`` and ``dwp_components``: keys, types, and every error at once with its place."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Callable

Check = Callable[[Any, str], "list[str]"]

NAME = re.compile(r"[a-z][a-z0-9-]{0,39}\Z")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
#: Of a service's own ladder; its database and Redis are proven before it starts, with its own credentials.
RUNG_KINDS = ("actuator", "http", "tcp")
PROVIDERS = ("embedded", "packages", "docker_compose", "external")


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """A hint in parentheses with a leading blank, or nothing."""
    close = difflib.get_close_matches(str(word), list(known), n=1, cutoff=cutoff)
    return f' (did you mean "{close[0]}"?)' if close else ""


def kind_of(value: Any) -> str:
    """The type of a value in YAML's words."""
    if value is None:
        return "null"
    for types, word in (((bool,), "a boolean"), ((int, float), "a number"), ((str,), "text"), ((Mapping,), "a mapping")):
        if isinstance(value, types):
            return word
    return "a list" if isinstance(value, Sequence) else type(value).__name__


def text(pattern: str | None = None, what: str = "text") -> Check:
    def check(value: Any, where: str) -> list[str]:
        if not isinstance(value, str) or not value:
            return [f"{where}: expected {what}, got {kind_of(value)}"]
        if pattern and not re.match(pattern + r"\Z", value):
            return [f'{where}: "{value}" is not {what}']
        return []

    return check


def integer(low: int, high: int, what: str = "") -> Check:
    def check(value: Any, where: str) -> list[str]:
        number = value
        if isinstance(value, str) and re.match(r"-?\d+\Z", value):
            number = int(value)  # -e on the command line and older templates give text
        if isinstance(number, bool) or not isinstance(number, int):
            return [f"{where}: expected a whole number{what}, got {kind_of(value)}"]
        if not low <= number <= high:
            return [f"{where}: {number} is not between {low} and {high}"]
        return []

    return check


def one_of(*allowed: str) -> Check:
    def check(value: Any, where: str) -> list[str]:
        if value is False and "off" in allowed:
            return []  # YAML 1.1 reads a bare off as false
        if not isinstance(value, str) or value not in allowed:
            return [f'{where}: "{value}" is not one of {", ".join(allowed)}{did_you_mean(str(value), allowed)}']
        return []

    return check


def list_of(item: Check) -> Check:
    def check(value: Any, where: str) -> list[str]:
        if isinstance(value, (str, Mapping)) or not isinstance(value, Sequence):
            return [f"{where}: expected a list, got {kind_of(value)}"]
        return [problem for index, entry in enumerate(value) for problem in item(entry, f"{where}[{index}]")]

    return check


def mapping_of(item: Check, key: Check | None = None) -> Check:
    def check(value: Any, where: str) -> list[str]:
        if not isinstance(value, Mapping):
            return [f"{where}: expected a mapping, got {kind_of(value)}"]
        problems: list[str] = []
        for name, entry in value.items():
            problems += key(name, f"{where}.{name}") if key else []
            problems += item(entry, f"{where}.{name}")
        return problems

    return check


def fields(known: Mapping[str, Check], required: Sequence[str] = (), nullable: bool = False) -> Check:
    def check(value: Any, where: str) -> list[str]:
        if value is None and nullable:
            return []
        if not isinstance(value, Mapping):
            return [f"{where}: expected a mapping, got {kind_of(value)}"]
        problems = [f"{where}.{name}: is required" for name in required if value.get(name) is None]
        for name, entry in value.items():
            if name not in known:
                problems.append(f'{where}: unknown key "{name}"{did_you_mean(name, known)}')
            elif entry is not None or name in required:
                problems += known[name](entry, f"{where}.{name}") if entry is not None else []
        return problems

    return check


def scalar(value: Any, where: str) -> list[str]:
    """A value of an environment: text, number or boolean (null takes a default away)."""
    if value is None or isinstance(value, (str, int, float, bool)):
        return [f"{where}: a NUL character cannot stand in an environment"] if "\0" in str(value) else []
    return [f"{where}: expected text, a number or a boolean, got {kind_of(value)}"]


def boolean(value: Any, where: str) -> list[str]:
    return [] if isinstance(value, bool) else [f"{where}: expected true or false, got {kind_of(value)}"]


variable = text(VARIABLE.pattern.replace(r"\Z", ""), "a name of an environment variable (letters, digits, _)")
PORT = integer(1, 65535)
SECONDS = integer(1, 86400, " of seconds")
#: A service name becomes a directory, a unit and part of a variable, hence its narrow alphabet.
service_name = text(r"[a-z][a-z0-9-]{0,39}", "a name (a-z, 0-9, -; at most 40 characters)")

RUNG = fields(
    {
        "kind": one_of(*RUNG_KINDS),
        "path": text(r"/\S*", "a path that begins with /"),
        "method": one_of("GET", "HEAD", "POST", "OPTIONS"),
        "headers": mapping_of(scalar),
        "status": list_of(integer(100, 599)),
        "body_contains": text(),
        "scheme": one_of("http", "https"),
        "verify": boolean,
        "ca_cert": text(),
        "host": text(),
        "port": PORT,
        "timeout": SECONDS,
        "deep": boolean,
    },
    required=("kind",),
)

SERVICE: dict[str, Check] = {
    "artifact": text(r"[^/\s]+", "a file name without .jar"),
    "port": PORT,
    "after": list_of(service_name),
    "calls": list_of(text(r"\*|[a-z][a-z0-9-]*", 'a service name or "*"')),
    "database": fields(
        {
            "name": text(), "schema": text(), "flyway": boolean, "user": text(), "password": scalar, "table": text(),
            "undo_locations": list_of(text()),
        },
        required=("name",), nullable=True,
    ),
    "redis": one_of("none", "lazy", "required"),
    "redis_variables": mapping_of(variable, one_of("host", "port", "password")),
    "health": list_of(RUNG),
    "url_variable": variable,
    "url_aliases": mapping_of(list_of(variable), service_name),
    "environment": mapping_of(scalar, variable),
    "secrets": mapping_of(scalar, variable),
    "required": list_of(variable),
    "optional": list_of(variable),
    "profile_files": list_of(text()),
    "jvm_options": list_of(text()),
    "java": text(),
    "java_version": integer(8, 99),
    "memory": integer(16, 1048576, " of MB"),
    "start_timeout": SECONDS,
    "stop_timeout": SECONDS,
    "successes": integer(1, 100),
    "fast_start": one_of("off", "before", "after"),
    "layout": one_of("extracted", "jar"),
    "sha256": text(r"[0-9a-f]{64}", "a sha256 in 64 hexadecimal digits"),
    "accept_shallow": boolean,
}

#: How a balancer of others is told to leave an instance out: a command on the controller, or a URL that is POSTed to.
HOOK = fields({"command": list_of(text()), "url": text(r"https?://\S+", "a URL with http:// or https://")})

COMPONENT_COMMON: dict[str, Check] = {
    "provider": one_of(*PROVIDERS),
    "host": text(),
    "port": PORT,
    "settings": mapping_of(scalar),
    "image": text(),
    "listen": text(),
}
COMPONENTS: dict[str, dict[str, Check]] = {
    "postgres": {
        **COMPONENT_COMMON,
        "admin_user": text(),
        "admin_password": scalar,
        "admin_database": text(),
        "user": text(),
        "password": scalar,
        "ssl_mode": one_of("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    },
    "redis": {**COMPONENT_COMMON, "password": scalar},
    "balancer": {
        "provider": one_of("packages", "external"),
        "host": text(),
        "listen": text(r"[0-9A-Za-z.:*_-]+", "an address to listen on"),
        "port_offset": integer(0, 60000),
        "ports": mapping_of(PORT, service_name),
        "settings": mapping_of(scalar, text(r"[a-z][a-z0-9 -]*", "a keyword of haproxy's section defaults")),
        "drain_timeout": SECONDS,
        "drain": HOOK,
        "undrain": HOOK,
    },
}


def check_services(services: Any, where: str = "dwp_services") -> list[str]:
    """Problems of shape in a mapping of services (null takes a default service away)."""
    if not isinstance(services, Mapping):
        return [f"{where}: expected a mapping of services, got {kind_of(services)}"]
    problems: list[str] = []
    one = fields(SERVICE, nullable=True)
    for name, entry in services.items():
        problems += service_name(name, f"{where}.{name}")
        problems += one(entry, f"{where}.{name}")
    return problems


def check_components(components: Any, where: str = "dwp_components") -> list[str]:
    """Problems of shape in a mapping of components."""
    if not isinstance(components, Mapping):
        return [f"{where}: expected a mapping of components, got {kind_of(components)}"]
    problems: list[str] = []
    for name, entry in components.items():
        if name not in COMPONENTS:
            problems.append(f'{where}: unknown component "{name}"{did_you_mean(name, COMPONENTS)}; '
                            f"known are {', '.join(sorted(COMPONENTS))}")
        else:
            problems += fields(COMPONENTS[name])(entry, f"{where}.{name}")
    return problems


def usable(services: Any) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """What is well-shaped in a mapping of services, and the (service, key) that are not, so that the rest can be judged too."""
    good: dict[str, Any] = {}
    bad: list[tuple[str, str]] = []
    for name, entry in services.items() if isinstance(services, Mapping) else ():
        if service_name(name, "") or not (entry is None or isinstance(entry, Mapping)):
            bad.append((str(name), ""))
            continue
        wrong = [key for key, value in (entry or {}).items() if fields(SERVICE)({key: value}, "")]
        bad += [(name, str(key)) for key in wrong]
        good[name] = None if entry is None else {
            **{key: value for key, value in entry.items() if key not in wrong}, **({"port": None} if "port" in wrong else {}),
        }  # fmt: skip
    return good, bad
