# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dwp.backend.plugins.module_utils._logs.errors import LogsError
from ansible_collections.dwp.backend.plugins.module_utils._logs.window import Window, iso, parse_time, parse_window

NOW = datetime(2026, 11, 23, 12, 0, 0).timestamp()  # local noon
GOOD = [
    ("15m", 900), ("-15m", 900), ("15 minutes ago", 900), ("2h30m", 9000), ("2 hours 30 min", 9000), ("90s", 90),
    ("3 days ago", 259200), ("1w", 604800), ("1.5h", 5400), ("now", 0), ("1d", 86400),
]  # fmt: skip


@pytest.mark.parametrize(("text", "ago"), GOOD)
def test_relative(text, ago):
    assert parse_time(text, NOW) == pytest.approx(NOW - ago)


ABSOLUTE = [
    ("2026-11-23T01:30:00Z", datetime(2026, 11, 23, 1, 30, tzinfo=timezone.utc)),
    ("2026-11-23 01:30:00.250+09:00", datetime(2026, 11, 22, 16, 30, 0, 250000, timezone.utc)),
    ("2026-11-23T01:30", datetime(2026, 11, 23, 1, 30)),
    ("2026-11-23", datetime(2026, 11, 23)),
    ("@1795398381.5", datetime.fromtimestamp(1795398381.5)),
    ("09:15", datetime(2026, 11, 23, 9, 15)),
    ("13:15:30", datetime(2026, 11, 22, 13, 15, 30)),
    ("today", datetime(2026, 11, 23)),
    ("yesterday", datetime(2026, 11, 22)),
]


@pytest.mark.parametrize(("text", "expected"), ABSOLUTE)
def test_absolute(text, expected):
    assert parse_time(text, NOW) == pytest.approx(expected.timestamp())


@pytest.mark.parametrize("text", ["", None, "  "])
def test_nothing_is_open(text):
    assert parse_time(text, NOW) is None


@pytest.mark.parametrize(
    "text", ["soon", "15", "15x", "m", "2026-13-01", "2026-02-30T00:00:00Z", "25:00", "15m later", "1h30", "tomorrow", "-"]
)
def test_bad_times_are_explained(text):
    with pytest.raises(LogsError) as error:
        parse_time(text, NOW, "since")
    assert text in str(error.value) and str(error.value).startswith("since: ") and "2h30m" in str(error.value)


def test_an_empty_window_is_refused():
    with pytest.raises(LogsError, match="the window is empty"):
        parse_window("1h", "2h", NOW)


def test_both_ends_belong_to_the_window():
    window = Window(10.0, 20.0)
    assert [window.contains(time) for time in (9.9, 10.0, 20.0, 20.1, None)] == [False, True, True, False, True]


@given(st.text(max_size=20))
def test_any_text_gives_a_time_or_says_why_not(text):
    try:
        found = parse_time(text, NOW)
    except LogsError as error:
        assert str(error)
    else:
        assert found is None or isinstance(found, float)


@given(st.floats(0, 4e9))
def test_iso_goes_both_ways(time):
    text = iso(time)
    assert text and parse_time(text, NOW) == pytest.approx(time, abs=0.0011)
