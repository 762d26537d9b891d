# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings made from the catalogue: what was asked directly shares its rows with what logs tell."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.model import Finding
from ansible_collections.dwp.backend.plugins.module_utils._signatures import Signature, catalogue, fill

_NAME = re.compile(r"\{(\w+)\}")


class Known:
    """The rows of the catalogue by id, as findings."""

    def __init__(self, site: Any = ()) -> None:
        self.rows: dict[str, Signature] = {row.id: row for row in catalogue(site)}

    def finding(
        self, failure: str, service: str, host: str, values: Mapping[str, Any], source: str, text: str, **differences: Any
    ) -> Finding:
        """`values` fill the names in the row's meaning and next action; `source` and `text` are the evidence."""
        row = self.rows[failure]
        words = {"service": service, "host": host, **{k: str(v) for k, v in values.items() if v is not None}}
        made: dict[str, Any] = {
            "severity": row.severity, "about": row.about, "priority": row.priority, "directness": "direct",
            "title": told(row.meaning, words), "evidence": ({"source": source, "text": text},), "next_action": self.action(failure, words),
        }  # fmt: skip
        return Finding(failure, service, host, **{**made, **differences})

    def variant(self, failure: str, name: str) -> dict[str, Any]:
        """What differs in a finding of this variant of a row."""
        found = next(one for one in self.rows[failure].variants if one["name"] == name)
        return {"title": found["meaning"], "next_action": dict(found["next"])}

    def action(self, failure: str, values: Mapping[str, Any]) -> dict[str, str]:
        """The next action of a row, with what was found."""
        words = {name: str(value) for name, value in values.items() if value is not None}
        return {key: fill(part, words) if key != "risk" else part for key, part in self.rows[failure].next.items()}


def told(text: str, words: Mapping[str, str]) -> str:
    """Names in braces by what was found; one that was not found stays readable."""
    return _NAME.sub(lambda match: words.get(match[1], match[1]), text)
