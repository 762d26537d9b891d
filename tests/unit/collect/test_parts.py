# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions under one budget, and what is done with all that goes wrong."""

from __future__ import annotations

import threading
import time

import pytest

from ansible_collections.dwp.backend.plugins.action.dwp_collect import clock_offset
from ansible_collections.dwp.backend.plugins.module_utils._collect.parts import NotChecked, Parts, reason
from ansible_collections.dwp.backend.plugins.module_utils._collect.run import name_kills, scrubbed
from ansible_collections.dwp.backend.plugins.module_utils._logs.scrub import Scrubber
from ansible_collections.dwp.backend.plugins.module_utils._requires import MissingLibraryError


def raising(error):
    def job():
        raise error

    return job


@pytest.mark.parametrize(("error", "why"), [
    (NotChecked("not allowed here"), "not allowed here"),
    (MissingLibraryError("lacks redis"), "lacks redis"),
    (PermissionError(13, "Permission denied", "/x/y"), "/x/y: Permission denied"),
    (KeyError("name"), "KeyError: 'name'"),
    (ValueError("two\n lines"), "ValueError: two lines"),
    (RuntimeError(), "RuntimeError"),
])
def test_a_part_that_fails_is_said_and_the_others_go_on(error, why):
    parts = Parts("app-01", 5)
    parts.start("broken", raising(error))
    parts.start("fine", lambda: 42)
    assert parts.wait()
    parts.close()
    assert parts.not_checked == [{"what": "broken", "where": "app-01", "why": why}]
    assert (parts.answer("fine"), parts.answer("broken", "nothing"), parts.answer("never asked")) == (42, "nothing", None)


def test_a_part_that_hangs_costs_the_budget_and_no_more():
    forever = threading.Event()
    parts = Parts("app-01", 0.3)
    parts.start("hangs", forever.wait)
    parts.start("fine", lambda: 1)
    begin = time.monotonic()
    assert not parts.wait()
    parts.close()
    assert time.monotonic() - begin < 3 and parts.left() == 0.0
    assert [entry["what"] for entry in parts.not_checked] == ["hangs"] and "time_budget" in parts.not_checked[0]["why"]
    forever.set()


def test_the_same_is_said_once():
    parts = Parts("app-01", 1)
    for _number in range(2):
        assert parts.guarded("x", raising(NotChecked("y")), otherwise=[]) == []
    assert len(parts.not_checked) == 1


def test_an_error_without_a_file():
    assert reason(OSError(28, "No space left on device")) == "No space left on device"


@pytest.mark.parametrize(("begin", "end", "host", "offset", "doubt"), [
    (100.0, 102.0, {"time": 101.0, "ended": 101.5}, 0.25, 0.75),
    (100.0, 101.0, {"time": 400.5, "ended": 400.9}, 300.2, 0.3),
    (100.0, 101.0, {"time": 40.5, "ended": 40.9}, -59.8, 0.3),
])
def test_the_clock_of_the_host(begin, end, host, offset, doubt):
    found, uncertain = clock_offset(begin, end, host)
    assert (found, uncertain) == (pytest.approx(offset), pytest.approx(doubt))
    assert "ended" not in host


def test_whose_process_was_killed():
    kills = [{"pid": 7, "service": ""}, {"pid": 8, "service": "auth"}, {"pid": 9, "service": ""}]
    name_kills(kills, {"services": {"main": {"starts": [{"pid": 7}, {"pid": 8}]}, "mail": {}}})
    assert [kill["service"] for kill in kills] == ["main", "auth", ""]


def test_every_text_is_scrubbed():
    value = {"a": ["x hidden-value y", {"b": "\x1b[31mred"}], "n": 3, "t": (None, True)}
    assert scrubbed(value, Scrubber(["hidden-value"])) == {"a": ["x ******** y", {"b": "red"}], "n": 3, "t": [None, True]}
