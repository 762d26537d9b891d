# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles say what they take: defaults/main.yml and meta/argument_specs.yml have the same keys and defaults."""

from __future__ import annotations

import functools
import pathlib
import re

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

ROOT = pathlib.Path(__file__).parents[2]
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if (path / "tasks").is_dir())
KEYS = {"description", "type", "elements", "default", "choices", "required", "options", "no_log"}


@functools.lru_cache
def read(path):
    return yaml.safe_load((ROOT / "roles" / path).read_text(encoding="utf-8")) or {}


def defaults(role):
    return read(f"{role}/defaults/main.yml")


def entries(role):
    return read(f"{role}/meta/argument_specs.yml")["argument_specs"]


def test_there_are_roles():
    assert {"platform", "service", "deployment", "infra"} <= set(ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_defaults_are_those_of_the_specification(role):
    for entry, spec in entries(role).items():
        documented = {name: option["default"] for name, option in spec["options"].items() if "default" in option}
        assert documented == defaults(role), f"{role}: defaults/main.yml and entry {entry} of meta/argument_specs.yml differ"


@pytest.mark.parametrize("role", ROLES)
def test_options_without_a_default_are_read_by_the_role(role):
    tasks = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "roles" / role / "tasks").glob("*.yml"))
    for spec in entries(role).values():
        for name, option in spec["options"].items():
            assert "default" in option or re.search(rf"\b{name}\b", tasks), f"{role}: nothing reads {name}"


@pytest.mark.parametrize("role", ROLES)
def test_the_specification_is_one_that_ansible_takes(role):
    for entry, spec in entries(role).items():
        assert spec["short_description"] and spec["description"] and spec["author"]
        for name, option in spec["options"].items():
            assert option["description"] and option["type"], f"{role}, {entry}: {name} has no description or type"
            assert not set(option) - KEYS, f"{role}, {entry}: {name} has unknown keys {set(option) - KEYS}"
            assert option.get("default") is None or option["type"] != "bool" or isinstance(option["default"], (bool, str))
        literal = {n: d for n, d in defaults(role).items() if "{{" not in str(d)}
        answer = ArgumentSpecValidator({n: o for n, o in spec["options"].items() if n in literal}).validate(literal)
        assert not answer.error_messages, f"{role}, {entry}: its own defaults are refused"


@pytest.mark.parametrize("role", ROLES)
def test_variables_carry_the_name_of_their_role(role):
    prefixes = (f"{role}_", f"{role}__", "dwp_") if role == "platform" else (f"{role}_", f"{role}__")
    assert [name for name in defaults(role) if not name.startswith(prefixes)] == []


@pytest.mark.parametrize("role", ["service", "deployment"])
def test_the_readme_lists_every_entry_point(role):
    readme = (ROOT / "roles" / role / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+\.yml)`", readme, re.M)
    assert sorted(listed) == sorted(path.name for path in (ROOT / "roles" / role / "tasks").glob("*.yml"))


@pytest.mark.parametrize("role", ["platform", "service", "deployment"])
def test_no_entry_point_of_a_deployment_is_validated_by_ansible(role):
    """It costs 0.2 s each and hides the better message of dwp_platform (see the head of each file)."""
    entry_points = {path.stem for path in (ROOT / "roles" / role / "tasks").glob("*.yml")}
    assert not entry_points & set(entries(role))
