# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scores are told by the name of a fault: two with one name would hide one of them."""

from __future__ import annotations

from collections import Counter

from tests.faults.faults import FAULTS, QUIET
from tests.faults.test_faults import ANSWERED
from tests.faults.unseen import UNSEEN_QUIET

NAMES = [fault.id for fault in (*FAULTS, *QUIET, *UNSEEN_QUIET)]


def test_each_fault_has_a_name_of_its_own() -> None:
    assert not [name for name, count in Counter(NAMES).items() if count > 1]


def test_what_make_test_samples_is_there() -> None:
    assert not ANSWERED - set(NAMES)
