# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host brings along for a release: Java, disk, memory, free ports, the kernel's abilities."""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils import _lock, _ports
from ansible_collections.dwp.backend.plugins.module_utils._release import texts

Run = Callable[[Sequence[str]], "tuple[int, str, str]"]


#: Python libraries that probes need on a host.
LIBRARIES = ("requests", "psycopg2", "redis")


def facts(root: str, user: str, log_dir: str | None, libraries: Sequence[str] = LIBRARIES) -> dict[str, Any]:
    """What has to be prepared on this host before anything can be deployed.

    Libraries are only looked for: importing them would cost half of a module's time.
    """
    as_root = os.geteuid() == 0
    try:
        uid: int | None = pwd.getpwnam(user).pw_uid
    except KeyError:
        uid = None
    return {
        "user": uid is not None or not as_root,
        "log_dir": bool(log_dir) and os.path.isdir(str(log_dir)) and (not as_root or os.stat(str(log_dir)).st_uid == uid),
        "root_user": as_root,
        "deployed": os.path.isdir(os.path.join(root, "services")),
        "libraries": [name for name in libraries if importlib.util.find_spec(name) is None],
    }


def find_java(wanted: str) -> str | None:
    """Absolute path of the Java to use: as given, from JAVA_HOME, or from the PATH."""
    if wanted == "java" and os.environ.get("JAVA_HOME"):
        candidate = os.path.join(os.environ["JAVA_HOME"], "bin", "java")
        if os.access(candidate, os.X_OK):
            return candidate
    return shutil.which(wanted, path=os.environ.get("PATH", "") + ":" + texts.PATH)


def java_version(path: str, run: Run) -> int | None:
    """Major version, from the ``release`` file of the JDK (no JVM start), else by asking it."""
    home = os.path.dirname(os.path.dirname(os.path.realpath(path)))
    try:
        with open(os.path.join(home, "release"), encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        _rc, out, err = run([path, "-version"])
        text = out + err
    found = re.search(r'(?:JAVA_VERSION=|version )"(?:1\.)?(\d+)', text)
    return int(found.group(1)) if found else None


def check_java(specs: Sequence[Mapping[str, Any]], run: Run) -> tuple[dict[str, str], list[str]]:
    """wanted -> absolute path, and the problems."""
    paths: dict[str, str] = {}
    problems = []
    for wanted, version in sorted({(s["java"], s["java_version"]) for s in specs}):
        names = ", ".join(sorted(s["service"] for s in specs if (s["java"], s["java_version"]) == (wanted, version)))
        path = find_java(wanted)
        if path is None:
            problems.append(
                f"Java {version} is needed by {names}, but there is no {wanted} on this host; install it "
                f"(Debian: apt-get install openjdk-{version}-jre-headless) or set java of the service to its path"
            )
            continue
        found = java_version(path, run)
        if found != version:
            problems.append(
                f"{names} needs Java {version}, but {path} is {'Java ' + str(found) if found else 'of no version that it tells'}; "
                "install the right one, or set java (path) and java_version of the service"
            )
        paths[wanted] = path
    return paths, problems


def check_libraries(wanted: Sequence[str], missing: Sequence[str], may_install: bool) -> list[str]:
    """Libraries that the probes of this host need, and that prepare.yml, not being root, cannot install."""
    lacking = [name for name in wanted if name in missing]
    if not lacking or may_install:
        return []
    return [
        f"{sys.executable} lacks {', '.join(lacking)}, and user {_lock.user_name()} may not install packages; have python3-"
        f"{' python3-'.join(lacking)} installed, or set ansible_python_interpreter to a Python that has them "
        f"(pip install {' '.join({'psycopg2': 'psycopg2-binary'}.get(name, name) for name in lacking)})"
    ]


def check_disk(root: str, needed: int) -> list[str]:
    """``needed`` bytes plus a reserve of 5 % or 50 MB."""
    folder = root
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    found = os.statvfs(folder)
    free = found.f_bavail * found.f_frsize
    reserve = max(50 << 20, needed // 20)
    if needed and free < needed + reserve:
        return [
            f"not enough disk below {root}: {needed >> 20} MB are to be written and {reserve >> 20} MB kept free, but only "
            f"{free >> 20} MB are free; make room, or lower dwp_keep_releases"
        ]
    return []


def available_memory(proc: str = "/proc") -> int | None:
    """MemAvailable in MB."""
    try:
        with open(f"{proc}/meminfo", encoding="ascii") as file:
            found = re.search(r"MemAvailable:\s+(\d+) kB", file.read())
    except OSError:
        return None
    return int(found.group(1)) >> 10 if found else None


def check_memory(planned: Mapping[str, int], available: int | None) -> list[str]:
    """``planned``: MB per service that will run and does not run now."""
    needed = sum(planned.values())
    if available is None or needed <= available:
        return []
    parts = ", ".join(f"{name} {size}" for name, size in sorted(planned.items()))
    return [
        f"not enough memory: {needed} MB are planned ({parts}), but {available} MB are available; move services to another "
        "host, or lower their heap and memory in dwp_services"
    ]


def check_ports(specs: Sequence[Mapping[str, Any]], root: str, pids: Mapping[str, int]) -> tuple[list[str], dict[str, int]]:
    """Foreign owners of our ports as problems, and our own orphans (service -> pid) that may be ended."""
    problems, orphans = [], {}
    found = _ports.listeners([s["port"] for s in specs])
    for spec in specs:
        listener = found.get(spec["port"])
        if listener is None or (listener.pid and listener.pid == pids.get(spec["service"])):
            continue
        if is_ours(listener.environment, spec["service"], root):
            orphans[spec["service"]] = listener.pid
            continue
        who = (
            f"process {listener.pid} ({listener.command or 'unknown'}, user {_ports.user_name(listener.user)})"
            if listener.pid else f"a process of user {_ports.user_name(listener.user)} that may not be looked into"
        )
        problems.append(
            f"port {spec['port']} of {spec['service']} is taken by {who}; stop it, or give the service another port"
        )
    return problems, orphans


def is_ours(environment: Mapping[str, str], service: str, root: str) -> bool:
    """A process that a launcher of this root started for this service."""
    return environment.get("DWP_SERVICE") == service and environment.get("DWP_LAUNCH", "").startswith(
        os.path.join(os.path.realpath(root), "services", service) + os.sep
    )


def complete(spec: dict[str, Any], java: str | None) -> dict[str, Any]:
    """Fill in what only the host knows."""
    private = "PrivateUsers=yes\n" if os.path.exists("/proc/self/ns/user") else ""
    user = f"user = {spec['user']}\n" if os.geteuid() == 0 else ""  # supervisord without root cannot change users
    return {
        **spec,
        "launch": spec["launch"].replace(texts.JAVA, java or texts.JAVA),
        "unit": spec["unit"].replace(texts.PRIVATE_USERS, private).replace(f"user = {texts.USER}\n", user),
    }
