# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A schema that is migrated by real Flyway and rolled back again and again, in drawn order."""

from __future__ import annotations

import random

import pytest

MIGRATIONS = {
    "V1__a": "CREATE TABLE a (id int PRIMARY KEY);\n-- Rollback: DROP TABLE a;",
    "V2__b": "CREATE TABLE b (id int REFERENCES a, e text DEFAULT 'x');\n/* ROLLBACK\nDROP TABLE b;\n*/",
    "V3__f": "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; $$;\n-- Rollback:\n-- DROP FUNCTION f() CASCADE;",
    "V4__i": "CREATE INDEX bi ON b (e);\n-- @rollback:\n--   DROP INDEX CONCURRENTLY bi;",
    "V4.1__c": "COMMENT ON TABLE a IS 'x';\n-- 롤백: COMMENT ON TABLE a IS NULL;",
    "V5__t": "CREATE TYPE mood AS ENUM ('ok'); ALTER TABLE a ADD m mood;\n-- Rollback: ALTER TABLE a DROP COLUMN m; DROP TYPE mood;",
    "V10__n": "SELECT 1;\n-- Rollback: none",
    "R__v": "CREATE OR REPLACE VIEW v AS SELECT f() AS one;",
}
HISTORY = "SELECT installed_rank, version, description, type, success FROM flyway_schema_history ORDER BY 1"
VERSIONS = ["1", "2", "3", "4", "4.1", "5", "10"]


@pytest.mark.real
@pytest.mark.parametrize("seed", range(3))
def test_forth_and_back(kit, seed):
    draw = random.Random(seed)
    kit.write(**MIGRATIONS).migrate()
    pictures = {"10": kit.fingerprint().lines}  # what the schema looks like at each version
    for _round in range(6):
        applied = [version for version in VERSIONS if kit.states()[version] == "Success"]
        target = draw.choice(["0", *applied[:-1]])
        gone = applied[applied.index(target) + 1 :] if target in applied else applied
        wish = {"to_version": target} if draw.random() < 0.6 else {"count": len(gone)}
        if draw.random() < 0.2:
            wish = {"versions": draw.sample(gone, len(gone))}
        result = kit.rollback(**wish, history=draw.choice(["mark", "delete"]))
        assert result["plan"]["versions"] == gone[::-1] and not result["losses"]
        states = kit.states()
        assert [version for version in VERSIONS if states[version] == "Success"] == applied[: len(applied) - len(gone)]
        assert {states[version] for version in gone} == {"Pending"}
        invalid = kit.ask("validate")["validate"]["invalidMigrations"]
        assert {one["errorDetails"]["errorCode"] for one in invalid} <= {
            "RESOLVED_VERSIONED_MIGRATION_NOT_APPLIED",
            "RESOLVED_REPEATABLE_MIGRATION_NOT_APPLIED",
        }
        assert (states["v"] == "Pending") == ("3" in gone), kit.sql(HISTORY)
        lines = kit.fingerprint().lines
        assert pictures.setdefault(target, lines) == lines
        kit.migrate()
        assert set(kit.states().values()) == {"Success"} and kit.fingerprint().lines == pictures["10"]
