# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from ansible_collections.dwp.backend.plugins.module_utils._release import host


def java(folder: Path, version: str) -> str:
    """What a JDK looks like from outside."""
    (folder / "bin").mkdir(parents=True)
    (folder / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
    (folder / "bin" / "java").write_text("")
    (folder / "bin" / "java").chmod(0o755)
    return str(folder / "bin" / "java")


def spec(service: str, path: str, version: int) -> dict[str, object]:
    return {"service": service, "java": path, "java_version": version}


def silent(argv: object) -> tuple[int, str, str]:
    raise AssertionError("the release file tells the version, no JVM has to be started")


@pytest.mark.parametrize(("text", "major"), [("17.0.15", 17), ("21", 21), ("1.8.0_402", 8), ("23-ea", 23)])
def test_version_is_read_without_starting_a_jvm(tmp_path: Path, text: str, major: int) -> None:
    assert host.java_version(java(tmp_path / "jdk", text), silent) == major


def test_version_is_asked_where_there_is_no_release_file(tmp_path: Path) -> None:
    path = java(tmp_path / "jdk", "17")
    (tmp_path / "jdk" / "release").unlink()
    assert host.java_version(path, lambda argv: (0, "", 'openjdk version "21.0.2" 2024-01-16')) == 21
    assert host.java_version(path, lambda argv: (1, "", "no")) is None


def test_each_problem_names_the_services_that_have_it(tmp_path: Path) -> None:
    path = java(tmp_path / "jdk", "17.0.1")
    specs = [spec("auth", path, 17), spec("main", path, 21), spec("chat", path, 21), spec("mail", "/no/java", 17)]
    paths, problems = host.check_java(specs, silent)
    assert paths == {path: path}
    assert any(p.startswith("Java 17 is needed by mail, but there is no /no/java") for p in problems)
    assert any(p.startswith(f"chat, main needs Java 21, but {path} is Java 17") for p in problems)
    assert len(problems) == 2


def test_memory() -> None:
    assert host.check_memory({"auth": 300, "main": 200}, 500) == []
    assert host.check_memory({"auth": 300, "main": 200}, None) == []
    (problem,) = host.check_memory({"auth": 300, "main": 201}, 500)
    assert "501 MB are planned (auth 300, main 201)" in problem and "500 MB are available" in problem


def test_disk(tmp_path: Path) -> None:
    below = str(tmp_path / "not" / "there" / "yet")
    assert host.check_disk(below, 0) == [] and host.check_disk(below, 1) == []
    (problem,) = host.check_disk(below, 1 << 60)
    assert below in problem and "dwp_keep_releases" in problem


def test_ports_of_others_and_of_our_own(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        specs = [{"service": "auth", "port": port}]
        (problem,), orphans = host.check_ports(specs, str(tmp_path), {})
        assert f"port {port} of auth is taken by process {os.getpid()} (" in problem and orphans == {}
        assert host.check_ports(specs, str(tmp_path), {"auth": os.getpid()}) == ([], {})
    assert host.check_ports(specs, str(tmp_path), {}) == ([], {})


@pytest.mark.parametrize(
    ("environment", "ours"),
    [
        ({}, False),
        ({"DWP_SERVICE": "auth"}, False),
        ({"DWP_SERVICE": "auth", "DWP_LAUNCH": "{root}/services/auth/releases/r1"}, True),
        ({"DWP_SERVICE": "main", "DWP_LAUNCH": "{root}/services/main/releases/r1"}, False),
        ({"DWP_SERVICE": "auth", "DWP_LAUNCH": "/elsewhere/services/auth/releases/r1"}, False),
        ({"DWP_SERVICE": "auth", "DWP_LAUNCH": "{root}/services/auth-two/releases/r1"}, False),
    ],
)
def test_process_is_ours_only_if_our_launcher_started_it(tmp_path: Path, environment: dict[str, str], ours: bool) -> None:
    filled = {name: value.replace("{root}", str(tmp_path)) for name, value in environment.items()}
    assert host.is_ours(filled, "auth", str(tmp_path)) is ours


LIBRARY_CASES = [
    (["psycopg2", "requests"], ["redis"], False, None),
    (["psycopg2", "requests"], ["psycopg2", "redis"], True, None),
    (["psycopg2", "requests"], ["psycopg2", "redis"], False, "lacks psycopg2, and user "),
]


@pytest.mark.parametrize(("wanted", "missing", "may_install", "words"), LIBRARY_CASES)
def test_libraries_that_cannot_be_installed(wanted: list[str], missing: list[str], may_install: bool, words: str | None) -> None:
    problems = host.check_libraries(wanted, missing, may_install)
    assert bool(problems) == bool(words)
    if words:
        assert words in problems[0]
        assert "have python3-psycopg2 installed" in problems[0] and "(pip install psycopg2-binary)" in problems[0]
