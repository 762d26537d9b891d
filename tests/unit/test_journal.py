# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dwp.backend.plugins.module_utils import _journal


def at(second: int) -> str:
    return f"2026-11-23T12:00:{second:02}.000+00:00"


def line(second: int, event: str, deployment: str = "d1", **details: Any) -> dict[str, Any]:
    return {"at": at(second), "event": event, "deployment": deployment, **details}


BEGIN = line(1, "begin", kind="deployment", owner="kim@here")
ACTIVATING = line(2, "activating", service="auth", release="r2", **{"from": "r1"})
GATED = line(5, "gated", service="auth", release="r2", outcome="good", cause="ok", seconds=2.5)
END = line(6, "end", outcome="ok", reason="")


# ---- the file
def test_lines_are_appended_and_read_back(tmp_path: Path) -> None:
    root = str(tmp_path)
    for entry in (BEGIN, ACTIVATING, {**GATED, "message": "Grüße\nzweite Zeile\u2028dritte"}, END):
        assert _journal.append(root, entry) is None
    assert [e["event"] for e in _journal.read(root)] == ["begin", "activating", "gated", "end"]
    assert _journal.read(root)[2]["message"] == "Grüße\nzweite Zeile\u2028dritte"
    assert (tmp_path / _journal.NAME).read_bytes().count(b"\n") == 4


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_torn_last_line_loses_that_line_alone(tmp_path: Path, cut: int) -> None:
    """The power went while the line was written."""
    root, path = str(tmp_path), tmp_path / _journal.NAME
    _journal.append(root, BEGIN)
    whole = path.read_bytes()
    _journal.append(root, ACTIVATING)
    os.truncate(path, len(whole) + cut)
    assert _journal.read(root) == [BEGIN]
    assert _journal.append(root, END) is None
    assert _journal.read(root) == [BEGIN, END]


def test_last_line_that_lacks_only_its_end_is_kept(tmp_path: Path) -> None:
    root, path = str(tmp_path), tmp_path / _journal.NAME
    _journal.append(root, BEGIN)
    os.truncate(path, path.stat().st_size - 1)
    _journal.append(root, END)
    assert _journal.read(root) == [BEGIN, END]


def test_rubbish_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / _journal.NAME).write_bytes(
        b"\0\0\0\0\n" + json.dumps(BEGIN).encode() + b"\n\xff\xfe\n[]\n12\n{}\n\n" + json.dumps(END).encode() + b"\r\n{"
    )
    assert _journal.read(str(tmp_path)) == [BEGIN, END]


def test_no_journal_is_an_empty_one(tmp_path: Path) -> None:
    assert _journal.read(str(tmp_path)) == []
    assert _journal.read(str(tmp_path / "not there")) == []


def test_only_the_newest_part_of_a_long_journal_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_journal, "_MAX_READ", 1000)
    for number in range(100):
        _journal.append(str(tmp_path), line(number % 60, "gated", deployment=f"d{number}"))
    found = [e["deployment"] for e in _journal.read(str(tmp_path))]
    assert 5 < len(found) < 100
    assert found == [f"d{n}" for n in range(100 - len(found), 100)], "whole lines, without a gap"


def unwritable(tmp_path: Path, how: str) -> Path:
    if how == "full disk":
        (tmp_path / _journal.NAME).symlink_to("/dev/full")
    elif how == "a directory in its place":
        (tmp_path / _journal.NAME).mkdir()
    elif how == "no such folder":
        return tmp_path / "not there"
    else:
        (tmp_path / "file").write_text("")
        return tmp_path / "file"
    return tmp_path


#: what the system says
UNWRITABLE = {
    "full disk": "No space left on device", "a directory in its place": "Is a directory",
    "no such folder": "No such file or directory", "a file in the folder's place": "Not a directory",
}  # fmt: skip


@pytest.mark.parametrize("how", UNWRITABLE)
def test_line_that_cannot_be_written_is_reported_and_stops_nothing(tmp_path: Path, how: str) -> None:
    problem = _journal.append(str(unwritable(tmp_path, how)), BEGIN)
    assert problem is not None
    assert _journal.NAME in problem and UNWRITABLE[how] in problem and "missing in the history" in problem


def test_half_written_line_is_reported_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills up takes a part of the line without an error."""
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: real(handle, data[:10]))
    problem = _journal.append(str(tmp_path), BEGIN)
    monkeypatch.undo()
    assert problem is not None and "missing in the history" in problem
    _journal.append(str(tmp_path), END)
    assert _journal.read(str(tmp_path)) == [END]


# ---- what it tells
@pytest.mark.parametrize("lines", [[BEGIN], [BEGIN, ACTIVATING], [BEGIN, ACTIVATING, GATED]], ids=lambda lines: lines[-1]["event"])
def test_deployment_without_an_end_was_interrupted(lines: list[dict[str, Any]]) -> None:
    [row] = _journal.deployments(lines)
    assert (row["outcome"], row["ended"], row["kind"], row["owner"]) == ("interrupted", None, "deployment", "kim@here")


@pytest.mark.parametrize("outcome", ["ok", "failed", "undone"])
def test_deployment_with_an_end(outcome: str) -> None:
    [row] = _journal.deployments([BEGIN, ACTIVATING, GATED, {**END, "outcome": outcome, "reason": "because"}])
    assert (row["outcome"], row["began"], row["ended"], row["reason"]) == (outcome, at(1), at(6), "because")
    assert row["services"] == {"auth": {"release": "r2", "from": "r1", "outcome": "good", "cause": "ok", "seconds": 2.5}}


def test_reclaimed_deployment_stays_interrupted_and_the_next_one_has_its_own_row() -> None:
    lines = [BEGIN, ACTIVATING, line(8, "reclaimed", "d2", **{"from": "d1"}), line(9, "begin", "d2", kind="rollback")]
    rows = _journal.deployments([*lines, line(10, "end", "d2", outcome="ok")])
    assert [(r["deployment"], r["outcome"]) for r in rows] == [("d1", "interrupted"), ("d2", "ok")]


def test_broken_deployment_stays_interrupted() -> None:
    [row] = _journal.deployments([BEGIN, line(8, "broken", reason="unlock.yml")])
    assert row["outcome"] == "interrupted"


def test_line_without_a_deployment_is_no_deployment() -> None:
    assert _journal.deployments([{"event": "activating", "service": "auth", "deployment": ""}, {"event": "x"}]) == []


def host(outcome: str | None, *, first: int = 1, last: int = 6, deployment: str = "d1") -> list[dict[str, Any]]:
    lines = [line(first, "begin", deployment, kind="deployment"), line(first, "activating", deployment, service="auth", release="r2")]
    return lines + ([line(last, "end", deployment, outcome=outcome, reason=f"was {outcome}")] if outcome else [])


#: outcomes on two hosts, and what the deployment is called
MERGED = [
    (("ok", "ok"), "ok"), (("ok", "undone"), "undone"), (("undone", "failed"), "failed"), (("failed", "ok"), "failed"),
    (("ok", None), "interrupted"), ((None, "ok"), "interrupted"), ((None, "failed"), "interrupted"), (("ok", "strange"), "strange"),
]  # fmt: skip


@pytest.mark.parametrize(("outcomes", "wanted"), MERGED)
def test_merge_takes_the_worst_outcome_with_its_reason(outcomes: tuple[str | None, str | None], wanted: str) -> None:
    [row] = _journal.merge({"b": host(outcomes[1], first=2, last=9), "a": host(outcomes[0])})
    assert row["outcome"] == wanted
    assert row["reason"] == ("" if wanted == "interrupted" else f"was {wanted}")
    assert row["hosts"] == ["a", "b"] and set(row["services"]) == {"auth@a", "auth@b"}
    assert row["began"] == at(1)
    assert row["ended"] == (at(9) if outcomes[1] else at(6))


def test_merge_orders_by_begin_and_knows_who_took_part() -> None:
    rows = _journal.merge({
        "a": [*host("ok", first=20, last=30, deployment="late"), *host("ok", first=3, deployment="early")],
        "b": host("ok", first=10, last=12, deployment="middle"),
        "c": [],
    })
    assert [(r["deployment"], r["hosts"]) for r in rows] == [("early", ["a"]), ("middle", ["b"]), ("late", ["a"])]


values = st.none() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)
names = st.sampled_from(["at", "event", "deployment", "service", "outcome", "kind", "reason", "owner"])
events = st.sampled_from(["begin", "end", "gated", "activating", "stopped", "broken"])


@given(st.lists(st.fixed_dictionaries({"event": events | values}, optional={"deployment": values, "at": values, "service": values})
                | st.dictionaries(names, values), max_size=6))
def test_whatever_json_a_journal_has_its_history_can_be_shown(entries: list[dict[str, Any]]) -> None:
    text = "\n".join(json.dumps(entry) for entry in entries)
    rows = _journal.merge({"a": _journal.parse(text), "b": _journal.parse(text[1:])})
    assert len({row["deployment"] for row in rows}) == len(rows)
