# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Executable jars in Spring Boot's layout around one small class, so that releases are extracted as real ones are."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from pathlib import Path

SOURCE = Path(__file__).parent / "Light.java"
MANIFEST = "Manifest-Version: 1.0\r\nMain-Class: loader.Is.Not.Needed\r\nStart-Class: Light\r\nBuild-Mark: {mark}\r\n\r\n"


def compiler() -> str:
    found = shutil.which("javac")
    assert found, "these tests need a JDK 17 (javac) on the PATH"
    return found


def compile_class(folder: Path) -> bytes:
    subprocess.run([compiler(), "-proc:none", "-d", str(folder), str(SOURCE)], check=True)
    return (folder / "Light.class").read_bytes()


def write_jar(path: Path, code: bytes, mark: str) -> Path:
    """A release that answers ``mark`` under /mark; the text lies in a library, as a changed dependency would."""
    library = io.BytesIO()
    with zipfile.ZipFile(library, "w") as inner:
        inner.writestr("mark.txt", mark)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", MANIFEST.format(mark=mark))
        archive.writestr("BOOT-INF/classes/Light.class", code)
        archive.writestr("BOOT-INF/lib/mark.jar", library.getvalue())
        archive.writestr("BOOT-INF/classpath.idx", '- "BOOT-INF/lib/mark.jar"\n')
    return path
