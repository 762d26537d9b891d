# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the rollback tests: a database, files, real Flyway."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "flyway"))
sys.path.insert(0, str(Path(__file__).parent))

import real_flyway
from kit import Kit


@pytest.fixture(scope="session")
def flyway() -> Iterator[real_flyway.RealFlyway]:
    """Real Flyway 10.20.1."""
    missing = real_flyway.unavailable()
    if missing:
        pytest.skip(f"real Flyway needs {missing}")
    running = real_flyway.RealFlyway()
    yield running
    running.close()


@pytest.fixture
def kit(database, flyway, tmp_path) -> Kit:
    return Kit(database, flyway, tmp_path)


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
