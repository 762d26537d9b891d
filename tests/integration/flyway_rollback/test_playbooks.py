# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks as a user runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from kit import ROOT

V1 = "CREATE TABLE t (id int PRIMARY KEY);\n-- Rollback: DROP TABLE t;\n"
V2 = "ALTER TABLE t ADD c int;\n-- Rollback: ALTER TABLE t DROP COLUMN c;\n"


@pytest.fixture
def play(kit, tmp_path):
    entry = {
        "service": "main",
        "host": kit.database.host,
        "port": kit.database.port,
        "db": kit.database.name,
        "user": kit.database.user,
        "password": kit.database.password,
        "locations": [str(kit.directory)],
        "undo_locations": [str(kit.undo)],
    }
    variables = tmp_path / "vars.json"

    def run(name, *, databases=None, check=False, answer=None, verbose=False, **extra):
        variables.write_text(json.dumps({"dwp_flyway_databases": [entry] if databases is None else databases, **extra}))
        command = ["ansible-playbook", f"playbooks/{name}.yml", "-i", "localhost,", "-c", "local", "-e", f"@{variables}"]
        command += ["-e", f"ansible_python_interpreter={sys.executable}"]
        done = subprocess.run(
            command + (["--check", "--diff"] if check else []) + (["-vvvvv"] if verbose else []),
            cwd=ROOT,
            input=answer,
            stdin=subprocess.DEVNULL if answer is None else None,
            capture_output=True,
            text=True,
            env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_FORCE_COLOR": "0"},
            timeout=300,
            check=False,
        )
        assert kit.database.password not in done.stdout + done.stderr
        return done

    run.entry = entry
    return run


@pytest.fixture
def two(kit):
    kit.write(V1__t=V1, V2__c=V2).migrate()
    return kit


def test_rollback_without_a_terminal_is_a_no(two, play):
    before = two.picture()
    done = play("flyway_rollback", dwp_flyway_to_version="1")
    assert done.returncode != 0 and "Not confirmed; nothing was changed" in done.stdout
    assert "ALTER TABLE t DROP COLUMN c" in done.stdout
    assert two.picture() == before


def test_rollback_confirmed(two, play):
    done = play("flyway_rollback", dwp_flyway_to_version="1", dwp_flyway_service="main", dwp_confirm=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert two.states() == {"1": "Success", "2": "Pending"}
    assert "service main applies 2 again when it starts with" in done.stdout
    again = play("flyway_rollback", dwp_flyway_to_version="1", dwp_confirm=True)
    assert again.returncode == 0 and "nothing to roll back" in again.stdout and "changed=0" in again.stdout


def test_rollback_in_check_mode_and_refused(two, play):
    before = two.picture()
    done = play("flyway_rollback", check=True, dwp_flyway_count="1", dwp_confirm=True)
    assert done.returncode == 0 and "would roll back 2" in done.stdout, done.stdout
    two.sql("INSERT INTO t VALUES (1, 1)")
    refused = play("flyway_rollback", dwp_flyway_count="1", dwp_confirm=True)
    assert refused.returncode != 0 and "allow_data_loss does not name public.t.c" in refused.stdout
    two.sql("DELETE FROM t")
    assert two.picture() == before
    middle = play("flyway_rollback", dwp_flyway_versions="1", dwp_confirm=True)
    assert middle.returncode != 0 and "lies below 2" in middle.stdout
    nobody = play("flyway_rollback", databases=[], dwp_flyway_count="1")
    assert "dwp_flyway_databases is empty" in nobody.stdout
    odd = play("flyway_rollback", databases=[{**play.entry, "paswort": "x"}], dwp_flyway_count="1")
    assert "unknown key paswort" in odd.stdout + odd.stderr


def test_repair_only_if_the_schema_is_what_the_files_make(two, play):
    two.database.server.execute(f'ALTER ROLE "{two.database.user}" CREATEDB')
    two.write(V1__t=V1 + "-- a comment more\n")
    before = two.sql("SELECT * FROM flyway_schema_history ORDER BY 1")
    no = play("flyway_repair")
    assert no.returncode != 0 and "Not confirmed" in no.stdout and "checksum" in no.stdout
    two.sql("CREATE TABLE by_hand ()")
    differs = play("flyway_repair", dwp_confirm=True)
    assert differs.returncode != 0 and "+ table public.by_hand" in differs.stdout
    assert two.sql("SELECT * FROM flyway_schema_history ORDER BY 1") == before
    two.sql("DROP TABLE by_hand")
    done = play("flyway_repair", dwp_confirm=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert two.ask("validate")["validate"]["validationSuccessful"]


def test_baseline_in_development_only(kit, play):
    options = {"dwp_flyway_baseline_version": "3", "dwp_confirm": True}
    refused = play("flyway_baseline", dwp_environment="prod", **options)
    assert refused.returncode != 0 and "only written in development" in refused.stdout
    assert "only written in development" in play("flyway_baseline", **options).stdout
    done = play("flyway_baseline", dwp_environment="dev", **options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert kit.sql("SELECT version, type FROM flyway_schema_history") == [("3", "BASELINE")]


def test_status_of_other_databases(two, play):
    two.sql("UPDATE flyway_schema_history SET checksum = 1 WHERE version = '2'")
    unnamed = {key: value for key, value in play.entry.items() if key != "service"}
    entries = [play.entry, {**unnamed, "db": "no_such_database"}]
    done = play("flyway_status", databases=entries)
    assert done.returncode == 0 and "CHECKSUM_MISMATCH" in done.stdout, done.stdout + done.stderr
    assert "no_such_database: Database 'no_such_database' does not exist" in done.stdout and "NOT VALID" in done.stdout
    assert play("flyway_status", databases=entries, dwp_strict=True).returncode != 0


@pytest.mark.parametrize("name", ["flyway_status", "flyway_rollback", "flyway_repair", "flyway_baseline", "flyway_verify"])
def test_no_secret_at_the_highest_verbosity(two, play, name):
    """The password is asserted in play(); here also that of the scratch server, and a failure of each kind."""
    server = two.database.server
    scratch = {"user": server.user, "password": server.password, "db": "postgres"}
    entry = {**play.entry, "scratch": scratch}
    options = {"dwp_flyway_count": "1", "dwp_flyway_baseline_version": "1", "dwp_confirm": True, "dwp_environment": "dev"}
    for databases in ([entry], [{**entry, "port": 1}], [{**entry, "odd": 1}]):
        done = play(name, databases=databases, verbose=True, **options)
        assert server.password not in done.stdout + done.stderr


def test_verify_reports_every_migration(two, play, tmp_path):
    two.database.server.execute(f'ALTER ROLE "{two.database.user}" CREATEDB')
    report = tmp_path / "report.json"
    good = play("flyway_verify", dwp_flyway_report=str(report))
    assert good.returncode == 0, good.stdout + good.stderr
    assert json.loads(report.read_text())["main"]["counts"] == {"works": 2}
    two.write(V3__x="CREATE TABLE x ();\n-- Rollback: SELECT 1;", V4__y="SELECT 1;")
    bad = play("flyway_verify", dwp_flyway_report=str(report))
    assert bad.returncode != 0 and "3: differs" in bad.stdout
    assert json.loads(report.read_text())["main"]["counts"] == {"differs": 1, "missing": 1, "works": 2}
    assert two.database.password not in report.read_text()
