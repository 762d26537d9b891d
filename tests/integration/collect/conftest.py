# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three light services with a real PostgreSQL and Redis, deployed once with the real playbook, for every fault in turn."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.dwp.backend.plugins.module_utils._flyway.checksum import checksum
from ansible_collections.dwp.backend.plugins.plugin_utils import triage
from ansible_collections.dwp.backend.plugins.plugin_utils.platform import View
from tests.integration.conftest import Database, Postgres, Redis
from tests.integration.deploy import light
from tests.integration.deploy.conftest import free
from tests.integration.deploy.fleet import CHECKOUT, DEFAULT_SERVICES, Fleet, user_of_services

#: The checkout may be closed to other users, so everything is imported before root is given up.
AS_USER = """
import encodings.ascii, encodings.idna, encodings.latin_1, encodings.unicode_escape
import os, psycopg2, redis, requests.adapters, urllib3.connectionpool
from ansible_collections.dwp.backend.plugins.modules import dwp_collect
os.setgroups([]); os.setgid({user}); os.setuid({user})
dwp_collect.main()
"""
PORTS = range(21000, 21099)
PLAY = "../tests/integration/collect/plays/collect"
MIGRATION = "CREATE TABLE things (id int);\n"
HISTORY = """CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY, version varchar(50), description varchar(200) NOT NULL,
type varchar(20) NOT NULL, script varchar(1000) NOT NULL, checksum int, installed_by varchar(100) NOT NULL,
installed_on timestamp NOT NULL DEFAULT now(), execution_time int NOT NULL, success boolean NOT NULL)"""
JWT = "jwt-secret-of-the-tests-" + secrets.token_hex(12)


class Templar:
    """Variables of the tests hold no templates."""

    @staticmethod
    def template(value: Any) -> Any:
        return value


class Stand:
    """The fleet, its servers, and the module run as it is run on a host."""

    def __init__(self, code: bytes) -> None:
        self.postgres, self.redis = Postgres(), Redis(secrets.token_hex(8))
        self.postgres.start()
        self.redis.start()
        self.databases = [Database(self.postgres), Database(self.postgres)]
        first = next(port for port in PORTS if all(free(port + n) for n in range(8)))
        self.spare = first + 5
        self.fleet = Fleet(first, code)
        fleet = self.fleet
        self._services()
        fleet.variables["dwp_components"] = {
            "postgres": {"provider": "external", "host": "127.0.0.1", "port": self.postgres.port},
            "redis": {"provider": "external", "host": "127.0.0.1", "port": self.redis.port, "password": self.redis.password},
        }
        self.secrets = [self.redis.password or "", JWT, *(database.password for database in self.databases)]

    def _services(self) -> None:
        """alpha calls the others; beta has a database with Flyway and Redis; gamma a database."""
        services = self.fleet.services
        services["alpha"].update(calls=["*"], url_variable="SERVICE_ALPHA_URL")
        for name, database in zip(("beta", "gamma"), self.databases):
            services[name]["url_variable"] = f"SERVICE_{name.upper()}_URL"
            services[name]["database"] = {
                "name": database.name, "schema": "public", "flyway": name == "beta", "user": database.user, "password": database.password,
            }  # fmt: skip
        services["beta"].update(redis="required", secrets={"JWT_SECRET": JWT}, calls=["gamma"])
        with zipfile.ZipFile(self.fleet.artifacts / "beta.jar", "a") as jar:
            jar.writestr("BOOT-INF/classes/db/migration/V1__one.sql", MIGRATION)

    # ---- asking
    def question(self) -> dict[str, Any]:
        """The platform as the action plugin tells it, from the same variables."""
        fleet = self.fleet
        gone = dict.fromkeys(DEFAULT_SERVICES)
        external = {"provider": "external"}
        variables = {
            **fleet.variables, "inventory_hostname": "localhost", "platform_service_defaults": {},
            "platform_component_defaults": {name: dict(external) for name in ("postgres", "redis", "balancer")},
            "dwp_services": {**gone, **fleet.services},
            "dwp_development": True, "dwp_spring_profile": "test", "dwp_log_dir": str(fleet.root / "log"), "dwp_root": str(fleet.root),
            "groups": {name: list(hosts) for name, hosts in fleet.hosts.items()}, "hostvars": {"localhost": {}},
        }  # fmt: skip
        return triage.host_platform(View(variables, Templar()))

    def collect(self, *, user: int | None = None, platform: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        """The module as a process of its own; its whole output is searched for secrets."""
        arguments = {
            "root": str(self.fleet.root), "manager": "supervisor", "log_dir": str(self.fleet.root / "log"),
            "platform": json.dumps(platform or self.question()), "fingerprint_key": "0123456789abcdef", "time_budget": 12,
            "_ansible_remote_tmp": "/tmp", **options,
        }  # fmt: skip
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT / "collections"), "LC_ALL": "C.UTF-8"}
        command = [sys.executable, str(CHECKOUT / "plugins/modules/dwp_collect.py")]
        if user is not None:
            command = [sys.executable, "-c", AS_USER.format(user=user)]
        done = subprocess.run(
            command, input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}), capture_output=True, text=True, timeout=60, env=environment,
            cwd="/", check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        result = json.loads(done.stdout)
        result.pop("invocation")
        shown = json.dumps(result, ensure_ascii=False) + done.stderr
        for secret in self.secrets:
            assert secret not in shown
        return result

    # ---- the history of Flyway
    def history(self, *rows: tuple[str, str, str, bool]) -> None:
        """The schema history of beta: version, description, script, success."""
        with self.databases[0].connect() as connection, connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS flyway_schema_history")
            cursor.execute(HISTORY)
            for rank, (version, description, script, success) in enumerate(rows, 1):
                cursor.execute(
                    "INSERT INTO flyway_schema_history VALUES (%s, %s, %s, 'SQL', %s, %s, 'tester', now(), 7, %s)",
                    (rank, version, description, script, checksum(MIGRATION), success),
                )

    # ---- disturbing
    def restart(self, name: str) -> None:
        self.supervisorctl("restart", name)

    def supervisorctl(self, *words: str) -> str:
        conf = self.fleet.root / "supervisor" / "supervisord.conf"
        command = [str(Path(sys.executable).parent / "supervisorctl"), "-c", str(conf), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout

    def remove(self) -> None:
        self.fleet.remove()
        self.postgres.remove()
        self.redis.remove()


@pytest.fixture(scope="package")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with user_of_services():
        made = Stand(light.compile_class(tmp_path_factory.mktemp("light")))
        try:
            made.fleet.deploy()
            made.history(("1", "one", "V1__one.sql", True))
            yield made
        finally:
            made.remove()
