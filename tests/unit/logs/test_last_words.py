# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from . import helpers

BANNER = "  .   ____          _\n /\\\\ / ___'_ __ _ _(_)_ __  __ _ \\ \\ \\ \\\n :: Spring Boot ::                (v3.4.9)\n\n"
JVM = "Unrecognized VM option 'UseConcMarkSweepGC'\nError: Could not create the Java Virtual Machine.\n"
SHELL = "/opt/dwp/services/auth/releases/r1/launch: 15: exec: /usr/lib/jvm/java-17/bin/java: not found\n"
UNIT = "2026-11-23T01:30:09.000Z  INFO 1 --- [journal] systemd : dwp-auth.service: "
SYSTEMD = f"{UNIT}Main process exited, code=exited, status=1/FAILURE\n"
NO_USER = f"{UNIT}Failed at step USER spawning /x/launch: No such process\n"
STACK = helpers.boot("Application run failed\n\njava.lang.IllegalStateException: no\n\tat com.dwp.Main.run(Main.java:3)\nCaused by: x.Y: z")

CASES = [
    ("only a JVM that refused", JVM * 3, JVM.splitlines()),
    ("behind the last life", helpers.boot("hello", level="INFO") + SHELL, [SHELL.strip()]),
    ("with systemd's own lines", helpers.boot("hello", level="INFO") + SHELL + SYSTEMD, [SHELL.strip()]),
    ("systemd itself", helpers.boot("hello", level="INFO") + NO_USER + SYSTEMD, [NO_USER.split(" : ", 1)[1].strip()]),
    ("written since", SHELL + helpers.boot("hello", level="INFO"), []),
    ("a stack belongs to its record", STACK, []),
    ("a banner says nothing", helpers.boot("hello", level="INFO") + BANNER, []),
    ("nothing", "", []),
    ("Korean", helpers.boot("hello", level="INFO") + "메모리가 부족합니다\n", ["메모리가 부족합니다"]),
]


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_stands_behind_the_last_record(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert helpers.read_text(tmp_path, text)["services"]["svc"]["last_words"] == expected


def test_secrets_are_no_last_words(tmp_path: Path) -> None:
    text = helpers.boot("hello", level="INFO") + "launch: 3: DB_PASSWORD=hunter2-hunter2: not found\n"
    assert "hunter2" not in str(helpers.read_text(tmp_path, text)["services"]["svc"]["last_words"])
