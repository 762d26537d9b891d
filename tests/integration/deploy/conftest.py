# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from . import light
from .fleet import Fleet, user_of_services

#: Each worker of pytest-xdist takes its ports from a range of its own.
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
FIRST_PORT, LAST_PORT, STEP = 15700 + 1000 * WORKER, 15799 + 1000 * WORKER, 6


@pytest.fixture(scope="session")
def light_class(tmp_path_factory: pytest.TempPathFactory) -> Iterator[bytes]:
    with user_of_services():
        yield light.compile_class(tmp_path_factory.mktemp("light"))


@pytest.fixture(scope="session")
def new_ports() -> Callable[[], int]:
    """First of six ports that nobody has. In turn, so that those of a fleet that is still to be deployed come late again."""
    numbers = itertools.cycle(range(FIRST_PORT, LAST_PORT - STEP + 2, STEP))
    return lambda: next(number for number in numbers if all(free(number + n) for n in range(STEP)))


@pytest.fixture(scope="session")
def transaction_ports() -> Callable[[], int]:
    """The same for the tests of settle time, schema guard, full disk and lost hosts, which may run beside the others."""
    numbers = itertools.cycle(range(21400 + 1000 * WORKER, 21500 + 1000 * WORKER - STEP, STEP))
    return lambda: next(number for number in numbers if all(free(number + n) for n in range(STEP)))


@pytest.fixture(scope="session")
def drill_ports() -> Callable[[], int]:
    """The same for the tests of rollback_drill.yml."""
    numbers = itertools.cycle(range(21700 + 1000 * WORKER, 21800 + 1000 * WORKER - STEP, STEP))
    return lambda: next(number for number in numbers if all(free(number + n) for n in range(STEP)))


def free(port: int) -> bool:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("", port))
        except OSError:
            return False
    return True


@pytest.fixture(scope="module")
def fleet(light_class: bytes, new_ports: Callable[[], int]) -> Iterator[Fleet]:
    """Three services, deployed once for the tests of a module, which leave it deployed and healthy."""
    made = Fleet(new_ports(), light_class)
    try:
        made.deploy()
        yield made
    finally:
        made.remove()


@pytest.fixture
def fresh(light_class: bytes, new_ports: Callable[[], int]) -> Iterator[Fleet]:
    """The same, with nothing deployed yet."""
    made = Fleet(new_ports(), light_class)
    try:
        yield made
    finally:
        made.remove()


@pytest.fixture
def stored(light_class: bytes, transaction_ports: Callable[[], int], database: Any) -> Iterator[Fleet]:
    """beta migrates a database of its own; its first release knows V1."""
    made = Fleet(transaction_ports(), light_class, "alpha beta")
    made.variables["dwp_components"] = {"postgres": {"provider": "external", "host": database.host, "port": database.port}}
    made.services["beta"]["database"] = {
        "name": database.name, "user": database.user, "password": database.password, "flyway": True,
    }  # fmt: skip
    try:
        yield made
    finally:
        made.remove()
