# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When something that a log told is over: by its silence, measured by how often it was told before."""

from __future__ import annotations

from collections.abc import Mapping

AGAIN = 3  # times an error counts beside another cause; once is noise
QUIET = 120.0  # s without a word while everything is healthy: it is over
SILENT = 900.0  # s: the same in a service that is not well, and goes on writing about other things
INTERVALS = 2.5  # what comes back every some minutes comes back: it may be silent for so many of its usual intervals

#: When a service wrote its newest record, by (service, host); of all its instances together by (service, "").
Words = Mapping[tuple[str, str], float]


def patience(count: int, since: float | None, last: float | None, least: float = QUIET) -> float:
    """How many seconds something may be silent before it is over."""
    if count < AGAIN or since is None or last is None:
        return least
    return max(least, INTERVALS * (last - since) / (count - 1))


def last_word(words: Words, service: str, host: str) -> float | None:
    """The newest record of an instance, or of the service where its host is not told apart."""
    return words.get((service, host), words.get((service, "")))
