# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a shell, a JVM or a service manager printed behind the last record of a service: why it never became one, most often."""

from __future__ import annotations

import re

from ansible_collections.dwp.backend.plugins.module_utils._logs.records import Cutter

REACH = 64 << 10  # bytes from the end that are looked at
LINES = 6
_MANAGER = re.compile(rb" --- \[journal\] ")  # what journald tells about a unit
_ERROR = re.compile(rb"(?<![A-Za-z])(ERROR|WARN)(?![A-Za-z])")
_FRAME = re.compile(r"\s*(at |\.\.\. \d+ |Caused by: |Suppressed: |:: Spring Boot ::)|\t")  # of a stack, or a banner
_WORD = re.compile(r"[^\W\d_]{3}")
#: What systemd says of every end.
_USUAL = re.compile(rb"Scheduled restart|Main process exited|Failed with result|Start(?:ed|ing) |Stopp(?:ed|ing) |Consumed |Deactivated")


def last_words(data: bytes, cutter: Cutter) -> list[str]:
    """The last different lines of the end of a log that belong to no record of an application; nothing once it writes again."""
    found: list[str] = []
    inside_error = False
    tail = data[-REACH:]
    begin = tail.find(b"\n") + 1 if len(data) > REACH else 0
    position = begin
    while position < len(tail):
        end = tail.find(b"\n", position)
        end = len(tail) if end < 0 else end
        line = tail[position:end]
        if cutter.mode != "plain" and cutter.is_head(tail, position):
            head = line[:400]
            if not _MANAGER.search(head):
                found.clear()
                inside_error = bool(_ERROR.search(head))
            elif not _USUAL.search(line):
                found.append(line.split(b" : ", 1)[-1].decode("utf-8", "replace"))
        elif not inside_error:
            text = line.decode("utf-8", "replace")
            if _WORD.search(text) and not _FRAME.match(text):
                found.append(text.strip())
        position = end + 1
    different = list(dict.fromkeys(reversed(found)))[:LINES]
    return different[::-1]
