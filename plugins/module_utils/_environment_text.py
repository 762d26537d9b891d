# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be shown of an environment, which addresses are this very machine, which name was meant."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Collection, Iterable, Mapping
from typing import Callable
from urllib.parse import urlsplit

HIDDEN = "(not shown)"

_SECRET_NAME = re.compile(
    r"PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|KEY|CREDENTIAL|PRIVATE|(?:^|_)(?:PASS|PW|PWD|DSN)(?:_|$)"
)
_NOT_SECRET = frozenset(["PWD", "OLDPWD"])
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.:-]*//")
_PARAMETER = re.compile(r"(?is)((?:^|[?&;,\s])[\w.-]*(?:pass|pwd|pw|secret|token|key|credential)[\w.-]*)=.*")
_SHORTEST_SECRET = 4


def is_secret_name(name: str, declared: Collection[str] = ()) -> bool:
    """Declared as a secret, or named like one. Too many rather than too few."""
    return name in declared or (name not in _NOT_SECRET and bool(_SECRET_NAME.search(name.upper())))


def scrub(value: str) -> str:
    """The value without a login before C(@), and cut off at the first parameter such as C(password=)."""
    head, at, tail = value.rpartition("@")
    if at:
        scheme = _SCHEME.match(head)
        value = f"{scheme.group() if scheme else ''}***@{tail}"
    return _PARAMETER.sub(r"\1=***", value)


def shower(secrets: Iterable[str]) -> Callable[[str, str, bool], str]:
    """A function (name, value, secret name?) -> what a message may show of it, given all secret values in reach."""
    hidden = {secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}

    def shown(name: str, value: str, secret: bool) -> str:
        if secret:
            return HIDDEN
        text = scrub(value)
        if any(secret_value in text for secret_value in hidden):
            return HIDDEN
        if not text:
            return "empty"
        if len(text) > 120:
            text = text[:117] + "..."
        return text if re.fullmatch(r"[\x21-\x7e]+", text) else repr(text)

    return shown


def is_loopback(host: str) -> bool:
    """localhost, 127.0.0.0/8 in any notation, ::1, and the address that means "this machine"."""
    name = host.strip().strip("[]").rstrip(".").lower().partition("%")[0]
    if name in ("localhost", "localhost.localdomain", "localhost6", "ip6-localhost") or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        if not re.match(r"[0-9][0-9a-fx.]*\Z", name):
            return False
        try:  # 127.1 and the like, as the C library and Java read them
            address = ipaddress.ip_address(socket.inet_ntoa(socket.inet_aton(name)))
        except OSError:
            return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback or (mapped or address).is_unspecified


def addresses(value: str) -> list[tuple[str, int | None]]:
    """Host and port of each address in a value: a bare host, host:port, a URL, a jdbc URL with several hosts."""
    text = value.strip()
    text = text[5:] if text.lower().startswith("jdbc:") else text
    if "//" not in text:
        text = "//" + (f"[{text}]" if text.count(":") > 1 and not text.startswith("[") else text)
    authority = re.split(r"[/?#]", text.split("//", 1)[1])[0].rpartition("@")[2]
    result = []
    for part in authority.split(","):
        try:
            split = urlsplit("//" + part)
            host, port = split.hostname or "", split.port
        except ValueError:
            host, port = part, None
        if host:
            result.append((host, port))
    return result


def near_name(name: str, known: Collection[str], limit: int = 2) -> str | None:
    """The known name that was probably meant: at most ``limit`` typing mistakes away, less for short names."""
    limit = min(limit, len(name) // 4)
    best: tuple[int, str] | None = None
    for candidate in sorted(known):
        if abs(len(candidate) - len(name)) > limit or candidate == name:
            continue
        distance = edits(name, candidate)
        if distance <= limit and (best is None or distance < best[0]):
            best = (distance, candidate)
    return best[1] if best else None


def edits(left: str, right: str) -> int:
    """Typing mistakes between two names: a letter more, less, other, or two neighbours exchanged."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        two_before, before, row = before, row, [i]
        for j, b in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, two_before[j - 2] + 1)
            row.append(cost)
    return row[-1]


def relaxed_name(property_name: str) -> str:
    """The variable that Spring Boot reads for a property: upper case, dots to underscores, dashes away."""
    return re.sub(r"[.\[\]]+", "_", property_name.replace("-", "")).strip("_").upper()


def overlay_arguments(
    environment: Mapping[str, str], arguments: Iterable[str], known: Collection[str]
) -> dict[str, str]:
    """The environment as Spring sees it: known names given as C(-Dname=value) or C(--name=value) count instead."""
    result = dict(environment)
    for prefix in ("-D", "--"):  # Spring ranks arguments of the program over system properties over the environment
        for argument in arguments:
            if not argument.startswith(prefix) or "=" not in argument:
                continue
            name, _equals, value = argument[2:].partition("=")
            for variable in (name, relaxed_name(name)):
                if variable in known:
                    result[variable] = value
    return result
