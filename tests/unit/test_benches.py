# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make bench` is run rarely: each bench at least finds all of its parts, and judges rightly."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

BENCHES = Path(__file__).resolve().parents[1] / "bench"
PROGRAMS = sorted(path for path in BENCHES.glob("*.py") if "__main__" in path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_bench_starts(path: Path) -> None:
    done = subprocess.run([sys.executable, str(path), "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("ours", "limit", "kept"), [([9.0, 1.0, 2.0], 2.0, True), ([2.1], 2.0, False)])
def test_the_median_decides(ours: list[float], limit: float, kept: bool, capsys: pytest.CaptureFixture[str]) -> None:
    spec = importlib.util.spec_from_file_location("common", BENCHES / "common.py")
    assert spec is not None and spec.loader is not None
    common = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(common)
    verdicts = common.Verdicts()
    verdicts.seconds("this", ours, [2.0], limit, "the peer")
    verdicts.seconds("that", [1.0], [1.0], 1.0, "the peer")
    assert verdicts.kept is kept
    assert ("NOT KEPT" in capsys.readouterr().out) is not kept
    with pytest.raises(SystemExit) as ended:
        verdicts.end()
    assert ended.value.code == (0 if kept else 1)
