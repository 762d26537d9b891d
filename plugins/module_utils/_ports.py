# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who listens where, read from /proc/net/tcp: a port that is taken is named with its owner."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import pwd
import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ansible_collections.dwp.backend.plugins.module_utils import _processes

_LISTEN = "0A"


class Listener(NamedTuple):
    """The owner of a listening port; pid 0 when it may not be seen (another user's process)."""

    port: int
    pid: int
    command: str
    user: int
    environment: dict[str, str]


def user_name(uid: int) -> str:
    """Name of a user, or its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _listening(text: str) -> Iterator[list[str]]:
    """The columns of each listening socket in one /proc/net/tcp table."""
    for line in text.splitlines()[1:]:
        words = line.split()
        if len(words) > 9 and words[3] == _LISTEN:
            yield words


def _tables(proc: str) -> Iterator[str]:
    """The kernel's tables of IPv4 and IPv6, as far as they can be read."""
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError), open(f"{proc}/net/{table}", encoding="ascii") as file:
            yield file.read()


def parse_listeners(text: str) -> dict[int, tuple[int, int]]:
    """port -> (inode, uid) of the listening sockets in one /proc/net/tcp table."""
    return {int(words[1].rsplit(":", 1)[1], 16): (int(words[9]), int(words[7])) for words in _listening(text)}


def parse_addresses(text: str) -> dict[int, str]:
    """inode -> host:port of the listening sockets in one /proc/net/tcp table."""
    found = {}
    for words in _listening(text):
        address, port = words[1].rsplit(":", 1)
        # Words of four bytes in the order of the machine.
        packed = b"".join(struct.pack("=I", int(address[at : at + 8], 16)) for at in range(0, len(address), 8))
        host = ipaddress.ip_address(packed)
        host = getattr(host, "ipv4_mapped", None) or host
        found[int(words[9])] = f"[{host}]:{int(port, 16)}" if host.version == 6 else f"{host}:{int(port, 16)}"
    return found


def of_process(pid: int, proc: str = "/proc") -> list[str]:
    """Where a process listens, as host:port; empty if it may not be looked into."""
    known: dict[str, str] = {}
    for text in _tables(proc):
        known.update({f"socket:[{inode}]": address for inode, address in parse_addresses(text).items()})
    found = set()
    with contextlib.suppress(OSError):
        for handle in os.listdir(f"{proc}/{pid}/fd"):
            with contextlib.suppress(OSError):
                found.add(known.get(os.readlink(f"{proc}/{pid}/fd/{handle}"), ""))
    return sorted(found - {""})


def listeners(ports: Iterable[int], proc: str = "/proc") -> dict[int, Listener]:
    """Who listens on these ports, in this network namespace. Ports that are free are left out."""
    wanted = set(ports)
    inodes: dict[int, tuple[int, int]] = {}
    for text in _tables(proc):
        inodes.update({p: i for p, i in parse_listeners(text).items() if p in wanted})
    if not inodes:
        return {}
    owners = _owners({inode for inode, _uid in inodes.values()}, proc)
    result = {}
    for port, (inode, uid) in inodes.items():
        pid = owners.get(inode, 0)
        command, environment = "", {}
        if pid:
            try:
                process = _processes.read_process(pid, proc)
                # The program and its first word alone: a whole command line may hold secrets.
                command, environment = " ".join(process.arguments[:2])[:200], process.environment
            except (_processes.ProcessError, ValueError):
                pass
        result[port] = Listener(port, pid, command, uid, environment)
    return result


def _owners(inodes: set[int], proc: str) -> dict[int, int]:
    """inode -> pid; processes of other users cannot be looked into and are passed over."""
    names = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[int, int] = {}
    for pid in _processes.process_ids(proc):
        try:
            handles = os.listdir(f"{proc}/{pid}/fd")
        except OSError:
            continue
        for handle in handles:
            try:
                target = os.readlink(f"{proc}/{pid}/fd/{handle}")
            except OSError:
                continue
            if target in names:
                found.setdefault(names[target], pid)
        if len(found) == len(names):
            break
    return found
