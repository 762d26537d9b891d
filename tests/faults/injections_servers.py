# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How more faults of PostgreSQL and Redis are made. As in injections.py, each registers with the stand what takes it back."""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import redis

from .injections import Inject, environment, sql
from .stand import REDIS_PORT, SECRETS, Stand


# ---- PostgreSQL
def refused_by_hba(database: str) -> Inject:
    """A line of an administrator at the top of pg_hba.conf."""

    def inject(stand: Stand) -> None:
        path = stand.root / "infra" / "postgres" / "conf" / "pg_hba.conf"
        stand.undo.append(lambda: stand.sql("postgres", "SELECT pg_reload_conf()"))
        stand.replace(path, f"host {database} dwp_user 127.0.0.1/32 reject\n".encode() + path.read_bytes())
        stand.sql("postgres", "SELECT pg_reload_conf()")
        time.sleep(0.3)  # the server reads it soon, not at once
        stand.drop_connections(database)

    return inject


def closed(database: str) -> Inject:
    """The database takes no new session; those that exist are ended."""
    return sql(
        "postgres", f"ALTER DATABASE {database} ALLOW_CONNECTIONS false; "
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'",
        f"ALTER DATABASE {database} ALLOW_CONNECTIONS true",
    )  # fmt: skip


def locked(database: str, table: str) -> Inject:
    """A transaction that somebody began and forgot."""

    def inject(stand: Stand) -> None:
        holder = stand.connect(database, "postgres", application_name="migration-by-hand")
        holder.autocommit = False
        holder.cursor().execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        stand.holders.append(holder)

    return inject


def waits_for_a_lock(stand: Stand) -> bool:
    return bool(stand.sql("postgres", "SELECT 1 FROM pg_locks WHERE NOT granted"))


def slow_clock(seconds: float, database: str = "dwp_mail") -> Inject:
    """now() of mail's only query is another function, which takes its time; so it is with chat and approval."""
    return sql(
        database,
        "CREATE SCHEMA slow; CREATE FUNCTION slow.now() RETURNS timestamptz VOLATILE LANGUAGE sql AS "
        f"'SELECT pg_catalog.now() FROM pg_catalog.pg_sleep({seconds})'; GRANT USAGE ON SCHEMA slow TO dwp_user; "
        f"ALTER ROLE dwp_user IN DATABASE {database} SET search_path = slow, pg_catalog, public",
        f"ALTER ROLE dwp_user IN DATABASE {database} RESET search_path; DROP SCHEMA slow CASCADE", drop=True,
    )  # fmt: skip


def greedy_pool(stand: Stand) -> None:
    """chat takes all that PostgreSQL has left, then main is restarted and finds nothing."""
    environment("chat", SPRING_DATASOURCE_HIKARI_MAXIMUMPOOLSIZE="90")(stand)
    stand.touched.add("main")
    stand.stop("main")
    end = time.monotonic() + 40
    count = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'dwp_chat'"
    while stand.sql("postgres", count)[0][0] < 36 and time.monotonic() < end:
        stand.traffic.ask(stand.traffic.gateway, "/api/chat/info")
        time.sleep(0.3)
    stand.start("main")


def sessions_ended(database: str, seconds: float) -> Inject:
    """A job that somebody wrote against idle sessions."""

    def inject(stand: Stand) -> None:
        ended = threading.Event()

        def loop() -> None:
            while not ended.wait(seconds):
                with contextlib.suppress(Exception):
                    stand.drop_connections(database)

        thread = threading.Thread(target=loop, daemon=True)
        thread.start()
        stand.undo.append(lambda: (ended.set(), thread.join(10)))

    return inject


#: Whose title begins with a locks the first row first, everybody else the second.
LOCKS_IN_ANY_ORDER = """
CREATE TABLE task_counters (id integer PRIMARY KEY, n integer NOT NULL);
INSERT INTO task_counters VALUES (1, 0), (2, 0);
GRANT ALL ON task_counters TO dwp_user;
CREATE FUNCTION count_task() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE first integer := CASE WHEN NEW.title LIKE 'a%' THEN 1 ELSE 2 END;
BEGIN
    UPDATE task_counters SET n = n + 1 WHERE id = first;
    PERFORM pg_sleep(0.3);
    UPDATE task_counters SET n = n + 1 WHERE id = 3 - first;
    RETURN NEW;
END $$;
CREATE TRIGGER count_task BEFORE INSERT ON agent_tasks FOR EACH ROW EXECUTE FUNCTION count_task()
"""


def tasks_of_two_kinds(stand: Stand) -> None:
    stand.traffic.day(times=1)
    with ThreadPoolExecutor(4) as pool:
        titles = ({"title": title} for title in ("a task", "the task", "a task", "the task"))
        list(pool.map(lambda body: stand.traffic.call("POST", "/api/main/tasks", body, timeout=6), titles))


def now_and_then(path: str, pause: float = 0.3, times: int = 8) -> Inject:
    """One request after the other, with time between them in which a connection can get lost."""

    def use(stand: Stand) -> None:
        stand.traffic.day(times=1)
        for _number in range(times):
            stand.traffic.call("GET", path)
            time.sleep(pause)

    return use


# ---- Redis
def less_rights(command: str) -> Inject:
    def inject(stand: Stand) -> None:
        stand.undo.append(lambda: stand.redis("ACL", "SETUSER", "default", "+@all"))
        stand.redis("ACL", "SETUSER", "default", f"-{command}")

    return inject


def replica_of(port: int) -> Inject:
    """Somebody made it follow another Redis, which is not there."""

    def inject(stand: Stand) -> None:
        stand.undo.append(lambda: stand.redis("REPLICAOF", "NO", "ONE"))
        stand.redis("REPLICAOF", "127.0.0.1", str(port))

    return inject


def snapshot_fails(stand: Stand) -> None:
    """Redis cannot write its file, and then takes no writes."""
    old = stand.redis("CONFIG", "GET", "dir")[1].decode()

    def save(directory: str, wanted: str) -> None:
        stand.redis("CONFIG", "SET", "dir", directory)
        stand.redis("BGSAVE")
        end = time.monotonic() + 15
        while stand.redis("INFO", "persistence")["rdb_last_bgsave_status"] != wanted and time.monotonic() < end:
            time.sleep(0.1)

    stand.undo.append(lambda: save(old, "ok"))
    save("/proc", "err")


def clients_refused(stand: Stand) -> None:
    """One program has the only place."""
    holder = redis.Redis(port=REDIS_PORT, password=SECRETS["redis"], single_connection_client=True)
    stand.undo.append(lambda: (holder.config_set("maxclients", 10000), holder.close()))
    holder.config_set("maxclients", 1)
    for kind in ("normal", "pubsub"):
        holder.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
