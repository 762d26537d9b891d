# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rollback run needs from outside, and what it brings back."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._flyway import fingerprint, session
from ansible_collections.dwp.backend.plugins.module_utils._flyway.backup import SCHEMA
from ansible_collections.dwp.backend.plugins.module_utils._flyway.connection import Login
from ansible_collections.dwp.backend.plugins.module_utils._flyway.history import HistoryRow, HistoryTable
from ansible_collections.dwp.backend.plugins.module_utils._flyway.losses import Loss
from ansible_collections.dwp.backend.plugins.module_utils._flyway.plan import Plan
from ansible_collections.dwp.backend.plugins.module_utils._flyway.states import Info


@dataclass(frozen=True)
class Options:
    limits: session.Limits = field(default_factory=session.Limits)
    retries: int = 5
    allow_data_loss: tuple[str, ...] = ()
    backup: bool = True
    backup_schema: str = SCHEMA
    rehearse: bool = False


@dataclass
class Context:
    """Everything that a run needs from outside."""

    login: Login
    connect: Callable[[], Any]  # a new connection, as the user of Flyway
    table: HistoryTable
    options: Options
    replan: Callable[[Sequence[HistoryRow]], Plan]
    info: Callable[[Sequence[HistoryRow]], Info]
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    now: Callable[[], float] = time.time

    @property
    def skipped(self) -> list[str]:
        return [self.options.backup_schema]

    @property
    def history(self) -> tuple[str, str]:
        return (self.table.schema, self.table.table)


@dataclass
class Outcome:
    committed: bool = False
    attempts: int = 1
    statements: list[dict[str, Any]] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    difference: fingerprint.Difference = field(default_factory=fingerprint.Difference)
    digest_before: str = ""
    digest_after: str = ""
    history: list[dict[str, Any]] = field(default_factory=list)
    rerun: list[str] = field(default_factory=list)  # repeatable migrations that Flyway runs again
    warnings: list[str] = field(default_factory=list)
    journal: list[dict[str, Any]] = field(default_factory=list)
    duration: float = 0.0
