# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.dwp.backend.plugins.module_utils import _journal, _lock
from ansible_collections.dwp.backend.plugins.module_utils._flyway import part
from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError

PLAN = {"versions": ["2"], "schema_version": {"before": "2", "after": "1"}}


def params(root: Path, mode: str = "apply", deployment: str = "d1") -> dict[str, Any]:
    return {
        "deployment_root": str(root), "deployment": deployment, "mode": mode, "login_db": "dwp_main", "login_password": "secret-word",
        "versions": ["2"], "plan_id": "p",
    }  # fmt: skip


def held(root: Path, deployment: str) -> None:
    _lock.write(str(root), {"deployment": deployment, "owner": "kim@here"}, exclusive=False)


def work(_params: Any, _check_mode: bool) -> dict[str, Any]:
    return {"plan": PLAN, "warnings": []}


def refused(_params: Any, _check_mode: bool) -> dict[str, Any]:
    raise FlywayError("Refused: t2 has rows", "DATA_LOSS")


def events(root: Path) -> list[str]:
    return [entry["event"] for entry in _journal.read(str(root))]


def test_journal_before_and_after(tmp_path: Path) -> None:
    held(tmp_path, "d1")
    assert part.carried_out(params(tmp_path), False, work)["plan"] == PLAN
    assert events(tmp_path) == ["database_rolling_back", "database_rolled_back"]
    row = _journal.read(str(tmp_path))[1]
    assert (row["deployment"], row["database"], row["versions"], row["schema_version"]) == ("d1", "dwp_main", ["2"], PLAN["schema_version"])
    assert _journal.merge({"a": _journal.read(str(tmp_path))})[0]["databases"] == {"dwp_main": ["2"]}
    with pytest.raises(FlywayError):
        part.carried_out(params(tmp_path), False, refused)
    assert events(tmp_path)[2:] == ["database_rolling_back", "database_not_rolled_back"]
    assert "secret-word" not in (tmp_path / _journal.NAME).read_text()


@pytest.mark.parametrize("holder", ["", "d2"])
@pytest.mark.parametrize("mode", ["apply", "rehearse"])
def test_orphan_of_a_killed_run_does_nothing(tmp_path: Path, holder: str, mode: str) -> None:
    if holder:
        held(tmp_path, holder)
    with pytest.raises(FlywayError) as error:
        part.carried_out(params(tmp_path, mode), False, refused)
    assert error.value.code == "NOT_CURRENT" and "nothing was done" in error.value.message and events(tmp_path) == []


@pytest.mark.parametrize(("mode", "deployment", "check_mode"), [("plan", "d1", False), ("apply", "", False), ("apply", "d1", True)])
def test_no_lock_is_needed_where_nothing_is_done_for_a_deployment(tmp_path: Path, mode: str, deployment: str, check_mode: bool) -> None:
    assert part.carried_out(params(tmp_path, mode, deployment), check_mode, work)["plan"] == PLAN
    assert events(tmp_path) == []


def test_rehearsal_is_no_line_of_the_journal(tmp_path: Path) -> None:
    held(tmp_path, "d1")
    part.carried_out(params(tmp_path, "rehearse"), False, work)
    assert events(tmp_path) == []
