# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts of the configuration files of PostgreSQL and Redis: plain values in, text out."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

HEADER = "# Written by dwp.backend: changes by hand are overwritten.\n"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
POSTGRES_RESERVED = {
    "listen_addresses": "listen", "port": "port", "unix_socket_directories": "(none: chosen by the provider)",
    "data_directory": "(none)", "hba_file": "(none)", "ident_file": "(none)", "config_file": "(none)",
    "include": "(none)", "include_dir": "(none)", "include_if_exists": "(none)", "external_pid_file": "(none)",
}  # fmt: skip
REDIS_RESERVED = {
    "bind": "listen", "port": "port", "requirepass": "password", "protected-mode": "(none: always yes)", "dir": "(none)",
    "daemonize": "(none)", "include": "(none)", "pidfile": "(none)", "logfile": "(none)", "supervised": "(none)",
}  # fmt: skip
HOSTNAME = re.compile(r"\.?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?\Z")
LABELS = {"postgres": "PostgreSQL", "redis": "Redis"}


class InfraError(Exception):
    """Something about the infrastructure is wrong; the text is for the user. Every problem found stands in it."""


def postgres_value(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (int, float)):
        return str(value)
    return "'" + str(value).replace("\\", "\\\\").replace("'", "''") + "'"


def postgres_settings(settings: Mapping[str, Any]) -> str:
    return HEADER + "".join(f"{key} = {postgres_value(value)}\n" for key, value in settings.items())


def hba_name(name: str) -> str:
    """Always quoted: a bare `all` or `replication` would be a keyword."""
    return '"' + name.replace('"', '""') + '"'


def hba_address(client: str) -> str:
    try:
        return str(ipaddress.ip_network(client, strict=False))
    except ValueError:
        return client


def hba_lines(databases: Sequence[Mapping[str, Any]], clients: Iterable[str]) -> list[str]:
    """One line for each user and client, naming that user's databases and nothing more."""
    owned: dict[str, list[str]] = {}
    for entry in databases:
        names = owned.setdefault(entry["user"], [])
        if entry["name"] not in names:
            names.append(entry["name"])
    addresses = sorted({hba_address(client) for client in clients})
    return [
        f"host {','.join(hba_name(name) for name in names)} {hba_name(user)} {address} scram-sha-256"
        for user, names in owned.items()
        for address in addresses
    ]


def block(text: str, marker: str, lines: Sequence[str]) -> str:
    """`text` with the lines between two markers, at its end if they are not there yet; no lines, no markers."""
    begin, end = f"# BEGIN {marker}\n", f"# END {marker}\n"
    wanted = begin + "".join(f"{line}\n" for line in lines) + end if lines else ""
    pattern = re.compile(re.escape(begin) + r".*?" + re.escape(end), re.DOTALL)
    if pattern.search(text):
        rest = pattern.sub("\0", text, count=1)
        rest = pattern.sub("", rest)
        return rest.replace("\0", wanted)
    return text + ("" if not text or text.endswith("\n") or not wanted else "\n") + wanted


def redis_value(value: Any) -> str:
    text = ("yes" if value else "no") if isinstance(value, bool) else str(value)
    if re.fullmatch(r"[A-Za-z0-9_./:@%+,=-]+", text):
        return text
    escaped = "".join(chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\' else f"\\x{byte:02x}" for byte in text.encode())
    return f'"{escaped}"'


def redis_settings(settings: Mapping[str, Any]) -> str:
    """A list gives one line for each element; a list of lists gives a line of several words (save: [[900, 1]])."""
    lines = []
    for key, value in settings.items():
        for item in value if isinstance(value, (list, tuple)) else [value]:
            words = item if isinstance(item, (list, tuple)) else [item]
            lines.append(f"{key} {' '.join(redis_value(word) for word in words)}\n")
    return HEADER + "".join(lines)


def redis_wanted(component: Mapping[str, Any], **extra: Any) -> dict[str, Any]:
    """What redis.conf says, site settings included."""
    wanted: dict[str, Any] = {
        "bind": [list(component["listen"])],
        "port": component["port"],
        "protected-mode": True,
        **extra,
        **component.get("settings", {}),
    }
    if component.get("password"):
        wanted["requirepass"] = component["password"]
    return wanted


def postgres_wanted(component: Mapping[str, Any], **extra: Any) -> dict[str, Any]:
    return {
        "listen_addresses": ",".join(component["listen"]),
        "port": component["port"],
        "password_encryption": "scram-sha-256",
        **extra,
        **component.get("settings", {}),
    }


def only_loopback(component: Mapping[str, Any]) -> bool:
    return all(address in LOOPBACK or address.startswith("127.") for address in component["listen"])


def _component_problems(kind: str, component: Mapping[str, Any]) -> Iterable[str]:
    reserved = POSTGRES_RESERVED if kind == "postgres" else REDIS_RESERVED
    where = f"infra_components.{kind}"
    if not 1 <= component["port"] <= 65535:
        yield f"{where}.port: {component['port']} is not between 1 and 65535"
    if not component["listen"]:
        yield f'{where}.listen: empty; give the addresses to listen on, at least ["127.0.0.1"]'
    for address in component["listen"]:
        if address != "*" and not HOSTNAME.match(address) and ":" not in address:
            yield f"{where}.listen: {address!r} is not an address"
    for key, value in component.get("settings", {}).items():
        if key in reserved:
            yield f"{where}.settings.{key}: is set by {where}.{reserved[key]}, not here"
        elif not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", key):
            yield f"{where}.settings: {key!r} is not the name of a setting"
        elif isinstance(value, str) and any(char in value for char in "\n\r\0"):
            yield f"{where}.settings.{key}: the value has a line break"
    if kind == "redis" and not component.get("password") and not only_loopback(component):
        yield f"{where}.password: Redis listens on {', '.join(component['listen'])}, so it needs a password"


def check_input(components: Mapping[str, Mapping[str, Any]], databases: Sequence[Mapping[str, Any]], clients: Iterable[str]) -> None:
    """Raise InfraError naming everything that is wrong."""
    problems = [text for kind, component in components.items() for text in _component_problems(kind, component)]
    passwords: dict[str, str] = {}
    for entry in databases:
        where = f"database {entry.get('name') or '?'}"
        for key in ("name", "user", "password"):
            if not entry.get(key):
                problems.append(f"{where}: {key} is missing or empty")
            elif any(char in str(entry[key]) for char in "\n\r\0"):
                problems.append(f"{where}: {key} has a line break")
        if passwords.setdefault(entry.get("user", ""), entry.get("password", "")) != entry.get("password", ""):
            problems.append(f"{where}: user {entry['user']} has another password here than at another database")
    for client in clients:
        if not HOSTNAME.match(client):
            try:
                ipaddress.ip_network(client, strict=False)
            except ValueError:
                problems.append(f"infra_clients: {client!r} is neither an address nor a host name")
    if problems:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        raise InfraError(f"Infrastructure: {count}, nothing was changed.\n  " + "\n  ".join(problems))
