# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The exceptions of the Flyway part."""

from __future__ import annotations

from typing import Any


class FlywayError(Exception):
    """What keeps a module from its answer: a message for people, a stable code and details for programs."""

    def __init__(self, message: str, code: str = "ERROR", details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.details: dict[str, Any] = dict(details or {})


class Refusal(FlywayError):
    """What makes real Flyway refuse every command, in Flyway's words."""
