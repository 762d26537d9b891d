# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One stand for all faults, and their table at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from .faults import FAULTS
from .score import Score, summary
from .stand import CHECKOUT, Stand

SCORES: list[Score] = []  # of all workers, where there are some
RESULTS = CHECKOUT / ".work" / "faults"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("faults")
    group.addoption("--inject-only", action="store_true", help="prove that the faults take and heal, without triage")
    group.addoption("--stand", help="directory of a stand that runs (made by --keep-stand), left running")
    group.addoption("--keep-stand", action="store_true", help="leave the stand running and print its directory")


@pytest.fixture(scope="session")
def stand(request: pytest.FixtureRequest) -> Iterator[Stand]:
    if not request.config.getoption("--inject-only") and not (CHECKOUT / "playbooks" / "triage.yml").exists():
        pytest.fail("playbooks/triage.yml does not exist")
    given = request.config.getoption("--stand")
    made = Stand(given or "")
    try:
        if given:
            made.heal()
        else:
            made.deploy()
        yield made
    finally:
        if given or request.config.getoption("--keep-stand"):
            print(f"\nleft running: --stand {made.base}")
        else:
            made.remove()


@pytest.fixture(scope="session")
def results() -> Path:
    RESULTS.mkdir(parents=True, exist_ok=True)
    return RESULTS


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call":
        SCORES.extend(Score(**values) for name, values in report.user_properties if name == "score")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if SCORES:
        terminalreporter.section("faults")
        for line in summary(SCORES, {fault.id: fault for fault in FAULTS}):
            terminalreporter.write_line(line)
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / "scores.json").write_text(json.dumps([vars(score) for score in SCORES], indent=1), encoding="utf-8")
