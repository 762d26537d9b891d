# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.dwp.backend.plugins.filter.deployment import still_true

HEALTHY = {"auth": {"healthy": True}, "main": {"healthy": True}}


@pytest.mark.parametrize(("compared", "plan", "expected"), [
    ({"status": HEALTHY}, {"lines": []}, True),
    ({"status": HEALTHY}, {"lines": ["  wave 1  restart  auth: found stopped"]}, False),
    ({"status": {**HEALTHY, "main": {"healthy": False}}}, {"lines": []}, False),
    ({"status": {**HEALTHY, "main": {"healthy": None}}}, {"lines": []}, False),  # nobody could ask it
    ({"status": {}}, {"lines": []}, False),
    ({}, {}, False),  # --tags infra: nothing was planned
    ({"status": HEALTHY}, {}, False),
])
def test_what_comparing_saw_is_reported_only_where_nothing_happened_since(compared, plan, expected):
    assert still_true(compared, plan) is expected
