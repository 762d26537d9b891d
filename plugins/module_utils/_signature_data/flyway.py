# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures of migrations: what Flyway says when history, files and schema do not fit."""

from __future__ import annotations

from typing import Any

_STATUS = "ansible-playbook playbooks/flyway_status.yml -i inventories/ENVIRONMENT -e dwp_only={service}"

SIGNATURES: list[dict[str, Any]] = [
    {
        "id": "FLYWAY_CHECKSUM",
        "priority": 1,
        "about": "flyway",
        "severity": "down",
        "patterns": [r"Migration (?P<what>checksum|description|type) mismatch for migration version (?P<version>\w+(?:[._]\w+)*)"],
        "details": [r"-> Applied to database : (?P<applied>-?\d+)", r"-> Resolved locally +: (?P<local>-?\d+)"],
        "meaning": "the file of an applied migration was edited or renamed",
        "next": {
            "command": _STATUS,
            "risk": "read-only",
            "verify": "with the file restored from git validate passes; repair only when the schema is proven equal, "
            "and never edit the history by hand",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "FLYWAY_FAILED",
        "priority": 1,
        "about": "flyway",
        "severity": "down",
        "patterns": [
            r"Detected failed migration to version (?P<version>\w+(?:[._]\w+)*)",
            r"Detected failed repeatable migration: (?P<version>[^\n]+?)\.?(?:\n|$)",
            r"contains a failed (?:future )?migration to version (?P<version>\w+(?:[._]\w+)*)",
            r"contains a failed repeatable migration \((?P<version>[^)\n]+)\)",
        ],
        "meaning": "a migration ended half way in an earlier run and its row stands as failed",
        "next": {
            "command": _STATUS,
            "risk": "read-only",
            "verify": "after undoing what remains, repair and migrate, no row of the history has success false",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "FLYWAY_MISSING",
        "priority": 2,
        "about": "build",
        "severity": "down",
        "patterns": [r"Detected applied migration not resolved locally: (?P<version>\w+(?:[._]\w+)*)"],
        "meaning": "the database has a migration that this jar lacks, below its newest one",
        "next": {
            "command": _STATUS,
            "risk": "read-only",
            "verify": "a jar that contains the version passes validate",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "FLYWAY_NEWER_DB",
        "priority": 4,
        "about": "flyway",
        "severity": "degraded",
        "patterns": [r"has a version \((?P<database>[^)]+)\) that is newer than the latest available migration \((?P<jar>[^)]+)\)"],
        "holds_while_running": True,
        "meaning": "the code was rolled back, the schema was not; only a warning, the service starts",
        "next": {
            "command": _STATUS,
            "risk": "read-only",
            "verify": "after deploying a jar with version {database} or rolling the schema back, the warning is gone at the next start",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "FLYWAY_OUT_OF_ORDER",
        "priority": 2,
        "about": "flyway",
        "severity": "down",
        "patterns": [
            r"Detected resolved migration not applied to database: (?P<version>\w+(?:[._]\w+)*)",
            r"Detected resolved repeatable migration not applied to database: (?P<version>[^\n]+?)\.?(?:\n|$)",
        ],
        "meaning": "a migration older than the newest applied one was added later",
        "next": {
            "command": _STATUS,
            "risk": "read-only",
            "verify": "after deciding on outOfOrder or renumbering, validate passes",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "FLYWAY_NONEMPTY",
        "priority": 2,
        "about": "flyway",
        "severity": "down",
        "patterns": [r"Found non-empty schema\(s\) (?P<schema>.{0,300}?) but no schema history table"],
        "meaning": "the first run of Flyway on a database that already has tables",
        "next": {
            "command": _STATUS,
            "risk": "read-only",
            "verify": "after a baseline at the version that the schema really has, the service starts",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "FLYWAY_SQL",
        "priority": 1,
        "about": "flyway",
        "severity": "down",
        "patterns": [
            r"Script (?P<script>\S*) failed",
            r'Migration of schema "(?P<schema>[^"]+)" to version "(?P<version>[^"]+)" failed',
            r"Unable to parse statement in (?P<script>\S+)",
            r"Incomplete statement at line (?P<line>\d+)",
        ],
        "details": [r"SQL State  : (?P<sqlstate>\w+)", r"Location +: (?P<location>\S+)", r"Line +: (?P<line>\d+)"],
        # In a Flyway record the SQLSTATE decides: 42501 is a missing permission, anything else an error of the script.
        "yields_to": ["PG_PERM"],
        "meaning": "a statement of a migration failed; Flyway says whether it was rolled back",
        "next": {
            "command": _STATUS,
            "risk": "read-only",
            "verify": "the state of the version is not failed and the corrected script applies",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "FLYWAY_UNSUPPORTED",
        "priority": 2,
        "about": "build",
        "severity": "down",
        "patterns": [
            r"Unsupported Database: PostgreSQL (?P<version>\S+)", r"Unsupported Database: PostgreSQL",
            r"No database found to handle jdbc:postgresql",
        ],
        "meaning": "the jar lacks flyway-database-postgresql, or its Flyway is older than this PostgreSQL",
        "next": {
            "command": "unzip -l JAR | grep -e flyway-core -e flyway-database-postgresql",
            "risk": "read-only",
            "verify": "a jar with both in one version starts",
        },
        "source": "observed with Spring Boot 3.4",
    },
]
