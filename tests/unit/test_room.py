# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from ansible_collections.dwp.backend.plugins.module_utils import _room


class Disk:
    """Takes a write once enough things were given free."""

    def __init__(self, needs: int, number: int = errno.ENOSPC) -> None:
        self.needs, self.number, self.freed = needs, number, 0

    def write(self) -> str:
        if self.freed < self.needs:
            raise OSError(self.number, os.strerror(self.number))
        return "written"

    def free(self) -> bool:
        self.freed += 1
        return True


def test_reserve_is_kept_once_and_spent_once(tmp_path: Path) -> None:
    assert _room.keep(str(tmp_path)) and not _room.keep(str(tmp_path))
    reserve = tmp_path / _room.NAME
    assert reserve.stat().st_blocks * 512 >= _room.SIZE and reserve.stat().st_mode & 0o777 == 0o600
    assert _room.spend(str(tmp_path)) and not reserve.exists() and not _room.spend(str(tmp_path))


def test_no_reserve_where_there_is_no_root_or_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not _room.keep(str(tmp_path / "nothing"))
    monkeypatch.setattr(_room, "SIZE", 1 << 60)
    assert not _room.keep(str(tmp_path)) and list(tmp_path.iterdir()) == []


def test_reserve_is_given_free_for_a_write_that_does_not_fit(tmp_path: Path) -> None:
    _room.keep(str(tmp_path))
    disk = Disk(0)
    assert _room.retried(str(tmp_path), disk.write, disk.free) == "written"
    assert (tmp_path / _room.NAME).exists() and disk.freed == 0, "nothing goes without need"
    disk = Disk(1)
    assert _room.retried(str(tmp_path), disk.write, disk.free) == "written"
    assert not (tmp_path / _room.NAME).exists()


@pytest.mark.parametrize(("needs", "number", "freed"), [(9, errno.ENOSPC, 1), (9, errno.EDQUOT, 1), (9, errno.EACCES, 0)])
def test_what_cannot_be_written_says_why(tmp_path: Path, needs: int, number: int, freed: int) -> None:
    disk = Disk(needs, number)
    with pytest.raises(OSError) as caught:
        _room.retried(str(tmp_path), disk.write, disk.free)
    assert caught.value.errno == number and disk.freed == freed
