# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of the run as a command that is to be pasted needs it."""

from __future__ import annotations

import os

import pytest

from ansible_collections.dwp.backend.plugins.action.dwp_triage import _inventory

CASES = [
    ([], ""),
    ([f"{os.getcwd()}/inventories/demo"], "inventories/demo"),
    (["/etc/ansible/hosts"], "/etc/ansible/hosts"),
    ([f"{os.getcwd()}/a", "/etc/my hosts"], "a -i '/etc/my hosts'"),
    (["app-01,app-02,"], "app-01,app-02,"),
]


@pytest.mark.parametrize(("sources", "expected"), CASES)
def test_inventory(sources, expected):
    assert _inventory({"ansible_inventory_sources": sources}) == expected
