# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import json
import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.dwp.backend.plugins.module_utils import _journal, _lock

NOW = datetime.datetime(2026, 11, 23, 12, 0, tzinfo=datetime.timezone.utc)
EXPIRY = 900.0
WANTED = {"deployment": "mine", "owner": "kim@here"}


def seen(seconds: float) -> str:
    return (NOW - datetime.timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def held(**fields: Any) -> dict[str, Any]:
    lock = {"deployment": "theirs", "kind": "rollback", "owner": "lee@there", "pid": 77, "since": seen(600), "seen": seen(5)}
    return {**lock, "step": "apply auth", **fields}


#: by name: the lock that was found, the deployment whose process is known to be gone, the decision, words of the reason
DECISIONS: dict[str, tuple[dict[str, Any] | None, str, str, tuple[str, ...]]] = {
    "no lock": (None, "", "acquire", ()),
    "no lock, though somebody is gone": (None, "theirs", "acquire", ()),
    "my own": (held(deployment="mine"), "", "mine", ()),
    "my own, long silent": (held(deployment="mine", seen=seen(9999)), "", "mine", ()),
    "live and foreign": (held(), "", "refuse", ("lee@there", "rollback theirs", "10 min ago", "5 s ago", "apply auth", "unlock.yml")),
    "live, without a step": (held(step=""), "", "refuse", ("5 s ago). Wait",)),
    "just before its expiry": (held(seen=seen(EXPIRY)), "", "refuse", ("15 min after",)),
    "just after its expiry": (held(seen=seen(EXPIRY + 0.01)), "", "reclaim", ("15 min", "dwp_lock_expiry", "theirs of lee@there")),
    "seen in the future (another clock)": (held(seen=seen(-3600)), "", "refuse", ("theirs",)),
    "old, but with signs of life": (held(since=seen(99999)), "", "refuse", ("1667 min ago",)),
    "its process is gone": (held(), "theirs", "reclaim", ("process 77", "has ended")),
    "another one's process is gone": (held(), "others", "refuse", ("theirs",)),
    "no sign of life recorded": (held(seen=None), "", "reclaim", ("an unknown time",)),
    "sign of life unreadable": (held(seen="yesterday"), "", "reclaim", ("an unknown time",)),
    "sign of life without a zone": (held(seen="2026-11-23T12:00:00"), "", "reclaim", ("an unknown time",)),
    "start unreadable": (held(since="?"), "", "refuse", ("started an unknown time ago",)),
    "only the deployment and a fresh sign": ({"deployment": "x", "seen": seen(1)}, "", "refuse", ("unknown (deployment x",)),
}


@pytest.mark.parametrize("name", DECISIONS)
def test_decide(name: str) -> None:
    found, gone, what, words = DECISIONS[name]
    decision = _lock.decide(found, WANTED, expiry=EXPIRY, now=NOW, owner_gone=gone)
    assert decision.what == what
    for word in words:
        assert word in decision.reason
    assert bool(decision.reason) == (what in ("refuse", "reclaim"))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "12", '"theirs"', '{"owner": "lee"}', "\udcff{"])
def test_damaged_lock_is_held_by_nobody_known_and_as_old_as_its_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / _lock.NAME
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    for age, what in ((10, "refuse"), (EXPIRY + 10, "reclaim")):
        moment = NOW.timestamp() - age
        os.utime(path, (moment, moment))
        found = _lock.read(str(tmp_path))
        assert found is not None and "damaged" in found["owner"]
        decision = _lock.decide(found, WANTED, expiry=EXPIRY, now=NOW)
        assert decision.what == what and "damaged lock file" in decision.reason


def test_no_lock_file(tmp_path: Path) -> None:
    assert _lock.read(str(tmp_path)) is None
    assert _lock.read(str(tmp_path / "not there")) is None
    _lock.remove(str(tmp_path))


def take(place: tuple[str, int]) -> bool:
    root, number = place
    return _lock.write(root, {"deployment": f"d{number}", "pid": os.getpid()}, exclusive=True)


def test_of_many_processes_at_once_one_gets_it(tmp_path: Path) -> None:
    with multiprocessing.get_context("fork").Pool(6) as pool:
        for turn in range(20):
            root = tmp_path / str(turn)
            root.mkdir()
            won = [n for n, got in enumerate(pool.map(take, [(str(root), n) for n in range(6)], chunksize=1)) if got]
            found = _lock.read(str(root))
            assert len(won) == 1 and found is not None
            assert found["deployment"] == f"d{won[0]}"
            assert os.listdir(root) == [_lock.NAME], "no temporary file stays"


def test_write_without_exclusive_takes_over(tmp_path: Path) -> None:
    root = str(tmp_path)
    assert _lock.write(root, {"deployment": "a"}, exclusive=True)
    assert not _lock.write(root, {"deployment": "b"}, exclusive=True)
    assert _lock.write(root, {"deployment": "b"}, exclusive=False)
    assert _lock.read(root) == {"deployment": "b"}


def test_check_gives_a_sign_of_life_to_its_holder_only(tmp_path: Path) -> None:
    root = str(tmp_path)
    gone = _lock.check(root, "mine", "apply auth", seen(0))
    assert gone is not None and "does not hold the lock of this host any more" in gone and "nothing was done" in gone
    assert not os.listdir(root), "asking makes no lock"
    _lock.write(root, held(), exclusive=True)
    assert _lock.check(root, "theirs", "gate auth", seen(0)) is None
    assert _lock.read(root) == held(step="gate auth", seen=seen(0))
    taken = _lock.check(root, "mine", "apply auth", seen(-9))
    assert taken is not None and "theirs of lee@there has taken over" in taken
    assert _lock.read(root) == held(step="gate auth", seen=seen(0)), "and it is not mine to keep alive"


def test_host_lock_waits_so_long_and_then_says_how_to_find_the_holder(tmp_path: Path) -> None:
    times = iter([0.0, 1.0, 5.1])
    refused = pytest.raises(_lock.ActivationError, match=r"held by another run .* more than 5 s .*fuser")
    with _lock.host_lock(str(tmp_path)), refused, _lock.host_lock(str(tmp_path), timeout=5, clock=lambda: next(times)):
        pass
    with _lock.host_lock(str(tmp_path), timeout=0):
        pass


def test_lock_is_json_with_the_documented_fields(tmp_path: Path) -> None:
    lock = {**held(), "controller": "here/boot", "start_ticks": 5}
    _lock.write(str(tmp_path), lock, exclusive=True)
    assert set(json.loads((tmp_path / _lock.NAME).read_text())) == set(_lock.FIELDS)


def test_a_root_that_this_user_cannot_use_is_said_before_anything_is_made(tmp_path, monkeypatch):
    assert _lock.unusable(str(tmp_path / "a" / "b")) == []
    (tmp_path / "file").write_text("")
    assert f"{tmp_path}/file is no directory" in _lock.unusable(str(tmp_path / "file" / "b"))[0]
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may write everywhere
    root = str(tmp_path / "a" / "b")
    words = f"dwp_root {root} cannot be used: user {_lock.user_name()} may not write to {tmp_path}; set dwp_root to a directory"
    assert words in _lock.unusable(root)[0]
    with pytest.raises(_lock.ActivationError, match="may not write"), _lock.host_lock(root):
        pass
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(("deployment", "broken", "event"), [("d-1", False, "end"), ("d-2", False, None), ("", True, "broken")])
def test_a_lock_is_given_back_by_its_holder_or_broken_by_hand(tmp_path: Path, deployment: str, broken: bool, event: str | None) -> None:
    root = str(tmp_path)
    _lock.write(root, held(deployment="d-1", owner="kim@ops"), exclusive=True)
    answer = _lock.give_back(root, deployment, broken=broken)
    written = [(entry["event"], entry["deployment"], entry["owner"]) for entry in _journal.read(root)]
    assert written == ([(event, "d-1", "kim@ops")] if event else [])
    assert (_lock.read(root) is None) is bool(event)
    assert answer["changed"] is broken and answer["lock"]["deployment"] == "d-1"


def test_nobody_holds_what_is_given_back(tmp_path: Path) -> None:
    assert _lock.give_back(str(tmp_path / "nowhere"), "d-1")["lock"] == {}
    assert not _journal.read(str(tmp_path))
