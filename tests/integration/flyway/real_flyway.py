# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real Flyway in a JVM of its own: built once with Maven, asked line by line."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent / "driver"
TARGET = HERE / "target"


def unavailable() -> str:
    """What is missing to run it; empty when nothing is."""
    return ", ".join(tool for tool in ("java", "mvn") if shutil.which(tool) is None)


def build() -> None:
    """Compile the driver and fetch its libraries, unless that is done."""
    sources = [HERE / "pom.xml", *sorted((HERE / "src").rglob("*.java"))]
    stamp = TARGET / "built"
    if stamp.exists() and all(stamp.stat().st_mtime > source.stat().st_mtime for source in sources):
        return
    subprocess.run(["mvn", "-q", "-B", "compile"], cwd=HERE, check=True, timeout=900)
    stamp.touch()


class RealFlyway:
    """One JVM for many questions."""

    def __init__(self) -> None:
        build()
        classpath = f"{TARGET}/classes:{TARGET}/lib/*"
        self.process = subprocess.Popen(
            ["java", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", classpath, "driver.Driver"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )

    def ask(
        self, url: str, user: str, password: str, settings: dict[str, str], commands: list[str], jar: str | None = None
    ) -> dict[str, Any]:
        """The answers by command; a command that failed answers {"error": {"code", "message"}}."""
        assert self.process.stdin is not None and self.process.stdout is not None
        question = {
            "url": url,
            "user": user,
            "password": password,
            "settings": {f"flyway.{key}": value for key, value in settings.items()},
            "commands": commands,
            "jar": jar,
        }
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the JVM ended with status {self.process.wait()}"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait(30)
