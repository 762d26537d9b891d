# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of the embedded servers' wheels, where the servers' user can reach them.

PostgreSQL refuses to run as root, so root's tests drop to another user. In a checkout below a closed directory that user
cannot enter .venv: the wheel is then copied, once, to a place that is open.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

import pytest


def wheel_file(package: str, path: str) -> str:
    """Path of a file in an installed wheel; a missing wheel fails, since requirements-dev.txt brings it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        pytest.fail(f"{package} is not installed: make setup")
    folder = Path(spec.submodule_search_locations[0])
    if os.geteuid() == 0 and not is_open(folder):
        folder = copied(folder)
    found = folder / path
    if not found.exists():
        pytest.fail(f"{package} has no {path}: make setup")
    return str(found)


def is_open(path: Path) -> bool:
    """Whether every user can enter the directory."""
    return all(each.stat().st_mode & 0o001 for each in (path, *path.parents))


def copied(folder: Path) -> Path:
    """A copy of the package with the shared libraries that lie beside it (auditwheel puts them there)."""
    key = hashlib.sha256(f"{folder}{folder.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    target = Path("/var/tmp", f"dwp-test-wheel-{folder.name}-{key}")
    if not target.exists():
        temporary = Path(tempfile.mkdtemp(dir="/var/tmp"))
        temporary.chmod(0o755)
        for each in (folder, folder.with_name(folder.name + ".libs")):
            if each.exists():
                shutil.copytree(each, temporary / each.name, symlinks=True)
        try:
            temporary.rename(target)
        except OSError:
            shutil.rmtree(temporary)  # somebody else was faster
    return target / folder.name
