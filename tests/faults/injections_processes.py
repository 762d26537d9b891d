# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How more faults of processes and of the files of releases are made. As in injections.py, the stand is told what takes them back."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from .injections import Inject, change_file, environment, limited
from .jars import entries, with_entry
from .proxies import PROXY_URL, hangs, proxy
from .stand import PORTS, Stand, record

PASSWORD = "changeit"


# ---- jars and libraries
def with_migration(name: str, text: str) -> Callable[[bytes], bytes]:
    """The thin jar of a release that has one more migration."""
    return with_entry(f"db/migration/{name}", text)


def main_class_misspelt(content: bytes) -> bytes:
    def misspell(name: str, data: bytes) -> bytes:
        if name == "META-INF/MANIFEST.MF":
            data, changed = re.subn(rb"(?m)^(Main-Class: \S+)Application", rb"\1Aplication", data)
            assert changed, data
        return data

    return entries(content, misspell)


def jar_of(service: str, other: str) -> Inject:
    """The release of one service has the program of another."""

    def inject(stand: Stand) -> None:
        change_file(stand, service, stand.current(service) / "app.jar", (stand.current(other) / "app.jar").read_bytes())

    return inject


def library_missing(service: str, pattern: str) -> Inject:
    def inject(stand: Stand) -> None:
        path = next((stand.current(service) / "lib").glob(pattern))
        kept = path.with_name(f"{path.name}.moved")
        path.rename(kept)
        stand.undo.append(lambda: kept.rename(path))
        stand.touched.add(service)
        stand.restart(service)

    return inject


# ---- files beside them
def environment_text(service: str, change: Callable[[str], str], mode: int | None = None) -> Inject:
    """The environment file edited by somebody who does not know its syntax, or its rights."""

    def inject(stand: Stand) -> None:
        path = stand.current(service) / "environment"
        change_file(stand, service, path, change(path.read_text(encoding="utf-8")).encode(), mode)

    return inject


def program_removed(service: str) -> Inject:
    """supervisord does not know the service any more."""

    def inject(stand: Stand) -> None:
        path = stand.root / "supervisor" / "conf.d" / f"{service}.conf"
        kept = stand.originals / path.name
        program = stand.program(service)

        def take_back() -> None:
            kept.rename(path)
            stand.supervisor.reloadConfig()
            stand.supervisor.addProcessGroup(program)

        stand.stop(service)
        path.rename(kept)
        stand.undo.append(take_back)
        stand.supervisor.reloadConfig()
        stand.supervisor.removeProcessGroup(program)

    return inject


# ---- limits
def few_threads(service: str) -> Inject:
    """The process may start no further thread. It does not get over that, as threads of its own ended."""

    def inject(stand: Stand) -> None:
        stand.touched.add(service)
        limited(service, "nproc", "Max processes", lambda _pid: 1)(stand)

    return inject


def threads_wait(stand: Stand) -> None:
    """Four threads for all requests, and an AI platform that takes requests and says nothing."""
    proxy(hangs)(stand)
    environment("synapsex", AURA_BASE_URL=PROXY_URL, SERVER_TOMCAT_THREADS_MAX="4")(stand)
    end = time.monotonic() + 60
    while stand.traffic.ask(PORTS["synapsex"], "/synapse/dictionary") != 200 and time.monotonic() < end:
        time.sleep(0.3)


def analyses(stand: Stand) -> None:
    stand.traffic.many([f"/api/synapse/cases/{number}/analysis" for number in range(8)], timeout=1)


# ---- TLS
def keystore(stand: Stand) -> Path:
    """A key with a certificate that nobody but itself has signed."""
    path = stand.base / "keystore.p12"
    if not path.exists():
        subprocess.run(
            ["keytool", "-genkeypair", "-alias", "mail", "-keyalg", "EC", "-dname", "CN=localhost", "-validity", "3650",
             "-storetype", "PKCS12", "-keystore", str(path), "-storepass", PASSWORD],
            check=True, capture_output=True,
        )  # fmt: skip
        path.chmod(0o644)
    return path


def speaks_tls(service: str, password: str = PASSWORD) -> Inject:
    def inject(stand: Stand) -> None:
        environment(service, SERVER_SSL_KEYSTORE=str(keystore(stand)), SERVER_SSL_KEYSTOREPASSWORD=password)(stand)

    return inject


# ---- what is over
def stopped_for_a_while(service: str) -> Inject:
    """Somebody stopped it by hand; users noticed; it was started again."""

    def inject(stand: Stand) -> None:
        stand.stop(service)
        stand.traffic.day()
        stand.start(service)
        stand.wait_healthy()

    return inject


def bad_yesterday(service: str) -> Inject:
    """Three starts that failed yesterday, and one that did not, before the log goes on with today."""

    def inject(stand: Stand) -> None:
        port, text = PORTS[service], ""
        name = f"com.dwp.{service}.{service.capitalize()}Application"
        for number in range(3):
            ago = 90000 - number * 30
            text += record("INFO", f"Starting {name.rpartition('.')[2]} v1.0.0 using Java 17.0.15 with PID {4700 + number}", name, ago)
            text += record("WARN", "Exception encountered during context initialization - cancelling refresh attempt", "o.s.boot", ago - 5)
            text += record("ERROR", "", "o.s.b.d.LoggingFailureAnalysisReporter", ago - 5)
            text += f"\n***************************\nAPPLICATION FAILED TO START\n***************************\n\nDescription:\n\n" \
                    f"Web server failed to start. Port {port} was already in use.\n\n"
        text += record("INFO", f"Starting {name.rpartition('.')[2]} v1.0.0 using Java 17.0.15 with PID 4710", name, 89000)
        text += record("INFO", f"Started {name.rpartition('.')[2]} in 4.1 seconds (process running for 4.6)", name, 88996)
        stand.prepend(service, text)

    return inject


def unreachable_while_starting(stand: Stand) -> None:
    """mail starts when its database is closed for a moment, warns, and finds it at the first request."""
    close, open_again = (f"ALTER DATABASE dwp_mail ALLOW_CONNECTIONS {text}" for text in ("false", "true"))
    stand.undo.append(lambda: stand.sql("postgres", open_again))
    stand.sql("postgres", close)
    stand.touched.add("mail")
    stand.restart("mail")
    end = time.monotonic() + 60
    while "Could not obtain connection to query metadata" not in stand.said("mail") and time.monotonic() < end:
        time.sleep(0.2)
    stand.sql("postgres", open_again)
    stand.wait_healthy()


def password_restored(stand: Stand) -> None:
    """Nothing yet: the password that the users know comes back when all is over."""
    text = "UPDATE sys_users SET password_hash = %s WHERE username = 'admin'"
    stand.undo.append(lambda: stand.sql("dwp_auth", text, stand.traffic.HASH))
