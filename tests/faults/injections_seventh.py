# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the faults of the seventh part are made. As in injections.py, each registers with the stand what takes it back."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg2

from .injections import Inject, environment, launcher
from .injections_fifth import keytool, until
from .injections_operators import appended_to_redis, configured, reconfigured, restart_server
from .injections_processes import PASSWORD, keystore
from .proxies import Handle, relay
from .stand import PORTS, POSTGRES_PORT, REDIS_PORT, Stand, record

OTHER_ADDRESS = "127.0.0.2"  # this host, too
#: How a program begins that wants to speak TLS.
CLIENT_HELLO = b"\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03" + bytes(41)

#: Draws previews from its start on, whether anybody asks or not, and throws none away.
PREVIEWS = """package com.dwp.approval.preview;

import java.util.ArrayList;
import java.util.List;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;

@Component
class PreviewCache {
    private final List<byte[]> previews = new ArrayList<>();

    @EventListener(ApplicationReadyEvent.class)
    void warm() {
        Thread thread = new Thread(this::draw, "preview-cache");
        thread.setDaemon(true);
        thread.start();
    }

    private void draw() {
        try {
            while (true) {
                previews.add(new byte[4 << 20]);
                Thread.sleep(200);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
"""


# ---- PostgreSQL
def sessions_crash(stand: Stand) -> None:
    """Again and again one session of PostgreSQL is killed; each time it ends all others and recovers, as it has to."""
    ended = threading.Event()

    def loop() -> None:
        while not ended.wait(2):
            with contextlib.suppress(psycopg2.Error, OSError), contextlib.closing(stand.connect()) as victim:
                os.kill(victim.get_backend_pid(), signal.SIGKILL)

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    stand.undo.append(lambda: (ended.set(), thread.join(15), restart_server(stand, "postgres")))


def tasks_at_once(stand: Stand) -> None:
    """More new tasks than main's pool has connections, at the same time."""
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: stand.traffic.call("POST", "/api/main/tasks", {"title": f"task {n}"}, timeout=6.5), range(16)))


# ---- Redis
def loads_for_minutes(stand: Stand) -> None:
    """Redis was restarted and reads what it had written down, which takes minutes: of 400,000 commands each one a bit."""
    appended_to_redis(stand, b"*1\r\n$4\r\nPING\r\n" * 400_000)
    configured("redis", f"port {REDIS_PORT}", f"port {REDIS_PORT}\nkey-load-delay 700", seconds=1)(stand)


#: At the end of the file, where it wins over what stands above.
redis_bound_elsewhere: Inject = reconfigured("redis", lambda text: f"{text.rstrip()}\nbind {OTHER_ADDRESS}\n", seconds=1)


# ---- files
def gc_log_read_only(service: str) -> Inject:
    """A script that keeps logs for the auditors took the right to write from one that Java opens before all else."""

    def inject(stand: Stand) -> None:
        path = stand.logs / f"{service}-gc.log"
        path.touch()
        path.chmod(0o444)
        stand.undo.append(path.unlink)
        launcher(service, "-Xmx160m", f"-Xmx160m -Xlog:gc:file={path}:time:filecount=0")(stand)

    return inject


def log_without_end(service: str) -> Inject:
    """One service has written until the file system of the logs was full."""

    def inject(stand: Stand) -> None:
        path = stand.logs / f"{service}.log"
        size = path.stat().st_size
        stand.touched.add(service)  # so that its log begins with a start again
        stand.undo.append(lambda: os.truncate(path, size))
        lines = "".join(
            record("INFO", f"Page {number} of document 4711 has no preview yet", "c.d.approval.preview.PageRenderer", application=service)
            for number in range(500)
        ).encode()
        for length in (len(lines), 512, 1):
            with contextlib.suppress(OSError), path.open("ab", buffering=0) as file:
                while file.write(lines[:length]):
                    pass

    return inject


def corrected_too_late(service: str, **variables: str | None) -> Inject:
    """Restarted with a mistake in its environment; the file was put right afterwards, and the process still has the mistake."""

    def inject(stand: Stand) -> None:
        path = stand.current(service) / "environment"
        good = path.read_bytes()
        environment(service, **variables)(stand)
        until(lambda: stand.traffic.ask(PORTS[service], f"/{service}/health") == 200)
        stand.replace(path, good)

    return inject


# ---- between two programs
def cuts_answers(connection: socket.socket) -> None:
    """An answer that begins well and is cut off."""
    connection.recv(65536)
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"status":"SUCCESS"')
    time.sleep(0.2)  # else it may arrive with its end, and be none


def drops_header(service: str, name: bytes) -> Handle:
    """A proxy that knows which headers are good for a service, and has not been told of this one."""
    line = re.compile(rb"(?im)^" + name + rb":[^\r\n]*\r\n")
    return lambda connection: relay(connection, PORTS[service], change=lambda data: line.sub(b"", data))


def wants_certificate(service: str) -> Inject:
    """A service that was hardened: it speaks TLS with those alone who have a certificate, and the gateway has none."""

    def inject(stand: Stand) -> None:
        store, trusted, certificate = keystore(stand), stand.base / "trusted.p12", stand.base / "trusted.pem"
        if not trusted.exists():  # a key of one's own is none that one trusts
            keytool("-exportcert", "-rfc", "-alias", "mail", "-keystore", str(store), "-file", str(certificate))
            keytool("-importcert", "-alias", "mail", "-storetype", "PKCS12", "-keystore", str(trusted), "-file", str(certificate))
            trusted.chmod(0o644)
        environment(
            service, SERVER_SSL_KEYSTORE=str(store), SERVER_SSL_KEYSTOREPASSWORD=PASSWORD, SERVER_SSL_CLIENTAUTH="need",
            SERVER_SSL_TRUSTSTORE=str(trusted), SERVER_SSL_TRUSTSTOREPASSWORD=PASSWORD,
        )(stand)  # fmt: skip
        environment("gateway", SPRING_CLOUD_GATEWAY_HTTPCLIENT_SSL_USEINSECURETRUSTMANAGER="true",
                    **{f"SERVICE_{service.upper()}_URL": f"https://127.0.0.1:{PORTS[service]}"})(stand)  # fmt: skip

    return inject


# ---- requests
def of_yesterday(traffic: Any) -> str:
    """A token that was good for two hours, ten hours ago."""
    now = int(time.time())
    return traffic.token_of({"sub": "1", "tenant_id": "1", "iat": now - 12 * 3600, "exp": now - 10 * 3600})


def with_times_as_text(traffic: Any) -> str:
    """A token of a program that writes its times as text."""
    now = int(time.time())
    return traffic.token_of({"sub": "1", "tenant_id": "1", "iat": str(now), "exp": str(now + 3600)})


# ---- nothing is wrong
def port_scan(_stand: Stand) -> None:
    """Somebody's inventory of the network: each port is opened, and asked in languages that it may not speak."""
    request = b"GET / HTTP/1.0\r\nHost: inventory\r\n\r\n"
    servers = (POSTGRES_PORT, REDIS_PORT)
    for port in (*PORTS.values(), *servers):
        for text in (b"", CLIENT_HELLO, *([request] if port in servers else [])):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                connection.sendall(text)
                if text:
                    connection.recv(1024)


def many_sessions(stand: Stand) -> None:
    """A program for reports holds ten sessions more; some are left, and nobody is refused."""
    for _number in range(10):
        stand.holders.append(stand.connect("dwp_aura", "dwp_user", application_name="Superset"))


def deadlock_of_analysts(stand: Stand) -> None:
    """Two people lock each other out, in a table of their own, and one of them has to begin again."""
    stand.sql("dwp_main", "CREATE TABLE analysis (id integer PRIMARY KEY, n integer); INSERT INTO analysis VALUES (1, 0), (2, 0)")
    stand.undo.append(lambda: stand.sql("dwp_main", "DROP TABLE analysis"))
    both = threading.Barrier(2, timeout=20)

    def analyse(first: int) -> None:
        session = stand.connect("dwp_main", application_name="RStudio")
        session.autocommit = False
        with contextlib.closing(session), contextlib.suppress(psycopg2.Error), session.cursor() as cursor:
            cursor.execute("UPDATE analysis SET n = 1 WHERE id = %s", (first,))
            both.wait()
            cursor.execute("UPDATE analysis SET n = 1 WHERE id = %s", (3 - first,))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(analyse, (1, 2)))
