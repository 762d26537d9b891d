# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that is lost is an answer like others, for whoever calls a module."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure

from ansible_collections.dwp.backend.plugins.plugin_utils import reach


class Action:
    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def _execute_module(self, name: str, module_args: dict[str, Any], task_vars: Any) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


CASES = {
    "an answer": ({"changed": True, "invocation": {"module_args": {}}}, {"changed": True}),
    "its own failure": ({"failed": True, "msg": "no such file"}, {"failed": True, "msg": "no such file"}),
    "lost": (
        AnsibleConnectionFailure("Failed to connect to the host via ssh. In some cases, you may\nsee more"),
        {"failed": True, "lost": True, "changed": False, "msg": "Failed to connect to the host via ssh"},
    ),
    "died": (
        {"failed": True, "msg": "MODULE FAILURE", "module_stderr": "Traceback\nMemoryError\n"},
        {"failed": True, "msg": "the module died without an answer: MemoryError", "module_stderr": "Traceback\nMemoryError\n"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_call(case: str) -> None:
    given, expected = CASES[case]
    assert reach.call(Action(given), "dwp.backend.dwp_service", {}, {}) == expected  # type: ignore[arg-type]
