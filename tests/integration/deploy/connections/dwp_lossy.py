# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For tests: this machine as a host that is lost as soon as a file exists, an answer under way included."""

from __future__ import annotations

import os
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection.local import Connection as Local

DOCUMENTATION = """
name: dwp_lossy
short_description: The connection local, until a file exists
description: For tests only.
extends_documentation_fragment: [connection_pipelining]
"""


class Connection(Local):
    transport = "dwp_lossy"

    @staticmethod
    def _reach() -> None:
        if os.path.exists(os.environ["DWP_TEST_LOST"]):
            raise AnsibleConnectionFailure("No route to host")

    def exec_command(self, *arguments: Any, **more: Any) -> Any:
        self._reach()
        answer = super().exec_command(*arguments, **more)
        self._reach()
        return answer

    def put_file(self, *arguments: Any, **more: Any) -> None:
        self._reach()
        super().put_file(*arguments, **more)
