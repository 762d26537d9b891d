# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.dwp.backend.plugins.module_utils._release import state
from ansible_collections.dwp.backend.plugins.module_utils._release.jar import FIXED_TIME
from ansible_collections.dwp.backend.plugins.module_utils._release.store import Store, StoreError

AT = "2026-01-01T00:00:00+00:00"
APP, LIBRARY = b"classes", b"library"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def spec(number: int = 1, app: bytes = APP, **changes: Any) -> dict[str, Any]:
    files = [{"path": "app.jar", "sha256": sha(app), "size": len(app)}, {"path": "lib/x.jar", "sha256": sha(LIBRARY), "size": len(LIBRARY)}]
    return {
        "service": "auth", "version": f"v{number}", "files": files, "environment": f"SECRET='geheim-{number}'\n",
        "launch": "#!/bin/sh\nexec java\n", "unit": "[Service]\n", "policy": {}, "artifact": {"sha256": "a"}, **changes,
    }  # fmt: skip


def fill(store: Store, app: bytes = APP) -> None:
    for data in (app, LIBRARY):
        store.add_blob(sha(data), io.BytesIO(data))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(str(tmp_path / "root"))
    os.makedirs(made.root)
    made.make_key()
    fill(made)
    return made


def activate(store: Store, number: int, outcome: str = "good", **changes: Any) -> str:
    release = store.stage(spec(number, **changes), at=AT)
    known, _warning = store.state("auth")
    known = state.activate(known, release, version=f"v{number}", deployment=f"d{number}", at=f"2026-01-01T00:{number:02}")
    store.save_state("auth", known)
    store.switch("auth", release)
    if outcome != "pending":
        store.save_state("auth", state.settle(known, release, outcome, at="later"))
    return release


def path(store: Store, release: str, name: str) -> Path:
    return Path(store.path("auth", release), name)


def test_release_as_it_lies_there(store: Store) -> None:
    release = store.stage(spec(), at=AT)
    assert release.startswith("v1-")
    assert path(store, release, "app.jar").read_bytes() == APP
    modes = {name: stat.S_IMODE(path(store, release, name).stat().st_mode) for name in ("environment", "launch", "unit", "manifest.json")}
    assert modes == {"environment": 0o600, "launch": 0o700, "unit": 0o604, "manifest.json": 0o644}, "nobody shares it"
    assert int(path(store, release, "app.jar").stat().st_mtime) == FIXED_TIME
    assert store.releases("auth") == [release] and store.tampered("auth", release, spec(), thorough=True) == []
    assert "geheim" not in path(store, release, "manifest.json").read_text(), "the manifest is readable for all"


def test_group_of_the_services_may_read_what_it_needs(store: Store) -> None:
    shared = Store(store.root, os.getgid())
    release = shared.stage(spec(), at=AT)
    modes = {name: stat.S_IMODE(path(shared, release, name).stat().st_mode) for name in ("environment", "launch", "unit")}
    assert modes == {"environment": 0o640, "launch": 0o750, "unit": 0o644}
    assert store.tampered("auth", release) == [], "whoever looks need not know the group"
    path(shared, release, "launch").chmod(0o700)
    assert shared.tampered("auth", release) == ["launch"], "whoever deploys knows it: the service could not start"


def test_same_content_is_the_same_release_whatever_its_label(store: Store) -> None:
    first = store.stage(spec(), at=AT)
    assert store.stage({**spec(), "version": "other label"}, at=AT) == first
    assert store.stage(spec(2), at=AT) != first
    assert len(store.releases("auth")) == 2


@pytest.mark.parametrize("change", [{"launch": "x"}, {"unit": "x"}, {"environment": "A=1\n"}])
def test_every_part_makes_another_release(store: Store, change: dict[str, str]) -> None:
    assert store.digest({**spec(), **change}) != store.digest(spec())


def test_digest_is_keyed_by_the_host(store: Store, tmp_path: Path) -> None:
    """Nobody may find out a short secret by trying digests."""
    other = Store(str(tmp_path / "other"))
    os.makedirs(other.root)
    other.make_key()
    assert other.digest(spec()) != store.digest(spec())
    assert stat.S_IMODE(Path(other.root, ".digest-key").stat().st_mode) == 0o600


def test_files_of_releases_are_one_file_on_the_disk(store: Store) -> None:
    one, two = store.stage(spec(1), at=AT), store.stage(spec(2), at=AT)
    assert path(store, one, "lib/x.jar").stat().st_ino == path(store, two, "lib/x.jar").stat().st_ino


def test_file_that_arrives_damaged_is_not_taken(store: Store) -> None:
    with pytest.raises(StoreError, match="arrived damaged"):
        store.add_blob(sha(b"wanted"), io.BytesIO(b"other"))
    assert store.missing([{"sha256": sha(b"wanted"), "size": 6}]) == [sha(b"wanted")]
    assert not list(Path(store.root, "store").rglob("*.new"))


BLOBS: dict[str, Callable[[Path], Any]] = {
    "cut": lambda p: p.write_bytes(p.read_bytes()[:-1]),
    "gone": lambda p: p.unlink(),
    "changed": lambda p: p.write_bytes(b"x" * p.stat().st_size),
    "a link": lambda p: (p.unlink(), p.symlink_to("/etc/hostname")),
}


@pytest.mark.parametrize("name", BLOBS)
def test_damaged_file_of_the_store_is_asked_for_again(store: Store, name: str) -> None:
    release = store.stage(spec(), at=AT)
    blob = Path(store.root, "store", sha(APP)[:2], sha(APP))
    BLOBS[name](blob)
    assert store.missing(spec()["files"]) == [sha(APP)]
    fill(store)
    assert store.missing(spec()["files"]) == []
    assert store.stage(spec(), at=AT) == release
    assert path(store, release, "app.jar").read_bytes() == APP
    assert store.tampered("auth", release, spec(), thorough=True) == []


def test_touched_but_unchanged_file_is_whole(store: Store) -> None:
    os.utime(Path(store.root, "store", sha(APP)[:2], sha(APP)))
    assert store.missing(spec()["files"]) == []


TAMPERED: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "text changed": ("environment", lambda p: p.write_text("SECRET='other'\n")),
    "text gone": ("launch", lambda p: p.unlink()),
    "mode": ("environment", lambda p: p.chmod(0o644)),
    "jar gone": ("app.jar", lambda p: p.unlink()),
    "jar changed": ("lib/x.jar", lambda p: (p.unlink(), p.write_bytes(b"libRary"))),
    "not UTF-8": ("environment", lambda p: p.write_bytes(b"\xff\xfe")),
}


@pytest.mark.parametrize("name", TAMPERED)
@pytest.mark.parametrize("with_spec", [True, False])
def test_tampering_is_found_and_repaired(store: Store, name: str, with_spec: bool) -> None:
    release = store.stage(spec(), at=AT)
    part, act = TAMPERED[name]
    act(path(store, release, part))
    assert store.tampered("auth", release, spec() if with_spec else None) == [part]
    assert store.stage(spec(), at=AT) == release
    assert store.tampered("auth", release, spec(), thorough=True) == []


def test_text_is_read_as_it_was_written(store: Store) -> None:
    odd = spec(environment="A='x\r\ny\rz\udcff한글'\n")
    release = store.stage(odd, at=AT)
    assert store.text("auth", release, "environment") == odd["environment"]
    assert store.tampered("auth", release, odd) == store.tampered("auth", release) == []


def test_thorough_look_finds_what_kept_its_time_and_size(store: Store) -> None:
    release = store.stage(spec(), at=AT)
    blob = path(store, release, "app.jar")
    blob.write_bytes(b"Classes")
    os.utime(blob, (FIXED_TIME, FIXED_TIME))
    assert store.tampered("auth", release) == []
    assert store.tampered("auth", release, thorough=True) == ["app.jar"]


def test_current_is_a_release_or_nothing(store: Store) -> None:
    one, two = store.stage(spec(1), at=AT), store.stage(spec(2), at=AT)
    assert store.current("auth") is None
    assert store.switch("auth", one) and store.current("auth") == one
    assert not store.switch("auth", one)
    assert store.switch("auth", two) and store.current("auth") == two
    link = Path(store.home("auth"), "current")
    for target in ("/tmp", "releases/none", "releases/../releases/" + one):
        link.unlink()
        link.symlink_to(target)
        assert store.current("auth") is None
    link.unlink()
    link.mkdir()
    (link / "kept").write_text("")
    assert store.switch("auth", one) and store.current("auth") == one
    assert [p for p in Path(store.home("auth")).glob("current.by-hand.*") if (p / "kept").exists()], "nothing is lost"


@pytest.mark.parametrize("damage", [b"", b"{", b"\0" * 100, b'{"schema": 1, "activations": [{}]}', None])
def test_damaged_state_is_rebuilt_with_a_warning(store: Store, damage: bytes | None) -> None:
    good, bad = activate(store, 1), activate(store, 2, "failed")
    file = Path(store.home("auth"), "state.json")
    if damage is None:
        file.unlink()
    else:
        file.write_bytes(damage)
    known, warning = store.state("auth")
    assert warning and str(file) in warning and "rebuilt" in warning
    assert [(e["release"], e["outcome"]) for e in known["activations"]] == [(good, "good"), (bad, "failed")]
    found = state.last_known_good(known, before=bad)
    assert found and found["release"] == good


def test_fresh_service_has_an_empty_state_without_a_warning(store: Store) -> None:
    assert store.state("mail") == (state.empty("mail"), None)


def test_settled_outcome_of_an_earlier_release_survives_the_loss_of_the_state(store: Store) -> None:
    """An undo marks the release and activates the one before it: both outcomes have to be known afterwards."""
    first, second = activate(store, 1), activate(store, 2)
    known, _warning = store.state("auth")
    known = state.settle(known, second, "rolled_back", at="later")
    known = state.activate(known, first, version="v1", deployment="d3", at="2026-01-01T00:03")
    store.save_state("auth", known)
    store.save_state("auth", state.settle(known, first, "good", at="later"))
    wanted = {r: state.outcome_of(store.state("auth")[0], r) for r in (first, second)}
    Path(store.home("auth"), "state.json").unlink()
    recovered, _warning = store.state("auth")
    assert {r: state.outcome_of(recovered, r) for r in (first, second)} == wanted == {first: "good", second: "rolled_back"}


def test_prune_never_takes_what_is_needed(store: Store) -> None:
    good = activate(store, 1)
    failed = [activate(store, n, "failed") for n in range(2, 7)]
    current = activate(store, 7, "pending")
    removed = store.prune("auth", keep=1)
    assert set(store.releases("auth")) == {good, failed[-1], current}
    assert set(removed) == set(failed[:-1])


def test_prune_keeps_the_newest(store: Store) -> None:
    releases = [activate(store, n) for n in range(1, 8)]
    store.prune("auth", keep=3)
    assert set(store.releases("auth")) == set(releases[-3:])


def test_sweep_drops_what_no_release_has(store: Store) -> None:
    store.stage(spec(), at=AT)
    store.add_blob(sha(b"lonely"), io.BytesIO(b"lonely"))
    assert store.sweep() == 6
    assert store.missing(spec()["files"]) == []
