# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError
from ansible_collections.dwp.backend.plugins.module_utils._release import schema, schema_plan

VALUES = {"DB_NAME": "dwp_main", "DB_HOST": "db", "DB_PORT": "6543", "DB_USERNAME": "u", "DB_PASSWORD": "secret-of-main"}
MANIFEST = {"database": {"schema": "public", "table": "", "ssl_mode": "require"}, "migrations": [{"version": "1"}]}


def line(version: str, state: str, file: bool = True, row: bool = True) -> dict[str, Any]:
    about = {"version": version, "description": "x", "state": state}
    return {**about, "filepath": "V.sql" if file else "", "installed_rank": 1 if row else None}


def answer(*lines: dict[str, Any], errors: tuple[str, ...] = ()) -> dict[str, Any]:
    found = [{"error_message": text, "what_to_do": "Restore it."} for text in errors]
    return {"database": "dwp_main", "schema_version": "2", "migrations": list(lines), "validation": {"errors": found}}


def test_what_the_application_itself_would_use() -> None:
    options = schema.question(MANIFEST, VALUES, "app.jar")
    assert options is not None
    assert (options["login_host"], options["login_port"], options["login_db"], options["ssl_mode"]) == ("db", 6543, "dwp_main", "require")
    assert "default_schema" not in options and "table" not in options
    other = schema.question({"database": {"schema": "s", "table": "t"}}, VALUES, "app.jar")
    assert other is not None and (other["default_schema"], other["schemas"], other["table"]) == ("s", ["s"], "t")


@pytest.mark.parametrize(("manifest", "values"), [({}, VALUES), (MANIFEST, {}), (MANIFEST, {**VALUES, "SPRING_FLYWAY_ENABLED": "false"})])
def test_nothing_is_asked_where_nothing_migrates(manifest: dict[str, Any], values: dict[str, str]) -> None:
    assert schema.question(manifest, values, "app.jar") is None


def test_judgement() -> None:
    fits = schema.judge("main", "r2", answer(line("1", "Success"), line("2", "Success")))
    assert fits["notes"] == fits["problems"] == [] and fits["known"] == "2"
    older = schema.judge("main", "r1", answer(line("1", "Success"), line("2", "Future", file=False)))
    assert (older["newer"], older["known"], older["problems"]) == (["2"], "1", []) and "newer than r1 knows: 2" in older["notes"][0]
    newer = schema.judge("main", "r3", answer(line("2", "Success"), line("3", "Pending", row=False)))
    assert newer["pending"] == ["3"] and "r3 migrates database dwp_main from 2 with 3" in newer["notes"][0]
    failed = schema.judge("main", "r2", answer(line("2", "Failed"), errors=("Detected failed migration to version 2",)))
    assert len(failed["problems"]) == 1 and "failed row for 2; the service would not start" in failed["problems"][0]
    changed = answer(line("1", "Success"), errors=("Migration checksum mismatch\n-> 1",))
    (problem,) = schema.judge("main", "r2", changed)["problems"]
    assert "Flyway would refuse to start r2 on database dwp_main: Migration checksum mismatch -> 1 Restore it." in problem
    assert schema.judge("main", "r2", changed, validates=False)["problems"] == []


class Store:
    kept = ("old", "new")
    active = "new"
    activated = ("old", "new")

    def state(self, service: str) -> Any:
        return {"activations": [{"release": release} for release in self.activated]}, None

    def releases(self, service: str) -> list[str]:
        return list(self.kept)

    def manifest(self, service: str, release: str) -> dict[str, Any]:
        return {**MANIFEST, "migrations": [{"version": v} for v in ("12" if release == "new" else "1")]}

    def text(self, service: str, release: str, name: str) -> str:
        return "".join(f"{key}='{value}'\n" for key, value in VALUES.items())

    def path(self, service: str, release: str) -> str:
        return f"/r/{release}"

    def current(self, service: str) -> str:
        return self.active


def test_database_that_does_not_answer_is_said_and_stops_nothing() -> None:
    def refused(options: dict[str, Any]) -> dict[str, Any]:
        raise FlywayError("connection refused", "PG_DOWN")

    found: Any = schema.check(Store(), "main", "old", refused)  # type: ignore[arg-type]
    assert found["checked"] is False and found["problems"] == []
    assert found["notes"] == ["main: database dwp_main was not checked (connection refused); 2 came with the current release"]
    assert "secret" not in str(found)


def test_rollback_text_is_in_the_release_that_brought_the_migration() -> None:
    """Also if the code went back before, and the newer release is merely kept."""
    store: Any = Store()
    assert schema.source(store, "main", ["2"]) == "new"
    store.active, store.activated = "old", ("old", "new", "old")
    assert schema.source(store, "main", ["2"]) == "new"
    store.kept = ("old",)
    assert schema.source(store, "main", ["2"]) == "old"  # nobody has it: the plan says which text is missing


def test_where_an_instance_has_its_tables() -> None:
    found = schema.instance(Store(), "main", "new")  # type: ignore[arg-type]
    assert found == {"release": "new", "database": "dwp_main", "schema": "public", "migrations": ["1", "2"]}


OLDER = {"problems": [], "newer": ["2"], "known": "1", "database": "dwp_main", "notes": ["main: newer"], "tolerated": "main: newer"}
PLANS = {"app-1": {"main": {"action": "rollback"}}, "app-2": {"main": {"action": "none"}}}


@pytest.mark.parametrize(("database", "remarks"), [("plan", 2), ("keep", 0), ("apply", 0), (None, 1)])
def test_what_is_said_about_newer_migrations(database: str | None, remarks: int) -> None:
    found, problems = schema_plan.plan({"app-1": {"services": {"main": OLDER}}, "app-2": {}}, PLANS, database)
    assert len(found) == remarks and problems == []
    if database == "plan":
        assert "-e dwp_flyway_service=main -e dwp_flyway_to_version=1" in found[1]


def test_service_that_is_not_touched_is_not_judged() -> None:
    broken = {**OLDER, "problems": ["main: failed row"]}
    assert schema_plan.plan({"app-2": {"services": {"main": broken}}}, PLANS, None) == ([], [])
    assert schema_plan.plan({"app-1": {"services": {"main": broken}}}, PLANS, "keep") == ([], ["main: failed row"])
