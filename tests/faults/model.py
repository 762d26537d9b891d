# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a fault is, and what a triage of it has to say."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable
from typing import Any

READ, RESTART, ANY = "read-only", "read-only|restart", "read-only|restart|destructive"
DATABASE = "auth main mail chat approval synapsex"


def no_traffic(_stand: Any) -> None:
    """The fault shows without anybody asking."""


def day(stand: Any) -> None:
    stand.traffic.day()


@dataclasses.dataclass(frozen=True)
class Expected:
    """Texts with ``|`` are alternatives (regular expressions for the whole value); an absent value reads ``unknown`` or ``none``."""

    failure: str
    service: str
    action: str = "."  # searched in the command of the next action
    risk: str = RESTART
    status: str = "degraded|down"
    victims: str = ""  # services that have to be among the victims
    may: str = "gateway"  # services that are affected, so that it is no false blame to name them
    also: tuple[Expected, ...] = ()  # further independent faults, of which each may be the verdict and the others are findings


@dataclasses.dataclass(frozen=True)
class Fault:
    id: str
    title: str
    inject: Callable[[Any], None]
    expected: Expected
    shows: dict[str, str] = dataclasses.field(default_factory=dict)  # log of a service (or *) -> what appears in it
    use: Callable[[Any], None] = day
    check: Callable[[Any], bool] | None = None  # where no log shows it
    arguments: tuple[str, ...] = ()  # of the triage
    needs_root: bool = False
    differences: str = ""  # a variable that environment_differences has to name
    outside: bool = False  # not in the catalogue: the right answer is "unknown"

    unseen: bool = False  # written by somebody who has not seen the diagnosis
    batch: int = 0  # of unseen faults that were written later, together

    @property
    def aside(self) -> bool:
        """Not looked at while the diagnosis is being made: all earlier faults are known by now."""
        return self.unseen

    @property
    def round(self) -> int:
        """The first unseen faults come in two halves, chosen by name; noisy sisters and pairs go with their first part."""
        return self.batch or 1 + int(hashlib.sha256(re.split("[+&]", self.id)[0].encode()).hexdigest(), 16) % 2
