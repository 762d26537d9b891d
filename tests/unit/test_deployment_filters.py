# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.dwp.backend.plugins.filter.deployment import still_true

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
