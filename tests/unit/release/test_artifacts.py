# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which file in dwp_artifacts_dir is the jar of a service: names as builds leave them."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from ansible_collections.dwp.backend.plugins.plugin_utils import artifacts

SERVICE = {"name": "auth", "artifact": "dwp-auth-server", "layout": "jar", "sha256": None}
CASES = {
    "the name alone": (["dwp-auth-server.jar", "dwp-auth-server-1.0.0.jar"], "dwp-auth-server.jar"),
    "Gradle's names": (["dwp-auth-server-1.0.0.jar", "dwp-auth-server-1.0.0-plain.jar"], "dwp-auth-server-1.0.0.jar"),
    "another service's": (["dwp-auth-server-extra-1.0.0.jar"], None),
    "two versions": (["dwp-auth-server-1.0.0.jar", "dwp-auth-server-1.1.0.jar"], None),
    "nothing": ([], None),
}


@pytest.fixture(autouse=True)
def no_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def write(folder: Path, names: list[str]) -> None:
    for name in names:
        with zipfile.ZipFile(folder / name, "w") as archive:
            archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\nMain-Class: A\r\n\r\n")


@pytest.mark.parametrize(("names", "expected"), CASES.values(), ids=CASES)
def test_the_jar_of_a_service(tmp_path, names, expected):
    write(tmp_path, names)
    assert Path(artifacts.path_of(SERVICE, str(tmp_path))).name == (expected or "dwp-auth-server.jar")
    problems = artifacts.check(SERVICE, str(tmp_path))
    assert bool(problems) == (expected is None)


def test_two_versions_are_named_and_how_to_choose(tmp_path):
    write(tmp_path, CASES["two versions"][0])
    problem = artifacts.check(SERVICE, str(tmp_path))[0]
    assert "(dwp-auth-server-1.0.0.jar, dwp-auth-server-1.1.0.jar)" in problem
    assert "leave one of them there, or choose by dwp_services.auth.artifact" in problem


def test_a_checksum_beside_the_jar_has_its_name(tmp_path):
    write(tmp_path, ["dwp-auth-server-1.0.0.jar"])
    sums = tmp_path / "SHA256SUMS"
    digest = hashlib.sha256((tmp_path / "dwp-auth-server-1.0.0.jar").read_bytes()).hexdigest()
    sums.write_text(f"{digest}  dwp-auth-server-1.0.0.jar\n")
    assert artifacts.check(SERVICE, str(tmp_path)) == []
    sums.write_text(f"{'0' * 64}  dwp-auth-server-1.0.0.jar\n")
    assert f"but {sums} says {'0' * 64}" in artifacts.check(SERVICE, str(tmp_path))[0]
