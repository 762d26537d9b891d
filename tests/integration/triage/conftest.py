# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.deploy import light
from tests.integration.deploy.fleet import Fleet, Run, user_of_services

FIRST_PORT = 21140 + 20 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
SECRET = "Secret-Of-The-Light-0815"


class Triaged:
    """One run of triage.yml: what it printed and what it wrote."""

    def __init__(self, run: Run, fleet: Fleet) -> None:
        self.run = run
        told = [one["result"] for one in run.tasks("Tell what is wrong")]
        assert told, str(run)
        self.lines, self.paths = told[-1].get("lines", []), told[-1].get("paths", [])
        self.report: dict[str, Any] = {}
        if self.paths:
            with open(self.paths[0], encoding="utf-8") as file:
                self.report = json.load(file)

    @property
    def verdict(self) -> dict[str, Any]:
        return self.report["verdict"]

    @property
    def answer(self) -> tuple[str, str | None, str | None]:
        return self.verdict["status"], self.verdict["failure"], self.verdict["service"]

    def unasked(self) -> dict[str, str]:
        return {one["what"]: one["why"] for one in self.report["not_checked"]}


def triage(fleet: Fleet, *arguments: str, rc: int = 0) -> Triaged:
    done = fleet.run("triage", *arguments)
    assert done.rc == rc, str(done)
    return Triaged(done, fleet)


@pytest.fixture(scope="session")
def light_code(tmp_path_factory: pytest.TempPathFactory) -> Iterator[bytes]:
    with user_of_services():
        yield light.compile_class(tmp_path_factory.mktemp("light"))


@pytest.fixture(scope="module")
def fleet(light_code: bytes) -> Iterator[Fleet]:
    """gate calls the others; each test leaves the fleet healthy."""
    made = Fleet(FIRST_PORT, light_code, "gate alpha beta")
    made.services["gate"]["calls"] = ["*"]
    for name in ("alpha", "beta"):
        made.services[name]["url_variable"] = f"SERVICE_{name.upper()}_URL"
    made.services["beta"]["secrets"] = {"LIGHT_PASSWORD": SECRET}
    try:
        made.deploy()
        yield made
    finally:
        made.remove()


@pytest.fixture
def bare(light_code: bytes) -> Iterator[Fleet]:
    """Nothing was deployed yet."""
    made = Fleet(FIRST_PORT + 10, light_code, "alpha")
    try:
        yield made
    finally:
        made.remove()
