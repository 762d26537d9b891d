# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What operators and administrators do: settings and restarts of servers, statements by hand, files with other rights.

As in injections.py, each registers with the stand what takes it back.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg2
import redis

from .injections import Inject, change_file, not_again
from .injections_servers import waits_for_a_lock
from .stand import FIRST_PORT, REDIS_PORT, SECRETS, Stand

MOVED_PORT = FIRST_PORT + 14
CONFIGURATIONS = {"postgres": "conf/postgresql.conf", "redis": "redis.conf"}


# ---- servers
def restart_server(stand: Stand, name: str, seconds: float = 30) -> None:
    """Back when it lets an administrator in."""
    stand.restart(f"infra-{name}")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(psycopg2.Error, redis.RedisError):
            stand.sql("postgres", "SELECT 1") if name == "postgres" else stand.redis("PING")
            return
        time.sleep(0.2)


def reconfigured(server: str, change: Callable[[str], str], seconds: float = 30) -> Inject:
    """Its configuration changed by hand, and the server restarted."""

    def inject(stand: Stand) -> None:
        path = stand.root / "infra" / server / CONFIGURATIONS[server]
        changed = change(path.read_text())
        stand.undo.append(lambda: restart_server(stand, server))
        stand.replace(path, changed.encode())
        restart_server(stand, server, seconds)

    return inject


def configured(server: str, old: str, new: str, seconds: float = 30) -> Inject:
    """The same with one line in place of another."""

    def change(text: str) -> str:
        assert old in text, f"{old} is not in the configuration of {server}"
        return text.replace(old, new)

    return reconfigured(server, change, seconds)


def data_for_everybody(stand: Stand) -> None:
    """Somebody gave everybody a look into PostgreSQL's files, which it does not put up with at its next start."""
    path = stand.root / "infra" / "postgres" / "data"
    mode = path.stat().st_mode & 0o7777
    stand.undo.append(lambda: (path.chmod(mode), restart_server(stand, "postgres")))
    path.chmod(0o755)
    restart_server(stand, "postgres", 1)


def appended_to_redis(stand: Stand, content: bytes) -> None:
    """The file that Redis reads at its start is longer; Redis is stopped."""
    data = stand.root / "infra" / "redis" / "data"
    path = max((path for path in data.rglob("*.aof*") if path.suffix != ".manifest"), key=lambda found: found.stat().st_mtime_ns)
    stand.stop("infra-redis")
    size = path.stat().st_size
    stand.undo.append(lambda: (stand.stop("infra-redis"), os.truncate(path, size), restart_server(stand, "redis")))
    with path.open("ab") as file:
        file.write(content)


def zeros_at_the_end(stand: Stand) -> None:
    """What a power failure leaves at the end of that file."""
    appended_to_redis(stand, b"\0" * 512)
    restart_server(stand, "redis", 1)


def hba_wants_tls(stand: Stand) -> None:
    """A hardened pg_hba.conf: without TLS administrators alone get in."""
    path = stand.root / "infra" / "postgres" / "conf" / "pg_hba.conf"
    old, new = (f"{kind} all {who} 127.0.0.1/32 scram-sha-256" for kind, who in (("host", "all"), ("hostssl", "all")))
    stand.undo.append(lambda: stand.sql("postgres", "SELECT pg_reload_conf()"))
    stand.replace(path, path.read_text().replace(old, f"{old.replace('all 127', 'postgres 127')}\n{new}").encode())
    stand.sql("postgres", "SELECT pg_reload_conf()")
    time.sleep(0.3)  # the server reads it soon, not at once
    stand.drop_connections()


def standby_missing(stand: Stand) -> None:
    """Every commit waits for a standby that does not exist."""

    def alter(text: str) -> None:
        stand.sql("postgres", f"ALTER SYSTEM {text}")
        stand.sql("postgres", "SELECT pg_reload_conf()")

    stand.undo.append(lambda: alter("RESET synchronous_standby_names"))
    alter("SET synchronous_standby_names = 'standby_b'")


def commits_wait(stand: Stand) -> bool:
    return bool(stand.sql("postgres", "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"))


def change_waits(stand: Stand) -> None:
    """A long report has read the tasks, a change of the table waits for its end, and every reader waits behind the change."""
    report = stand.connect("dwp_main", "postgres", application_name="monthly-report")
    report.autocommit = False
    report.cursor().execute("SELECT count(*) FROM agent_tasks")
    stand.holders.append(report)
    change = stand.connect("dwp_main", "postgres", application_name="change-by-hand")
    change.autocommit = False  # never committed

    def alter() -> None:
        with contextlib.suppress(psycopg2.Error):
            change.cursor().execute("ALTER TABLE agent_tasks ADD COLUMN owner text")
        change.close()

    thread = threading.Thread(target=alter, daemon=True)
    thread.start()
    stand.undo.append(lambda: thread.join(10))  # the report is over by then
    while not waits_for_a_lock(stand):
        time.sleep(0.1)


def backup_reads(stand: Stand) -> None:
    """A transaction that is open for long and is in nobody's way."""
    holder = stand.connect("dwp_main", "postgres", application_name="pg_dump")
    holder.autocommit = False
    holder.cursor().execute("SELECT count(*) FROM agent_tasks")
    stand.holders.append(holder)


def script_without_end(stand: Stand) -> None:
    client = redis.Redis(port=REDIS_PORT, password=SECRETS["redis"])

    def run() -> None:
        with contextlib.suppress(redis.RedisError):
            client.execute_command("EVAL", "while true do end", "0")

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    stand.undo.append(lambda: (stand.redis("SCRIPT", "KILL"), thread.join(10)))


def restarted_server(stand: Stand) -> None:
    """PostgreSQL was restarted; the pools noticed and connected anew."""
    stand.traffic.day(times=1)
    restart_server(stand, "postgres")
    stand.traffic.day(times=1)
    stand.wait_healthy()


def gave_up(service: str, server: str) -> Inject:
    """After a reboot the service came before its server, ended, and was not started again. The server is there by now."""

    def inject(stand: Stand) -> None:
        not_again(stand, service)
        stand.undo.append(lambda: stand.start(f"infra-{server}"))
        stand.stop(service, f"infra-{server}")
        stand.start(service)
        end = time.monotonic() + 90
        while stand.info(service)["statename"] not in ("EXITED", "FATAL") and time.monotonic() < end:
            time.sleep(0.2)
        restart_server(stand, server)
        while set(stand.sick()) - {service} and time.monotonic() < end:
            time.sleep(0.3)

    return inject


def has_ended(service: str) -> Inject:
    return lambda stand: stand.info(service)["statename"] in ("EXITED", "FATAL", "BACKOFF", "STOPPED")


# ---- files of a release
def jar_unreadable(service: str) -> Inject:
    def inject(stand: Stand) -> None:
        path = stand.current(service) / "app.jar"
        change_file(stand, service, path, path.read_bytes(), mode=0)

    return inject


def release_removed(service: str) -> Inject:
    """Old releases were cleared away by hand, and the current one with them: its link leads nowhere."""

    def inject(stand: Stand) -> None:
        link = stand.root / "services" / service / "current"
        target = os.readlink(link)

        def lead_to(where: str) -> None:
            fresh = link.with_name("current.fault")
            fresh.symlink_to(where)
            fresh.replace(link)

        stand.undo.append(lambda: lead_to(target))
        stand.touched.add(service)
        lead_to(str(Path(target).with_name("demo-00000000")))
        stand.restart(service)

    return inject
