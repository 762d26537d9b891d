# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For all of pytest: slow tests run as a seeded sample when DWP_SAMPLE is a number.

`make test` sets DWP_SAMPLE and DWP_SEED; `make test-all` and a bare pytest run everything.
"""

from __future__ import annotations

import os
import random

import pytest
from hypothesis import HealthCheck, settings

# A machine that does something else beside is slow; that says nothing of a test.
settings.register_profile("dwp", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("dwp")


def _sample_size() -> int | None:
    wanted = os.environ.get("DWP_SAMPLE", "all")
    return None if wanted == "all" else int(wanted)


def pytest_report_header() -> str | None:
    if _sample_size() is None:
        return None
    return f"slow tests: a sample of {_sample_size()} with DWP_SEED={os.environ.get('DWP_SEED', '0')}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    size = _sample_size()
    slow = [item for item in items if item.get_closest_marker("slow")]
    if size is None or len(slow) <= size:
        return
    # Chosen from the sorted names, so that every worker of pytest-xdist takes the same ones.
    names = sorted(item.nodeid for item in slow)
    chosen = set(random.Random(os.environ.get("DWP_SEED", "0")).sample(names, size))
    dropped = [item for item in slow if item.nodeid not in chosen]
    config.hook.pytest_deselected(items=dropped)
    items[:] = [item for item in items if item not in set(dropped)]
