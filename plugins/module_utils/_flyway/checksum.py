# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Flyway's checksum: CRC32 over the UTF-8 bytes of the lines, without line ends and without a leading mark."""

from __future__ import annotations

import codecs
import zlib

from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError

BOM = "\ufeff"

# Java's names for what Python calls otherwise.
_JAVA_NAMES = {
    "x-windows-949": "cp949",
    "ms949": "cp949",
    "x-windows-874": "cp874",
}


def python_encoding(name: str) -> str:
    """Python's name for an encoding as Java names it; FlywayError for one that nobody knows."""
    try:
        return codecs.lookup(_JAVA_NAMES.get(name.strip().lower(), name.strip())).name
    except (LookupError, ValueError):
        raise FlywayError(
            f"Unknown encoding {name!r}. Give a name such as UTF-8, ISO-8859-1 or windows-1252.", "UNKNOWN_ENCODING"
        ) from None


def decode(data: bytes, encoding: str) -> str:
    """Decode as Java does: strictly, and UTF-16 without a mark as big-endian. Raises UnicodeDecodeError.

    ``encoding`` is a result of python_encoding(). A leading U+FEFF stays in UTF-8 and goes in UTF-16, as in Java.
    """
    if encoding == "utf-16" and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16-be")
    return data.decode(encoding)


def checksum(text: str) -> int:
    """The checksum of a migration's text, signed 32-bit."""
    if text.startswith(BOM):
        text = text[1:]
    return _signed(zlib.crc32(text.encode("utf-8").translate(None, b"\r\n")))


def checksum_of_bytes(data: bytes, encoding: str) -> int:
    """The checksum of a file. Raises UnicodeDecodeError when the bytes are not of that encoding."""
    return checksum(decode(data, encoding))


def _signed(value: int) -> int:
    return value - (1 << 32) if value >= 1 << 31 else value
