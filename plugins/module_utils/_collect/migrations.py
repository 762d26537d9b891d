# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the schema history says against the migrations of the release that runs: Flyway's own words, without a JVM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._collect.parts import NotChecked
from ansible_collections.dwp.backend.plugins.module_utils._collect.postgres import Target
from ansible_collections.dwp.backend.plugins.module_utils._collect.survey import APPLICATION


def look(target: Target, database: Mapping[str, Any], jar: str, timeout: float) -> dict[str, Any]:
    """The states for one service with Flyway, in short."""
    from ansible_collections.dwp.backend.plugins.module_utils._flyway import ask
    from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError

    schema = database.get("schema") or "public"
    given: dict[str, Any] = {
        "login_host": target.host, "login_port": target.port, "login_user": target.user, "login_password": target.password,
        "login_db": target.database, "ssl_mode": target.ssl_mode, "connect_timeout": max(2, int(timeout)), "jar": jar,
        # lock_timeout and statement_timeout are set by the query itself, to no more than what a person waits
        "connect_params": {"application_name": APPLICATION},
    }  # fmt: skip
    if schema != "public":
        given.update(default_schema=schema, schemas=[schema])
    if database.get("table"):
        given["table"] = database["table"]
    try:
        return shorten(ask.ask(ask.options(**given)))
    except FlywayError as error:
        raise NotChecked(error.message) from None


def shorten(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What triage needs of the answer of flyway_status."""

    def rows(*states: str) -> list[dict[str, Any]]:
        return [
            {"version": one["version"], "description": one["description"], "script": one["script"], "installed_on": one["installedOnUTC"]}
            for one in answer["migrations"] if one["state"] in states
        ]  # fmt: skip

    history = answer["history"]
    return {
        "schema": history["schema"],
        "table": history["table"],
        "exists": history["exists"],
        "schema_version": answer["schema_version"],
        "counts": answer["counts"],
        "failed": rows("Failed", "Failed (Missing)", "Failed (Future)"),
        "pending": rows("Pending"),
        "errors": [
            {"code": one["error_code"], "version": one["version"], "message": one["error_message"]}
            for one in answer["validation"]["errors"]
        ],
        "newer_than_jar": any(one["state"] in ("Future", "Failed (Future)") for one in answer["migrations"]),
        "lock_held": bool(answer["lock_held"]),
        "warnings": answer["warnings"],
        "message": answer["msg"],
    }
