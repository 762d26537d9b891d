# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The provider docker_compose with Docker's own engine and compose v2; images are made here, since no registry is reached."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import redis

from .conftest import CHECKOUT
from .test_role import changed, play, probe

pytestmark = [pytest.mark.slow, pytest.mark.real]

PORTS = {"postgres": 15620, "redis": 15621}
PASSWORD, CACHE = "Db-Pw '1 $x", "Redis $Pw \"1' #x"
IMAGE = "dwp-infra-servers:test"


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"docker {arguments[0]}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout.strip()


def wanted(root: Path, **redis_more: Any) -> dict[str, Any]:
    common = {"provider": "docker_compose", "on_host": "here"}
    return {
        "infra_root": str(root),
        "infra_compose_project": "dwpinfra",
        "infra_postgres_image": IMAGE,
        "infra_redis_image": IMAGE,
        "infra_here": ["postgres", "redis"],
        "infra_components": {
            "postgres": {**common, "port": PORTS["postgres"], "settings": {"max_connections": 60, "log_line_prefix": "$a %u "}},
            "redis": {**common, "port": PORTS["redis"], "password": CACHE, **redis_more},
        },
        "infra_databases": [{"name": "dwp_auth", "user": "dwp_user", "password": PASSWORD, "services": ["auth"]}],
        "infra_proofs": [
            probe("auth: database", PORTS["postgres"], kind="postgres", database="dwp_auth", user="dwp_user", password=PASSWORD),
            probe("main: redis", PORTS["redis"], kind="redis", password=redis_more.get("password", CACHE)),
        ],
    }


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("a Docker engine needs root")
    subprocess.run([CHECKOUT / "tests/hosts/engine"], check=True)
    subprocess.run([CHECKOUT / "tests/hosts/compose"], check=True)
    make_image()
    directory = tmp_path_factory.mktemp("compose")
    yield directory
    subprocess.run(["docker", "compose", "-p", "dwpinfra", "down", "-v", "-t", "5"], check=False, capture_output=True)


def make_image() -> None:
    if docker("images", "-q", IMAGE):
        return
    environment = {**os.environ, "DWP_HOSTS_PREFIX": "dwp-infra-image"}
    subprocess.run([CHECKOUT / "tests/hosts/up", "build"], env=environment, check=True, capture_output=True)
    try:
        name = "dwp-infra-image-build"
        packages = "postgresql redis-server redis-tools"
        install = (  # a mirror that drops a download now and then is no failure of ours
            f"apt-get install -y -q -o Acquire::Retries=5 --no-install-recommends {packages} && systemctl stop postgresql redis-server"
        )
        docker("exec", "-e", "DEBIAN_FRONTEND=noninteractive", name, "sh", "-c", f"{install} && rm -rf /var/lib/postgresql/*")
        docker("cp", str(Path(__file__).with_name("docker-entrypoint.sh")), f"{name}:/usr/local/bin/")
        changes = [
            'ENTRYPOINT ["docker-entrypoint.sh"]',
            "ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        ]
        docker("commit", *(word for change in changes for word in ("--change", change)), name, IMAGE)
    finally:
        subprocess.run([CHECKOUT / "tests/hosts/down"], env=environment, check=True)


@pytest.fixture
def ready(root: Path) -> Path:
    """The root with everything as wanted, and data that must stay."""
    changed(play(root, **wanted(root)))
    query("CREATE TABLE IF NOT EXISTS kept (a int)")
    return root


def query(sql: str) -> list[Any]:
    connection = psycopg2.connect(host="127.0.0.1", port=PORTS["postgres"], dbname="dwp_auth", user="dwp_user", password=PASSWORD)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def containers() -> dict[str, str]:
    return {kind: docker("ps", "-q", "-f", f"name=dwpinfra-{kind}-1") for kind in PORTS}


def test_from_nothing_and_nothing_to_do(root: Path) -> None:
    foretold = play(root, "--check", "--diff", **wanted(root))
    assert changed(foretold) > 0 and not (root / "compose").exists() and containers() == {"postgres": "", "redis": ""}
    assert "not checked: main: redis (Redis on here is not there yet)" in foretold.stdout
    assert changed(play(root, "-vvv", "--diff", **wanted(root))) == changed(foretold)
    before = containers()
    assert changed(play(root, **wanted(root))) == 0 and changed(play(root, "--check", **wanted(root))) == 0
    assert containers() == before and all(before.values())
    assert query("SHOW log_line_prefix") == [("$a %u ",)]


def test_secrets_are_in_no_command_line_and_no_environment(ready: Path) -> None:
    secret = (ready / "compose/postgres_password").read_text(encoding="utf-8")
    seen = "".join(docker("inspect", container) + docker("top", container) for container in containers().values())
    assert secret not in seen and "Redis $Pw" not in seen and PASSWORD not in seen
    assert {path.stat().st_mode & 0o777 for path in (ready / "compose").iterdir()} == {0o600}


def test_a_new_redis_password_reaches_redis_alone(ready: Path) -> None:
    before = containers()
    assert changed(play(ready, **wanted(ready, password="Another-1"))) > 0
    after = containers()
    assert before["postgres"] == after["postgres"] and before["redis"] != after["redis"]
    assert redis.Redis(port=PORTS["redis"], password="Another-1").ping()
    assert changed(play(ready, **wanted(ready))) > 0


def test_a_stopped_container_is_started_and_data_stay(ready: Path) -> None:
    docker("rm", "-f", containers()["postgres"])
    assert changed(play(ready, **wanted(ready))) > 0
    assert query("SELECT * FROM kept") == []


def test_compose_1_is_refused(tmp_path: Path) -> None:
    (tmp_path / "docker").write_text("#!/bin/sh\necho \"docker: 'compose' is not a docker command.\" >&2; exit 1\n", encoding="utf-8")
    (tmp_path / "docker").chmod(0o755)
    path = os.environ["PATH"]
    os.environ["PATH"] = f"{tmp_path}:{path}"
    try:
        for arguments in (["--check"], []):
            done = play(tmp_path, *arguments, **wanted(tmp_path))
            assert done.returncode != 0 and "'compose' is not a docker command" in done.stdout and "docker-compose 1.x" in done.stdout
    finally:
        os.environ["PATH"] = path
    assert not (tmp_path / "compose").exists()
