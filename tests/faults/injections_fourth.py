# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Releases with mistakes of programmers in them, and what happens to the disks, roles and users of servers.

As in injections.py, each registers with the stand what takes it back.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import struct
import subprocess
import tempfile
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import psycopg2
import redis

from .injections import Inject, change_file
from .injections_operators import restart_server
from .jars import entries
from .stand import REDIS_PORT, SECRETS, Stand

NEW_SECRET = "rotated-jwt-of-the-faults-fedcba9876543210"

#: Two that need each other before either is there.
CYCLE = """package com.dwp.mail.outbox;

import org.springframework.stereotype.Component;

@Component
class Outbox {
    Outbox(Sender sender) {}
}

@Component
class Sender {
    Sender(Outbox outbox) {}
}
"""

#: A release that wants a setting of which nobody was told.
NEW_SETTING = """package com.dwp.chat.push;

import org.springframework.beans.factory.annotation.Value;
import org.springframework.stereotype.Component;

@Component
class PushClient {
    PushClient(@Value("${chat.push.api-key}") String apiKey) {}
}
"""

#: Each question costs a connection of the pool, with a transaction open in it.
CONNECTION_LEAK = """package com.dwp.chat.presence;

import jakarta.servlet.*;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.springframework.stereotype.Component;

@Component
class LastSeen implements Filter {
    private final DataSource dataSource;

    LastSeen(DataSource dataSource) {
        this.dataSource = dataSource;
    }

    @Override
    public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain) throws IOException, ServletException {
        if (((HttpServletRequest) request).getRequestURI().endsWith("/info")) {
            try {
                Connection connection = dataSource.getConnection();
                connection.setAutoCommit(false);
                connection.createStatement().execute("SELECT now()");
            } catch (SQLException e) {
                throw new ServletException("Last seen is not known", e);
            }
        }
        chain.doFilter(request, response);
    }
}
"""

#: Each question leaves eight megabytes behind.
MEMORY_LEAK = """package com.dwp.approval.document;

import jakarta.servlet.*;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.springframework.stereotype.Component;

@Component
class DocumentCache implements Filter {
    private final List<byte[]> documents = new ArrayList<>();

    @Override
    public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain) throws IOException, ServletException {
        if (((HttpServletRequest) request).getRequestURI().endsWith("/info")) {
            synchronized (documents) {
                documents.add(new byte[8 << 20]);
            }
        }
        chain.doFilter(request, response);
    }
}
"""


# ---- releases
def with_source(service: str, text: str) -> Inject:
    """The release of a programmer who added these classes."""

    def inject(stand: Stand) -> None:
        release = stand.current(service)
        with tempfile.TemporaryDirectory() as directory:
            source = Path(directory) / "Added.java"  # none of the classes is public
            source.write_text(text, encoding="utf-8")
            made = Path(directory) / "classes"
            command = ["javac", "--release", "17", "-proc:none", "-parameters", "-nowarn", "-cp", f"{release}/lib/*", "-d", made, source]
            subprocess.run(command, check=True, capture_output=True)
            files = {path.relative_to(made).as_posix(): path.read_bytes() for path in made.rglob("*.class")}
        out = BytesIO((release / "app.jar").read_bytes())
        with zipfile.ZipFile(out, "a") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        change_file(stand, service, release / "app.jar", out.getvalue())

    return inject


def without(name: str) -> Callable[[bytes], bytes]:
    """The jar of a build that lost a file."""

    def change(content: bytes) -> bytes:
        out = BytesIO()
        with zipfile.ZipFile(BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
            assert name in old.namelist(), f"{name} is not in the jar"
            for info in old.infolist():
                if info.filename != name:
                    new.writestr(info, old.read(info))
        return out.getvalue()

    return change


def edited_migration(name: str, old: str, new: str) -> Callable[[bytes], bytes]:
    """The jar with a migration in it that somebody corrected after it was applied."""

    def edit(found: str, data: bytes) -> bytes:
        if found != f"db/migration/{name}":
            return data
        assert old.encode() in data, f"{old} is not in {name}"
        return data.replace(old.encode(), new.encode())

    return lambda content: entries(content, edit)


def held_back(service: str) -> Inject:
    """What is taken back is taken back while the service is down: a start under way would still do what the new release does."""
    return lambda stand: stand.undo.append(lambda: stand.stop(service))


# ---- secrets
def secret_rotated(stand: Stand) -> None:
    """Both environments have the new secret; one of the two was restarted."""
    stand.environment("auth", JWT_SECRET=NEW_SECRET)
    stand.with_environment("main", JWT_SECRET=NEW_SECRET)


# ---- PostgreSQL
def tasks_on_a_full_disk(stand: Stand) -> None:
    """main's tasks lie on a disk of one megabyte, which is full to the last row."""
    place = stand.base / "small-disk"
    about = (stand.root / "infra" / "postgres" / "data").stat()

    def take_away() -> None:
        subprocess.run(["umount", "--lazy", place], check=False, capture_output=True)
        place.rmdir()

    stand.undo.append(take_away)
    place.mkdir()
    options = f"size=1m,mode=0700,uid={about.st_uid},gid={about.st_gid}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", place], check=True)
    stand.undo.append(lambda: stand.sql("dwp_main", "DROP TABLESPACE small_disk"))
    stand.sql("dwp_main", f"CREATE TABLESPACE small_disk LOCATION '{place}'")
    stand.undo.append(lambda: stand.sql(
        "dwp_main", "ALTER TABLE agent_tasks SET TABLESPACE pg_default; ALTER TABLE agent_tasks RESET (autovacuum_enabled); "
        "DELETE FROM agent_tasks WHERE status = 'DONE' AND title LIKE 'filler%'"))  # fmt: skip
    stand.sql("dwp_main", "ALTER TABLE agent_tasks SET TABLESPACE small_disk; ALTER TABLE agent_tasks SET (autovacuum_enabled = false)")
    for number in (50, 5, 1):
        with contextlib.suppress(psycopg2.errors.DiskFull):
            while True:
                stand.sql("dwp_main", "INSERT INTO agent_tasks (tenant_id, title, status) "
                          f"SELECT 2, rpad('filler', 250, '.'), 'DONE' FROM generate_series(1, {number})")  # fmt: skip


def became_standby(stand: Stand) -> None:
    """After a switch between two servers this one follows, and the services were told nothing."""
    data = stand.root / "infra" / "postgres" / "data"
    signal = data / "standby.signal"
    stand.undo.append(lambda: stand.sql("postgres", "SELECT pg_promote()"))
    signal.touch()
    shutil.chown(signal, data.stat().st_uid, data.stat().st_gid)
    restart_server(stand, "postgres")


# ---- Redis
def default_user_off(stand: Stand) -> None:
    """Somebody gave Redis users with names, as one should, and switched the one off that all services use."""
    stand.redis("ACL", "SETUSER", "operations", "on", f">{SECRETS['redis']}", "~*", "&*", "+@all")
    client = redis.Redis(port=REDIS_PORT, username="operations", password=SECRETS["redis"])

    def take_back() -> None:
        client.execute_command("ACL", "SETUSER", "default", "on")
        client.close()
        stand.redis("ACL", "DELUSER", "operations")

    stand.undo.append(take_back)
    client.execute_command("ACL", "SETUSER", "default", "off")
    for kind in ("normal", "pubsub"):
        client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")


def redis_restarted(stand: Stand) -> None:
    """Redis was restarted; who uses it has noticed and connected anew."""
    stand.traffic.day(times=1)
    restart_server(stand, "redis")
    stand.traffic.day(times=1)
    stand.wait_healthy()


# ---- between two programs
def resets(connection: socket.socket) -> None:
    """Takes the request and cuts the line, as a firewall does that forgot the connection."""
    connection.recv(65536)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


# ---- nothing is wrong
def mistakes_of_an_administrator(stand: Stand) -> None:
    """Typing errors in psql, and a tool of a colleague with an old password: PostgreSQL's own log is full of it."""
    for text in ("SELECT * FROM agent_task", "SELECT tittle FROM agent_tasks", "DELETE agent_tasks", "SELECT 1/0"):
        with contextlib.suppress(psycopg2.Error):
            stand.sql("dwp_main", text)
    for user in ("reporting", "grafana", "reporting"):
        with contextlib.suppress(psycopg2.Error):
            stand.connect("dwp_main", user)
    with contextlib.suppress(psycopg2.Error):
        stand.connect("dwp_mian", "dwp_user")
