# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of dwp_logs as a question, and its answer."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._logs.errors import LogsError
from ansible_collections.dwp.backend.plugins.module_utils._logs.results import Limits
from ansible_collections.dwp.backend.plugins.module_utils._logs.run import Request, check_source, run
from ansible_collections.dwp.backend.plugins.module_utils._logs.scan import Ignore
from ansible_collections.dwp.backend.plugins.module_utils._logs.scrub import Scrubber, secrets_of_environment
from ansible_collections.dwp.backend.plugins.module_utils._logs.search import check_ids
from ansible_collections.dwp.backend.plugins.module_utils._logs.window import parse_window
from ansible_collections.dwp.backend.plugins.module_utils._signatures import catalogue


def read_secrets(files: Sequence[str], given: Sequence[str]) -> tuple[list[str], list[dict[str, str]]]:
    """Values to mask, and the environment files that could not be read."""
    values, problems = list(given), []
    for path in files:
        try:
            with open(path, encoding="utf-8", errors="replace") as handle:
                values.extend(secrets_of_environment(handle.read(1 << 20)))
        except OSError as error:
            why = f"{error.strerror}; its secrets are masked by name and form only"
            problems.append({"what": "environment file", "where": path, "why": why})
    return values, problems


def calls_of(value: dict[str, Any]) -> dict[str, list[str]]:
    for name, targets in value.items():
        if not isinstance(targets, list) or not all(isinstance(target, str) for target in targets):
            raise LogsError(f"calls.{name}: expected a list of service names, found {targets!r}")
    return value


def answer(params: Mapping[str, Any], now: float, journalctl: str, host: str = "") -> dict[str, Any]:
    """The result of dwp_logs for its options; LogsError names what is wrong with them. `host` is its name in what is found."""
    if not params["sources"]:
        raise LogsError("sources is empty, so there is nothing to read; give at least one service with its log")
    if not params["scan"] and not params["ids"]:
        raise LogsError("nothing is asked: scan is false and ids is empty; set one of them")
    for name, least in (("time_budget", 0.1), ("max_templates", 1), ("max_evidence", 1), ("max_text", 80)):
        if params[name] < least:
            raise LogsError(f"{name} is {params[name]}; it must be at least {least}")
    windows = [parse_window(one["since"], one["until"], now) for one in params["ignore_windows"]]
    secrets, problems = read_secrets(params["environment_files"], params["secrets"])
    request = Request(
        sources=[check_source(entry, number) for number, entry in enumerate(params["sources"])],
        signatures=catalogue(params["signatures"]) if params["scan"] else [],
        window=parse_window(params["since"], params["until"], now),
        ids=check_ids(params["ids"]),
        expand_ids=params["expand_ids"],
        environment=params["environment_name"],
        ignore=Ignore(tuple(params["ignore_paths"]), tuple(windows)),
        levels=tuple(params["levels"]),
        calls=calls_of(params["calls"]),
        host=host or os.uname().nodename,
        budget=params["time_budget"],
        limits=Limits(params["max_templates"], params["max_evidence"], params["max_text"]),
        journalctl=journalctl,
    )
    result = run(request, Scrubber(secrets), now)
    result["not_checked"] = problems + result["not_checked"]
    return result
