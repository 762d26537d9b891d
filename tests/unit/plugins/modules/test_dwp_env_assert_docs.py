# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
import yaml

from ansible_collections.dwp.backend.plugins.module_utils._environment import DEFAULT_RULES, merge_rules
from ansible_collections.dwp.backend.plugins.module_utils._environment_kinds import KINDS
from ansible_collections.dwp.backend.plugins.module_utils._environment_model import _COMMON
from ansible_collections.dwp.backend.plugins.modules import dwp_env_assert

RULES_TEXT = " ".join(yaml.safe_load(dwp_env_assert.DOCUMENTATION)["options"]["rules"]["description"])


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_documentation_names_each_kind_and_its_arguments(kind):
    assert f"V({kind})" in RULES_TEXT
    assert [name for name in KINDS[kind].arguments if f"C({name})" not in RULES_TEXT] == []


def test_the_documentation_names_what_all_rules_understand():
    assert [name for name in _COMMON if f"C({name})" not in RULES_TEXT] == []


def test_rules_in_the_examples_can_be_used():
    tasks = yaml.safe_load(dwp_env_assert.EXAMPLES)
    options = [task["dwp.backend.dwp_env_assert"] for task in tasks]
    assert sum(len(merge_rules(DEFAULT_RULES, each.get("rules", []), each.get("disable", []))) for each in options)
