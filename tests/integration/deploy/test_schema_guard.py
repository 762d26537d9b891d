# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the database has against a release is known before a service is touched. The history is written as Flyway writes it."""

from __future__ import annotations

import json
import zipfile
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._flyway.checksum import checksum

from .fleet import Fleet

HISTORY = """
CREATE TABLE flyway_schema_history (
  installed_rank INT PRIMARY KEY, version VARCHAR(50), description VARCHAR(200) NOT NULL, type VARCHAR(20) NOT NULL,
  script VARCHAR(1000) NOT NULL, checksum INT, installed_by VARCHAR(100) NOT NULL, installed_on TIMESTAMP NOT NULL DEFAULT now(),
  execution_time INT NOT NULL, success BOOLEAN NOT NULL)"""


def sql(number: int) -> str:
    return f"CREATE TABLE t{number} (id INT);\n-- Rollback:\n-- DROP TABLE t{number};\n"


def jar(fleet: Fleet, versions: int) -> None:
    """A release of beta with so many migrations."""
    with zipfile.ZipFile(fleet.jar("beta", str(versions)), "a") as archive:
        for number in range(1, versions + 1):
            archive.writestr(f"BOOT-INF/classes/db/migration/V{number}__step.sql", sql(number))


def applied(database: Any, number: int) -> None:
    """What Flyway leaves in the history."""
    database.execute(sql(number))
    database.execute(
        f"INSERT INTO flyway_schema_history VALUES ({number}, '{number}', 'step', 'SQL', 'V{number}__step.sql', "
        f"{checksum(sql(number))}, 'u', now(), 1, true)"
    )


def test_schema_guard(stored: Fleet, database: Any, postgres: Any) -> None:
    database.execute(HISTORY)
    jar(stored, 1)
    first = stored.deploy()
    assert "database: beta:" in first.output and f"migrates database {database.name} from nothing with 1" in first.output, str(first)
    applied(database, 1)
    manifest = json.loads((stored.home("beta") / "current" / "manifest.json").read_text())
    assert [m["version"] for m in manifest["migrations"]] == ["1"] and database.password not in str(manifest)
    jar(stored, 2)
    assert f"migrates database {database.name} from 1 with 2" in stored.deploy().output
    applied(database, 2)
    pids = stored.pids()

    # a checksum that changed keeps the older release from starting: refused, and nothing was touched
    database.execute("UPDATE flyway_schema_history SET checksum = 7 WHERE version = '1'")
    done = stored.run("rollback", "-e", "dwp_only=beta")
    assert done.rc != 0 and "No service was touched." in done.output and "checksum mismatch" in done.output, str(done)
    stored.set("beta", LIGHT_COLOUR="red")
    done = stored.run("deploy")
    assert done.rc != 0 and "beta: Flyway would refuse to start" in done.output and stored.pids() == pids, str(done)
    stored.services["beta"]["environment"].pop("LIGHT_COLOUR")
    database.execute(f"UPDATE flyway_schema_history SET checksum = {checksum(sql(1))} WHERE version = '1'")

    # a failed row, too
    database.execute("UPDATE flyway_schema_history SET success = false WHERE version = '2'")
    done = stored.run("rollback", "-e", "dwp_only=beta")
    assert done.rc != 0 and "has a failed row for 2; the service would not start" in done.output and stored.pids() == pids, str(done)
    database.execute("UPDATE flyway_schema_history SET success = true WHERE version = '2'")

    # an older release on a newer schema: said, with the way to take it back; or silent; and going on either way
    check = stored.run("rollback", "-e", "dwp_only=beta", "--check", "-e", "dwp_database=keep")
    assert check.rc == 0 and "database: beta" not in check.output, str(check)
    postgres.stop()
    try:
        check = stored.run("rollback", "-e", "dwp_only=beta", "--check")
        assert check.rc == 0 and "was not checked" in check.output and "2 came with the current release" in check.output, str(check)
    finally:
        postgres.start()
    done = stored.run("rollback", "-e", "dwp_only=beta")
    assert done.rc == 0, str(done)
    assert "is at version 2, newer than" in done.output and "-e dwp_flyway_service=beta -e dwp_flyway_to_version=1" in done.output
    assert stored.mark("beta") == "1" and database.password not in done.output
