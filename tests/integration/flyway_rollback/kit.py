# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One database with its migration files, real Flyway, and the module under test, called in-process or as Ansible does."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg2
import yaml

from ansible_collections.dwp.backend.plugins.module_utils._flyway import argspec, fingerprint

ROOT = Path(__file__).parents[3]
HISTORY = '"flyway_schema_history"'


def load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"{name}_under_test", ROOT / "plugins" / "modules" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ROLLBACK = load("flyway_rollback")


def check_documented(name: str, result: dict[str, Any]) -> None:
    """RETURN names what a success returns, and what it says to be returned is there."""
    documented = yaml.safe_load(load(name).RETURN)
    assert set(result) - set(documented) <= {"changed", "diff", "warnings", "deprecations"}
    always = {key for key, one in documented.items() if one["returned"] in ("always", "when connected", "success")}
    assert always <= set(result)


class Kit:
    def __init__(self, database: Any, flyway: Any, directory: Path) -> None:
        self.database = database
        self.flyway = flyway
        self.directory = directory / "migration"
        self.directory.mkdir()
        self.undo = directory / "undo"
        self.undo.mkdir()
        self.settings: dict[str, str] = {}

    def write(self, **files: str) -> Kit:
        """V1__a='...' becomes V1__a.sql; names that start with U go to the directory of sidecars."""
        for name, text in files.items():
            folder = self.undo if name.startswith("U") else self.directory
            (folder / f"{name}.sql").write_text(text, encoding="utf-8")
        return self

    def ask(self, *commands: str) -> dict[str, Any]:
        url = f"jdbc:postgresql://{self.database.host}:{self.database.port}/{self.database.name}"
        settings = {"locations": f"filesystem:{self.directory}", **self.settings}
        return self.flyway.ask(url, self.database.user, self.database.password, settings, list(commands))

    def migrate(self) -> dict[str, Any]:
        answer = self.ask("migrate")["migrate"]
        assert "error" not in answer, answer
        return answer

    def states(self) -> dict[str, str]:
        """What real Flyway's info says: version or description -> state (the last line of each wins)."""
        answer = self.ask("info")["info"]
        assert "error" not in answer, answer
        return {one["version"] or one["description"]: one["state"] for one in answer["migrations"]}

    def params(self, **options: Any) -> dict[str, Any]:
        own = ROLLBACK.own_spec()
        spec = {**argspec.connection_spec(), **argspec.file_spec(), **argspec.history_spec(), **own}
        values = {name: option.get("default") for name, option in spec.items()}
        return {**values, **self.login(), "mode": "apply", **options}

    def login(self) -> dict[str, Any]:
        return {
            "login_host": self.database.host,
            "login_port": self.database.port,
            "login_user": self.database.user,
            "login_password": self.database.password,
            "login_db": self.database.name,
            "locations": [str(self.directory)],
            "undo_locations": [str(self.undo)],
        }

    def rollback(self, connect: Any = None, **options: Any) -> dict[str, Any]:
        """The module's run(), in this process; FlywayError if it fails."""
        return ROLLBACK.run(self.params(**options), False, connect)

    def module(self, name: str = "flyway_rollback", *, check: bool = False, diff: bool = False, **options: Any) -> dict[str, Any]:
        """The module in a process of its own, JSON in and JSON out."""
        arguments = {**self.login(), **options, "_ansible_check_mode": check, "_ansible_diff": diff}
        done = subprocess.run(
            [sys.executable, str(ROOT / "plugins" / "modules" / f"{name}.py")],
            input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT / "collections")},
            timeout=300,
            check=False,
        )
        assert "Traceback" not in done.stderr + done.stdout, done.stderr + done.stdout
        assert self.database.password not in done.stdout.replace(json.dumps(arguments), "").split('"invocation"')[0]
        result: dict[str, Any] = json.loads(done.stdout)
        result.pop("invocation", None)
        if done.returncode == 0:
            check_documented(name, result)
        return {**result, "rc": done.returncode}

    def connect(self, **options: Any) -> Any:
        return psycopg2.connect(self.database.dsn, **options)

    def sql(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.database.execute(text, values or None)

    def history(self) -> list[tuple[Any, ...]]:
        return self.sql(f"SELECT installed_rank, version, type, success FROM {HISTORY} ORDER BY 1")

    def fingerprint(self) -> fingerprint.Fingerprint:
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                return fingerprint.take(cursor, ("public", "flyway_schema_history"), ["dwp_rollback"])
        finally:
            connection.close()

    def picture(self) -> tuple[Any, ...]:
        """Everything that a rollback may change: catalogue, history, data of all tables, backups."""
        names = self.sql(
            "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_class c JOIN pg_namespace n "
            "ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\\_%' "
            "AND n.nspname <> 'information_schema' ORDER BY 1"
        )
        data = {name: sorted(map(str, self.sql(f"SELECT t.*::text FROM {name} t"))) for (name,) in names}
        return self.fingerprint().digest, data
