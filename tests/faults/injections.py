# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How faults are made. Each function takes the stand, and registers with it what takes the fault back."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .jars import entries, with_entry
from .stand import CLOSED_PORT, LOG_SPACE_MB, MAX_CONNECTIONS, PORTS, SECRETS, USER, Stand

Inject = Callable[[Stand], None]


def all_of(*parts: Inject) -> Inject:
    def inject(stand: Stand) -> None:
        for part in parts:
            part(stand)

    return inject


def environment(service: str, **variables: str | None) -> Inject:
    """Variables changed by hand in the current release, and the service restarted."""
    return lambda stand: stand.with_environment(service, **variables)


def edited(service: str, **variables: str | None) -> Inject:
    """The same without the restart."""
    return lambda stand: stand.environment(service, **variables)


def stopped(*names: str) -> Inject:
    def inject(stand: Stand) -> None:
        stand.undo.append(lambda: stand.start(*names))
        stand.stop(*names)

    return inject


# ---- PostgreSQL
def sql(database: str, do: str, undo: str, restart: str = "", drop: bool = False) -> Inject:
    """Statements of an administrator; then a service restarted, or the sessions ended so that the pools connect anew."""

    def inject(stand: Stand) -> None:

        def take_back() -> None:
            stand.sql(database, undo)
            if drop:  # in a transaction of its own: who connects now has to see what was taken back
                stand.drop_connections("" if database == "postgres" else database)

        stand.undo.append(take_back)
        stand.sql(database, do)
        if drop:
            stand.drop_connections("" if database == "postgres" else database)
        if restart:
            stand.touched.add(restart)
            stand.restart(restart)

    return inject


def database_renamed(name: str) -> Inject:
    def rename(stand: Stand, old: str, new: str) -> None:
        stand.sql("postgres", f"ALTER DATABASE {old} ALLOW_CONNECTIONS false")
        stand.sql("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", old)
        time.sleep(0.3)
        stand.sql("postgres", f"ALTER DATABASE {old} RENAME TO {new}")
        stand.sql("postgres", f"ALTER DATABASE {new} ALLOW_CONNECTIONS true")

    def inject(stand: Stand) -> None:
        rename(stand, name, f"{name}_gone")
        stand.undo.append(lambda: rename(stand, f"{name}_gone", name))

    return inject


def connections_taken(stand: Stand) -> None:
    """Somebody else holds all connections that ordinary users may have; main has to connect anew."""
    stand.drop_connections("dwp_main")
    with contextlib.suppress(Exception):
        for _number in range(MAX_CONNECTIONS):
            stand.holders.append(stand.connect("dwp_main", "dwp_user", application_name="nightly-report"))


def table_locked(stand: Stand) -> None:
    """A forgotten transaction of another program."""
    holder = stand.connect("dwp_main", "postgres", application_name="psql-of-somebody")
    holder.autocommit = False
    holder.cursor().execute("LOCK TABLE agent_tasks IN ACCESS EXCLUSIVE MODE")
    stand.holders.append(holder)


def waiting_requests(paths: tuple[str, ...]) -> Inject:
    """More requests at once than the pool has connections; the callers give up before the pool does."""
    return lambda stand: stand.traffic.many(paths, times=16, workers=16, timeout=6.5) and None


def frozen(what: str) -> Inject:
    """SIGSTOP: the port is open, nothing answers."""

    def pids(stand: Stand) -> list[int]:
        first = stand.pid(what)
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        return [first, *map(int, children)]

    def inject(stand: Stand) -> None:
        held = pids(stand)

        def thaw() -> None:
            for pid in held:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

        stand.undo.append(thaw)
        for pid in held:
            os.kill(pid, signal.SIGSTOP)

    return inject


# ---- Redis
def redis_config(name: str, value: str, old: str, kick: bool = False) -> Inject:
    def inject(stand: Stand) -> None:
        password = value if name == "requirepass" else None
        stand.undo.append(lambda: stand.redis("CONFIG", "SET", name, old, password=password))
        stand.redis("CONFIG", "SET", name, value)
        if kick:
            stand.redis("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes", password=password)
            stand.redis("CLIENT", "KILL", "TYPE", "pubsub", password=password)

    return inject


def approval_waits(stand: Stand) -> None:
    """A request that a person can approve."""
    stand.redis("SET", "hitl:request:faults", '{"sessionId": "s1"}', "EX", "1800")


def approve(stand: Stand) -> None:
    stand.traffic.day(times=1)
    headers = {"X-Tenant-ID": "1", "Authorization": f"Bearer {stand.traffic.token}", "X-User-ID": "1"}
    stand.traffic.call("POST", "/api/aura/hitl/approve/faults", {}, headers)


# ---- processes and files of releases
def port_taken(service: str) -> Inject:
    """Another program listens on the port when the service is started."""

    def inject(stand: Stand) -> None:
        stand.touched.add(service)
        stand.stop(service)
        code = (
            f"import http.server as h; h.HTTPServer(('0.0.0.0', {PORTS[service]}), "
            "type('H', (h.BaseHTTPRequestHandler,), {'do_GET': lambda s: s.send_error(404)})).serve_forever()"
        )
        holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stand.undo.insert(0, lambda: (holder.kill(), holder.wait()))
        while stand.traffic.ask(PORTS[service], "/") != 404:
            time.sleep(0.1)
        stand.start(service)

    return inject


def change_file(stand: Stand, service: str, path: Path, content: bytes, mode: int | None = None) -> None:
    """A file of the current release changed by hand, and the service restarted."""
    stand.replace(path, content, mode)
    stand.touched.add(service)
    stand.restart(service)


def launcher(service: str, old: str, new: str) -> Inject:
    """The launcher of the release edited by hand."""

    def inject(stand: Stand) -> None:
        path = stand.current(service) / "launch"
        text = path.read_text()
        changed = re.sub(old, lambda _match: new, text, count=1)
        assert changed != text, f"{old} is not in {path}"
        change_file(stand, service, path, changed.encode())

    return inject


def jar(service: str, change: Callable[[bytes], bytes]) -> Inject:
    def inject(stand: Stand) -> None:
        path = stand.current(service) / "app.jar"
        change_file(stand, service, path, change(path.read_bytes()))

    return inject


def variant(behaviour: str, seconds: float = 2, down: float = 5) -> Callable[[bytes], bytes]:
    """The thin jar with the properties file that makes the reference backend misbehave (tests/backend/variant)."""

    return with_entry("dwp-variant.properties", f"behaviour={behaviour}\nseconds={seconds}\ndown-seconds={down}\n")


def of_a_newer_java(content: bytes) -> bytes:
    """The main class as a compiler for Java 26 would have marked it: the oldest Java on the host is 17, the wrong one."""
    version = (70).to_bytes(2, "big")
    return entries(content, lambda name, data: data[:6] + version + data[8:] if name.endswith("Application.class") else data)


def cut_off(content: bytes) -> bytes:
    """What a broken transfer leaves."""
    return content[: len(content) // 2]


def not_executable(service: str) -> Inject:
    def inject(stand: Stand) -> None:
        path = stand.current(service) / "launch"
        change_file(stand, service, path, path.read_bytes(), mode=0o640)

    return inject


def limited(service: str, resource: str, title: str, number: Callable[[int], int]) -> Inject:
    """A limit of the running process."""

    def inject(stand: Stand) -> None:
        pid = stand.pid(service)
        # Read from /proc and set as the process's own user: root may lack CAP_SYS_RESOURCE.
        limits = Path(f"/proc/{pid}/limits").read_text()
        soft, hard = re.search(rf"^{title}\s+(\w+)\s+(\w+)", limits, re.MULTILINE).groups()  # type: ignore[union-attr]

        def limit(value: str) -> None:
            command = ["prlimit", f"--pid={pid}", f"--{resource}={value}:{hard}"]
            who = {"user": USER, "group": pwd.getpwnam(USER).pw_gid, "extra_groups": []} if stand.is_root else {}
            subprocess.run(command, check=True, **who)  # the kernel compares both ids

        stand.undo.append(lambda: limit(soft))
        limit(str(number(pid)))

    return inject


def few_files(service: str) -> Inject:
    """The process may open no further file or socket."""
    return limited(service, "nofile", "Max open files", lambda pid: len(os.listdir(f"/proc/{pid}/fd")) - 1)


def many_files(stand: Stand) -> None:
    stand.traffic.many(times=2, workers=16, timeout=2)


MEMORY_GROUP = Path("/sys/fs/cgroup/memory") / USER


def memory_short(service: str) -> Inject:
    """The kernel kills the process at each start, for lack of memory in its control group."""

    def inject(stand: Stand) -> None:
        if not MEMORY_GROUP.parent.exists():
            imitate_the_kernel(stand, service)
            return
        MEMORY_GROUP.mkdir(exist_ok=True)
        stand.undo.insert(0, lambda: (stand.stop(service), MEMORY_GROUP.rmdir()))
        (MEMORY_GROUP / "memory.limit_in_bytes").write_text("70M")
        shutil.chown(MEMORY_GROUP / "cgroup.procs", USER)
        launcher(service, "set -a", f"echo $$ > {MEMORY_GROUP}/cgroup.procs\nset -a")(stand)

    return inject


def imitate_the_kernel(stand: Stand, service: str) -> None:
    """Where the kernel cannot be made to do it: SIGKILL and the line that it would have written, after each restart."""
    stand.touched.add(service)
    ended = threading.Event()

    def loop() -> None:
        last = 0
        while not ended.wait(0.1):
            with contextlib.suppress(Exception):
                pid = stand.pid(service)
                if pid and pid != last:
                    ended.wait(0.7)
                    Path("/dev/kmsg").write_text(
                        f"<3>Out of memory: Killed process {pid} (java) total-vm:3817712kB, anon-rss:412716kB, file-rss:0kB, "
                        f"shmem-rss:0kB, UID:{os.stat(f'/proc/{pid}').st_uid} pgtables:1320kB oom_score_adj:0\n"
                    )
                    os.kill(pid, signal.SIGKILL)
                    last = pid

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    stand.undo.append(lambda: (ended.set(), thread.join(10)))


def not_again(stand: Stand, service: str) -> None:
    """supervisord was told not to start it again when it ends."""
    path = stand.root / "supervisor" / "conf.d" / f"{service}.conf"
    text = path.read_text()
    stand.replace(path, text.replace("autorestart = unexpected", "autorestart = false").encode())
    program = stand.program(service)
    stand.touched.add(service)

    def reread() -> None:
        stand.supervisor.reloadConfig()
        stand.stop(service)
        stand.supervisor.removeProcessGroup(program)
        stand.supervisor.addProcessGroup(program)

    stand.undo.insert(0, reread)
    reread()


def killed(service: str) -> Inject:
    """SIGKILL by somebody, once, and it is not started again."""

    def inject(stand: Stand) -> None:
        not_again(stand, service)
        stand.start(service)
        while stand.traffic.ask(PORTS[service], f"/{service}/health") != 200:
            time.sleep(0.1)
        os.kill(stand.pid(service), signal.SIGKILL)

    return inject


# ---- disk
def logs_full(stand: Stand) -> None:
    ballast = stand.logs / "heapdump.hprof"
    stand.undo.append(lambda: ballast.unlink(missing_ok=True))
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        for _megabyte in range(LOG_SPACE_MB):
            file.write(b"\0" * 2**20)
        while True:
            file.write(b"\0" * 512)
    with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:
        while True:
            file.write(b"\0")


# ---- requests that are wrong by themselves
def calls(action: Callable[[Any], object], times: int = 6) -> Inject:
    """Traffic with something wrong in it, beside good traffic."""

    def use(stand: Stand) -> None:
        stand.traffic.day(times=1)
        for _number in range(times):
            action(stand.traffic)

    return use


def clock_behind(stand: Stand) -> None:
    """Imitated at the narrowest place: the clock that Ansible's modules read on the host is two hours behind, and the tokens that
    auth issues are expired at once, as those of a host are whose clock is behind by more than their lifetime."""
    stand.with_environment("auth", JWT_EXPIRATION_SECONDS="-3600")
    shift = stand.base / "shift"
    shift.mkdir(exist_ok=True)
    (shift / "sitecustomize.py").write_text(
        "import time, datetime\n_time = time.time\ntime.time = lambda: _time() - 7200\n"
        "_ns = time.time_ns\ntime.time_ns = lambda: _ns() - 7200 * 10**9\n"
    )
    wrapper = shift / "python"
    wrapper.write_text(f'#!/bin/sh\nPYTHONPATH={shift} exec {sys.executable} "$@"\n')
    wrapper.chmod(0o755)


WRONG = SECRETS["jwt"][::-1]
DEAD_URL = f"http://127.0.0.1:{CLOSED_PORT}"


def free_space(stand: Stand) -> int:
    about = os.statvfs(stand.logs)
    return about.f_bavail * about.f_frsize


def seen_by_kernel(_stand: Stand) -> bool:
    said = subprocess.run(["dmesg"], capture_output=True, text=True, check=False).stdout
    return re.search(r"Killed process \d+ \(java\)", said[-20000:]) is not None
