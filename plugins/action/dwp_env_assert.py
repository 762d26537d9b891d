# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environments given as mappings reach dwp_env_assert as one piece of text each.

The module's option is text, so that C(no_log) hides it as a whole: of a mapping Ansible hides each value wherever it occurs, so
that words such as true or 8080 disappear from all messages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.dwp.backend.plugins.plugin_utils.platform import plain


def as_text(entry: Any) -> Any:
    """One of C(environments) with its environment as JSON, if that is a mapping."""
    if not isinstance(entry, Mapping) or not isinstance(entry.get("environment"), Mapping):
        return entry
    return {**entry, "environment": json.dumps(plain(entry["environment"]), default=str, ensure_ascii=False)}


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_async = True
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        if isinstance(arguments.get("environments"), (list, tuple)):
            arguments["environments"] = [as_text(entry) for entry in arguments["environments"]]
        answer = self._execute_module(
            module_name="dwp.backend.dwp_env_assert", module_args=arguments, task_vars=task_vars,
            wrap_async=bool(self._task.async_val),
        )  # fmt: skip
        return {**result, **answer}
