# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the faults of the fifth part are made. As in injections.py, each registers with the stand what takes it back."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import pwd
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg2

from .injections import Inject, change_file, environment, not_again
from .injections_operators import restart_server
from .injections_processes import PASSWORD
from .injections_servers import waits_for_a_lock
from .jars import entries
from .stand import PORTS, QUESTIONS, USER, Stand

VOLUME_TITLE = "Quarterly report ".ljust(300, "x")


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.2)


def answers(service: str) -> Callable[[Stand], bool]:
    return lambda stand: stand.traffic.ask(PORTS[service], QUESTIONS[service]) == 200


def rotated(services: str, **variables: str | None) -> Inject:
    """The same variables changed by hand for several services, each of which was restarted."""

    def inject(stand: Stand) -> None:
        for service in services.split():
            environment(service, **variables)(stand)

    return inject


# ---- PostgreSQL
def smart_shutdown(stand: Stand) -> None:
    """An administrator ends PostgreSQL the polite way: it takes no new sessions and waits for the end of the last, which is his own."""
    stand.holders.append(stand.connect(application_name="psql-of-an-administrator"))
    other = stand.connect()

    def start_again() -> None:
        until(lambda: stand.info("infra-postgres")["statename"] in ("EXITED", "FATAL", "STOPPED", "STARTING"), 20)
        restart_server(stand, "postgres")

    stand.undo.append(start_again)
    os.kill(stand.pid("infra-postgres"), signal.SIGTERM)
    time.sleep(0.5)
    with other.cursor() as cursor:  # the sessions of the pools are over soon, too: here at once
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'dwp_user'")
    other.close()


def forgotten_instances(stand: Stand) -> None:
    """Instances of auth and synapsex that somebody started elsewhere hold all that is left; approval was restarted meanwhile."""
    stand.touched.add("approval")
    stand.stop("approval")
    with contextlib.suppress(psycopg2.Error):
        for number in range(200):
            database = ("dwp_aura", "dwp_auth")[number % 2]
            stand.holders.append(stand.connect(database, "dwp_user", application_name="PostgreSQL JDBC Driver"))
    stand.start("approval")


def behind_an_idle_transaction(database: str, table: str, change: str) -> Inject:
    """Somebody read a table and went for lunch, a change of the table waits for that, and all readers wait behind the change."""

    def inject(stand: Stand) -> None:
        idle = stand.connect(database, "postgres", application_name="DBeaver")
        idle.autocommit = False
        idle.cursor().execute(f"SELECT count(*) FROM {table}")
        stand.holders.append(idle)
        changing = stand.connect(database, "postgres", application_name="psql")
        changing.autocommit = False  # never committed

        def alter() -> None:
            with contextlib.suppress(psycopg2.Error):
                changing.cursor().execute(change)
            changing.close()

        thread = threading.Thread(target=alter, daemon=True)
        thread.start()
        stand.undo.append(lambda: thread.join(10))  # the idle transaction is over by then
        until(lambda: waits_for_a_lock(stand))

    return inject


def many_logins(stand: Stand) -> None:
    """More people than auth's pool has connections, at the same time."""
    login = {"username": "admin", "password": stand.traffic.PASSWORD, "tenantId": 1}
    with ThreadPoolExecutor(14) as pool:
        list(pool.map(lambda _number: stand.traffic.call("POST", "/api/auth/login", login, timeout=5), range(14)))


def volume_full(stand: Stand) -> None:
    """main's table lies on a volume of its own, which is full."""
    volume = stand.base / "volume"
    volume.mkdir()
    stand.undo.append(lambda: (subprocess.run(["umount", "--lazy", volume], check=False), volume.rmdir()))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0755", "none", volume], check=True)
    directory, ballast = volume / "pg", volume / "dump-of-last-year.sql"
    directory.mkdir(mode=0o700)
    owner = (stand.root / "infra" / "postgres" / "data").stat()
    os.chown(directory, owner.st_uid, owner.st_gid)

    def take_back() -> None:
        ballast.unlink(missing_ok=True)
        stand.sql("dwp_main", "ALTER TABLE agent_tasks SET TABLESPACE pg_default")
        stand.sql("dwp_main", "DELETE FROM agent_tasks WHERE title = %s", VOLUME_TITLE)
        stand.sql("dwp_main", "DROP TABLESPACE volume")

    stand.sql("dwp_main", f"CREATE TABLESPACE volume LOCATION '{directory}'")
    stand.undo.append(take_back)
    stand.sql("dwp_main", "ALTER TABLE agent_tasks SET TABLESPACE volume")
    for size in (4096, 1):
        with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:
            while file.write(b"\0" * size):
                pass
    connection = stand.connect("dwp_main")
    with contextlib.closing(connection), contextlib.suppress(psycopg2.Error), connection.cursor() as cursor:
        for _number in range(1000):
            cursor.execute("INSERT INTO agent_tasks (tenant_id, title) VALUES (1, %s)", (VOLUME_TITLE,))


def schema_closed(database: str) -> Inject:
    """A script of an auditor has taken from everybody the right to make something in the schema public."""

    def inject(stand: Stand) -> None:
        owner = stand.sql(database, "SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'public'")[0][0]
        back = f"ALTER SCHEMA public OWNER TO {owner}; GRANT ALL ON SCHEMA public TO {owner}; GRANT USAGE ON SCHEMA public TO PUBLIC"
        stand.undo.append(lambda: stand.sql(database, back))
        stand.sql(
            database, f"ALTER SCHEMA public OWNER TO postgres; REVOKE ALL ON SCHEMA public FROM PUBLIC, dwp_user, {owner}; "
            "GRANT USAGE ON SCHEMA public TO PUBLIC",
        )  # fmt: skip

    return inject


def page_damaged(database: str, table: str, service: str) -> Inject:
    """A disk that fails has left something else in a page of a table."""

    def inject(stand: Stand) -> None:
        stand.sql(database, "CHECKPOINT")
        path = stand.root / "infra" / "postgres" / "data" / stand.sql(database, "SELECT pg_relation_filepath(%s)", table)[0][0]
        stand.stop("infra-postgres")
        kept = path.read_bytes()

        def write(content: bytes) -> None:
            with path.open("r+b") as file:  # in place: owner and rights stay
                file.write(content)

        stand.undo.append(lambda: (stand.stop("infra-postgres"), write(kept), restart_server(stand, "postgres")))
        write(b"\xa5" * 8192)
        restart_server(stand, "postgres")
        until(lambda: not set(stand.sick()) - {service})

    return inject


def long_report(stand: Stand) -> None:
    """A query of somebody that has been running for a while and is in nobody's way."""
    connection = stand.connect("dwp_aura", application_name="quarterly-report")

    def run() -> None:
        with contextlib.suppress(psycopg2.Error):
            connection.cursor().execute("SELECT count(*), pg_sleep(600) FROM dwp_aura.agent_cases")
        connection.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'quarterly-report'"
    stand.undo.append(lambda: (stand.sql("postgres", end), thread.join(10)))
    time.sleep(6)


# ---- Redis
def redis_restarted(stand: Stand) -> None:
    """Redis was restarted; whoever uses it noticed and connected anew."""
    stand.traffic.day(times=1)
    restart_server(stand, "redis")
    until(lambda: stand.traffic.ask(PORTS["chat"], "/chat/presence") == 200)
    stand.wait_healthy()


# ---- processes
def killed_by_the_kernel(service: str) -> Inject:
    """The kernel took it once, for lack of memory, long after its start; nobody has started it again. Imitated as in injections.py."""

    def inject(stand: Stand) -> None:
        not_again(stand, service)
        stand.start(service)
        until(lambda: answers(service)(stand))
        pid = stand.pid(service)
        Path("/dev/kmsg").write_text(
            f"<3>Out of memory: Killed process {pid} (java) total-vm:4211840kB, anon-rss:655212kB, file-rss:0kB, "
            f"shmem-rss:0kB, UID:{os.stat(f'/proc/{pid}').st_uid} pgtables:1704kB oom_score_adj:0\n"
        )
        os.kill(pid, signal.SIGKILL)

    return inject


def started_by_hand(service: str) -> Inject:
    """Somebody runs the launcher in a shell; what supervisord starts finds the port taken."""

    def inject(stand: Stand) -> None:
        stand.touched.add(service)
        stand.stop(service)
        who: dict[str, Any] = {"user": USER, "group": pwd.getpwnam(USER).pw_gid, "extra_groups": []} if stand.is_root else {}
        names = {key: os.environ[key] for key in ("PATH", "JAVA_HOME") if key in os.environ}
        by_hand = subprocess.Popen(
            [stand.current(service) / "launch"], env=names, cwd="/", start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **who,
        )  # fmt: skip
        stand.undo.append(lambda: (by_hand.kill(), by_hand.wait()))
        until(lambda: answers(service)(stand))
        stand.start(service)

    return inject


def library_changed(service: str, pattern: str, change: Callable[[bytes], bytes]) -> Inject:
    def inject(stand: Stand) -> None:
        path = next((stand.current(service) / "lib").glob(pattern))
        change_file(stand, service, path, change(path.read_bytes()))

    return inject


def all_of_a_newer_java(content: bytes) -> bytes:
    """Every class as a compiler for Java 26 would have marked it."""
    version = (70).to_bytes(2, "big")
    return entries(content, lambda name, data: data[:6] + version + data[8:] if name.endswith(".class") else data)


def migration_edited(name: str, old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        found = []

        def edit(entry: str, data: bytes) -> bytes:
            if not entry.endswith(f"db/migration/{name}"):
                return data
            found.append(entry)
            assert old in data, data
            return data.replace(old, new)

        changed = entries(content, edit)
        assert found, f"{name} is not in the jar"
        return changed

    return change


def exits(service: str, times: int) -> Callable[[Stand], bool]:
    """supervisord has seen it end so often."""

    def check(stand: Stand) -> bool:
        text = (stand.root / "supervisor" / "supervisord.log").read_text(errors="replace")
        program = stand.program(service)
        return sum(f"exited: {program} " in line for line in text.splitlines()) >= times

    return check


def one_after_the_other(*services: str) -> Inject:
    """A rolling restart while people work."""

    def inject(stand: Stand) -> None:
        for service in services:
            stand.stop(service)
            stand.traffic.day(times=1)
            stand.start(service)
            until(lambda service=service: answers(service)(stand))
        stand.wait_healthy()

    return inject


# ---- TLS
def keytool(*arguments: str) -> None:
    subprocess.run(["keytool", *arguments, "-storepass", PASSWORD, "-noprompt"], check=True, capture_output=True)


def certificate_of_last_year(stand: Stand, service: str) -> tuple[Path, Path]:
    """A keystore whose certificate is over, and the certificate of who has signed it."""
    directory = stand.base / "certificates"
    store, authority, request, signed, root = (
        directory / name for name in ("server.p12", "authority.p12", "server.csr", "server.pem", "authority.pem")
    )
    if not store.exists():
        directory.mkdir(mode=0o755, exist_ok=True)
        make = ("-genkeypair", "-keyalg", "EC", "-validity", "3650", "-startdate", "-400d", "-storetype", "PKCS12")
        keytool(*make, "-alias", "root", "-dname", "CN=dwp-authority", "-ext", "bc:c", "-keystore", str(authority))
        keytool(*make, "-alias", service, "-dname", "CN=localhost", "-keystore", str(store))
        keytool("-exportcert", "-rfc", "-alias", "root", "-keystore", str(authority), "-file", str(root))
        keytool("-certreq", "-alias", service, "-keystore", str(store), "-file", str(request))
        keytool("-gencert", "-rfc", "-alias", "root", "-keystore", str(authority), "-startdate", "-366d", "-validity", "365",
                "-ext", "san=ip:127.0.0.1,dns:localhost", "-infile", str(request), "-outfile", str(signed))  # fmt: skip
        keytool("-importcert", "-alias", "root", "-keystore", str(store), "-file", str(root))
        keytool("-importcert", "-alias", service, "-keystore", str(store), "-file", str(signed))
        for path in directory.iterdir():
            path.chmod(0o644)
    return store, root


def certificate_expired(service: str) -> Inject:
    """Gateway and service speak TLS with each other, and the certificate ended yesterday."""

    def inject(stand: Stand) -> None:
        store, root = certificate_of_last_year(stand, service)
        environment(service, SERVER_SSL_KEYSTORE=str(store), SERVER_SSL_KEYSTOREPASSWORD=PASSWORD, SERVER_SSL_KEYALIAS=service)(stand)
        environment("gateway", SPRING_CLOUD_GATEWAY_HTTPCLIENT_SSL_TRUSTEDX509CERTIFICATES_0=str(root),
                    **{f"SERVICE_{service.upper()}_URL": f"https://127.0.0.1:{PORTS[service]}"})(stand)  # fmt: skip

    return inject


# ---- requests
def of_a_clock_ahead(traffic: Any, seconds: int = 1800) -> str:
    """A token of a program whose clock is ahead: good, but not yet."""
    now = int(time.time()) + seconds
    claims = {"sub": "1", "tenant_id": "1", "iat": now, "nbf": now, "exp": now + 3600}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in ({"alg": "HS256"}, claims)]
    digest = hmac.new(traffic.secret.encode(), ".".join(parts).encode(), hashlib.sha256).digest()
    return ".".join([*parts, base64.urlsafe_b64encode(digest).rstrip(b"=").decode()])


def decision(stand: Stand) -> int | str:
    """What a person sees who approves what waits, with more patience than the gateway."""
    headers = {"X-Tenant-ID": "1", "Authorization": f"Bearer {stand.traffic.token}", "X-User-ID": "1"}
    return stand.traffic.call("POST", "/api/aura/hitl/approve/faults", {}, headers, timeout=8)[0]


def scanned(stand: Stand) -> None:
    """Somebody on the internet tries what is open."""
    for path in ("/.env", "/wp-login.php", "/phpmyadmin/index.php", "/actuator/env", "/api/v1/pods", "/cgi-bin/luci", "/.git/config"):
        for _number in range(4):
            stand.traffic.call("GET", path, headers={})
    for _number in range(5):
        stand.traffic.call("GET", "/api/mail/.env")
    stand.traffic.day(times=1)
