# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""flyway_repair against the repair of real Flyway 10.20.1, over the generated situations of the status test.

FLYWAY_REPAIRS sets how many, FLYWAY_SEED where they come from.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest
import situations
from kit import load
from test_differential import Bench, settings_of

from ansible_collections.dwp.backend.plugins.module_utils._flyway import argspec, history_change
from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError
from ansible_collections.dwp.backend.plugins.module_utils._flyway.history import qualified
from ansible_collections.dwp.backend.plugins.module_utils._flyway.rollback import Project

SEED = int(os.environ.get("FLYWAY_SEED", "20261123"))
COUNT = int(os.environ.get("FLYWAY_REPAIRS", "40" if os.environ.get("DWP_SAMPLE", "all") != "all" else "150"))
COLUMNS = "installed_rank, version, description, type, script, checksum, installed_by, execution_time, success"


def defaults():
    spec = {**argspec.connection_spec(), **argspec.file_spec(), **argspec.history_spec(), **load("flyway_repair").own_spec()}
    return {name: option.get("default") for name, option in spec.items()}


def ours(params):
    """(None or the message of the refusal, the answer)."""
    try:
        return None, history_change.repair(Project(params), False)
    except FlywayError as error:
        return error.message, {}


@pytest.mark.real
def test_repair_equals_real_repair(flyway, database, tmp_path):
    bench = Bench(flyway, database, tmp_path)
    seen: Counter[str] = Counter()
    for number in range(COUNT):
        situation = situations.generate(SEED, number)
        if not situation.history:
            continue  # without a history real repair has nothing to do, and ours says that there is none
        options, url = bench.put(number, situation)
        login = {"login_host": database.host, "login_port": database.port, "login_user": database.user,
                 "login_password": database.password, "login_db": database.name}  # fmt: skip
        params = {**defaults(), **login, **options}
        project_schema = options.get("default_schema") or (options.get("schemas") or [f"s{number}"])[0]
        table = qualified(project_schema, options.get("table", "flyway_schema_history"))
        database.execute(f"DROP TABLE IF EXISTS public.saved; CREATE TABLE public.saved AS TABLE {table}")
        dump = f"SELECT {COLUMNS} FROM {table} ORDER BY installed_rank"
        refusal, answer = ours(params)
        mine = database.execute(dump)
        database.execute(f"TRUNCATE {table}; INSERT INTO {table} TABLE public.saved")
        theirs = flyway.ask(url, database.user, database.password, settings_of(options), ["repair"])["repair"]
        if "22001" in str(theirs.get("error", "")):
            # Real repair fails on descriptions over 200 characters, which migrate abbreviates; ours abbreviates them too.
            seen["too long for Flyway"] += 1
            assert refusal is None, (number, refusal)
            continue
        if "error" in theirs:
            assert refusal is not None, (number, theirs["error"])
            seen["refused"] += 1
            continue
        if refusal is not None:  # real repair may write what Flyway then refuses to read; ours does not
            after = flyway.ask(url, database.user, database.password, settings_of(options), ["info"])["info"]
            assert "Flyway's own repair would leave a history" in refusal, (number, refusal)
            assert after["error"]["message"] in refusal, (number, after, refusal)
            seen["would corrupt"] += 1
            continue
        assert mine == database.execute(dump), number
        counts = [len(theirs[key]) for key in ("migrationsRemoved", "migrationsDeleted", "migrationsAligned")]
        found = [answer[key] for key in ("migrations_removed", "migrations_deleted", "migrations_aligned")]
        assert found[1:] == counts[1:], (number, found, counts)
        for name, count in zip(("removed", "deleted", "aligned"), found):
            seen[name] += bool(count)
        seen["nothing"] += not answer["changed"]
    assert COUNT < 100 or min(seen[name] for name in ("removed", "deleted", "aligned", "refused", "nothing")) >= 3, seen
