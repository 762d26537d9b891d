# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a module ends: warnings go the way that Ansible has for them, a failure keeps what is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError


def succeed(module: Any, answer: Mapping[str, Any]) -> None:
    module.exit_json(**_warned(module, answer))


def fail(module: Any, error: FlywayError) -> None:
    """The message and code of the error, and its details as values of their own."""
    module.fail_json(**{"changed": False, **_warned(module, error.details), "msg": error.message, "code": error.code})


def _warned(module: Any, answer: Mapping[str, Any]) -> dict[str, Any]:
    for text in answer.get("warnings", []):
        module.warn(text)
    return {key: value for key, value in answer.items() if key != "warnings"}
