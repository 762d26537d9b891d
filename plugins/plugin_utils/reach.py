# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that is lost in the middle of a run is data: under ``any_errors_fatal`` an unreachable host ends the play on all
hosts, also where the task says ``ignore_unreachable``, and the undo would be skipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase


def call(action: ActionBase, module: str, arguments: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of a module; with ``lost`` and ``msg`` if the host cannot be reached, or is gone before it answers."""
    try:
        answer = dict(action._execute_module(module, module_args=dict(arguments), task_vars=task_vars))
    except AnsibleConnectionFailure as error:
        return {"failed": True, "lost": True, "changed": False, "msg": str(error).splitlines()[0].split(". ")[0]}
    answer.pop("invocation", None)
    if answer.get("failed") and str(answer.get("module_stderr") or "").strip():
        # It died without an answer, which is also how some connections tell that the host is gone: its last words.
        answer["msg"] = f"the module died without an answer: {str(answer['module_stderr']).strip().splitlines()[-1]}"
    return answer
