# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A platform of light services on this machine, deployed with the real playbooks; everything below one directory."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib import request

import yaml

from . import light

CHECKOUT = Path(__file__).resolve().parents[3]
CALLBACKS = Path(__file__).parent / "callbacks"
USER = f"dwp-light-{os.getpid()}"  # of the services, when the tests run as root
DEFAULT_SERVICES = ("gateway", "auth", "main", "mail", "chat", "approval")
#: Short starts: the tests are about deployments, not about the JVM.
JVM = ["-Xmx32m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"]
#: Written by servers and by every run, whether or not it changes anything.
VOLATILE = ("/run", "/log", "/supervisor/supervisord.log", "/.lock", "/journal.jsonl", "/lock.json")


@dataclasses.dataclass
class Run:
    """What one ansible-playbook said and did."""

    rc: int
    output: str
    events: list[dict[str, Any]]
    seconds: float

    def __str__(self) -> str:
        return f"rc {self.rc}\n{self.output[-6000:]}"

    def tasks(self, word: str) -> list[dict[str, Any]]:
        return [e for e in self.events if word in e["task"] and "result" in e]

    @property
    def changed(self) -> list[str]:
        """Names of the tasks that reported a change, as often as they did."""
        return [e["task"] for e in self.events if e["event"] == "ok" and e["result"].get("changed")]

    @property
    def plan(self) -> dict[str, dict[str, Any]]:
        """What the deployment decided for each service."""
        found = [e["result"] for e in self.tasks("Compare with the wanted releases") if "services" in e["result"]]
        return {name: entry for result in found for name, entry in result["services"].items()}

    @property
    def actions(self) -> dict[str, str]:
        return {name: entry["action"] for name, entry in self.plan.items()}

    @property
    def report(self) -> dict[str, dict[str, Any]]:
        """The rows of the end report by service."""
        found = [e["result"]["report"] for e in self.events if (e.get("result") or {}).get("report")]
        return {row["service"]: row for row in found[-1]["instances"]} if found else {}


def parent_of(pid: int) -> int:
    """0 if the process is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[1])
    except OSError:
        return 0


class Fleet:
    """Services with ports from ``first_port`` on. Change ``services`` or ``variables``, then deploy()."""

    def __init__(self, first_port: int, code: bytes, names: str = "alpha beta gamma") -> None:
        self.base = Path(tempfile.mkdtemp(prefix="dwp-light-"))
        self.base.chmod(0o755)  # the services' user has to get in
        self.root, self.artifacts = self.base / "root", self.base / "artifacts"
        self.code, self.first_port = code, first_port
        #: A second "host" is another directory on this machine.
        self.roots = {"localhost": self.root}
        self.host_variables: dict[str, dict[str, Any]] = {}
        #: For every ansible-playbook.
        self.environments: dict[str, str] = {}
        self.artifacts.mkdir()
        self.services: dict[str, Any] = {}
        self.hosts: dict[str, list[str]] = {}
        for index, name in enumerate(names.split()):
            self.add(name, first_port + index, after=[] if index == 0 else [names.split()[0]])
        self.variables: dict[str, Any] = {
            "dwp_environment": "test", "dwp_manager": "supervisor", "dwp_user": USER,
            "dwp_artifacts_dir": str(self.artifacts), "dwp_report_dir": str(self.base / "reports"),
            "infra_embedded_venv": sys.prefix, "dwp_settle": 0,  # a test that wants it sets it
            "ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        }  # fmt: skip

    # ---- inventory
    def add(self, name: str, port: int, **keys: Any) -> None:
        self.jar(name, "1")
        self.services[name] = {
            "artifact": name, "port": port, "after": [], "jvm_options": JVM, "memory": 32, "successes": 1, "start_timeout": 60,
            "health": [{"kind": "actuator", "path": "/actuator/health"}, {"kind": "tcp"}],
            "stop_timeout": 10, "environment": {"LIGHT_MODE": "ok"}, **keys,
        }  # fmt: skip
        self.hosts[name] = ["localhost"]

    def jar(self, name: str, mark: str) -> Path:
        return light.write_jar(self.artifacts / f"{name}.jar", self.code, mark)

    def set(self, name: str, **variables: str) -> None:
        """Variables of one service's environment."""
        self.services[name]["environment"].update(variables)

    @property
    def inventory(self) -> Path:
        return self.base / "inventory"

    def write(self) -> Path:
        (self.inventory / "group_vars").mkdir(parents=True, exist_ok=True)
        groups = {name: {"hosts": dict.fromkeys(hosts)} for name, hosts in self.hosts.items() if hosts}
        hosts = {"all": {"hosts": {host: self._host(host) for host in self.roots}, "children": groups}}
        gone = {name: None for name in DEFAULT_SERVICES if name not in self.services}
        variables = {**self.variables, "dwp_services": {**gone, **self.services}}
        for path, value in (("hosts.yml", hosts), ("group_vars/all.yml", variables)):
            (self.inventory / path).write_text(yaml.safe_dump(value, allow_unicode=True, sort_keys=False), encoding="utf-8")
        return self.inventory

    def _host(self, name: str) -> dict[str, Any]:
        return {"dwp_root": str(self.roots[name]), **self.host_variables.get(name, {})}

    # ---- running
    def command(self, playbook: str, *arguments: str) -> list[str]:
        self.write()
        executable = Path(sys.executable).parent / "ansible-playbook"
        return [str(executable), str(CHECKOUT / "playbooks" / f"{playbook}.yml"), "-i", str(self.inventory), *arguments]

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "JAVA_HOME", "TMPDIR") if name in os.environ}
        return {
            **kept, "HOME": str(self.base), "LC_ALL": "C.UTF-8", "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS), "ANSIBLE_CALLBACKS_ENABLED": "dwp_events",
            "DWP_TEST_EVENTS": str(self.base / "events"), "ANSIBLE_REMOTE_TMP": str(self.base / "modules"),
            "ANSIBLE_NOCOLOR": "1", "DWP_SECRET_OF_THE_SHELL": "leak", **self.environments, **more,
        }  # fmt: skip

    def start(self, playbook: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """In a session of its own, so that a test can kill it with or without what it started."""
        with contextlib.suppress(FileNotFoundError):
            (self.base / "events").unlink()
        self._begun = time.monotonic()
        return subprocess.Popen(
            self.command(playbook, *arguments), cwd=CHECKOUT, env=self.environment(**environment), text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def finish(self, process: subprocess.Popen[str], timeout: float = 240) -> Run:
        try:
            output, _nothing = process.communicate(timeout=timeout)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        events = self.base / "events"
        lines = events.read_text(encoding="utf-8").splitlines() if events.exists() else []
        return Run(process.returncode, output, [json.loads(line) for line in lines], time.monotonic() - self._begun)

    def run(self, playbook: str, *arguments: str, **environment: str) -> Run:
        return self.finish(self.start(playbook, *arguments, **environment))

    def deploy(self, *arguments: str) -> Run:
        """Must succeed."""
        done = self.run("deploy", *arguments)
        assert done.rc == 0, str(done)
        return done

    # ---- looking
    def home(self, name: str) -> Path:
        return self.roots[self.hosts[name][0]] / "services" / name

    def current(self, name: str) -> str:
        return os.path.basename(os.readlink(self.home(name) / "current"))

    def state(self, name: str) -> list[dict[str, Any]]:
        return json.loads((self.home(name) / "state.json").read_text())["activations"]

    def pids(self) -> dict[str, int]:
        """The process of each service, found by the marker of its launcher and not by what the manager says.

        A launcher that is about to become the JVM may have a child for a moment.
        """
        marked: dict[int, str] = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            values = environ_of(int(entry.name))
            if values.get("DWP_LAUNCH", "").startswith(f"{self.base}/"):
                marked[int(entry.name)] = values["DWP_SERVICE"]
        found: dict[str, int] = {}
        for pid, name in marked.items():
            if parent_of(pid) not in marked:
                assert name not in found, f"two processes of {name}: {found[name]} and {pid}"
                found[name] = pid
        return found

    def get(self, name: str, path: str) -> bytes:
        with request.urlopen(f"http://127.0.0.1:{self.services[name]['port']}{path}", timeout=5) as answer:
            return answer.read()

    def mark(self, name: str) -> str:
        return self.get(name, "/mark").decode()

    def healthy(self) -> bool:
        return all(b"UP" in self.get(name, "/actuator/health") for name in self.services if self.hosts[name])

    def listing(self, *without: str) -> dict[str, tuple[str, int, str]]:
        """Every path below the roots with mode, owner and content, but for paths that contain one of these words."""
        found = {}
        for root in self.roots.values():
            for folder, folders, files in os.walk(root):
                for name in (*folders, *files):
                    path = os.path.join(folder, name)
                    below = path.removeprefix(str(root))
                    if not below.startswith(VOLATILE) and not any(word in path for word in without):
                        found[path] = fingerprint(path)
        return found

    # ---- ending
    def down(self) -> None:
        """Everything that belongs to this fleet ends, by process id."""
        for root in self.roots.values():
            pid = supervisor_pid(root)
            if pid:
                kill(pid, signal.SIGTERM)
                wait_gone(pid, 15)
        for left in self._processes():
            kill(left, signal.SIGKILL)
            wait_gone(left, 5)

    def _processes(self) -> list[int]:
        return [
            int(e.name) for e in Path("/proc").iterdir()
            if e.name.isdigit() and environ_of(int(e.name)).get("DWP_LAUNCH", "").startswith(f"{self.base}/")
        ]

    def wipe(self) -> None:
        """Back to a host on which nothing was ever deployed."""
        self.down()
        for root in self.roots.values():
            shutil.rmtree(root, ignore_errors=True)

    def remove(self) -> None:
        self.down()
        shutil.rmtree(self.base, ignore_errors=True)


def fingerprint(path: str) -> tuple[str, int, str]:
    about, content = os.lstat(path), ""
    if stat.S_ISLNK(about.st_mode):
        content = os.readlink(path)
    elif stat.S_ISREG(about.st_mode):
        content = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return oct(about.st_mode), about.st_uid, content


def supervisor_pid(root: Path) -> int:
    """supervisord of this root, 0 if none runs."""
    try:
        pid = int((root / "run" / "supervisord.pid").read_text())
    except (OSError, ValueError):
        return 0
    return pid if f"{root}/supervisor/supervisord.conf" in cmdline_of(pid) else 0


def environ_of(pid: int) -> dict[str, str]:
    try:
        data = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return {}
    return dict(part.decode("utf-8", "surrogateescape").partition("=")[::2] for part in data.split(b"\0") if part)


def cmdline_of(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
    except OSError:
        return []


def kill(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def wait_gone(pid: int, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return
        except OSError:
            return
        time.sleep(0.05)


@contextlib.contextmanager
def user_of_services() -> Iterator[None]:
    """As root, deployments create the user of the services; it goes again with the tests."""
    yield
    if os.geteuid() == 0:
        with contextlib.suppress(KeyError):
            pwd.getpwnam(USER)
            subprocess.run(["userdel", USER], check=False, capture_output=True)
