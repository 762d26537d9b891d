# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Argument specification of probes; the words to it are in plugins/doc_fragments/probe.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._probe_model import KINDS, is_sensitive

SSL_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]

RUNG_SPEC: dict[str, Any] = {
    "kind": {"type": "str", "required": True, "choices": list(KINDS)},
    "host": {"type": "str"},
    "port": {"type": "int"},
    "path": {"type": "str"},
    "method": {"type": "str", "default": "GET", "choices": ["GET", "HEAD", "OPTIONS", "POST"]},
    "scheme": {"type": "str", "default": "http", "choices": ["http", "https"]},
    "headers": {"type": "dict"},
    "token": {"type": "str", "no_log": True},
    "status": {"type": "list", "elements": "int"},
    "body_contains": {"type": "str"},
    "verify": {"type": "bool", "default": True},
    "ca_cert": {"type": "path"},
    "database": {"type": "str"},
    "user": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "ssl_mode": {"type": "str", "default": "prefer", "choices": SSL_MODES},
    "schema": {"type": "str"},
    "timeout": {"type": "float"},
}

PROBE_SPEC: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "options": {
        "name": {"type": "str", "required": True},
        "host": {"type": "str", "default": "127.0.0.1"},
        "port": {"type": "int"},
        "process": {
            "type": "dict",
            "options": {"pid": {"type": "int", "required": True}, "start_ticks": {"type": "int"}},
        },
        "ladder": {"type": "list", "elements": "dict", "options": RUNG_SPEC},
        "skip_rungs": {"type": "list", "elements": "dict"},
    },
}

WAIT_SPEC: dict[str, Any] = {
    "timeout": {"type": "float", "default": 60},
    "probe_timeout": {"type": "float", "default": 5},
    "interval": {"type": "float", "default": 0.5},
    "successes": {"type": "int", "default": 1},
}


def secret_headers(probes: Iterable[Mapping[str, Any]]) -> set[str]:
    """Values of sensitive headers, to be masked by the module: `headers` as a whole must not be no_log."""
    found = set()
    for probe in probes:
        for rung in probe.get("ladder") or ():
            for name, value in (rung.get("headers") or {}).items():
                if is_sensitive(str(name)) and len(str(value)) > 3:
                    found.add(str(value))
    return found


def check_wait(params: Mapping[str, Any]) -> list[str]:
    """What is wrong with the limits, if anything."""
    problems = [f"{name}: {params[name]} is below 0" for name in ("timeout",) if params[name] < 0]
    problems += [f"{name}: {params[name]} has to be above 0" for name in ("probe_timeout", "interval") if params[name] <= 0]
    if params["successes"] < 1:
        problems.append(f"successes: {params['successes']} has to be at least 1")
    return problems
