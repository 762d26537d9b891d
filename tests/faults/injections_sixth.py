# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the faults of the sixth part are made. As in injections.py, each registers with the stand what takes it back."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import psycopg2

from .injections import Inject, approval_waits, environment, limited, not_again, redis_config
from .injections_fifth import answers, keytool, until
from .injections_fourth import with_source
from .injections_operators import restart_server
from .injections_processes import PASSWORD
from .injections_servers import waits_for_a_lock
from .noise import stack
from .stand import PORTS, SECRETS, Stand, record

NEW_REDIS_PASSWORD = "redis-of-december-0123456789abcdef"

#: Two kinds of requests take the same two locks, each in its own order.
TWO_LOCKS = """package com.dwp.chat.stats;

import jakarta.servlet.*;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import org.springframework.stereotype.Component;

@Component
class RoomStatistics implements Filter {
    private final Object rooms = new Object();
    private final Object people = new Object();

    @Override
    public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain) throws IOException, ServletException {
        String path = ((HttpServletRequest) request).getRequestURI();
        if (path.endsWith("/info")) {
            count(rooms, people);
        } else if (path.endsWith("/presence")) {
            count(people, rooms);
        }
        chain.doFilter(request, response);
    }

    private void count(Object first, Object second) {
        synchronized (first) {
            try {
                Thread.sleep(150);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            synchronized (second) {
                return;
            }
        }
    }
}
"""

#: Each question opens the template once more, and closes nothing.
FILE_LEAK = """package com.dwp.mail.template;

import jakarta.servlet.*;
import jakarta.servlet.http.HttpServletRequest;
import java.io.FileInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.springframework.stereotype.Component;

@Component
class TemplateLoader implements Filter {
    private final List<FileInputStream> opened = new ArrayList<>();

    @Override
    public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain) throws IOException, ServletException {
        if (((HttpServletRequest) request).getRequestURI().endsWith("/info")) {
            synchronized (opened) {
                opened.add(new FileInputStream("/etc/hosts"));
            }
        }
        chain.doFilter(request, response);
    }
}
"""


# ---- PostgreSQL
def lock_file_left(stand: Stand) -> None:
    """After a power failure PostgreSQL's lock file names a number that another program of the same user has by now."""
    data = stand.root / "infra" / "postgres" / "data"
    lock = data / "postmaster.pid"
    lines = lock.read_text().splitlines()
    stand.stop("infra-postgres")
    stand.undo.append(lambda: (stand.stop("infra-postgres"), lock.unlink(missing_ok=True), restart_server(stand, "postgres")))
    lock.write_text("\n".join([str(stand.pid("mail")), *lines[1:], ""]))
    lock.chmod(0o600)
    shutil.chown(lock, data.stat().st_uid, data.stat().st_gid)
    restart_server(stand, "postgres", 1)


def reports_take_all(stand: Stand) -> None:
    """A program for reports, with a role of its own, has opened all sessions that were left; chat was restarted meanwhile."""
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'metabase'"
    stand.sql("postgres", f"CREATE ROLE metabase LOGIN PASSWORD '{SECRETS['database']}'")
    stand.undo.append(lambda: (stand.sql("postgres", end), stand.sql("postgres", "DROP ROLE metabase")))
    stand.touched.add("chat")
    stand.stop("chat")
    with contextlib.suppress(psycopg2.Error):
        for _number in range(200):
            stand.holders.append(stand.connect("dwp_aura", "metabase", application_name="Metabase v0.50"))
    stand.start("chat")


def in_transaction(database: str, program: str, statement: str) -> Inject:
    """Somebody's statement, in a transaction that has not ended."""

    def inject(stand: Stand) -> None:
        holder = stand.connect(database, "postgres", application_name=program)
        holder.autocommit = False
        holder.cursor().execute(statement)
        stand.holders.append(holder)

    return inject


def schema_unusable(database: str) -> Inject:
    """A hardening script took the schema public from everybody, those who work in it included."""

    def inject(stand: Stand) -> None:
        owner = stand.sql(database, "SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'public'")[0][0]
        back = f"ALTER SCHEMA public OWNER TO {owner}; GRANT ALL ON SCHEMA public TO {owner}; GRANT USAGE ON SCHEMA public TO PUBLIC"
        stand.undo.append(lambda: (stand.sql(database, back), stand.drop_connections(database)))
        stand.sql(database, f"ALTER SCHEMA public OWNER TO postgres; REVOKE ALL ON SCHEMA public FROM PUBLIC, dwp_user, {owner}")
        stand.drop_connections(database)

    return inject


def index_made_beside(stand: Stand) -> None:
    """An administrator makes an index beside the work of all; it waits for the end of a backup, and nobody waits for it."""
    backup = stand.connect("dwp_main", application_name="pg_dump")
    backup.autocommit = False
    backup.cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM agent_task_events")
    stand.holders.append(backup)
    making = stand.connect("dwp_main", application_name="psql")

    def make() -> None:
        with contextlib.suppress(psycopg2.Error):
            making.cursor().execute("CREATE INDEX CONCURRENTLY ix_agent_tasks_status ON agent_tasks (status)")
        making.close()

    thread = threading.Thread(target=make, daemon=True)
    thread.start()
    stand.undo.append(lambda: (thread.join(20), stand.sql("dwp_main", "DROP INDEX IF EXISTS ix_agent_tasks_status")))
    until(lambda: waits_for_a_lock(stand))


# ---- Redis
def redis_volume_full(stand: Stand) -> None:
    """The volume of Redis is full: what it is told to keep it cannot write down, and then takes nothing more."""
    data = stand.root / "infra" / "redis" / "data"
    about = data.stat()
    stand.stop("infra-redis")

    def take_back() -> None:
        stand.stop("infra-redis")
        subprocess.run(["umount", "--lazy", data], check=False, capture_output=True)
        restart_server(stand, "redis")

    stand.undo.append(take_back)
    kept = {path.name: path.read_bytes() for path in data.iterdir() if path.is_file()}
    options = f"size=1m,mode=0700,uid={about.st_uid},gid={about.st_gid}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", data], check=True)
    for name, content in kept.items():
        (data / name).write_bytes(content)
        shutil.chown(data / name, about.st_uid, about.st_gid)
    restart_server(stand, "redis")
    approval_waits(stand)
    until(lambda: not stand.sick())
    for size in (4096, 1):
        with contextlib.suppress(OSError), (data / "dump-before-upgrade.rdb").open("ab", buffering=0) as file:
            while file.write(b"\0" * size):
                pass


def decide(traffic: Any) -> Any:
    headers = {"X-Tenant-ID": "1", "Authorization": f"Bearer {traffic.token}", "X-User-ID": "1"}
    return traffic.call("POST", "/api/aura/hitl/approve/faults", {}, headers)


def redis_rotated_but_for_chat(stand: Stand) -> None:
    """The password of Redis was rotated, in the inventory and in all environments; main and synapsex were restarted, chat was not."""
    inventory = stand.inventory / "group_vars" / "all.yml"
    stand.replace(inventory, inventory.read_bytes().replace(SECRETS["redis"].encode(), NEW_REDIS_PASSWORD.encode()))
    stand.environment("chat", SPRING_DATA_REDIS_PASSWORD=NEW_REDIS_PASSWORD)
    redis_config("requirepass", NEW_REDIS_PASSWORD, SECRETS["redis"], kick=True)(stand)
    for service in ("main", "synapsex"):
        environment(service, REDIS_PASSWORD=NEW_REDIS_PASSWORD)(stand)
    until(lambda: answers("main")(stand) and answers("synapsex")(stand))


# ---- processes
def kernel_says(text: str) -> None:
    Path("/dev/kmsg").write_text(f"<3>{text}\n")


def kernel_said(pattern: str) -> Callable[[Stand], bool]:
    return lambda _stand: pattern in subprocess.run(["dmesg"], capture_output=True, text=True, check=False).stdout[-20000:]


def killed_in_its_group(service: str) -> Inject:
    """It had used what its control group may have; nobody started it again. The kernel is imitated as in injections.py."""

    def inject(stand: Stand) -> None:
        not_again(stand, service)
        stand.start(service)
        until(lambda: answers(service)(stand))
        pid = stand.pid(service)
        kernel_says(
            f"Memory cgroup out of memory: Killed process {pid} (java) total-vm:3914552kB, anon-rss:521016kB, file-rss:18204kB, "
            f"shmem-rss:0kB, UID:{os.stat(f'/proc/{pid}').st_uid} pgtables:1496kB oom_score_adj:0"
        )
        os.kill(pid, signal.SIGKILL)

    return inject


def server_killed_by_the_kernel(name: str, program: str) -> Inject:
    """The host had no memory left, and the kernel took a server, which is not started again."""
    server = f"infra-{name}"

    def inject(stand: Stand) -> None:
        path = stand.root / "supervisor" / "conf.d" / f"{server}.conf"
        text = path.read_text()
        assert "autorestart = true" in text, text

        def reread() -> None:
            stand.supervisor.reloadConfig()
            stand.stop(server)
            stand.supervisor.removeProcessGroup(server)
            stand.supervisor.addProcessGroup(server)
            restart_server(stand, name)

        stand.undo.append(reread)
        stand.replace(path, text.replace("autorestart = true", "autorestart = false").encode())
        reread()
        until(lambda: not stand.sick() and stand.info(server)["statename"] == "RUNNING")
        time.sleep(1.5)  # who ends before it counts as started is started again
        pid = stand.pid(server)
        kernel_says(
            f"Out of memory: Killed process {pid} ({program}) total-vm:1068344kB, anon-rss:702112kB, file-rss:0kB, "
            f"shmem-rss:0kB, UID:{os.stat(f'/proc/{pid}').st_uid} pgtables:1512kB oom_score_adj:0"
        )
        os.kill(pid, signal.SIGKILL)

    return inject


def files_leak(stand: Stand) -> None:
    """A release of mail that leaves files open, some time after its start: forty more and its limit is reached."""
    with_source("mail", FILE_LEAK)(stand)
    until(lambda: answers("mail")(stand))
    limited("mail", "nofile", "Max open files", lambda pid: len(os.listdir(f"/proc/{pid}/fd")) + 40)(stand)


# ---- jars
def renamed(old: str, new: str) -> Callable[[bytes], bytes]:
    """The jar of a release in which a file has another name."""

    def change(content: bytes) -> bytes:
        out, names = BytesIO(), []
        with zipfile.ZipFile(BytesIO(content)) as before, zipfile.ZipFile(out, "w") as after:
            for info in before.infolist():
                data = before.read(info)
                names.append(info.filename)
                info.filename = info.filename.replace(old, new)
                after.writestr(info, data)
        assert any(old in name for name in names), names
        return out.getvalue()

    return change


# ---- TLS
def certificate_of_another_name(service: str) -> Inject:
    """Gateway and service speak TLS with each other; the certificate is good, and was made for the name that the public uses."""

    def inject(stand: Stand) -> None:
        directory = stand.base / "certificates-of-names"
        store, authority, request, signed, root = (
            directory / name for name in ("server.p12", "authority.p12", "server.csr", "server.pem", "authority.pem")
        )
        if not store.exists():
            directory.mkdir(mode=0o755)
            make = ("-genkeypair", "-keyalg", "EC", "-validity", "3650", "-storetype", "PKCS12")
            keytool(*make, "-alias", "root", "-dname", "CN=dwp-names", "-ext", "bc:c", "-keystore", str(authority))
            keytool(*make, "-alias", service, "-dname", "CN=api.dwp.example", "-keystore", str(store))
            keytool("-exportcert", "-rfc", "-alias", "root", "-keystore", str(authority), "-file", str(root))
            keytool("-certreq", "-alias", service, "-keystore", str(store), "-file", str(request))
            keytool("-gencert", "-rfc", "-alias", "root", "-keystore", str(authority), "-validity", "365",
                    "-ext", "san=dns:api.dwp.example", "-infile", str(request), "-outfile", str(signed))  # fmt: skip
            keytool("-importcert", "-alias", "root", "-keystore", str(store), "-file", str(root))
            keytool("-importcert", "-alias", service, "-keystore", str(store), "-file", str(signed))
            for path in directory.iterdir():
                path.chmod(0o644)
        environment(service, SERVER_SSL_KEYSTORE=str(store), SERVER_SSL_KEYSTOREPASSWORD=PASSWORD, SERVER_SSL_KEYALIAS=service)(stand)
        environment("gateway", SPRING_CLOUD_GATEWAY_HTTPCLIENT_SSL_TRUSTEDX509CERTIFICATES_0=str(root),
                    **{f"SERVICE_{service.upper()}_URL": f"https://127.0.0.1:{PORTS[service]}"})(stand)  # fmt: skip

    return inject


# ---- nothing is wrong
def rotated_logs(*services: str) -> Inject:
    """The logs were rotated a moment ago; what was wrong this morning stands in the old ones."""

    def inject(stand: Stand) -> None:
        for service in services:
            path, old = stand.logs / f"{service}.log", stand.logs / f"{service}.log.1"
            text = "".join(
                record("ERROR", "Unexpected error: Connection to 127.0.0.1:5432 refused", ago=20000 - number, application=service)
                + stack("java.net.ConnectException: Connection refused")
                for number in range(20)
            )
            stand.undo.append(lambda old=old: old.unlink(missing_ok=True))
            stand.touched.add(service)  # so that its log begins with a start again
            old.write_bytes(text.encode() + path.read_bytes())
            shutil.chown(old, path.stat().st_uid, path.stat().st_gid)
            os.truncate(path, 0)

    return inject


def another_program_killed(_stand: Stand) -> None:
    kernel_says(
        "Out of memory: Killed process 4100321 (node) total-vm:22514004kB, anon-rss:1814112kB, file-rss:0kB, shmem-rss:0kB, "
        "UID:1007 pgtables:9284kB oom_score_adj:300"
    )
