# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain text for a terminal of any width: tables whose widest columns give way first."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def width(text: str) -> int:
    """Columns on a terminal; Korean characters take two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1 for c in text)


def fit(text: str, columns: int) -> str:
    """Cut to a width with an ellipsis, padded with blanks."""
    if width(text) > columns:
        kept = ""
        for char in text:
            if width(kept + char) > columns - 1:
                break
            kept += char
        text = kept + "…"
    return text + " " * (columns - width(text))


def table(head: Sequence[str], rows: Sequence[Sequence[str]], columns: int = 80, least: int = 6) -> list[str]:
    """Lines of a table that is at most ``columns`` wide; the widest column is narrowed first."""
    widths = [max(width(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    while sum(widths) + 2 * (len(widths) - 1) > columns and max(widths) > least:
        widths[widths.index(max(widths))] -= 1
    lines = ["  ".join(fit(str(cell), widths[i]) for i, cell in enumerate(row)).rstrip() for row in [head, *rows]]
    return [lines[0], "  ".join("-" * w for w in widths), *lines[1:]]
