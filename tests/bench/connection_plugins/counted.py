# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection `local`, and what goes through it to the host: bytes and name, a line each, into the file that BENCH_SENT names."""

from __future__ import annotations

DOCUMENTATION = """
name: counted
short_description: execute on controller, counting
description: See the connection ansible.builtin.local.
author: dwp.backend contributors (@dwp-backend)
options:
  become_success_timeout:
    description: See ansible.builtin.local.
    type: int
    default: 10
  become_strip_preamble:
    description: See ansible.builtin.local.
    type: bool
    default: true
extends_documentation_fragment: [connection_pipelining]
"""

import os
from typing import Any

from ansible.plugins.connection import local


def count(size: int, name: str) -> None:
    with open(os.environ["BENCH_SENT"], "a", encoding="utf-8") as file:
        file.write(f"{size} {name}\n")  # one write: forks of Ansible append at once


class Connection(local.Connection):
    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> Any:
        count(len(cmd) + len(in_data or b""), "command")
        return super().exec_command(cmd, in_data, sudoable)

    def put_file(self, in_path: str, out_path: str) -> None:
        count(os.path.getsize(in_path), os.path.basename(out_path))
        super().put_file(in_path, out_path)
