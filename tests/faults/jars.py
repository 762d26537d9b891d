# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jars written anew, with one thing in them that is wrong."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from io import BytesIO


def with_entry(name: str, text: str) -> Callable[[bytes], bytes]:
    """The jar with one more file in it."""

    def change(content: bytes) -> bytes:
        out = BytesIO(content)
        with zipfile.ZipFile(out, "a") as archive:
            archive.writestr(name, text)
        return out.getvalue()

    return change


def entries(content: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """The jar with its files changed, each by its name."""
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for info in old.infolist():
            new.writestr(info, change(info.filename, old.read(info)))
    return out.getvalue()
