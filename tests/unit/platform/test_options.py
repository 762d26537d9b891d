# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simple variables: each wrong one is named before a host is reached, and a misspelt one is no other one's silence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.dwp.backend.plugins.module_utils._platform import options

ROOT = Path(__file__).resolve().parents[3]
DEFAULTS = yaml.safe_load((ROOT / "roles/platform/defaults/main.yml").read_text(encoding="utf-8"))

WRONG = {
    "dwp_keep_releases": ("x", 'dwp_keep_releases: expected a whole number, got text'),
    "dwp_on_failure": ("rolback", '"rolback" is not one of rollback, stop (did you mean "rollback"?)'),
    "dwp_settle": ("abc", 'dwp_settle: "abc" is not a number of seconds'),
    "dwp_lock_expiry": (0, "dwp_lock_expiry: 0 is not between 1 and"),
    "dwp_confirm": ("ja", 'dwp_confirm: "ja" is neither true nor false'),
    "dwp_root": ("opt/dwp", 'dwp_root: "opt/dwp" is not an absolute path'),
    "dwp_log_dir": ("/opt/../etc", "is not an absolute path"),
    "dwp_user": ("Dwp User", "is not the name of a unix user"),
    "dwp_environment": ("a/b", "is not the name of an environment"),
    "dwp_database": ("drop", "is not one of plan, apply, keep"),
}
RIGHT = {
    "dwp_keep_releases": "3", "dwp_settle": "0.5", "dwp_confirm": "Yes", "dwp_root": "/srv/한글 dir", "dwp_user": "dwp-demo",
    "dwp_environment": "스테이징 1", "dwp_lock_expiry": 60, "dwp_drill": False, "dwp_log_dir": "", "dwp_last": None,
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_is_named(name):
    value, words = WRONG[name]
    assert words in options.problems({name: value})[0]


def test_all_wrong_values_at_once():
    assert len(options.problems({name: value for name, (value, _words) in WRONG.items()})) == len(WRONG)


def test_right_values_and_defaults():
    assert options.problems(RIGHT) == []
    assert options.problems({n: v for n, v in DEFAULTS.items() if n in options.CHECKS and "{{" not in str(v)}) == []


def test_a_misspelt_name():
    names = ["dwp_onyl", "dwp_only", "dwp_artifact_dir", "dwp_smtp_relay", "dwp_flyway_to_version", "other"]
    assert options.misspelt(names) == [
        'dwp_artifact_dir: there is no such variable (did you mean "dwp_artifacts_dir"?)',
        'dwp_onyl: there is no such variable (did you mean "dwp_only"?)',
    ]


def test_all_documented_variables_are_known():
    text = (ROOT / "docs/variables.md").read_text(encoding="utf-8")
    rows = "".join(re.findall(r"^\| (`dwp_.*?) \|", text, re.M))
    assert set(re.findall(r"`(dwp_[a-z_]+)`", rows)) == options.KNOWN
    assert {name for name in DEFAULTS if name.startswith("dwp_")} <= options.KNOWN
