# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reference backend as the faults find it: seven JVMs, PostgreSQL and Redis, deployed with the real playbooks."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from pathlib import Path
from typing import Any

import psycopg2
import redis
import yaml
from supervisor.xmlrpc import SupervisorTransport

from tests.integration.deploy.fleet import environ_of, kill, supervisor_pid, wait_gone

from .traffic import Traffic

CHECKOUT = Path(__file__).resolve().parents[2]
DEMO = CHECKOUT / "inventories" / "demo"
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))  # each has a stand of its own
FIRST_PORT = int(os.environ.get("DWP_FAULTS_PORT", "21200")) + 40 * WORKER
SERVICES = ("gateway", "auth", "main", "mail", "chat", "approval", "synapsex")
PORTS = {name: FIRST_PORT + n for n, name in enumerate(SERVICES)}
POSTGRES_PORT, REDIS_PORT, CLOSED_PORT = FIRST_PORT + 10, FIRST_PORT + 11, FIRST_PORT + 19
USER = f"dwp-faults-{FIRST_PORT}"  # of the services, when the tests run as root; of this stand alone, for it is removed with it
SECRETS = {name: f"known-{name}-of-the-faults-0123456789abcdef" for name in ("database", "admin", "redis", "jwt")}
JVM = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx160m", "-Xshare:auto"]
MAX_CONNECTIONS = 80  # six pools of ten fit, not much more
LOG_SPACE_MB = 64
#: What a service says about itself and its database: good, when all of these answer 200.
QUESTIONS = {
    "gateway": "/api/main/health", "auth": "/auth/policy", "main": "/actuator/health", "mail": "/mail/info", "chat": "/chat/info",
    "approval": "/approval/info", "synapsex": "/synapse/dictionary",
}  # fmt: skip


class Stand:
    def __init__(self, base: str = "") -> None:
        """``base``: a stand that runs already."""
        self.base = Path(base or tempfile.mkdtemp(prefix="dwp-faults-", dir="/var/tmp"))
        self.base.chmod(0o755)  # the services' user has to get in
        self.root, self.inventory = self.base / "root", self.base / "inventory"
        self.logs = self.root / "log"
        self.artifacts = CHECKOUT / "tests" / "backend" / "target" / "artifacts"
        self.originals = self.base / "originals"
        self.traffic = Traffic(PORTS["gateway"], SECRETS["jwt"])
        self.is_root = os.geteuid() == 0
        self.holders: list[Any] = []  # connections and processes that a fault holds, released by heal()
        self.undo: list[Any] = []  # what heal() calls, newest first
        self.touched: set[str] = set()  # services that heal() restarts

    # ---- up and down
    def deploy(self) -> None:
        subprocess.run([CHECKOUT / "tests" / "backend" / "build"], check=True, stdout=subprocess.DEVNULL)
        self.originals.mkdir()
        if self.is_root:  # a small file system of its own for the logs, so that it can become full
            self.logs.mkdir(parents=True)
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={LOG_SPACE_MB}m,mode=0755", "none", self.logs], check=True)
        self._write_inventory()
        done = self.playbook("deploy")
        assert done.returncode == 0, done.stdout[-6000:]
        # The seed runner is off: the account gets a password as an administrator would give it one.
        self.sql("dwp_auth", "UPDATE sys_users SET password_hash = %s, status = 'ACTIVE' WHERE username = 'admin'", self.traffic.HASH)
        self.wait_healthy()
        self.clean_logs()

    def _write_inventory(self) -> None:
        values: dict[str, Any] = {}
        for path in sorted((DEMO / "group_vars" / "all").glob("*.yml")):
            values.update(yaml.safe_load(path.read_text(encoding="utf-8")))
        services = values["dwp_services"]
        for name, port in PORTS.items():
            services[name].update(port=port, jvm_options=JVM, successes=1, stop_timeout=10)
        # 300 s are more than a test wants to wait for the gateway's 504.
        services["gateway"]["environment"] = {"SPRING_CLOUD_GATEWAY_HTTPCLIENT_RESPONSETIMEOUT": "4s"}
        values.update({f"demo_{name}_{'secret' if name == 'jwt' else 'password'}": secret for name, secret in SECRETS.items()})
        values["dwp_components"]["postgres"].update(port=POSTGRES_PORT, settings={"max_connections": str(MAX_CONNECTIONS)})
        values["dwp_components"]["redis"]["port"] = REDIS_PORT
        values.update(
            dwp_environment="test", dwp_root=str(self.root), dwp_user=USER, dwp_artifacts_dir=str(self.artifacts),
            dwp_report_hints=[], infra_embedded_venv=sys.prefix, dwp_aura_url=f"http://127.0.0.1:{CLOSED_PORT}",
        )  # fmt: skip
        (self.inventory / "group_vars").mkdir(parents=True)
        (self.inventory / "group_vars" / "all.yml").write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")
        shutil.copy(DEMO / "hosts.yml", self.inventory)

    def remove(self) -> None:
        """Everything that belongs to this stand ends, by process id."""
        with contextlib.suppress(Exception):
            self.release()
        if pid := supervisor_pid(self.root):
            kill(pid, signal.SIGTERM)
            wait_gone(pid, 30)
        for left in self.processes().values():
            kill(left, signal.SIGKILL)
            wait_gone(left, 5)
        if self.is_root:
            subprocess.run(["umount", "--lazy", self.logs], check=False, capture_output=True)
        shutil.rmtree(self.base, ignore_errors=True)
        if self.is_root:
            with contextlib.suppress(KeyError):
                pwd.getpwnam(USER)
                subprocess.run(["userdel", USER], check=False, capture_output=True)

    # ---- playbooks
    def playbook(self, name: str, *arguments: str, timeout: float = 400) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).parent / "ansible-playbook"), str(CHECKOUT / "playbooks" / f"{name}.yml")]
        kept = {key: os.environ[key] for key in ("PATH", "JAVA_HOME", "TMPDIR") if key in os.environ}
        environment = {
            **kept, "HOME": str(self.base), "LC_ALL": "C.UTF-8", "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "ANSIBLE_REMOTE_TMP": str(self.base / "modules"),
        }  # fmt: skip
        return subprocess.run(
            [*command, "-i", str(self.inventory), *arguments], cwd=CHECKOUT, env=environment, text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout, check=False,
        )  # fmt: skip

    def triage(self, *arguments: str) -> tuple[subprocess.CompletedProcess[str], dict[str, Any], Path]:
        """The run, report.json and the directory that it lies in."""
        directory = Path(tempfile.mkdtemp(prefix="report-", dir=self.base))
        done = self.playbook("triage", "-e", f"dwp_report_dir={directory}", *arguments)
        found = sorted(directory.rglob("report.json"))
        assert found, f"no report.json; rc {done.returncode}\n{done.stdout[-4000:]}"
        return done, json.loads(found[0].read_text(encoding="utf-8")), found[0].parent

    # ---- supervisor
    @property
    def supervisor(self) -> Any:
        socket = f"{self.root}/run/supervisor.sock"
        if not os.path.exists(socket):  # a long path: the collection takes a short one
            config = (self.root / "supervisor" / "supervisord.conf").read_text()
            socket = re.search(r"file\s*=\s*(\S+\.sock)", config).group(1)  # type: ignore[union-attr]
        return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=SupervisorTransport(serverurl=f"unix://{socket}")).supervisor

    def program(self, name: str) -> str:
        """The name under which supervisord runs a service or component."""
        names = [each["name"] for each in self.supervisor.getAllProcessInfo()]
        return next(each for each in names if each == name or each.endswith(f"-{name}"))

    def stop(self, *names: str) -> None:
        for name in names:
            with contextlib.suppress(xmlrpc.client.Fault):
                self.supervisor.stopProcess(self.program(name), True)

    def start(self, *names: str) -> None:
        for name in names:
            with contextlib.suppress(xmlrpc.client.Fault):
                self.supervisor.startProcess(self.program(name), False)

    def restart(self, *names: str) -> None:
        self.stop(*names)
        self.start(*names)

    def info(self, name: str) -> dict[str, Any]:
        return self.supervisor.getProcessInfo(self.program(name))

    def processes(self) -> dict[str, int]:
        """The process of each service, found by the marker of its launcher."""
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                values = environ_of(int(entry.name))
                if values.get("DWP_LAUNCH", "").startswith(f"{self.base}/"):
                    found[values["DWP_SERVICE"]] = int(entry.name)
        return found

    def pid(self, name: str) -> int:
        return int(self.info(name)["pid"])

    # ---- files of a release
    def release(self) -> None:
        """Let go of what the fault holds."""
        for holder in self.holders:
            with contextlib.suppress(Exception):
                holder.close() if hasattr(holder, "close") else holder.kill()
        self.holders.clear()

    def current(self, service: str) -> Path:
        return (self.root / "services" / service / "current").resolve()

    def replace(self, path: Path, content: bytes, mode: int | None = None) -> None:
        """Write a file anew, as an editor does: a new inode (the old one is linked elsewhere). heal() puts the old one back."""
        kept = self.originals / f"{len(self.undo)}-{path.name}"
        os.link(path, kept)
        about = path.stat()
        fresh = path.with_name(path.name + ".fault")
        fresh.write_bytes(content)
        fresh.chmod(about.st_mode & 0o7777 if mode is None else mode)
        if self.is_root:
            os.chown(fresh, about.st_uid, about.st_gid)
        fresh.replace(path)
        self.undo.append(lambda: kept.replace(path))

    def environment(self, service: str, **variables: str | None) -> None:
        """Edit the environment of the current release by hand. None takes a variable out."""
        path = self.current(service) / "environment"
        lines = path.read_text(encoding="utf-8").splitlines()
        lines = [line for line in lines if line.partition("=")[0] not in variables]
        lines += [f"{key}='{value}'" for key, value in variables.items() if value is not None]
        self.replace(path, ("\n".join(lines) + "\n").encode())

    def with_environment(self, service: str, **variables: str | None) -> None:
        """The same, and the service restarted with it."""
        self.environment(service, **variables)
        self.touched.add(service)
        self.restart(service)

    # ---- servers
    def connect(self, database: str = "postgres", user: str = "postgres", **more: Any) -> Any:
        password = SECRETS["admin" if user == "postgres" else "database"]
        if user == "postgres":  # a fault may have taken the right to write from everybody
            more = {"options": "-c default_transaction_read_only=off", **more}
        made = psycopg2.connect(host="127.0.0.1", port=POSTGRES_PORT, user=user, password=password, dbname=database, **more)
        made.autocommit = True
        return made

    def sql(self, database: str, text: str, *arguments: object) -> list[tuple[Any, ...]]:
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(text, arguments or None)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def drop_connections(self, database: str = "") -> None:
        """End the sessions of the services, so that their pools connect anew."""
        self.sql(
            "postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'dwp_user' AND (%s = '' OR datname = %s)",
            database, database,
        )  # fmt: skip

    def redis(self, *command: str, password: str | None = None) -> Any:
        client = redis.Redis(port=REDIS_PORT, password=password or SECRETS["redis"], socket_timeout=5)
        try:
            return client.execute_command(*command)
        finally:
            client.close()

    # ---- healthy again
    def sick(self) -> dict[str, Any]:
        """Services that do not answer well, with the answer."""
        return {name: said for name, path in QUESTIONS.items() if (said := self.traffic.ask(PORTS[name], path)) != 200}

    def wait_healthy(self, seconds: float = 180) -> None:
        end = time.monotonic() + seconds
        waiting = set(SERVICES)
        while waiting:
            for name in sorted(waiting):
                if self.traffic.ask(PORTS[name], QUESTIONS[name]) == 200:
                    waiting.discard(name)
            if waiting and time.monotonic() > end:
                raise AssertionError(f"not healthy within {seconds:.0f} s: {self.sick()}\n{self.said(min(waiting))[-3000:]}")
            time.sleep(0.2 if waiting else 0)
        assert self.traffic.ask(PORTS["chat"], "/chat/presence") == 200

    def said(self, service: str) -> str:
        """Log and console of a service; `*` is all of them."""
        paths = [*self.logs.glob(f"{service}.console.log"), *self.logs.glob(f"{service}.log")]
        return "".join(path.read_text(encoding="utf-8", errors="replace") for path in paths)

    def heal(self) -> None:
        """Take the fault back, restart what it touched, wait until all is well, and forget what the logs say of it.

        What cannot be taken back is told at the end: it must not keep the rest from healing, nor come again with the next fault.
        """
        self.release()
        problems: list[str] = []
        while self.undo:
            try:
                self.undo.pop()()
            except Exception as error:
                problems.append(f"{type(error).__name__}: {error}")
        self.restart(*sorted(self.touched))
        self.touched.clear()
        for name in SERVICES:
            if self.info(name)["statename"] not in ("RUNNING", "STARTING", "BACKOFF"):
                self.start(name)
        self.wait_healthy()
        self.clean_logs()
        assert not problems, f"not taken back: {'; '.join(problems)}"

    def clean_logs(self) -> None:
        """Each log as if it had been rotated after the last start: earlier faults are not part of the next one."""
        for path in self.logs.rglob("*.log*"):
            if not path.is_file():
                continue
            text = path.read_bytes()
            starts = list(re.finditer(rb" : Starting \w+Application ", text))
            begin = text.rfind(b"\n", 0, starts[-1].start()) + 1 if starts else len(text)
            started = re.compile(rb"^.* : Started .*\n", re.MULTILINE).search(text, begin)
            started = started if path.suffix == ".log" else None  # of a rotated one nothing is left
            with path.open("r+b") as file:  # in place: the service appends to it
                kept = text[begin : started.end()] if started else b""
                file.truncate(0)
                file.write(kept)
        for path in (*(self.root / "infra" / "log").glob("*"), self.root / "supervisor" / "supervisord.log"):
            if path.is_file():
                os.truncate(path, 0)

    # ---- logs
    def prepend(self, service: str, records: str) -> None:
        """Records from before all others, as a service that has run for a while would have."""
        path = self.logs / f"{service}.log"
        with path.open("r+b") as file:
            old = file.read()
            file.truncate(0)
            file.seek(0)
            file.write(records.encode() + old)

    def append(self, service: str, records: str | bytes) -> None:
        with (self.logs / f"{service}.log").open("ab") as file:
            file.write(records.encode() if isinstance(records, str) else records)


def stamp(seconds_ago: float = 0) -> str:
    """A time as Boot writes it."""
    moment = datetime.datetime.now().astimezone() - datetime.timedelta(seconds=seconds_ago)
    return moment.isoformat(timespec="milliseconds")


def record(level: str, message: str, logger: str = "c.d.core.web.GlobalExceptionHandler", ago: float = 0, application: str = "x") -> str:
    """A log record in Boot's text format, with the collection's correlation pattern."""
    return f"{stamp(ago)} {level:>5} 4711 --- [{application}] [nio-exec-1] [correlationId=] {logger:<40} : {message}\n"
