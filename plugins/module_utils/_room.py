# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk that is full must not stand in the way of a rollback, which writes some kilobytes: a reserve is kept for it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import TypeVar

NAME = ".reserve"
SIZE = 4 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT)

T = TypeVar("T")


def keep(root: str) -> bool:
    """Put the reserve by where there is room for it; never in the way of anything. True if it was made now."""
    path = os.path.join(root, NAME)
    try:
        found = os.statvfs(root)
        if os.path.exists(path) or found.f_bavail * found.f_frsize < 5 * SIZE:
            return False
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.posix_fallocate(handle, 0, SIZE)
        except OSError:
            os.unlink(path)
            return False
        finally:
            os.close(handle)
    except OSError:
        return False
    return True


def spend(root: str) -> bool:
    """Give the reserve free; False if there is none any more."""
    try:
        os.unlink(os.path.join(root, NAME))
    except OSError:
        return False
    return True


def retried(root: str, write: Callable[[], T], *more: Callable[[], bool]) -> T:
    """Write; where the disk is full, once more after each thing that made room: the reserve, then ``more``."""
    for make_room in (lambda: spend(root), *more):
        try:
            return write()
        except OSError as error:
            if error.errno not in _FULL:
                raise
            make_room()
    try:
        return write()
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise OSError(error.errno, "the disk is full, and nothing is left to remove; make room, for example in its logs") from None
