# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of real Flyway, recorded: states, order, current version, error codes and checksums must be equal."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from ansible_collections.dwp.backend.plugins.module_utils._flyway.checksum import checksum_of_bytes
from ansible_collections.dwp.backend.plugins.module_utils._flyway.history import make_row
from ansible_collections.dwp.backend.plugins.module_utils._flyway.migrations import FileOptions, resolve
from ansible_collections.dwp.backend.plugins.module_utils._flyway.placeholders import Placeholders
from ansible_collections.dwp.backend.plugins.module_utils._flyway.scan import Resource
from ansible_collections.dwp.backend.plugins.module_utils._flyway.states import info
from ansible_collections.dwp.backend.plugins.module_utils._flyway.validate import IgnorePatterns, validate

DATA = Path(__file__).parents[3] / "testdata" / "flyway"
VECTORS = [json.loads(line) for line in (DATA / "info-validate.jsonl").read_text(encoding="utf-8").splitlines()]
CHECKSUMS = json.loads((DATA / "checksums.json").read_text(encoding="utf-8"))


def resource(name: str, data: bytes) -> Resource:
    return Resource(name, f"/sql/{name}", True, lambda: data)


def answer(vector: dict) -> dict:
    files = [resource(name, text.encode()) for name, text in vector["files"].items()]
    resolved = resolve(files, FileOptions(), Placeholders())
    assert resolved.refusals == []
    rows = [make_row(**row) for row in vector["history"]]
    result = info(resolved.migrations, rows, vector["target"], vector["out_of_order"])
    if result.refusals:
        return {"error": result.refusals[0].message}
    problems = validate(result, IgnorePatterns(vector["ignore_migration_patterns"]))
    return {
        "info": [
            {
                "installed_rank": line.row.installed_rank if line.row else None,
                "version": line.version.text if line.version else None,
                "description": line.description,
                "type": line.type,
                "state": line.state,
            }
            for line in result.lines
        ],
        "current": result.current_text,
        "validate": [{key: problem.as_dict()[key] for key in ("version", "description", "error_code")} for problem in problems],
    }


@pytest.mark.parametrize("vector", VECTORS, ids=[str(vector["id"]) for vector in VECTORS])
def test_info_and_validate(vector: dict) -> None:
    expected = {key: vector[key] for key in ("info", "current", "validate", "error") if key in vector}
    assert answer(vector) == expected


@pytest.mark.parametrize("case", CHECKSUMS, ids=[case["file"] for case in CHECKSUMS])
def test_checksum(case: dict) -> None:
    assert checksum_of_bytes(base64.b64decode(case["content_b64"]), "utf-8") == case["checksum"]


def test_the_vectors_are_all_there() -> None:
    assert (len(VECTORS), len(CHECKSUMS)) == (100, 12)
