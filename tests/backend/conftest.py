# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the reference backend's tests."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from backend_harness import DATABASES, HERE, Backend, Postgres, Redis, closed_port


@pytest.fixture(scope="session")
def jars() -> Path:
    subprocess.run([HERE / "build"], check=True)
    return HERE / "target" / "artifacts"


@pytest.fixture(scope="session")
def infrastructure(jars: Path) -> Iterator[Backend]:
    directory = Path(tempfile.mkdtemp(prefix="dwp-backend-"))
    directory.chmod(0o755)
    (directory / "pg").mkdir()
    backend = None
    try:
        with socket.create_server(("127.0.0.1", 0)) as aura, closed_port() as closed:
            backend = Backend(directory, jars, Postgres(directory / "pg"), Redis(), aura, closed)
            backend.postgres.query("postgres", "CREATE ROLE dwp_user LOGIN PASSWORD 'dwp_password'")
            for name in DATABASES:
                backend.postgres.query("postgres", f"CREATE DATABASE dwp_{name} OWNER dwp_user")
            yield backend
    finally:
        if backend:
            backend.stop()
            backend.redis.stop()
            backend.postgres.stop()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def backend(infrastructure: Backend) -> Backend:
    infrastructure.start_all()
    return infrastructure
