# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.dwp.backend.plugins.module_utils._release import take_back

OLDER = {"checked": True, "newer": ["2"], "known": "1", "database": "dwp_main", "notes": ["main: newer"], "source": "r2"}
MAIN = {"release": "r1", "database": "dwp_main", "schema": "public", "migrations": ["1"]}
OWN = {"name": "dwp_main", "schema": "public", "flyway": True}
PLATFORM = {"services": {
    "gateway": {"hosts": ["app-1"], "database": None},
    "main": {"hosts": ["app-1", "app-2"], "database": OWN},
    "worker": {"hosts": ["app-2"], "database": {**OWN, "flyway": False}},
    "auth": {"hosts": ["app-1"], "database": {**OWN, "name": "dwp_auth"}},
}}  # fmt: skip
PLANS = {
    "app-1": {"main": {"action": "rollback", "release": "r1"}, "auth": {"action": "none", "release": "r1"}},
    "app-2": {"main": {"action": "rollback", "release": "r1"}},
}
SCHEMAS: dict[str, dict[str, Any]] = {
    "app-1": {"services": {"main": OLDER}, "instances": {"main": MAIN, "auth": {**MAIN, "database": "dwp_auth"}}},
    "app-2": {"services": {"main": OLDER}, "instances": {"main": MAIN, "worker": {**MAIN, "release": "w1", "migrations": []}}},
}


def test_each_database_once_with_everybody_who_uses_it() -> None:
    (one,), problems = take_back.plan(PLATFORM, PLANS, SCHEMAS)
    assert problems == []
    assert (one["database"], one["versions"], one["service"], one["host"], one["release"]) == ("dwp_main", ["2"], "main", "app-1", "r2")
    assert one["users"] == [("app-1", "main", False), ("app-2", "main", False), ("app-2", "worker", True)]
    assert take_back.stopped([one]) == {"app-1": ["main"], "app-2": ["main", "worker"]}
    assert take_back.question([one]) == "take 2 of database dwp_main back"
    line = take_back.line(one)
    assert "2 is taken back first" in line and "release r2 of main on app-1" in line and "worker on app-2 are stopped" in line


def test_who_is_stopped_is_started_again() -> None:
    """A service that is not going back is started as it is, and nobody is taken for serving: all start at once."""
    databases, _problems = take_back.plan(PLATFORM, PLANS, SCHEMAS)
    plans = take_back.carried(PLANS, databases)
    assert plans["app-2"]["worker"]["action"] == "start" and "database dwp_main" in plans["app-2"]["worker"]["reasons"][0]
    assert plans["app-1"]["main"] == {"action": "rollback", "release": "r1", "running": False}
    assert plans["app-1"]["auth"] == PLANS["app-1"]["auth"] and "running" not in PLANS["app-1"]["main"]


CASES = [
    ({"services.main": {**OLDER, "newer": []}}, {}, 0, []),
    ({"services.main": {"checked": False, "notes": ["main: database dwp_main was not checked (refused)"]}}, {}, 1,
     ["was not checked", "keep"]),
    ({"instances.main": {**MAIN, "release": "r2", "migrations": ["1", "2"]}}, {"main": {"action": "none"}}, 1,
     ["main on app-2 stays on r2, which would apply 2 to database dwp_main again"]),
    ({"instances.main": {**MAIN, "release": "r3", "migrations": ["2"]}}, {}, 1, ["main on app-2 goes to r3"]),
    ({"instances.worker": {**MAIN, "release": "w1", "migrations": ["2"]}}, {}, 1, ["worker on app-2 stays on w1"]),
    ({"services.main": {**OLDER, "newer": ["2", "3"]}}, {}, 1, []),
]  # fmt: skip


@pytest.mark.parametrize(("found", "planned", "databases", "words"), CASES)
def test_what_speaks_against_it(found: dict[str, Any], planned: dict[str, Any], databases: int, words: list[str]) -> None:
    """``found``: what the second host has otherwise."""
    schemas, plans = copy.deepcopy(SCHEMAS), {**PLANS, "app-2": {**PLANS["app-2"], **planned}}
    for path, value in found.items():
        kind, name = path.split(".")
        schemas["app-2"][kind][name] = value
        if kind == "services" and value.get("newer") == []:
            schemas["app-1"][kind][name] = value
    known, problems = take_back.plan(PLATFORM, plans, schemas)
    assert len(known) == databases
    assert all(word in problems[0] for word in words) if words else problems == []
    if len(known) == 1 and not words:
        assert known[0]["versions"] == ["2", "3"]


def test_host_that_is_left_out() -> None:
    plans, schemas = {"app-1": PLANS["app-1"]}, {"app-1": SCHEMAS["app-1"]}
    _known, problems = take_back.plan(PLATFORM, plans, schemas)
    assert len(problems) == 2 and "main is also on app-2, which this run leaves out" in problems[0] and "worker is also" in problems[1]
