# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real haproxy before two small HTTP servers: configured, reloaded, drained under load, refused and put back."""

from __future__ import annotations

import contextlib
import http.server
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib import request

import pytest

from ansible_collections.dwp.backend.plugins.module_utils import _balancer_host, _lock, _manager
from ansible_collections.dwp.backend.plugins.module_utils._balancer import BalancerError
from ansible_collections.dwp.backend.plugins.module_utils._command import Commands

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(_balancer_host.find() is None, reason="haproxy is not installed (Debian: apt-get install haproxy)"),
]
FRONT, BACK = 21600, (21611, 21612)


class Manager:
    """One process, as a service manager keeps it: the definition is a file with the command in it."""

    kind = "supervisor"

    def __init__(self, folder: Path) -> None:
        self._file, self._process = folder / "definition", None

    def definition(self, name: str) -> str | None:
        return self._file.read_text() if self._file.exists() else None

    def define(self, name: str, text: str) -> bool:
        self._file.write_text(text)
        return True

    def status(self, names: Any) -> dict[str, _manager.Running]:
        alive = self._process is not None and self._process.poll() is None
        return {"balancer": _manager.Running("running", self._process.pid) if alive else _manager.Running("stopped")}

    def start(self, names: Any) -> None:
        command = next(line.partition("= ")[2] for line in self._file.read_text().splitlines() if line.startswith("command"))
        self._process = subprocess.Popen(command.split(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self, names: Any, timeout: float) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout)


class Backend(http.server.ThreadingHTTPServer):
    """Answers with its name after ``delay`` seconds, and its health check with ``health``."""

    daemon_threads = True

    def __init__(self, name: str, port: int) -> None:
        self.name, self.delay, self.health = name, 0.0, 200
        super().__init__(("127.0.0.1", port), Answer)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


class Answer(http.server.BaseHTTPRequestHandler):
    server: Backend

    def do_GET(self) -> None:
        checked = self.path == "/health"
        if not checked:
            time.sleep(self.server.delay)
        self.send_response(self.server.health if checked else 200)
        self.end_headers()
        self.wfile.write(self.server.name.encode())

    def log_message(self, *_args: Any) -> None:
        pass


def run(argv: list[str], **_more: Any) -> tuple[int, str, str]:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def wanted(settings: dict[str, Any] | None = None) -> dict[str, Any]:
    servers = [{"name": f"app-{n}", "address": "127.0.0.1", "port": back} for n, back in enumerate(BACK, 1)]
    check = {"kind": "http", "method": "GET", "path": "/health", "status": [200], "headers": {"X-Name": "한글 100%"}}
    frontend = {"service": "mail", "port": FRONT, "check": check, "servers": servers}
    return {"frontends": [frontend], "listen": "127.0.0.1", "settings": settings or {}}


def instance(number: int) -> dict[str, str]:
    return {"service": "mail", "host": f"app-{number}", "name": f"app-{number}"}


def ask() -> str:
    with request.urlopen(f"http://127.0.0.1:{FRONT}/x", timeout=10) as answer:
        return str(answer.read().decode())


def until(check: Callable[[], Any], seconds: float = 20.0) -> Any:
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "did not come true"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def backends() -> Iterator[list[Backend]]:
    made = [Backend(f"app-{n}", port) for n, port in enumerate(BACK, 1)]
    yield made
    for each in made:
        each.shutdown()
        each.server_close()


class Site:
    def __init__(self, root: Path) -> None:
        self.root, self.manager = root, Manager(root)
        self.host = _balancer_host.Host(str(root))

    def ensure(self, check: bool = False, **more: Any) -> list[str]:
        return self.host.ensure(
            wanted(**more), manager=self.manager, commands=Commands(run), environment="테스트", user="nobody", check=check
        )

    def serving(self) -> set[str]:
        return {name for (_backend, name), s in self.host.admin.servers().items() if s.serves}


@pytest.fixture
def site(tmp_path: Path, backends: list[Backend]) -> Iterator[Site]:
    tmp_path.chmod(0o755)
    made = Site(tmp_path)
    try:
        made.ensure()
        until(lambda: made.serving() == {"app-1", "app-2"})
        yield made
    finally:
        made.manager.stop([], 10)
        for backend in backends:
            backend.delay, backend.health = 0.0, 200


def test_what_is_there_already_is_left_alone(site: Site) -> None:
    assert site.ensure() == []
    assert (site.root / "balancer").stat().st_mode & 0o777 == 0o700
    assert (site.root / "balancer" / "haproxy.cfg").stat().st_mode & 0o777 == 0o600
    assert {ask() for _n in range(8)} == {"app-1", "app-2"}


def test_check_mode_says_it_and_does_nothing(site: Site) -> None:
    before = (site.root / "balancer" / "haproxy.cfg").read_text()
    assert site.ensure(check=True, settings={"timeout server": "9s"}) == [
        "haproxy: configuration is written", "haproxy: configuration is loaded",
    ]  # fmt: skip
    assert (site.root / "balancer" / "haproxy.cfg").read_text() == before


def test_a_change_is_loaded_without_a_lost_request(site: Site) -> None:
    with load() as failures:
        assert "haproxy: configuration is loaded" in site.ensure(settings={"timeout server": "9s"})
        assert site.ensure(settings={"timeout server": "9s"}) == []
    assert failures == []


def test_a_run_that_was_killed_before_the_reload(site: Site) -> None:
    """The file is as wanted, but no process has read it: the mark tells."""
    Path(site.host.mark).touch()
    assert site.ensure() == ["haproxy: configuration is loaded"]
    assert site.ensure() == []


def test_what_haproxy_refuses_changes_nothing(site: Site) -> None:
    before = (site.root / "balancer" / "haproxy.cfg").read_text()
    with pytest.raises(BalancerError, match="refuses the new configuration, nothing was changed"):
        site.ensure(settings={"timeout sever": "9s"})
    assert (site.root / "balancer" / "haproxy.cfg").read_text() == before
    assert ask() and site.ensure() == []


def test_a_port_of_somebody_else_is_named(site: Site) -> None:
    site.manager.stop([], 10)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", FRONT))
        other.listen()
        with pytest.raises(BalancerError, match=rf"port {FRONT} of the balancer for mail is taken by process {os.getpid()}"):
            Site(site.root).ensure(settings={"timeout server": "9s"})


def test_no_request_is_lost_while_an_instance_is_away(site: Site, backends: list[Backend]) -> None:
    for backend in backends:
        backend.delay = 0.05
    with load() as failures:
        for number in (1, 2):
            out, notes = site.host.drain([instance(number)], 10)
            assert out == [{"service": "mail", "host": f"app-{number}"}] and notes == []
            assert {ask() for _n in range(6)} == {f"app-{3 - number}"}
            backends[number - 1].health = 500  # it is being replaced
            until(lambda: not all(s.up for s in site.host.admin.servers().values()))
            backends[number - 1].health = 200
            assert site.host.ready([instance(number)], 10) == out
    assert failures == []
    assert site.serving() == {"app-1", "app-2"}


def test_a_request_that_takes_too_long_is_named(site: Site, backends: list[Backend]) -> None:
    backends[0].delay = backends[1].delay = 4
    callers = [threading.Thread(target=ask) for _n in range(2)]
    for caller in callers:
        caller.start()
    until(lambda: all(s.sessions for s in site.host.admin.servers().values()))
    _out, notes = site.host.drain([instance(1)], 0.5)
    assert notes == ["requests were still running after 0.5 s (drain_timeout) and are cut: mail on app-1 (1)"]
    for caller in callers:
        caller.join()


def test_the_last_one_is_drained_with_a_warning(site: Site, backends: list[Backend]) -> None:
    backends[1].health = 500
    until(lambda: site.serving() == {"app-1"})
    _out, notes = site.host.drain([instance(1)], 5)
    assert notes == ["no other instance of mail is healthy: requests fail until this one is back"]


def test_what_does_not_become_healthy_is_not_put_back_in_silence(site: Site, backends: list[Backend]) -> None:
    backends[0].health = 500
    site.host.drain([instance(1)], 5)
    until(lambda: not site.host.admin.servers()[("mail", "app-1")].up)
    with pytest.raises(BalancerError, match=r"passed its gate, but is not healthy for haproxy after 3 s: mail on app-1: .*L7STS"):
        site.host.ready([instance(1)], 3)


def test_an_interrupted_run_is_put_back_by_the_next_one(site: Site, backends: list[Backend]) -> None:
    site.host.drain([instance(1), instance(2)], 5)
    backends[1].health = 500
    until(lambda: not site.host.admin.servers()[("mail", "app-2")].up)
    done, notes = site.host.restore(settle=1)
    assert done == [{"service": "mail", "host": "app-1"}] and "mail on app-2 stays out of it" in notes[0]
    assert site.serving() == {"app-1"}


def test_maintenance_by_hand_is_left_alone(site: Site) -> None:
    site.host.admin.set_state("mail", "app-1", "maint")
    out, notes = site.host.drain([instance(1)], 5)
    assert out == [] and "maintenance by hand" in notes[0]
    assert site.host.ready([instance(1)], 5) == [] and site.host.restore() == ([], [])
    assert site.serving() == {"app-2"}


def test_an_orphan_of_another_deployment_does_nothing(site: Site) -> None:
    moment = _lock.now()
    _lock.write(str(site.root), {"deployment": "new", "owner": "kim@ops", "since": moment, "seen": moment}, exclusive=True)
    orphan = _balancer_host.Host(str(site.root), "old")
    with pytest.raises(BalancerError, match="deployment new of kim@ops has taken over this host"):
        orphan.still_current("balancer: drained")


def test_unknown_instances_and_a_balancer_that_is_gone(site: Site) -> None:
    with pytest.raises(BalancerError, match="does not know mail on app-9"):
        site.host.drain([instance(9)], 1)
    site.manager.stop([], 10)
    with pytest.raises(BalancerError, match="haproxy does not answer"):
        site.host.drain([instance(1)], 1)


def test_without_haproxy(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_balancer_host, "find", lambda: None)
    with pytest.raises(BalancerError, match="the balancer needs haproxy, which is not on this host"):
        site.ensure()


@contextlib.contextmanager
def load(threads: int = 3) -> Iterator[list[str]]:
    """Requests without a pause; yields the list of those that failed."""
    failures: list[str] = []
    ended = threading.Event()

    def loop() -> None:
        while not ended.is_set():
            try:
                ask()
            except OSError as error:
                failures.append(str(error))

    running = [threading.Thread(target=loop) for _n in range(threads)]
    for each in running:
        each.start()
    try:
        yield failures
    finally:
        ended.set()
        for each in running:
            each.join()
