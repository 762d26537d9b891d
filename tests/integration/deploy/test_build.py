# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jars built from a checkout at a ref with the site's command; the command here packs what the commit says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .fleet import CHECKOUT, Fleet

BUILD = """#!{python}
import os, sys
sys.path.insert(0, {tests!r})
import light
from pathlib import Path
assert not Path("untracked").exists(), "built in the checkout itself"
if Path("broken").exists():
    print("compiler says: no"); print("secret ingredient missing", file=sys.stderr); sys.exit(2)
for name in Path("services").read_text().split():
    folder = Path(name, "build", "libs"); folder.mkdir(parents=True)
    light.write_jar(folder / f"{{name}}-1.0.jar", Path({code!r}).read_bytes(), Path("mark").read_text())
    (folder / f"{{name}}-1.0-plain.jar").write_text("not this one")
"""


class Repository:
    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str) -> str:
        identity = {"GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@t", "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@t"}
        done = subprocess.run(
            ["git", *words], cwd=self.path, env={**os.environ, **identity}, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, **files: str) -> str:
        for name, text in files.items():
            (self.path / name).write_text(text)
            (self.path / name).chmod(0o755)
        self.git("add", "-A")
        self.git("commit", "-qm", "change")
        return self.git("rev-parse", "HEAD")


@pytest.fixture(scope="module")
def repository(fleet: Fleet) -> Repository:
    code = fleet.base / "Light.class"
    code.write_bytes(fleet.code)
    made = Repository(fleet.base / "repository")
    script = BUILD.format(python=sys.executable, tests=str(CHECKOUT / "tests" / "integration" / "deploy"), code=str(code))
    made.commit(build=script, services="alpha beta gamma", mark="built 1")
    fleet.variables.update(
        dwp_build_checkout=str(made.path), dwp_build_command="./build", dwp_artifacts_dir=str(fleet.base / "built")
    )
    return made


def test_built_deployed_and_recorded(fleet: Fleet, repository: Repository) -> None:
    sha = repository.git("rev-parse", "HEAD")
    (repository.path / "mark").write_text("not committed")
    (repository.path / "untracked").write_text("")
    check = fleet.run("deploy", "--check")
    done = fleet.deploy()
    assert check.rc != 0 or check.actions == done.actions
    assert fleet.mark("beta") == "built 1", "local changes stay out of a release"
    assert fleet.run("status").report["beta"]["git_sha"] == sha
    assert fleet.current("beta").startswith(sha[:12])
    assert done.report["beta"]["version"] == sha[:12]


def test_same_commit_is_not_built_again(fleet: Fleet, repository: Repository) -> None:
    times = {p: p.stat().st_mtime_ns for p in (fleet.base / "built").iterdir()}
    assert fleet.deploy().changed == []
    assert {p: p.stat().st_mtime_ns for p in (fleet.base / "built").iterdir()} == times


def test_another_commit_and_back_by_ref(fleet: Fleet, repository: Repository) -> None:
    repository.git("checkout", "-q", "mark")
    (repository.path / "untracked").unlink()
    first = repository.git("rev-parse", "HEAD")
    repository.commit(mark="built 2")
    fleet.deploy()
    assert fleet.mark("beta") == "built 2"
    fleet.deploy("-e", f"dwp_build_ref={first}")
    assert fleet.mark("beta") == "built 1"
    origin = json.loads((fleet.base / "built" / "beta.jar.origin.json").read_text())
    assert origin["git_sha"] == first
    assert repository.git("worktree", "list").count("\n") == 0, "no worktree is left"


def test_failing_build_shows_its_last_words_and_changes_nothing(fleet: Fleet, repository: Repository) -> None:
    pids, listing = fleet.pids(), fleet.listing()
    sha = repository.commit(broken="")
    done = fleet.run("deploy")
    repository.git("reset", "-q", "--hard", "HEAD~1")
    assert done.rc != 0
    for words in ("./build ended with 2", sha[:12], "compiler says: no", "secret ingredient missing", "Nothing was changed"):
        assert words in done.output, str(done)
    assert fleet.pids() == pids and fleet.listing() == listing


def test_build_that_makes_no_jar_for_a_service(fleet: Fleet, repository: Repository) -> None:
    listing = fleet.listing()
    repository.commit(services="alpha gamma")
    done = fleet.run("deploy")
    repository.git("reset", "-q", "--hard", "HEAD~1")
    assert done.rc != 0 and "no runnable jar for beta" in done.output, str(done)
    assert fleet.listing() == listing


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("dwp_build_ref", "no-such-branch", ("no-such-branch", "Nothing was changed")),
        ("dwp_build_command", "./gradlew bootJar", ("./gradlew", "Nothing was changed")),
        ("dwp_build_checkout", "/nowhere/at/all", ("/nowhere/at/all", "Nothing was changed")),
    ],
)
def test_wrong_settings(fleet: Fleet, repository: Repository, setting: str, value: str, words: tuple[str, ...]) -> None:
    repository.commit(mark="built 3")  # so that there is something to build
    done = fleet.run("deploy", "-e", f"{setting}='{value}'")
    repository.git("reset", "-q", "--hard", "HEAD~1")
    assert done.rc != 0
    assert all(word in done.output for word in words), str(done)
    assert "Traceback" not in done.output and "Task failed: [" not in done.output
