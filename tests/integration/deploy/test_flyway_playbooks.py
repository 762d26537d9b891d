# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Flyway playbooks on a platform: databases and migrations are those of the inventory and of the running releases."""

from __future__ import annotations

from typing import Any

from .fleet import Fleet
from .test_schema_guard import HISTORY, applied, jar

ROLLBACK = ("flyway_rollback", "-e", "dwp_flyway_service=beta", "-e", "dwp_flyway_to_version=2", "-vvv")


def test_status_and_rollback_on_a_platform(stored: Fleet, database: Any) -> None:
    database.execute(HISTORY)
    jar(stored, 3)
    stored.deploy()
    for number in (1, 2, 3):
        applied(database, number)

    shown = stored.run("flyway_status")
    row = next(line for line in shown.output.splitlines() if database.name in line)
    assert shown.rc == 0 and "beta" in row and "3 Success" in row and "valid" in row and "NOT" not in row, str(shown)
    assert database.password not in stored.run("flyway_status", "-vvv").output

    pids = stored.pids()
    check = stored.run(*ROLLBACK, "--check", "--diff")
    assert check.rc == 0 and "would roll back 3" in check.output and "locks: ACCESS EXCLUSIVE on t3" in check.output, str(check)
    no = stored.run(*ROLLBACK)
    assert no.rc != 0 and "Not confirmed; nothing was changed" in no.output and stored.pids() == pids

    # what shows only in the rehearsal: the service is stopped by then, and the run says so
    database.execute("CREATE VIEW by_hand AS SELECT * FROM t3")
    failed = stored.run(*ROLLBACK, "-e", "dwp_confirm=true")
    assert failed.rc != 0 and "Other objects depend on it" in failed.output, str(failed)
    assert "beta was stopped for this and is still stopped: playbooks/restart.yml -e dwp_only=beta starts it." in failed.output
    assert "beta" not in stored.pids() and database.execute("SELECT count(*) FROM flyway_schema_history") == [(3,)]
    assert stored.run("restart", "-e", "dwp_only=beta").rc == 0 and "beta" in stored.pids()

    database.execute("DROP VIEW by_hand")
    pids = stored.pids()
    kept = stored.run(*ROLLBACK, "-e", "dwp_confirm=true", "-e", "dwp_flyway_keep_service=true")
    assert kept.rc == 0 and stored.pids() == pids and "is stopped" not in kept.output, str(kept)
    assert "service beta applies 3 again when it starts with" in kept.output

    database.execute("UPDATE flyway_schema_history SET checksum = 7 WHERE version = '2'")
    down = ["flyway_rollback", "-e", "dwp_flyway_service=beta", "-e", "dwp_flyway_to_version=1", "-e", "dwp_confirm=true"]
    refused = stored.run(*down)
    assert refused.rc != 0 and "changed after it was applied" in refused.output and "beta" in stored.pids(), str(refused)
    done = stored.run(*down, "-e", "dwp_flyway_allow_checksum_mismatch=true")
    assert done.rc == 0 and "beta is stopped: before it starts, put a release without 2 in its place" in done.output, str(done)
    assert "beta" not in stored.pids()
    assert all(database.password not in run.output for run in (check, no, failed, kept, refused, done))


def test_sidecar_files_of_a_platform(stored: Fleet, database: Any) -> None:
    database.execute(HISTORY)
    jar(stored, 1)
    stored.deploy()
    applied(database, 1)
    database.execute("CREATE TABLE t9 (id INT)")
    database.execute("INSERT INTO flyway_schema_history VALUES (9, '9', 'later', 'SQL', 'V9__later.sql', 1, 'u', now(), 1, true)")
    undo = stored.root / "undo"
    undo.mkdir()
    command = ("flyway_rollback", "-e", "dwp_flyway_service=beta", "-e", "dwp_flyway_to_version=1", "--check")
    assert "no rollback comment in V9__later.sql and no sidecar file" in stored.run(*command).output
    (undo / "U9__later.sql").write_text("DROP TABLE t9;\n")
    once = stored.run(*command, "-e", f"dwp_flyway_undo_locations={undo}")
    assert once.rc == 0 and "DROP TABLE t9" in once.output, str(once)
    stored.services["beta"]["database"]["undo_locations"] = [str(undo)]
    always = stored.run(*command)
    assert always.rc == 0 and "U9__later.sql:1" in always.output, str(always)
