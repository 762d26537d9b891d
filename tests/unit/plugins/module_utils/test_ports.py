# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a process listens: tables of a real kernel (little-endian), and a process of our own."""

from __future__ import annotations

import os
import socket
import sys

import pytest

from ansible_collections.dwp.backend.plugins.module_utils._ports import of_process, parse_addresses

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
REST = "00000000:00000000 00:00000000 00000000  1001        0 {inode} 1 0000000000000000 100 0 0 10 0\n"
NO_PEER = "00000000000000000000000000000000:0000"


@pytest.mark.skipif(sys.byteorder != "little", reason="the tables are those of a little-endian machine")
@pytest.mark.parametrize(("line", "expected"), [
    ("   0: 0200007F:56BB 00000000:0000 0A ", "127.0.0.2:22203"),
    ("   0: 00000000:1F90 00000000:0000 0A ", "0.0.0.0:8080"),
    (f"   0: 0000000000000000FFFF00000100007F:1F90 {NO_PEER} 0A ", "127.0.0.1:8080"),  # how Java binds an IPv4 address
    (f"   0: 00000000000000000000000001000000:1F90 {NO_PEER} 0A ", "[::1]:8080"),
    ("   0: 0200007F:56BB 0100007F:D431 01 ", None),  # a connection
])
def test_a_line_of_the_kernel(line: str, expected: str | None) -> None:
    assert parse_addresses(HEAD + line + REST.format(inode=4711)) == ({4711: expected} if expected else {})


def test_of_our_own_process() -> None:
    with socket.create_server(("127.0.0.2", 0)) as server:
        assert f"127.0.0.2:{server.getsockname()[1]}" in of_process(os.getpid())


def test_of_nobody() -> None:
    assert of_process(2**22 + 1) == []
