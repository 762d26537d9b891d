# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happens to clusters, in order, on the hosts that converge.yml deployed: each test leaves what the next one begins with.

Callers come in through the gateway: they see the balancer, both instances of mail, and the database behind them.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

ROOT = Path(__file__).resolve().parents[3]
SCENARIO = ROOT / "molecule" / "cluster"
ORIGINAL = Path(os.environ.get("DWP_ARTIFACTS_DIR") or ROOT / "tests/backend/target/artifacts")
PREFIX = os.environ["DWP_HOSTS_PREFIX"]
BOTH = {"app-1", "app-2"}


def run(*argv: str, **more: Any) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True, **more).stdout


def on(host: str, *argv: str) -> str:
    return run("docker", "exec", f"{PREFIX}-{host}", *argv).strip()


def address(host: str) -> str:
    return json.loads(run(str(ROOT / "tests/hosts/list"), "--list"))["_meta"]["hostvars"][host]["dwp_address"]


class Playbook:
    """One run of a playbook, read while it runs."""

    def __init__(self, name: str, *arguments: str) -> None:
        executable = Path(sys.executable).parent / "ansible-playbook"
        command = [str(executable), str(ROOT / "playbooks" / f"{name}.yml"), "-i", str(SCENARIO / "inventory")]
        self._process = subprocess.Popen(
            [*command, *arguments], cwd=ROOT, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            errors="replace", env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        )  # fmt: skip
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line)

    @property
    def output(self) -> str:
        return "".join(self._lines)

    def ended(self) -> bool:
        return self._process.poll() is not None

    def finish(self, status: int = 0) -> str:
        self._process.wait(600)
        self._reader.join(10)
        assert (self._process.returncode != 0) == (status != 0), self.output[-6000:]
        return self.output


def playbook(name: str, *arguments: str, status: int = 0) -> str:
    return Playbook(name, *arguments).finish(status)


def until(check: Callable[[], Any], seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.2)


# ---- what is there

def release(host: str) -> str:
    return os.path.basename(on(host, "readlink", "/opt/dwp/services/mail/current"))


def version(host: str) -> str:
    return release(host).rpartition("-")[0]


def process(host: str) -> str:
    return on(host, "systemctl", "show", "--property=MainPID", "--value", "dwp-mail")


def in_service() -> set[str]:
    """The instances of mail that the balancer sends requests to."""
    asked = (
        "import socket; s = socket.socket(socket.AF_UNIX); s.connect('/opt/dwp/balancer/admin.sock'); "
        "s.sendall(b'show stat\\n'); print(s.makefile().read())"
    )
    rows = [line.split(",") for line in on("gw-1", "python3", "-c", asked).splitlines() if line.startswith("mail,")]
    return {row[1] for row in rows if row[17] == "UP" and row[1] != "BACKEND"}


def journal(host: str, event: str) -> list[dict[str, Any]]:
    entries = [json.loads(line) for line in on(host, "cat", "/opt/dwp/journal.jsonl").splitlines() if line]
    return [entry for entry in entries if entry["event"] == event]


class Load:
    """Callers of mail's database through gateway and balancer, without a pause."""

    def __init__(self) -> None:
        self.url = f"http://{address('gw-1')}:8080/api/mail/info"
        self.seen: Counter[str] = Counter()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._call) for _n in range(3)]

    def _call(self) -> None:
        with requests.Session() as session:
            while not self._stop.is_set():
                try:
                    answer = session.get(self.url, headers={"X-Tenant-ID": "1"}, timeout=30)
                    self.seen["good" if answer.status_code == 200 else f"{answer.status_code} {answer.text[:200]}"] += 1
                except requests.RequestException as error:
                    self.seen[type(error).__name__] += 1
                time.sleep(0.02)  # two cores carry hosts, JVMs and this

    @property
    def failed(self) -> dict[str, int]:
        return {answer: count for answer, count in self.seen.items() if answer != "good"}

    def __enter__(self) -> Load:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        for each in self._threads:
            each.join()


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., list[str]]]:
    """Arguments for deploy.yml that bring a variant of mail, and everything else as it is."""
    def make(name: str, *variant: str) -> list[str]:
        folder = tmp_path_factory.mktemp(name)
        for jar in ORIGINAL.glob("*.jar"):
            (folder / jar.name).symlink_to(jar)
        with contextlib.suppress(FileNotFoundError):
            (folder / "mail-service.jar").unlink()
        run(str(ROOT / "tests/backend/variant"), str(ORIGINAL / "mail-service.jar"), *variant, str(folder / "mail-service.jar"))
        return ["-e", f"dwp_artifacts_dir={folder}", "-e", f"dwp_version={name}", "-e", "dwp_only=mail"]

    yield make


# ---- the life of a cluster

def test_the_deployment_stands() -> None:
    assert in_service() == BOTH
    assert "SERVICE_MAIL_URL" in (environment := on("gw-1", "cat", "/opt/dwp/services/gateway/current/environment"))
    assert "http://127.0.0.1:18082" in environment
    assert on("gw-1", "stat", "-c", "%a %U", "/opt/dwp/balancer/admin.sock") == "600 root"
    assert on("gw-1", "ps", "-o", "user=", "-C", "haproxy").split()[-1] == "haproxy"


def test_a_rolling_deployment_loses_no_request(releases: Callable[..., list[str]]) -> None:
    with Load() as load:
        until(lambda: load.seen["good"] > 20, 60, f"requests through the gateway: {load.seen}")
        output = playbook("deploy", *releases("v2", "changed-class", "--mark", "00000002"))
    assert load.failed == {}, output[-6000:]
    assert "rolling  mail: app-1, then app-2" in output
    assert {version(host) for host in BOTH} == {"v2"}
    assert in_service() == BOTH
    for event in ("drained", "returned"):
        assert [entry["instance"] for entry in journal("gw-1", event)][-2:] == ["app-1", "app-2"]


def test_a_rolling_restart_loses_no_request_and_starts_from_the_archives() -> None:
    archive = "/opt/dwp/services/mail/current/cds"
    for host in BOTH:  # made by the deployment before, in the background
        until(lambda host=host: on(host, "sh", "-c", f"ls {archive}/stamp || true"), 180, f"a CDS archive on {host}")
    before = {host: process(host) for host in BOTH}
    with Load() as load:
        output = playbook("restart", "-e", "dwp_only=mail")
    assert load.failed == {}, output[-6000:]
    for host in BOTH:
        assert process(host) != before[host] and "app.jsa" in on(host, "cat", f"/proc/{process(host)}/maps"), output[-6000:]
    assert in_service() == BOTH


def test_a_failed_deployment_undoes_itself_everywhere(releases: Callable[..., list[str]]) -> None:
    arguments = releases("broken", "fails-at-start")
    with Load() as load:
        output = playbook("deploy", *arguments, status=1)
    assert load.failed == {}, output[-6000:]
    assert "mail on app-1 did not pass its gate" in output
    assert "Every service is back on its last known good release and healthy" in output
    assert {version(host) for host in BOTH} == {"v2"} and in_service() == BOTH
    assert not [e for e in journal("app-2", "activating") if "broken" in str(e["release"])], "the second batch was never begun"


def test_a_rollback() -> None:
    output = playbook("rollback", "-e", "dwp_only=mail", "-e", "dwp_confirm=true")
    assert "at once  mail on app-1, app-2" in output
    assert version("app-1") == version("app-2") != "v2" and in_service() == BOTH


def test_a_host_that_is_lost_in_the_middle(releases: Callable[..., list[str]]) -> None:
    before = release("app-1")
    arguments = releases("v3", "changed-class", "--mark", "00000003")
    deploying = Playbook("deploy", *arguments)
    until(lambda: deploying.ended() or release("app-1") != before, 240, "app-1 is replaced")
    run("docker", "kill", f"{PREFIX}-app-2")
    output = deploying.finish(1)
    assert "app-2 was lost: " in output, output[-9000:]
    assert "host not reached" in output and "mail on app-2 stays out of it" in output, output[-9000:]
    assert release("app-1") == before, "what this run touched goes back"
    assert in_service() == {"app-1"}
    assert requests.get(Load().url, headers={"X-Tenant-ID": "1"}, timeout=30).status_code == 200


def test_a_host_that_comes_back_is_brought_in_line(releases: Callable[..., list[str]]) -> None:
    run(str(ROOT / "tests/hosts/up"), "app-2")
    output = playbook("deploy", *releases("v4", "changed-class", "--mark", "00000004"))
    assert {version(host) for host in BOTH} == {"v4"}, output[-6000:]
    assert in_service() == BOTH
