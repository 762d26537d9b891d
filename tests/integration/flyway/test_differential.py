# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""flyway_status against real Flyway 10.20.1 on real PostgreSQL, over generated situations.

FLYWAY_SITUATIONS sets how many (default 300; 60 in a sampled run), FLYWAY_SEED where they come from, FLYWAY_ONLY asks
just one by its number.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import lives
import psycopg2.sql
import pytest
import situations
import status_module

from ansible_collections.dwp.backend.plugins.module_utils._flyway.states import STATES, display_name

pytestmark = [pytest.mark.real]

SEED = int(os.environ.get("FLYWAY_SEED", "20261123"))
SAMPLED = os.environ.get("DWP_SAMPLE", "all") != "all"
COUNT = int(os.environ.get("FLYWAY_SITUATIONS", "60" if SAMPLED else "300"))
ONLY = os.environ.get("FLYWAY_ONLY")
FULL = 200  # from here on every state and code has to occur

# Flyway 10.20.1 free never shows these two: both belong to undo migrations, which only the paid editions read.
UNREACHABLE_STATES = {"UNDONE", "AVAILABLE"}
CODES = {
    "FAILED_VERSIONED_MIGRATION",
    "FAILED_REPEATABLE_MIGRATION",
    "APPLIED_VERSIONED_MIGRATION_NOT_RESOLVED",
    "APPLIED_REPEATABLE_MIGRATION_NOT_RESOLVED",
    "RESOLVED_VERSIONED_MIGRATION_NOT_APPLIED",
    "RESOLVED_REPEATABLE_MIGRATION_NOT_APPLIED",
    "OUTDATED_REPEATABLE_MIGRATION",
    "TYPE_MISMATCH",
    "CHECKSUM_MISMATCH",
    "DESCRIPTION_MISMATCH",
    "SCHEMA_DOES_NOT_EXIST",
    "DUPLICATE_VERSIONED_MIGRATION",
    "DUPLICATE_REPEATABLE_MIGRATION",
    "DUPLICATE_DELETED_MIGRATION",
    "CONFIGURATION",
    "ERROR",
    "FAULT",
}
# Not reachable by info or validate in the free edition: DUPLICATE_UNDO_MIGRATION (undo is paid), JDBC_DRIVER and
# DB_CONNECTION (no connection, so nothing to compare), ENVIRONMENT_RESOLVE and ENVIRONMENT_PROVISION (settings of the
# command line), NON_EMPTY_SCHEMA_WITHOUT_SCHEMA_HISTORY_TABLE (migrate only, see test_flyway_status.py). VALIDATE_ERROR
# stands around the codes above whenever validation fails.

SETTINGS = {  # our option -> Flyway's
    "encoding": "encoding",
    "target": "target",
    "out_of_order": "outOfOrder",
    "table": "table",
    "placeholder_replacement": "placeholderReplacement",
    "placeholder_prefix": "placeholderPrefix",
    "placeholder_suffix": "placeholderSuffix",
    "sql_migration_prefix": "sqlMigrationPrefix",
    "sql_migration_separator": "sqlMigrationSeparator",
    "validate_migration_naming": "validateMigrationNaming",
    "default_schema": "defaultSchema",
}
LISTS = {
    "schemas": "schemas",
    "sql_migration_suffixes": "sqlMigrationSuffixes",
    "ignore_migration_patterns": "ignoreMigrationPatterns",
}


def settings_of(options: dict[str, Any]) -> dict[str, str]:
    """The module's options as settings of Flyway."""
    settings = {}
    for name, value in options.items():
        if name in SETTINGS and value is not None:
            settings[SETTINGS[name]] = str(value).lower() if isinstance(value, bool) else str(value)
        elif name in LISTS and value:
            settings[LISTS[name]] = ",".join(value)
    settings.update({f"placeholders.{name}": value for name, value in options.get("placeholders", {}).items()})
    locations = (one if one.startswith("classpath:") else f"filesystem:{one}" for one in options["locations"])
    settings["locations"] = ",".join(locations)
    return settings


class Bench:
    """Puts situations into one database, each into a schema of its own, and asks both sides."""

    def __init__(self, flyway: Any, database: Any, directory: Path) -> None:
        self.flyway, self.database, self.directory = flyway, database, directory
        self.module = status_module.load()

    def put(self, number: int, situation: situations.Situation) -> tuple[dict[str, Any], str]:
        """Make schema, history and files; the options of the module, and the JDBC URL."""
        schema = f"s{number}" if number % 5 else f'S {number} "q"'
        place = self.directory / str(number)
        place.mkdir()
        for name, data in situation.files.items():
            path = place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        options = {**situation.options, "locations": [str(place)]}
        url = f"jdbc:postgresql://{self.database.host}:{self.database.port}/{self.database.name}"
        if situation.schema_by in ("default_schema", "both"):
            options["default_schema"] = schema
        if situation.schema_by in ("schemas", "both"):
            options["schemas"] = [schema] if situation.schema_by == "schemas" else ["other", "third"]
        if situation.schema_by == "search_path":
            schema = f"s{number}"  # a search_path is a list, quoting it in a URL is another matter
            url += f"?currentSchema={schema}"
            options["connect_params"] = {"options": f"-csearch_path={schema}"}
        self._fill(schema, situation, options.get("table", "flyway_schema_history"))
        return options, url

    def _fill(self, schema: str, situation: situations.Situation, table_name: str) -> None:
        if not situation.schema:
            return
        table = psycopg2.sql.Identifier(schema, table_name)
        connection = self.database.connect()
        with connection.cursor() as cursor:
            cursor.execute(psycopg2.sql.SQL("CREATE SCHEMA {}").format(psycopg2.sql.Identifier(schema)))
            if situation.content:
                cursor.execute(psycopg2.sql.SQL("CREATE TABLE {} (i int)").format(psycopg2.sql.Identifier(schema, "t")))
            if situation.history:
                cursor.execute(psycopg2.sql.SQL(HISTORY).format(table))
            for place, row in enumerate(situation.rows, 1):
                rank = place * 2 if row.rank is None else row.rank
                values = (rank, row.version, row.description, row.type, row.script, row.checksum, "tester", 7, row.success)
                cursor.execute(psycopg2.sql.SQL(INSERT).format(table), values)
        connection.close()

    def ask(self, number: int, situation: situations.Situation) -> tuple[dict[str, Any], dict[str, Any]]:
        """(Flyway's answer, ours), each as (info, validate) in the same shape."""
        return self.both(*self.put(number, situation))

    def both(self, options: dict[str, Any], url: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """(Flyway's answer, ours) for the database as it is."""
        who = (self.database.user, self.database.password)
        answer = self.flyway.ask(url, *who, settings_of(options), ["info", "validate"], options.get("jar"))
        parameters = {
            **status_module.defaults(),
            "login_host": self.database.host,
            "login_port": self.database.port,
            "login_user": who[0],
            "login_password": who[1],
            "login_db": self.database.name,
            **options,
        }
        ours, _failed = self.module.run(parameters)
        return theirs_in_short(answer), ours_in_short(ours)


HISTORY = """
CREATE TABLE {} (
  installed_rank integer NOT NULL PRIMARY KEY, version varchar(50), description varchar(200) NOT NULL,
  type varchar(20) NOT NULL, script varchar(1000) NOT NULL, checksum integer, installed_by varchar(100) NOT NULL,
  installed_on timestamp NOT NULL DEFAULT now(), execution_time integer NOT NULL, success boolean NOT NULL)
"""
INSERT = """
INSERT INTO {} (installed_rank, version, description, type, script, checksum, installed_by, execution_time, success)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
FIELDS = [
    "category",
    "version",
    "rawVersion",
    "description",
    "type",
    "state",
    "undoable",
    "filepath",
    "undoFilepath",
    "installedBy",
    "shouldExecuteExpression",
    "executionTime",
]
MORE = ("installed_rank", "script", "checksum_applied", "checksum_resolved")


def theirs_in_short(answer: dict[str, Any]) -> dict[str, Any]:
    info, validate = answer["info"], answer["validate"]
    if "error" in info:
        return {"error": info["error"]}
    lines = []
    for line, more in zip(info["migrations"], info["more"]):
        lines.append({**{name: line[name] for name in FIELDS}, **{name: more[name] for name in MORE}})
    if "error" in validate:  # nothing that info accepts makes validate refuse
        return {"error": validate["error"]}
    errors = [
        [*(one[name] for name in ("version", "description", "filepath")), *one["errorDetails"].values()]
        for one in validate["invalidMigrations"]
    ]
    outer = validate["errorDetails"]
    if outer and outer["errorCode"] != "VALIDATE_ERROR":
        errors = [["", "", "", outer["errorCode"], outer["errorMessage"]]]
    return {
        "lines": lines,
        "schema_version": info["schemaVersion"],
        "schema_name": info["schemaName"],
        "all_schemas_empty": info["allSchemasEmpty"],
        "valid": validate["validationSuccessful"],
        "errors": errors,
    }


def ours_in_short(answer: dict[str, Any]) -> dict[str, Any]:
    validation = answer["validation"]
    if validation["refused"]:
        first = validation["errors"][0]
        return {"error": {"code": first["error_code"], "message": first["error_message"]}}
    return {
        "lines": [{name: line[name] for name in (*FIELDS, *MORE)} for line in answer["migrations"]],
        "schema_version": answer["schema_version"],
        "schema_name": answer["schema_name"],
        "all_schemas_empty": answer["all_schemas_empty"],
        "valid": validation["valid"],
        "errors": [
            [one["version"], one["description"], one["filepath"], one["error_code"], one["error_message"]] for one in validation["errors"]
        ],
    }


def comparable(answer: dict[str, Any]) -> dict[str, Any]:
    """Of a refusal, what Flyway itself always says the same."""
    if "error" not in answer:
        return answer
    code, message = answer["error"]["code"], answer["error"]["message"]
    if code.startswith("DUPLICATE_") and "Offenders" in message:
        first, *_offenders, one, other = message.splitlines()  # which one leads is up to a hash table
        message = "\n".join([first.rpartition(" ")[0], *sorted([one, other])])
    if "upgrade required: shouldExecute" in message:
        message = "upgrade required: shouldExecute"  # what follows advertises
    if message.startswith(("Invalid SQL filenames found", "Unknown configuration properties")):
        message = "\n".join(sorted(message.replace(",", "\n").replace(". Please", "\n. Please").split()))
    return {"error": {"code": code, "message": message}}


def test_equal_to_real_flyway(flyway: Any, database: Any, tmp_path: Path) -> None:
    bench = Bench(flyway, database, tmp_path)
    numbers = [int(ONLY)] if ONLY else range(COUNT)
    states: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    different = []
    for number in numbers:
        situation = situations.generate(SEED, number)
        theirs, ours = (comparable(one) for one in bench.ask(number, situation))
        states.update(line["state"] for line in theirs.get("lines", []))
        codes.update(error[3] for error in theirs.get("errors", []))
        if "error" in theirs:
            codes[theirs["error"]["code"]] += 1
        if theirs != ours:
            different.append(f"situation {number} (FLYWAY_ONLY={number}): {first_difference(theirs, ours)}")
    print(f"\n{len(numbers)} situations, states {dict(states)}, codes {dict(codes)}")
    assert not different, f"{len(different)} of {len(numbers)} differ\n" + "\n\n".join(different[:20])
    if ONLY or COUNT < FULL:
        return
    expected = {display_name(state) for state in STATES if state not in UNREACHABLE_STATES}
    assert {state: states[state] for state in expected if states[state] < 3} == {}
    assert {code: codes[code] for code in CODES if codes[code] < 3} == {}
    assert set(states) <= expected and set(codes) <= CODES


@pytest.mark.slow
@pytest.mark.parametrize("number", range(30))
def test_life_of_a_schema(number: int, flyway: Any, database: Any, tmp_path: Path) -> None:
    """Migrations, failures, repairs and baselines by real Flyway; after each both sides say the same."""
    bench = Bench(flyway, database, tmp_path)
    files: dict[str, bytes] = {}
    url = f"jdbc:postgresql://{database.host}:{database.port}/{database.name}"
    for place, step in enumerate(lives.life(SEED, number)):
        for path, data in step.files.items():
            files.pop(path, None)
            if data is not None:
                files[path] = data
        in_jar = number % 3 == 0
        options = lives.write_jar(tmp_path, files, place) if in_jar else lives.write_files(tmp_path, files)
        options.update(placeholders={"name": "value"}, schemas=["app"])
        settings = {**settings_of(options), "baselineOnMigrate": "true", **step.settings}
        who = (database.user, database.password)
        flyway.ask(url, *who, settings, [step.command], options.get("jar"))  # may fail, that is life
        theirs, ours = bench.both(options, url)
        if in_jar:  # the path of a file in a jar is shown another way
            _forget_paths(theirs, ours)
        assert first_difference(comparable(theirs), comparable(ours)) == "none", (place, step)


def _forget_paths(*answers: dict[str, Any]) -> None:
    for answer in answers:
        for line in answer.get("lines", []):
            line["filepath"] = bool(line["filepath"])
        for error in answer.get("errors", []):
            error[2] = bool(error[2])
        if "Offenders" in answer.get("error", {}).get("message", ""):
            answer["error"]["message"] = answer["error"]["message"].splitlines()[0] + "\n1\n2"


def first_difference(theirs: dict[str, Any], ours: dict[str, Any]) -> str:
    for key in sorted({*theirs, *ours}, key=lambda name: (name != "error", name)):
        one, other = theirs.get(key), ours.get(key)
        if one == other:
            continue
        if isinstance(one, list) and isinstance(other, list):
            for place, (left, right) in enumerate(zip(one, other)):
                if left != right:
                    return f"{key}[{place}]\n  Flyway {left}\n  ours   {right}"
            return f"{key}: {len(one)} in Flyway, {len(other)} in ours: {(one + other)[min(len(one), len(other)) :]}"
        return f"{key}\n  Flyway {one}\n  ours   {other}"
    return "none"


@pytest.mark.parametrize("number", range(3))
def test_situations_are_reproducible(number: int) -> None:
    assert situations.generate(7, number) == situations.generate(7, number)
    assert situations.generate(7, number) != situations.generate(8, number)
