# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hostile logs: triage runs, nothing is executed, and no secret comes out, not at -vvv either."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from .hostile import CORRELATION, forbidden, lines
from .stand import Stand

PWNED = Path("/var/tmp/dwp-faults-pwned")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


@pytest.mark.parametrize("arguments", [(), ("-e", f"dwp_id={CORRELATION}")], ids=["all", "by-id"])
def test_hostile_logs(stand: Stand, results: Path, arguments: tuple[str, ...], request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--inject-only"):
        pytest.skip("--inject-only")
    PWNED.unlink(missing_ok=True)
    try:
        stand.append("mail", lines())
        stand.append("chat.console", lines()[:100_000])
        done, report, directory = stand.triage("-vvv", *arguments)
        texts = {path.name: path.read_text(encoding="utf-8") for path in directory.rglob("*.*") if path.is_file()}
        texts["terminal"] = done.stdout
        for name, text in texts.items():
            (results / f"hostile-{name}").write_text(text, encoding="utf-8")
        assert done.returncode == 0, done.stdout[-3000:]
        assert "Traceback" not in done.stdout
        leaks = {name: [value for value in forbidden() if value in text] for name, text in texts.items()}
        assert not any(leaks.values()), leaks
        controls = {name: sorted(set(CONTROL.findall(text))) for name, text in texts.items()}
        assert not any(controls.values()), controls
        assert not re.search(r"<script>document|<img src=x", texts.get("report.html", "")), "markup of a log in the page"
        assert not PWNED.exists(), "something of a log was executed"
        assert max(map(len, texts.values())) < 3_000_000, {name: len(text) for name, text in texts.items()}
        said = str(report)
        assert "GlobalExceptionHandler" in said or "Unexpected error" in said, "the hostile records were not read at all"
        assert (report["verdict"]["service"] or "mail") in ("mail", "chat"), report["verdict"]
    finally:
        for name in ("mail.log", "chat.console.log"):
            os.truncate(stand.logs / name, 0)
        stand.heal()
