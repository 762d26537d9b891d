# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What distributions call their packages, units and files, and the few commands that deal with them."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ansible_collections.dwp.backend.plugins.module_utils._command import Commands, Done
from ansible_collections.dwp.backend.plugins.module_utils._infra_config import InfraError

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
}


class Family(NamedTuple):
    """One family of distributions; the first existing path of a list counts."""

    query: Sequence[str]  # answers 0 and `installed` for a package that is installed
    installed: str
    install: Sequence[str]
    refresh: Sequence[str]
    packages: Mapping[str, str]
    units: Mapping[str, str]  # what is enabled
    redis_conf: Sequence[str]


DEBIAN = Family(
    query=["dpkg-query", "-W", "-f", "${db:Status-Status}"],
    installed="installed",
    install=["apt-get", "-y", "-q", "-o", "DPkg::Lock::Timeout=120", "-o", "Dpkg::Options::=--force-confold", "install"],
    refresh=["apt-get", "-q", "-o", "DPkg::Lock::Timeout=120", "update"],
    packages={"postgres": "postgresql", "redis": "redis-server", "psycopg2": "python3-psycopg2"},
    units={"postgres": "postgresql.service", "redis": "redis-server.service"},
    redis_conf=["/etc/redis/redis.conf"],
)
REDHAT = Family(
    query=["rpm", "-q", "--qf", "installed"],
    installed="installed",
    install=["dnf", "-y", "-q", "install"],
    refresh=["dnf", "-y", "-q", "makecache"],
    packages={"postgres": "postgresql-server", "redis": "redis", "psycopg2": "python3-psycopg2"},
    units={"postgres": "postgresql.service", "redis": "redis.service"},
    redis_conf=["/etc/redis/redis.conf", "/etc/redis.conf"],
)


class Cluster(NamedTuple):
    """One PostgreSQL cluster as the distribution lays it out."""

    unit: str
    conf: str  # directory of postgresql.conf and pg_hba.conf
    data: str
    binary: str
    sockets: str = "/var/run/postgresql"

    @property
    def snippet(self) -> str:
        return os.path.join(self.conf, "conf.d", "dwp.conf")

    @property
    def main(self) -> str:
        return os.path.join(self.conf, "postgresql.conf")

    @property
    def hba(self) -> str:
        return os.path.join(self.conf, "pg_hba.conf")


def run(commands: Commands, command: Sequence[str], timeout: float = 900) -> Done:
    return commands(command, {**ENVIRONMENT, **proxies()}, timeout=timeout)


def proxies() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key.lower() in ("http_proxy", "https_proxy", "no_proxy")}


def family() -> Family:
    if not os.path.isdir("/run/systemd/system"):
        raise InfraError("The provider packages needs systemd, which does not run on this host. Use another provider.")
    if shutil.which("apt-get", path=ENVIRONMENT["PATH"]):
        return DEBIAN
    if shutil.which("dnf", path=ENVIRONMENT["PATH"]):
        return REDHAT
    raise InfraError("The provider packages knows Debian, Ubuntu and the Red Hat family; this host has neither apt-get nor dnf.")


def is_installed(commands: Commands, system: Family, package: str) -> bool:
    done = run(commands, [*system.query, package])
    return done.status == 0 and done.out.strip() == system.installed


def install(commands: Commands, system: Family, packages: Sequence[str]) -> None:
    """Package lists are fetched only if the first try fails, as on a host that has none yet or old ones."""
    done = run(commands, [*system.install, *packages])
    if done.status != 0:
        refreshed = run(commands, system.refresh)
        done = run(commands, [*system.install, *packages]) if refreshed.status == 0 else refreshed
    if done.status != 0:
        said = "\n".join(done.text.strip().splitlines()[-8:])
        raise InfraError(f"Packages {', '.join(packages)} could not be installed:\n{said}")


def units(commands: Commands, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """Properties of units, by name; unknown units are "not-found"."""
    wanted = "Id,LoadState,ActiveState,UnitFileState,MainPID"
    done = run(commands, ["systemctl", "show", f"--property={wanted}", *names])
    found = [dict(line.partition("=")[::2] for line in text.splitlines() if "=" in line) for text in done.out.strip().split("\n\n")]
    return dict(zip(names, found))


def systemctl(commands: Commands, verb: str, unit: str) -> None:
    done = run(commands, ["systemctl", verb, unit], timeout=180)
    if done.status != 0:
        log = run(commands, ["journalctl", "--no-pager", "-q", "-o", "cat", "-n", "15", "-u", unit]).text.strip()
        raise InfraError(f"systemctl {verb} {unit} failed: {done.text.strip()}\n{log}")


def setting(text: str, key: str) -> str:
    """The last value of a quoted or plain setting in a postgresql.conf, "" if there is none."""
    found = re.findall(rf"^\s*{key}\s*=?\s*(?:'([^'\n]*)'|([^\s#]+))", text, re.MULTILINE)
    return (found[-1][0] or found[-1][1]) if found else ""


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def cluster(port: int, debian: str = "/etc/postgresql", redhat: str = "/var/lib/pgsql/data") -> Cluster | None:
    """The cluster to configure: the one that has the port already, else the newest `main`; None before installation."""
    found = []
    for version in os.listdir(debian) if os.path.isdir(debian) else []:
        for name in os.listdir(os.path.join(debian, version)):
            conf = os.path.join(debian, version, name)
            if not os.path.exists(os.path.join(conf, "postgresql.conf")):
                continue
            text = _read(os.path.join(conf, "postgresql.conf"))
            data = setting(text, "data_directory") or f"/var/lib/postgresql/{version}/{name}"
            made = Cluster(f"postgresql@{version}-{name}.service", conf, data, f"/usr/lib/postgresql/{version}/bin/postgres")
            snippet = _read(made.snippet) if os.path.exists(made.snippet) else ""
            here = (setting(snippet, "port") or setting(text, "port") or "5432") == str(port)
            number = float(version) if re.fullmatch(r"[\d.]+", version) else 0.0
            found.append(((bool(snippet), here, name == "main", number), made))
    if found:
        return max(found)[1]
    if os.path.exists(os.path.join(redhat, "postgresql.conf")):
        return Cluster("postgresql.service", redhat, redhat, "/usr/bin/postgres")
    return None
