# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``FILE.sql.conf``: the settings of one migration, in the format of Java properties."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import NamedTuple

from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import Refusal

_ENVIRONMENT = re.compile(r"\$\{([A-Za-z0-9_]+)\}")
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


class ScriptConf(NamedTuple):
    """What a .conf file may say; None where it is silent."""

    execute_in_transaction: bool | None = None
    encoding: str | None = None
    placeholder_replacement: bool | None = None


NO_CONF = ScriptConf()


def parse_conf(text: str, environment: Mapping[str, str] | None = None) -> ScriptConf:
    """Read a .conf file; Refusal, in Flyway's words, for what Flyway does not take."""
    properties = read_properties(text, os.environ if environment is None else environment)
    if "shouldExecute" in properties:
        raise Refusal("Flyway Teams Edition upgrade required: shouldExecute is not supported by OSS.", "LICENSE")
    conf = ScriptConf(
        execute_in_transaction=_boolean(properties, "executeInTransaction"),
        encoding=properties.pop("encoding", None),
        placeholder_replacement=_boolean(properties, "placeholderReplacement"),
    )
    if properties:
        word = "property" if len(properties) == 1 else "properties"
        names = ",".join(sorted(properties))
        raise Refusal(f"Unknown configuration {word}: {names}. Please check your script config files", "CONFIGURATION")
    return conf


def _boolean(properties: dict[str, str], name: str) -> bool | None:
    value = properties.pop(name, None)
    if value is None:
        return None
    if value.lower() not in ("true", "false"):
        raise Refusal(f"Invalid value for {name} (should be either true or false): {value}", "CONFIGURATION")
    return value.lower() == "true"


def read_properties(text: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Java properties after Flyway's own preparation: lines trimmed, environment put in, backslashes kept."""
    lines = text.replace("\r\n", "\n").split("\n")
    prepared: list[str] = []
    for index, raw in enumerate(lines):
        line = raw.strip().replace("\\", "\\\\")
        if line.endswith("\\\\") and index + 1 < len(lines) and lines[index + 1]:
            line = line[:-2] + "\\"  # content follows: the line goes on
        prepared.append(line)
    content = _ENVIRONMENT.sub(lambda match: environment.get(match.group(1), ""), "\n".join(prepared))
    properties: dict[str, str] = {}
    pending = ""
    for line in content.split("\n"):
        line = pending + line.lstrip(" \t\f")
        pending = ""
        if not line or line[0] in "#!":
            continue
        if (len(line) - len(line.rstrip("\\"))) % 2:
            pending = line[:-1]
            continue
        key, value = _split_pair(line)
        properties[key] = value
    if pending:
        key, value = _split_pair(pending)
        properties[key] = value
    return properties


def _split_pair(line: str) -> list[str]:
    """Key and value: parted by ``=``, ``:`` or blanks that no backslash protects."""
    index = 0
    while index < len(line) and line[index] not in "=: \t\f":
        index += 2 if line[index] == "\\" else 1
    rest = line[index:].lstrip(" \t\f")
    if rest[:1] in ("=", ":"):
        rest = rest[1:].lstrip(" \t\f")
    return [_unescape(line[:index]), _unescape(rest)]


def _unescape(text: str) -> str:
    return re.sub(r"\\(u[0-9a-fA-F]{4}|.)", _escape, text)


def _escape(match: re.Match[str]) -> str:
    what = match.group(1)
    if len(what) == 5:
        return chr(int(what[1:], 16))
    return _ESCAPES.get(what, what)
