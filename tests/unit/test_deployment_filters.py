# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.dwp.backend.plugins.filter.deployment import all_there_is, migrating, still_true

HEALTHY = {"auth": {"healthy": True}, "main": {"healthy": True}}


STOPPED = {"auth": {"healthy": True}, "main": {"healthy": None}}


@pytest.mark.parametrize(("compared", "verdict", "expected"), [
    ({"status": HEALTHY, "retired": []}, {}, True),
    ({"status": HEALTHY, "retired": ["chat"]}, {}, False),
    ({"status": HEALTHY, "retired": []}, {"broken": True, "status": {"app": HEALTHY}}, False),
    ({"status": STOPPED, "retired": []}, {}, False),  # it was to be started, and nobody tells what became of it
    ({"status": STOPPED, "retired": []}, {"status": {"app": {"main": {"healthy": True}}}}, True),
    ({"status": STOPPED, "retired": []}, {"status": {"other": {"main": {"healthy": True}}}}, False),
    ({"status": {}, "retired": []}, {}, False),
    ({}, {}, False),
])
def test_a_report_does_without_another_look_only_where_everything_is_known(compared, verdict, expected):
    assert still_true(compared, verdict, "app") is expected


@pytest.mark.parametrize(("gated", "expected"), [
    (HEALTHY, True),
    ({"auth": {"healthy": True}}, False),  # main runs there too, and nobody looked at it
    ({"main": {"healthy": True}, "auth": {"healthy": False}}, False),
])
def test_where_nothing_was_compared_the_gates_have_to_have_seen_everything(gated, expected):
    platform = {"services": {"auth": {"hosts": ["app"]}, "main": {"hosts": ["app"]}, "mail": {"hosts": ["other"]}}}
    assert still_true({}, {"status": {"app": gated}}, "app", platform) is expected


PLATFORM = {"services": {"auth": {"database": {"flyway": True}}, "mail": {"database": {"flyway": False}}, "gateway": {"database": None}}}


@pytest.mark.parametrize(("plan", "expected"), [
    ({"auth": {"action": "replace", "release": "r2", "current": "r1", "outcome": "good"}}, [{"name": "auth", "release": "r2"}]),
    ({"auth": {"action": "rollback", "release": "r0", "current": "r1"}}, [{"name": "auth", "release": "r0"}]),
    ({"auth": {"action": "start", "release": "r1", "current": "r1", "outcome": "good"}}, []),
    ({"auth": {"action": "start", "release": "r1", "current": "r1", "outcome": "failed"}}, [{"name": "auth", "release": "r1"}]),
    ({"auth": {"action": "none", "release": "r1", "current": "r1", "outcome": "good"}}, []),
    ({"auth": {"action": "install", "release": None, "current": None}}, []),
    ({"mail": {"action": "replace", "release": "r2"}, "gateway": {"action": "replace", "release": "r2"}}, []),
])
def test_schemas_are_compared_where_a_start_would_run_flyway_for_a_release_that_is_new_to_it(plan, expected):
    assert migrating(plan, PLATFORM) == expected


def step(*rounds: list[str], host: str = "app", **more: object) -> dict[str, object]:
    return {"instances": {host: list(rounds)}, "drain": [], **more}


@pytest.mark.parametrize(("steps", "selected", "frontend", "staged", "expected"), [
    ([step(["auth"], ["main"])], ["auth", "main"], None, {}, True),
    ([step(["auth"])], ["auth"], None, {"retired": []}, True),
    ([step(["auth"])], ["auth", "main"], None, {}, False),  # main was found healthy, and the report may look at it again
    ([step(["auth"], ["main"])], ["auth", "main", "mail"], None, {}, False),  # mail lives on another host
    ([step(["auth"]), step(["main"])], ["auth", "main"], None, {}, False),
    ([step(["auth"], ["main"], drain=[{"service": "main", "host": "app"}])], ["auth", "main"], None, {}, False),
    ([step(["auth"], ["main"])], ["auth", "main"], {"port": 9001}, {}, False),  # something may have to go back into the balancer
    ([step(["auth"], ["main"])], ["auth", "main"], None, {"retired": ["chat"]}, False),
    ([{"instances": {"app": [["auth"]], "other": [["mail"]]}, "drain": []}], ["auth", "mail"], None, {}, False),
    ([], [], None, {}, False),
])
def test_a_run_ends_with_its_only_step_if_nothing_has_to_follow(steps, selected, frontend, staged, expected):
    services = {"auth": {"hosts": ["app"]}, "main": {"hosts": ["app"], "frontend": frontend}, "mail": {"hosts": ["other"]}}
    assert all_there_is(steps, {"selected": selected, "services": services}, staged) is expected
