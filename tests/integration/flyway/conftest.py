# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the Flyway tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import real_flyway


@pytest.fixture(scope="session")
def flyway() -> Iterator[real_flyway.RealFlyway]:
    """Real Flyway 10.20.1."""
    missing = real_flyway.unavailable()
    if missing:
        pytest.skip(f"real Flyway needs {missing}")
    running = real_flyway.RealFlyway()
    yield running
    running.close()
