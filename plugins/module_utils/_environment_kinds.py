# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of rule: what arguments each takes, and what it says about one value.

A check of a value answers with the rest of a sentence that starts with the variable ("is 21 bytes long, ..."), or with
``None``. It may show the value only through ``shown``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Callable, NamedTuple, Optional
from urllib.parse import urlsplit

Shown = Callable[[str], str]
ValueCheck = Callable[[str, Mapping[str, Any], Shown], Optional[str]]

BOOLEANS = frozenset(["true", "false", "on", "off", "yes", "no", "1", "0"])


class Kind(NamedTuple):
    """Arguments a kind of rule takes (name to types), those it needs, and its check of one value if it has one."""

    arguments: dict[str, tuple[type, ...]]
    needed: tuple[str, ...] = ()
    check: ValueCheck | None = None


def _words(value: str, rule: Mapping[str, Any]) -> list[str]:
    """The value, or its parts where the rule names a separator; in lower case where case does not count."""
    separator = rule.get("separator")
    parts = [part.strip() for part in value.split(separator)] if separator else [value]
    return [part.lower() for part in parts] if rule.get("ignore_case") else parts


def _values(rule: Mapping[str, Any]) -> list[str]:
    return [str(value).lower() if rule.get("ignore_case") else str(value) for value in rule["values"]]


def one_of(value: str, rule: Mapping[str, Any], shown: Shown) -> str | None:
    if all(word in _values(rule) for word in _words(value, rule)):
        return None
    return f"is {shown(value)}, not one of {', '.join(str(each) for each in rule['values'])}"


def none_of(value: str, rule: Mapping[str, Any], shown: Shown) -> str | None:
    if any(word in _values(rule) for word in _words(value, rule)):
        return f"is {shown(value)}"
    return None


def integer(value: str, rule: Mapping[str, Any], shown: Shown) -> str | None:
    low, high = rule.get("min"), rule.get("max")
    expected = "a whole number"
    if low is not None and high is not None:
        expected += f" from {low} to {high}"
    elif low is not None:
        expected += f" of at least {low}"
    elif high is not None:
        expected += f" of at most {high}"
    if not re.fullmatch(r"[+-]?[0-9]{1,19}", value):
        return f"is {shown(value)}, not {expected}"
    if (low is not None and int(value) < low) or (high is not None and int(value) > high):
        return f"is {shown(value)}, not {expected}"
    return None


def port(value: str, rule: Mapping[str, Any], shown: Shown) -> str | None:
    if re.fullmatch(r"[0-9]{1,5}", value) and 1 <= int(value) <= 65535:
        return None
    return f"is {shown(value)}, not a port between 1 and 65535"


def boolean(value: str, rule: Mapping[str, Any], shown: Shown) -> str | None:
    if value.lower() in BOOLEANS:
        return None
    return f"is {shown(value)}, neither true nor false"


def url(value: str, rule: Mapping[str, Any], shown: Shown) -> str | None:
    schemes = [str(scheme) for scheme in rule.get("schemes", ("http", "https"))]
    try:
        split = urlsplit(value)
        wrong_port = split.port == 0
        host = split.hostname or ""
    except ValueError:
        return f"is {shown(value)}, not a URL; its host or port cannot be read"
    if re.search(r"[\s\x00-\x20]", value):
        return f"is {shown(value)}, not a URL; it contains a blank"
    if split.scheme not in schemes:
        return f"is {shown(value)}, not a URL that starts with {' or '.join(each + '://' for each in schemes)}"
    if not re.fullmatch(r"[A-Za-z0-9._:%-]+", host) or wrong_port:
        return f"is {shown(value)}, a URL without a usable host or port"
    return None


def pattern(value: str, rule: Mapping[str, Any], shown: Shown) -> str | None:
    if re.search(rule["regex"], value):
        return None
    return f"is {shown(value)}, not {rule.get('expected', 'of the form ' + rule['regex'])}"


def min_bytes(value: str, rule: Mapping[str, Any], shown: Shown) -> str | None:
    length = len(value.encode("utf-8", "surrogateescape"))
    if length == 0 or length >= rule["n"]:  # empty is another rule's finding
        return None
    return f"is {length} byte{'s' if length != 1 else ''} long in UTF-8, at least {rule['n']} are needed"


def not_default(value: str, rule: Mapping[str, Any], shown: Shown) -> str | None:
    if value not in rule["defaults"]:
        return None
    return "is a value from public documentation, which everybody knows"


def not_empty(value: str, rule: Mapping[str, Any], shown: Shown) -> str | None:
    return None if value else "is set, but empty"


def trimmed(value: str, rule: Mapping[str, Any], shown: Shown) -> str | None:
    if value == value.strip():
        return None
    where = "starts" if value != value.lstrip() else "ends"
    return f"{where} with a blank or a line end"


def is_json(value: str, rule: Mapping[str, Any], shown: Shown) -> str | None:
    try:
        if isinstance(json.loads(value), dict):
            return None
    except ValueError:
        pass
    return "is not a JSON object"


_LIST = (list, tuple)
_CASES: dict[str, tuple[type, ...]] = {"values": _LIST, "ignore_case": (bool,), "separator": (str,)}

VALUE_KINDS: dict[str, Kind] = {
    "one_of": Kind(_CASES, ("values",), one_of),
    "none_of": Kind(_CASES, ("values",), none_of),
    "integer": Kind({"min": (int,), "max": (int,)}, (), integer),
    "port": Kind({}, (), port),
    "boolean": Kind({}, (), boolean),
    "url": Kind({"schemes": _LIST}, (), url),
    "pattern": Kind({"regex": (str,), "expected": (str,)}, ("regex",), pattern),
    "min_bytes": Kind({"n": (int,)}, ("n",), min_bytes),
    "not_default": Kind({"defaults": _LIST}, ("defaults",), not_default),
    "not_empty": Kind({}, (), not_empty),
    "trimmed": Kind({}, (), trimmed),
    "json": Kind({}, (), is_json),
}

# Kinds that need more than one value; their checks are in _environment.py and _environment_fleet.py.
KINDS: dict[str, Kind] = {
    **VALUE_KINDS,
    "required": Kind({}),
    "not_localhost": Kind({"separator": (str,), "port_variable": (str,), "port": (int,)}),
    "unused": Kind({"instead": (str,)}),
    "shadowed": Kind({"fixed": (dict,), "by": (str,)}),
    "same_value": Kind({"other": (str,)}, ("other",)),
    "known_name": Kind(
        {"names": _LIST, "typos": (dict,), "namespaces": _LIST, "ignore": _LIST, "strict": (bool,)}
    ),
    "equal_across": Kind({"same": _LIST, "assume": (dict,), "unset_counts": (bool,)}),
    "distinct_across": Kind({"same": _LIST, "same_host": (bool,), "assume": (dict,)}),
}
