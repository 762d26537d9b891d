# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a drill is allowed, what it finds in the journals, and what it calls the same platform as before."""

from __future__ import annotations

import datetime
import pathlib

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.dwp.backend.plugins.filter.drill import drill_lines, drill_overlay
from ansible_collections.dwp.backend.plugins.module_utils import _drill

ROOT = pathlib.Path(__file__).parents[2]
PLATFORM = {"selected": ["auth", "mail"]}  # chat has no host
GOOD = {"healthy": True, "current": "r1", "state": "running"}


@pytest.mark.parametrize(("environment", "allowed", "service", "how", "words"), [
    ("staging", True, "mail", "kill", []),
    ("staging", False, "mail", "kill", ["dwp_drill: is not true"]),
    ("prod", True, "mail", "kill", ["prod: a drill is never run"]),
    ("Production-2", True, "mail", "kill", ["Production-2: a drill is never run"]),
    ("dev", True, "chat", "unplug", ["known are fails-at-start, never-healthy, bad-release, kill", '"chat" is no service']),
    ("prod", False, "mial", "", ["prod", "dwp_drill:", "dwp_drill_break:", "dwp_drill_service:"]),
])
def test_all_that_speaks_against_a_drill_is_said_at_once(environment, allowed, service, how, words):
    found = _drill.problems(PLATFORM, environment, allowed, service, how)
    assert len(found) == len(words)
    assert all(word in text for word, text in zip(words, found))


def test_no_broken_release_is_made_where_no_drill_is_allowed():
    assert drill_overlay("bad-release", "mail", "dev", True) == {"mail": {"environment": {"DWP_DRILL": "bad-release"}}}
    for environment, allowed in (("prod", True), ("dev", False)):
        with pytest.raises(AnsibleFilterError):
            drill_overlay("bad-release", "mail", environment, allowed)


def test_the_specification_knows_the_same_breaks():
    spec = yaml.safe_load((ROOT / "roles/platform/meta/argument_specs.yml").read_text(encoding="utf-8"))
    assert spec["argument_specs"]["variables"]["options"]["dwp_drill_break"]["choices"] == list(_drill.BREAKS)


@pytest.mark.parametrize(("before", "compared", "words"), [
    ({"auth": GOOD, "mail": GOOD}, {"mail": {"action": "none"}, "auth": {"action": "replace"}}, []),
    ({"auth": GOOD}, {}, []),  # a host without the service
    ({"auth": {"healthy": False, "cause": "refused"}, "mail": GOOD}, {"mail": {"action": "none"}}, ["auth is not healthy (refused)"]),
    ({"auth": GOOD}, {"mail": {"action": "install"}}, ["mail is not as the inventory says: deploy.yml would do this to it: install"]),
])
def test_a_drill_begins_only_from_what_the_inventory_says(before, compared, words):
    found = _drill.not_ready("mail", before, compared)
    assert len(found) == len(words) and all(word in text for word, text in zip(words, found))


def entry(second, event, service="mail", **more):
    at = datetime.datetime.fromtimestamp(1000 + second, datetime.timezone.utc).isoformat(timespec="milliseconds")
    return {"at": at, "event": event, "service": service, **more}


UNDONE = [
    entry(-50, "activating"), entry(-40, "gated", outcome="failed"), entry(-30, "gated", outcome="good"),  # of an earlier run
    {"at": "", "event": "begin"}, entry(1, "activating", "auth"), entry(2, "gated", "auth", outcome="good"),
    entry(3, "activating"), entry(5.5, "gated", outcome="failed"), entry(6, "activating"), entry(9, "gated", outcome="good"),
]
TAKEN_BACK = [entry(2, "activating"), entry(7.25, "gated", outcome="good")]


@pytest.mark.parametrize(("journal", "how", "expected"), [
    (UNDONE, "fails-at-start", (2.5, 6.0, 9.0)),
    (TAKEN_BACK, "bad-release", (None, None, 7.2)),
    (TAKEN_BACK, "never-healthy", (None, None, None)),  # no gate failed: nothing was broken
    (UNDONE[:-1], "never-healthy", (2.5, None, None)),  # it did not come back
    ([*UNDONE[:-1], entry(9, "gated", outcome="unhealthy")], "never-healthy", (2.5, None, None)),
    ([], "fails-at-start", (None, None, None)),
])
def test_times_come_from_the_journal_since_the_command(journal, how, expected):
    found = _drill.measure(journal, "mail", 1000.0, how)
    assert (found["noticed"], found["from_break"], found["from_command"]) == expected


def seen(**more):
    return {"before": {"mail": GOOD}, "after": {"mail": GOOD}, "journal": UNDONE, "asked": 1000.0, "healthy": 1004.5, **more}


@pytest.mark.parametrize(("hosts", "how", "codes", "words"), [
    ({"app-1": seen()}, "fails-at-start", (2, None), []),
    ({"app-1": seen(), "app-2": seen(before={"auth": GOOD}, after={"auth": GOOD})}, "fails-at-start", (2, None), []),
    ({"app-1": seen()}, "kill", (None, None), []),
    ({"app-1": seen(after={"mail": {**GOOD, "current": "r2"}})}, "fails-at-start", (2, None), ["app-1: mail is on release r2, and was"]),
    ({"app-1": seen(after={})}, "kill", (None, None), ["mail is on release None", "mail is not healthy (not reached)"]),
    ({"app-1": seen(journal=[])}, "fails-at-start", (0, None), ["the break did not take"]),
    ({"app-1": seen(journal=[])}, "never-healthy", (2, None), ["mail was not broken, or its journal does not tell"]),
    ({"app-1": seen(journal=TAKEN_BACK)}, "bad-release", (0, 0), []),
    ({"app-1": seen()}, "bad-release", (2, 2), ["deploy.yml failed", "rollback.yml failed"]),
])
def test_a_report_is_content_only_with_the_platform_as_it_was(hosts, how, codes, words):
    report = _drill.report(hosts, "mail", how, "staging", *codes)
    assert len(report["problems"]) == len(words)
    assert all(word in text for word, text in zip(words, report["problems"]))
    assert report["as_before"] is not bool(words)
    text = "\n".join(drill_lines(report))
    assert ("as it was before" in text) is not bool(words)


def test_the_manager_is_measured_by_the_clock_of_the_host():
    [instance] = _drill.report({"app-1": seen()}, "mail", "kill", "staging")["instances"]
    assert (instance["from_break"], instance["from_command"], instance["noticed"]) == (4.5, None, None)
    [instance] = _drill.report({"app-1": seen(after={"mail": {**GOOD, "healthy": False}})}, "mail", "kill", "staging")["instances"]
    assert instance["from_break"] is None
