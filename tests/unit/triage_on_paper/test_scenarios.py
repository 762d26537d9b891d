# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The diagnosis on paper: a platform of which only the network, /proc and the logs are made up goes the whole way to the verdict.

The verdicts are those that somebody who knows what happened would give; one that is not reached yet is marked with its reason.
"""

from __future__ import annotations

import importlib
import pkgutil
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.dwp.backend.plugins.module_utils._signatures import catalogue

from . import scenarios
from .layouts import LAYOUTS, SERVICES
from .scenario import SCENARIOS, Scenario, explained, mistakes, nothing
from .world import World

for theme in pkgutil.iter_modules(scenarios.__path__):
    importlib.import_module(f"{scenarios.__name__}.{theme.name}")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Taken away after the test: the logs of all scenarios would be more than a hundred megabytes."""
    yield tmp_path / "hosts"
    shutil.rmtree(tmp_path, ignore_errors=True)


def marked(one: Scenario) -> object:
    marks = [pytest.mark.xfail(strict=True, raises=AssertionError, reason=one.xfail)] if one.xfail else []
    return pytest.param(one, id=one.id, marks=marks)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_nothing_is_wrong_with_the_paper_itself(layout: str, folder: Path) -> None:
    report = World(layout).report(folder)
    one = Scenario(layout, "nothing was broken", nothing(confidence="high"), lambda world: None)
    wrong = mistakes(one.expected, report)
    assert not wrong and not report["not_checked"] and not report["findings"], explained(one, report, wrong)


@pytest.mark.parametrize("one", [marked(one) for one in SCENARIOS.values()])
def test_what_the_verdict_says_is_right(one: Scenario, folder: Path) -> None:
    report = one.world().report(folder)
    wrong = mistakes(one.expected, report)
    assert not wrong, explained(one, report, wrong)


def test_names_in_expectations_exist() -> None:
    """A name with a slip in it would be one that no report can have."""
    failures = {row.id for row in catalogue()} | {"unknown"}
    names = {*SERVICES, "postgres", "redis", "balancer", "none"}
    for one in SCENARIOS.values():
        expected = one.expected
        for cause in (*expected.causes, *expected.also):
            assert cause.failures <= failures and cause.services <= names, (one.id, cause.text)
        assert expected.notes <= failures and expected.victims | expected.may <= names, one.id
