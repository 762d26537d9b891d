# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Flyway does at the start of a light service: it asks here, and the migrations of its release are applied."""

from __future__ import annotations

import http.server
import threading
import zipfile
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._flyway.checksum import checksum

from .fleet import Fleet

HISTORY = """
CREATE TABLE IF NOT EXISTS flyway_schema_history (
  installed_rank INT PRIMARY KEY, version VARCHAR(50), description VARCHAR(200) NOT NULL, type VARCHAR(20) NOT NULL,
  script VARCHAR(1000) NOT NULL, checksum INT, installed_by VARCHAR(100) NOT NULL, installed_on TIMESTAMP NOT NULL DEFAULT now(),
  execution_time INT NOT NULL, success BOOLEAN NOT NULL)"""


def sql(number: int, rollback: str = "DROP TABLE t{0};") -> str:
    text = f"-- Rollback:\n-- {rollback.format(number)}\n" if rollback else ""
    return f"CREATE TABLE t{number} (id INT);\n{text}"


class Migrator:
    """``starts`` are (service, mark, versions applied now) in the order in which services were started."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.databases: dict[str, Any] = {}
        self.releases: dict[tuple[str, str], dict[int, str]] = {}
        self.starts: list[tuple[str, str, list[int]]] = []
        migrator = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                _nothing, service, mark = self.path.split("/")
                done = migrator.migrate(service, mark)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(f"applied {done}".encode())

            def log_message(self, *_words: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def attach(self, service: str, database: Any) -> None:
        """The service migrates this database when it starts."""
        self.databases[service] = database
        self.fleet.services[service]["database"] = {
            "name": database.name, "user": database.user, "password": database.password, "flyway": True,
        }  # fmt: skip
        self.fleet.set(service, LIGHT_MIGRATE=f"http://127.0.0.1:{self.server.server_port}/{service}/")

    def release(self, service: str, mark: str, migrations: dict[int, str]) -> None:
        """The next jar of a service."""
        self.releases[(service, mark)] = migrations
        with zipfile.ZipFile(self.fleet.jar(service, mark), "a") as archive:
            for number, text in migrations.items():
                archive.writestr(f"BOOT-INF/classes/db/migration/V{number}__step.sql", text)

    def applied(self, service: str) -> list[int]:
        """The versions that count as applied: a later row of type DELETE takes one away."""
        rows = self.databases[service].execute("SELECT version, type FROM flyway_schema_history ORDER BY installed_rank")
        return sorted(number for number in {int(version) for version, _type in rows} if dict(rows)[str(number)] == "SQL")

    def tables(self, service: str) -> list[str]:
        found = self.databases[service].execute("SELECT tablename FROM pg_tables WHERE tablename ~ '^t[0-9]+$' ORDER BY 1")
        return [name for (name,) in found]

    def migrate(self, service: str, mark: str) -> list[int]:
        database = self.databases[service]
        database.execute(HISTORY)
        known = self.applied(service)
        pending = [number for number in self.releases[(service, mark)] if number not in known]
        for number in pending:
            text = self.releases[(service, mark)][number]
            database.execute(text)
            database.execute(
                "INSERT INTO flyway_schema_history SELECT coalesce(max(installed_rank), 0) + 1, %s, 'step', 'SQL', %s, %s, 'u', "
                "now(), 1, true FROM flyway_schema_history", (str(number), f"V{number}__step.sql", checksum(text)),
            )  # fmt: skip
        self.starts.append((service, mark, sorted({*known, *pending})))
        return pending
