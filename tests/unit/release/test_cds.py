# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ansible_collections.dwp.backend.plugins.filter.archives import archives_to_make
from ansible_collections.dwp.backend.plugins.module_utils._command import Commands, Done
from ansible_collections.dwp.backend.plugins.module_utils._release import cds, state, texts, training
from ansible_collections.dwp.backend.plugins.module_utils._release.store import Store

OPTIONS = ["-Xmx32m", "-Dname=a value with 'quotes' and $HOME", "-Xlog:gc:file=/var/log/gc.log", "-javaagent:/opt/agent.jar"]


def fake_java(folder: Path, version: str = "17.0.15") -> Path:
    """What a JDK looks like from outside; its java prints what it is given."""
    (folder / "bin").mkdir(parents=True)
    (folder / "lib" / "server").mkdir(parents=True)
    (folder / "lib" / "server" / "libjvm.so").write_text("library")
    (folder / "release").write_text(f'JAVA_VERSION="{version}"\n')
    (folder / "bin" / "java").write_text('#!/bin/sh\nfor word; do echo "$word"; done\n')
    (folder / "bin" / "java").chmod(0o755)
    return folder / "bin" / "java"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """One service with the releases r1, r2 and r3, all of them good and r3 current."""
    made, java = Store(str(tmp_path / "root")), fake_java(tmp_path / "jdk")
    known = state.empty("auth")
    for release in ("r1", "r2", "r3"):
        base = Path(made.path("auth", release))
        base.mkdir(parents=True)
        manifest = {"release": release, "java_version": 17, "layout": "extracted", "memory": 1, "secret_names": ["SECRET"]}
        (base / "manifest.json").write_text(json.dumps(manifest))
        (base / "environment").write_text("SECRET='hidden words'\nLOGGING_FILE_NAME=/var/log/auth.log\n")
        (base / "launch").write_text(texts.launcher("auth", OPTIONS).replace(texts.JAVA, str(java)))
        (base / "launch").chmod(0o755)
        (base / "app.jar").write_text("jar")
        known = state.settle(state.activate(known, release, version="", deployment="d", at=release), release, "good", at=release)
    made.save_state("auth", known)
    made.switch("auth", "r3")
    Path(made.home("auth"), "service.json").write_text(json.dumps({"fast_start": "after"}))
    return made


def trained(store: Store, release: str, text: str = "archive") -> cds.Archive:
    archive = cds.Archive(store, "auth", release)
    made = Path(store.path("auth", release), "made")
    made.write_text(text)
    archive.publish(str(made), {"java": "Java 17.0.15 in /jdk"})
    return archive


def started_with(store: Store, release: str = "r3") -> list[str]:
    """The arguments that the release's own launcher gives to java."""
    path = Path(store.path("auth", release), "launch")
    return subprocess.run([str(path)], capture_output=True, text=True, check=True, env={"DWP_LAUNCH": "", "java": "x"}).stdout.splitlines()


def test_java_and_options_are_read_back_from_the_launcher(store: Store, tmp_path: Path) -> None:
    found = cds.command_of(store.text("auth", "r3", "launch") or "")
    assert found == (str(tmp_path / "jdk" / "bin" / "java"), OPTIONS)


@pytest.mark.parametrize("text", ["", "#!/bin/sh\nexec /usr/bin/java 'open", "exec java -jar x.jar", "exec /usr/bin/python x\n"])
def test_a_launcher_of_another_make_is_not_guessed_at(text: str) -> None:
    assert cds.command_of(text) is None


def test_the_training_leaves_out_what_does_something_beside_running() -> None:
    assert cds.training_options([*OPTIONS, "-agentlib:jdwp=transport=dt_socket", "-XX:+UseSerialGC"]) == [*OPTIONS[:2], "-XX:+UseSerialGC"]


def test_launcher_names_an_archive_that_is_whole_and_of_this_java(store: Store) -> None:
    assert started_with(store)[: len(OPTIONS)] == OPTIONS
    archive = trained(store, "r3")
    assert archive.fault() is None
    assert started_with(store)[:4] == [f"-XX:SharedArchiveFile={archive.path}", "-Xlog:cds=off", "-Xlog:cds+dynamic=off", OPTIONS[0]]


def cut(archive: cds.Archive, jdk: Path) -> None:
    os.truncate(archive.path, 3)


def overwritten(archive: cds.Archive, jdk: Path) -> None:
    os.utime(archive.path, (1, 1))


def removed(archive: cds.Archive, jdk: Path) -> None:
    os.unlink(archive.path)


def updated(archive: cds.Archive, jdk: Path) -> None:
    (jdk / "lib" / "server" / "libjvm.so").write_text("another library")


def uninstalled(archive: cds.Archive, jdk: Path) -> None:
    (jdk / "lib" / "server" / "libjvm.so").unlink()


@pytest.mark.parametrize(("harm", "why"), [
    (cut, "was changed"), (overwritten, "was changed"), (removed, "was changed"),
    (updated, "made by Java 17.0.15"), (uninstalled, "made by Java 17.0.15"),
])  # fmt: skip
def test_launcher_and_status_leave_any_other_archive_alone(store: Store, tmp_path: Path, harm, why) -> None:
    archive = trained(store, "r3")
    harm(archive, tmp_path / "jdk")
    assert started_with(store)[0] == OPTIONS[0]
    found = cds.describe(store, "auth", "r3", 0, 0.0)
    assert found["state"] == "ignored" and why in found["why"]


def test_status_believes_the_process(store: Store, tmp_path: Path) -> None:
    archive = trained(store, "r3")
    (tmp_path / "proc" / "7").mkdir(parents=True)
    maps = tmp_path / "proc" / "7" / "maps"

    def seen(since: float) -> str:
        return cds.describe(store, "auth", "r3", 7, since, proc=str(tmp_path / "proc"))["state"]

    maps.write_text(f"7f00-7f01 r--p 0 00:00 1 {archive.path}\n")
    assert seen(0.0) == "used"
    maps.write_text("7f00-7f01 r--p 0 00:00 1 /usr/lib/jvm/classes.jsa\n")
    assert seen(0.0) == "ready"  # it was started before the archive was there
    assert seen(9e9) == "ignored"
    maps.unlink()
    assert seen(9e9) == "ready"


def test_status_without_an_archive(store: Store) -> None:
    assert cds.describe(store, "auth", "r3", 0, 0.0) == {"state": "none", "why": "not made yet", "final": False}
    cds.Archive(store, "auth", "r3").withdraw({"why": "it ended with status 3", "exit_status": 3})
    assert cds.describe(store, "auth", "r3", 0, 0.0) == {"state": "none", "why": "it ended with status 3", "final": True}
    Path(store.home("auth"), "service.json").write_text("{}")
    assert cds.describe(store, "auth", "r3", 0, 0.0)["state"] == "off"


def test_current_and_last_known_good_keep_theirs(store: Store) -> None:
    for release in ("r1", "r2", "r3"):
        trained(store, release)
    assert cds.prune(store, "auth") == ["r1"]
    assert [cds.Archive(store, "auth", r).fault() for r in ("r1", "r2", "r3")] == ["", None, None]
    cds.drop(store, "auth")
    assert not list(Path(store.root).rglob("cds"))


class Runs:
    """Stands for run_command: writes the archive that a training would, or does not."""

    def __init__(self, status: int = 0, archive: bool = True, says: str = "") -> None:
        self.status, self.archive, self.says, self.calls = status, archive, says, []

    def __call__(self, argv, **how):
        self.calls.append((argv, how))
        option = next(word for word in argv if word.startswith("-XX:ArchiveClassesAtExit="))
        if self.archive:
            Path(option.partition("=")[2]).write_text("made")
        return self.status, "", self.says


def make(store: Store, run) -> dict:
    return training.make(store, "auth", "r3", commands=Commands(run), user=None, timeout=5, clock=lambda: 1.0, at="now")


@pytest.mark.parametrize("status", [0, 1])
def test_an_application_that_cannot_do_without_its_database_has_an_archive_too(store: Store, status: int) -> None:
    run = Runs(status)
    assert make(store, run)["state"] == "made"
    assert make(store, run)["state"] == "kept" and len(run.calls) == 1
    ((argv, how),) = run.calls
    assert "hidden words" not in " ".join(argv) and how["environ_update"]["SECRET"] == "hidden words"
    assert how["environ_update"]["LOGGING_FILE_NAME"].startswith(store.path("auth", "r3") + "/.cds-")
    assert not {"DWP_LAUNCH", "DWP_SERVICE"} & set(how["environ_update"])  # or it would pass for an orphan of the service
    assert os.listdir(store.path("auth", "r3") + "/cds") and not list(Path(store.path("auth", "r3")).glob(".cds-*"))


def test_a_failure_is_told_without_secrets_and_not_repeated(store: Store, tmp_path: Path) -> None:
    run = Runs(3, archive=False, says="ERROR hidden words are wrong\n")
    first = make(store, run)
    assert first["state"] == "none" and "ended with status 3 and left no archive: ERROR *** are wrong" in first["why"]
    assert make(store, run) == first and len(run.calls) == 1
    updated(cds.Archive(store, "auth", "r3"), tmp_path / "jdk")
    assert make(store, Runs())["state"] == "made"  # another Java, another try


def test_a_hindrance_is_looked_at_anew_each_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(training, "ROOM", 1 << 60)
        assert "MB are needed to make an archive" in make(store, Runs())["why"]
    assert make(store, Runs())["state"] == "made"


def cut_off(*command: str) -> Done:
    argv = [sys.executable, "-I", "-S", "-c", training.CUT_OFF, "0", *command]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


def test_the_training_gets_no_socket_from_the_kernel(tmp_path: Path) -> None:
    """Databases on TCP and on a Unix socket that are there and listen; and a port that is free."""
    servers = [socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX)]
    servers[1].bind(str(tmp_path / "db"))
    servers[1].listen()
    reached = []
    for server in servers:
        threading.Thread(target=lambda s=server: reached.append(s.accept()), daemon=True).start()
    program = f"""
import socket
for where in [("127.0.0.1", {servers[0].getsockname()[1]}), {str(tmp_path / "db")!r}]:
    try:
        socket.socket(socket.AF_UNIX if isinstance(where, str) else socket.AF_INET).connect(where)
        print("reached")
    except PermissionError:
        print("refused")
try:
    socket.create_server(("127.0.0.1", 0))
    print("listens")
except PermissionError:
    print("refused")
"""
    done = cut_off(sys.executable, "-c", program)
    assert (done.out.split(), reached) == (["refused"] * 3, [])
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split() == [
        "reached", "reached", "listens",
    ]  # fmt: skip


PLATFORM = {"selected": ["auth", "main"], "services": {
    "auth": {"hosts": ["a"], "fast_start": "before"}, "main": {"hosts": ["a", "b"], "fast_start": "after"}}}  # fmt: skip


@pytest.mark.parametrize(("host", "when", "plan", "seen", "wanted"), [
    ("a", "before", {"auth": {"action": "install", "release": "r1"}}, {}, {"auth": "r1"}),
    ("a", "before", {"auth": {"action": "replace", "release": "r2"}}, {"auth": {"archive": {"state": "used"}}}, {"auth": "r2"}),
    ("a", "before", {"auth": {"action": "none", "release": "r1"}}, {"auth": {"archive": {"state": "used"}}}, {}),
    ("a", "before", {"auth": {"action": "none", "release": "r1"}}, {"auth": {"archive": {"state": "ignored"}}}, {"auth": "r1"}),
    ("a", "before", {"auth": {"action": "none", "release": "r1"}}, {"auth": {"archive": {"state": "none", "final": True}}}, {}),
    ("a", "after", {"main": {"action": "none", "release": "r1"}}, None, {"main": "r1"}),
    ("b", "before", {}, None, {}),
])  # fmt: skip
def test_which_archives_are_made(host, when, plan, seen, wanted) -> None:
    assert archives_to_make(PLATFORM, host, when, plan, seen) == wanted
