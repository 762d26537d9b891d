# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the schemas of all hosts mean for a plan: what is said, what prevents it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._release.plan import TOUCHING


def plan(
    found: Mapping[str, Mapping[str, Any]], plans: Mapping[str, Mapping[str, Mapping[str, Any]]], database: str | None
) -> tuple[list[str], list[str]]:
    """(remarks, problems); ``database`` is what rollback.yml was asked to say, None in a deployment."""
    remarks: list[str] = []
    problems: list[str] = []
    for host, result in found.items():
        for name, judged in result.get("services", {}).items():
            if plans[host].get(name, {}).get("action") not in TOUCHING:
                continue
            problems += judged["problems"]
            newer, known = ", ".join(judged["newer"]), judged.get("known", "")
            if newer and database == "keep":
                continue
            remarks += [f"database: {text}" for text in judged["notes"] if database != "apply" or text != judged.get("tolerated")]
            if newer and database == "plan":
                remarks.append(
                    f"database: {name}: to take {newer} back: this command with -e dwp_database=apply; or playbooks/flyway_rollback.yml "
                    f"-e dwp_flyway_service={name} -e dwp_flyway_to_version={known or 0} before this rollback, while the release that "
                    "has the rollback text is active"
                )
    return list(dict.fromkeys(remarks)), list(dict.fromkeys(problems))
