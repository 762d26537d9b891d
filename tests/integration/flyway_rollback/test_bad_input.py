# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers, histories and options on which a rollback is not possible: a clear message, and nothing changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg2
import pytest

from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError

V1 = "CREATE TABLE t (id int);\n-- Rollback: DROP TABLE t;\n"
V2 = "CREATE INDEX i ON t (id);\n-- Rollback: DROP INDEX CONCURRENTLY i;\n"


@pytest.fixture
def one(kit):
    kit.write(V1__t=V1).migrate()
    return kit


@pytest.fixture
def directory(postgres):
    """A directory that the server's account may use."""
    path = Path(tempfile.mkdtemp(prefix="dwp-rollback-"))
    path.chmod(0o755)
    if postgres.user_options:
        os.chown(path, postgres.user_options["user"], postgres.user_options["group"])
    yield path
    shutil.rmtree(path, ignore_errors=True)


def wait(connect):
    for _attempt in range(200):
        try:
            return connect().close()
        except psycopg2.OperationalError:
            time.sleep(0.05)
    return connect().close()


def test_hot_standby(one, postgres, directory, free_port):
    environment = {**os.environ, "PGPASSWORD": postgres.password}
    subprocess.run(
        [postgres.bin / "pg_basebackup", "-h", postgres.host, "-p", str(postgres.port), "-U", postgres.user, "-D",
         directory / "data", "-R", "-X", "stream", "--checkpoint=fast"],
        check=True, env=environment, cwd=directory, **postgres.user_options,
    )  # fmt: skip
    command = [postgres.bin / "postgres", "-D", directory / "data", "-p", str(free_port), "-c", "fsync=off"]
    command += ["-c", f"unix_socket_directories={directory}", "-c", "listen_addresses=127.0.0.1"]
    with subprocess.Popen(command, cwd=directory, stderr=subprocess.DEVNULL, **postgres.user_options) as standby:
        try:
            login = {"host": "127.0.0.1", "port": free_port, "user": one.database.user}
            wait(lambda: psycopg2.connect(dbname=one.database.name, password=one.database.password, **login))
            for mode in ("plan", "rehearse", "apply"):
                result = one.module(to_version="0", mode=mode, login_port=free_port)
                assert result["rc"] == (0 if mode == "plan" else 1)
                assert "The server is a standby, read-only. Log in to its primary" in result["msg"]
                assert not result["changed"] and not result["feasible"]
            repair = one.module("flyway_repair", login_port=free_port)
            assert "nothing to repair" in repair["msg"]
        finally:
            standby.terminate()


def test_read_only_by_default(one):
    before = one.picture()
    one.database.server.execute(f'ALTER ROLE "{one.database.user}" SET default_transaction_read_only = on')
    result = one.module(to_version="0", mode="apply")
    assert result["code"] == "REFUSED" and "default_transaction_read_only is on" in result["msg"]
    assert one.picture() == before


def test_pooler_in_transaction_mode(one, postgres, directory, free_port):
    """Through PgBouncer a transactional rollback works; one that needs the session is refused."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        pytest.skip("PgBouncer is not installed")
    configuration = directory / "pgbouncer.ini"
    configuration.write_text(
        f"[databases]\n{one.database.name} = host={postgres.host} port={postgres.port} user={one.database.user} "
        f"password={one.database.password}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {free_port}\n"
        f"pool_mode = transaction\nauth_type = any\nunix_socket_dir =\nlogfile = {directory}/log\n"
        "ignore_startup_parameters = extra_float_digits\n"
    )
    with subprocess.Popen([program, configuration], cwd=directory, stderr=subprocess.DEVNULL, **postgres.user_options) as pool:
        try:
            login = {"host": "127.0.0.1", "port": free_port, "user": one.database.user, "dbname": one.database.name}
            wait(lambda: psycopg2.connect(**login))
            one.write(V2__i=V2).migrate()
            refused = one.module(to_version="1", mode="apply", login_port=free_port)
            assert refused["code"] == "REFUSED" and "A connection pooler stands between" in refused["msg"]
            assert one.states()["2"] == "Success"
            one.module(to_version="1", mode="apply")
            done = one.module(to_version="0", mode="apply", login_port=free_port)
            assert done["rc"] == 0 and done["changed"], done
        finally:
            pool.terminate()
    assert one.states() == {"1": "Pending", "2": "Pending"}


def test_history_of_another_layout(one):
    one.sql("ALTER TABLE flyway_schema_history DROP COLUMN success")
    result = one.module(to_version="0", mode="apply")
    assert result["rc"] == 1 and "lacks success" in result["msg"] and result["code"] == "HISTORY_LAYOUT"


@pytest.mark.parametrize("name", ["flyway_rollback", "flyway_repair"])
def test_no_history(kit, name):
    kit.write(V1__t=V1)
    options = {"to_version": "0", "mode": "apply"} if name == "flyway_rollback" else {}
    assert kit.module(name, **options)["code"] == "NO_HISTORY"
    options["default_schema"] = "nowhere"
    assert '"nowhere"."flyway_schema_history"' in kit.module(name, **options)["msg"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"login_password": "wrong"}, "does not accept the password"),
        ({"login_db": "nowhere"}, "does not exist"),
        ({"locations": ["/nowhere"]}, "/nowhere does not exist"),
        ({"to_version": "x"}, "Invalid version: x"),
        ({"count": 0}, "count must be at least 1"),
        ({"count": 1, "versions": ["1"]}, "mutually exclusive"),
        ({"count": 1, "lock_timeout": 0}, "would wait without end"),
        ({}, "Say what to roll back"),
        ({"to_version": ""}, "Say what to roll back"),
        ({"versions": []}, "Say what to roll back"),
    ],
)
def test_options_that_mean_nothing(one, options, words):
    wish = {"to_version": "0"} if next(iter(options), "").startswith(("lo",)) else {}
    result = one.module(mode="apply", **{**wish, **options})
    assert result["rc"] == 1 and words in result["msg"], result["msg"]
    assert one.states() == {"1": "Success"}


def test_rows_of_the_paid_edition(one):
    one.sql("INSERT INTO flyway_schema_history SELECT 2, version, description, 'UNDO_SQL', script, 1, installed_by, now(), "
            "1, true FROM flyway_schema_history")  # fmt: skip
    with pytest.raises(FlywayError) as refused:
        one.rollback(to_version="0")
    assert "Flyway itself refuses this history: No enum constant" in refused.value.message


def test_not_the_owner(one):
    server, name = one.database.server, one.database.name
    server.execute("CREATE TABLE theirs (i int); GRANT ALL ON theirs TO PUBLIC", database=name)
    server.execute("CREATE SCHEMA foreign_schema", database=name)
    server.execute("ALTER TABLE theirs SET SCHEMA foreign_schema; GRANT USAGE ON SCHEMA foreign_schema TO PUBLIC", database=name)
    one.write(V2__x="SELECT 1;\n-- Rollback: DROP TABLE foreign_schema.theirs;").migrate()
    result = one.module(count=1, mode="apply")
    assert result["code"] == "REFUSED" and "foreign_schema.theirs belongs to postgres" in result["msg"]


def test_rows_hidden_by_row_level_security_count_as_loss(one):
    one.sql("INSERT INTO t VALUES (1); ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY")
    with pytest.raises(FlywayError) as refused:
        one.rollback(to_version="0")
    assert refused.value.code == "DATA_LOSS" and "an unknown number of rows of table public.t" in refused.value.message
    with pytest.raises(FlywayError) as unsaved:  # what cannot be read cannot be saved either
        one.rollback(to_version="0", allow_data_loss=["t"])
    assert "row-level security" in unsaved.value.message
    assert one.rollback(to_version="0", allow_data_loss=["t"], backup=False)["changed"]


def test_no_right_to_keep_copies(one):
    server, name, user = one.database.server, one.database.name, one.database.user
    one.sql("INSERT INTO t VALUES (1)")
    server.execute(f'ALTER DATABASE "{name}" OWNER TO {server.user}')
    server.execute(f'GRANT ALL ON SCHEMA public TO "{user}"', database=name)
    refused = one.module(to_version="0", mode="apply", allow_data_loss=["t"])
    assert refused["code"] == "REFUSED"
    assert f'CREATE SCHEMA "dwp_rollback" AUTHORIZATION "{user}"' in refused["msg"]
    server.execute(f'CREATE SCHEMA dwp_rollback AUTHORIZATION "{user}"', database=name)
    assert one.module(to_version="0", mode="apply", allow_data_loss=["t"])["changed"]
