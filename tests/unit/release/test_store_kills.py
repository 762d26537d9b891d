# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The store of releases is killed between any two of its steps: in a child that vanishes without tidying up."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._release import state
from ansible_collections.dwp.backend.plugins.module_utils._release.store import Store

from .test_store import AT, activate, path, sha, spec, store

__all__ = ["store"]  # a fixture

#: Calls that change a disk: a kill may fall before each of them.
STEPS = ("mkdir", "makedirs", "rename", "replace", "link", "symlink", "unlink", "rmdir", "open", "fsync", "utime", "fchmod")


def killed_at(step: int, act: Callable[[], None]) -> bool:
    """Run ``act`` in a child that vanishes before its ``step``-th change of the disk; False if it came to its end."""
    pid = os.fork()
    if pid == 0:
        left = step
        real = {name: getattr(os, name) for name in STEPS}

        def counted(name: str) -> Callable[..., Any]:
            def call(*args: Any, **kwargs: Any) -> Any:
                nonlocal left
                left -= 1
                if left == 0:
                    os._exit(9)
                return real[name](*args, **kwargs)

            return call

        for name in STEPS:
            setattr(os, name, counted(name))
        try:
            act()
        except BaseException:
            os._exit(1)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status in (0, 9), "the step failed"
    return status == 9


def whole(store: Store) -> None:
    """Every release that is listed is complete, and current is one of them."""
    for release in store.releases("auth"):
        manifest = store.manifest("auth", release)
        assert manifest and store.tampered("auth", release, thorough=True) == []
    current = store.current("auth")
    assert current is None or current in store.releases("auth")


def walk(store: Store, act: Callable[[], None], check: Callable[[], None]) -> int:
    """Kill ``act`` before each of its steps in turn, checking after each; then let it pass. Returns how many kills there were."""
    step = 1
    while killed_at(step, act):
        whole(store)
        check()
        step += 1
        assert step < 500
    whole(store)
    return step - 1


def test_kill_between_any_two_steps_of_staging(store: Store) -> None:
    old = activate(store, 1)

    def check() -> None:
        assert store.current("auth") == old
        assert store.tampered("auth", old, spec(1), thorough=True) == []

    assert walk(store, lambda: store.stage(spec(2), at=AT) and None, check) > 10
    assert len(store.releases("auth")) == 2
    assert not list(Path(store.root).rglob(".*.new")), "nothing half-made is left once it has passed"


def test_kill_between_any_two_steps_of_repairing(store: Store) -> None:
    release = activate(store, 1)
    others = activate(store, 2)

    def spoil() -> None:
        path(store, release, "environment").write_text("x")
        path(store, release, "app.jar").unlink(missing_ok=True)

    step = 1
    while True:
        spoil()
        killed = killed_at(step, lambda: store.stage(spec(1), at=AT) and None)
        assert store.tampered("auth", others, thorough=True) == []
        if not killed:
            break
        step += 1
    assert step > 5
    whole(store)


def test_kill_between_any_two_steps_of_switching_and_remembering(store: Store) -> None:
    old, new = activate(store, 1), store.stage(spec(2), at=AT)
    before, _warning = store.state("auth")

    def act() -> None:
        known, _nothing = store.state("auth")
        if state.outcome_of(known, new) is None:
            known = state.activate(known, new, version="v2", deployment="d2", at="2026-01-01T00:02")
            store.save_state("auth", known)
        store.switch("auth", new)
        store.save_state("auth", state.settle(known, new, "good", at="later"))

    def check() -> None:
        assert store.current("auth") in (old, new)
        known, warning = store.state("auth")
        assert warning is None and known["activations"][: len(before["activations"])] == before["activations"]
        good = state.last_known_good(known, before=new)
        assert good and good["release"] == old
        if store.current("auth") == new:
            assert state.outcome_of(known, new) in ("pending", "good"), "pending is written before the switch"

    assert walk(store, act, check) >= 8
    assert json.loads(Path(store.home("auth"), "state.json").read_text())["activations"][-1]["outcome"] == "good"


def test_kill_between_any_two_steps_of_taking_files(store: Store) -> None:
    data = b"a new library"

    def check() -> None:
        blob = Path(store.root, "store", sha(data)[:2], sha(data))
        assert not blob.exists() or blob.read_bytes() == data

    assert walk(store, lambda: store.add_blob(sha(data), io.BytesIO(data)), check) > 2
    assert store.missing([{"sha256": sha(data), "size": len(data)}]) == []


def test_kill_between_any_two_steps_of_pruning(store: Store) -> None:
    releases = [activate(store, n) for n in range(1, 6)]

    def check() -> None:
        assert store.current("auth") == releases[-1]
        assert {releases[-1], releases[-2]} <= set(store.releases("auth"))

    assert walk(store, lambda: store.prune("auth", keep=2) and None, check) > 5
    assert set(store.releases("auth")) == set(releases[-2:])
    assert {p.name for p in Path(store.home("auth"), "releases").iterdir()} == set(releases[-2:]), "nothing half-removed is left"


def test_prune_removes_what_a_killed_staging_left(store: Store) -> None:
    activate(store, 1)
    assert killed_at(8, lambda: store.stage(spec(2), at=AT) and None)
    releases = Path(store.home("auth"), "releases")
    assert [p.name for p in releases.iterdir() if p.name.startswith(".")]
    store.prune("auth", keep=5)
    assert [p.name for p in releases.iterdir()] == store.releases("auth")


def test_probes_go_with_the_release_and_change_at_once_for_the_current_one(store: Store) -> None:
    one, two = activate(store, 1), store.stage(spec(2), at=AT)
    store.save_policy("auth", one, {"port": 1})
    assert store.policy("auth") == {"port": 1}
    store.save_policy("auth", two, {"port": 2})
    assert store.policy("auth") == {"port": 1}, "release 2 is not current yet"
    store.switch("auth", two)
    store.use_policy("auth", two)
    assert store.policy("auth") == {"port": 2}
    store.use_policy("auth", one)
    assert store.policy("auth") == {"port": 1}
    in_use = Path(store.home("auth"), "service.json")
    beside = Path(store.path("auth", one), "policy.json")
    assert {path.stat().st_mode & 0o7777 for path in (in_use, beside)} == {0o600}, "a probe's headers may hold credentials"
    for damage in ("", "[1]", "{"):
        beside.write_text(damage)
        store.use_policy("auth", one)
        assert store.policy("auth") == {"port": 1}, "without its own it keeps those in use"
