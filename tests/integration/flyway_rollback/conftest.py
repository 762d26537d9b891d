# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from server import Server

_COUNTER = itertools.count(1)


@pytest.fixture(scope="session")
def server():
    os.makedirs("/tmp/flyway-rollback", exist_ok=True)
    os.chmod("/tmp/flyway-rollback", 0o755)
    instance = Server()
    yield instance
    instance.remove()


@pytest.fixture
def db(server):
    """The name of an empty database."""
    return server.create(f"t{next(_COUNTER)}")
