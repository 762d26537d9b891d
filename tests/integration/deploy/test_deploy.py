# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A deployment does what is needed and nothing else."""

from __future__ import annotations

import os
import signal

from .fleet import Fleet, kill, wait_gone


def test_everything_runs_and_is_healthy(fleet: Fleet) -> None:
    assert set(fleet.pids()) == {"alpha", "beta", "gamma"}
    assert fleet.healthy()
    assert {name: fleet.state(name)[-1]["outcome"] for name in fleet.services} == dict.fromkeys(fleet.services, "good")


def test_second_deployment_changes_and_restarts_nothing(fleet: Fleet) -> None:
    pids, listing = fleet.pids(), fleet.listing(everything=False)
    again = fleet.deploy()
    assert again.changed == []
    assert "changed=0" in again.output
    assert fleet.pids() == pids
    assert fleet.listing(everything=False) == listing
