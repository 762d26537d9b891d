# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a missing part, a bad secret or a release variant does to the start; rollback comments that really undo."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

import pytest
import requests
from backend_harness import HERE, Backend, closed_port, wait_for

SHORT = "too-short-for-HS256"


@pytest.fixture
def nobody() -> Iterator[str]:
    """A port where nobody listens."""
    with closed_port() as port:
        yield str(port)


def test_without_postgres(infrastructure: Backend, nobody: str) -> None:
    dying = [infrastructure.start(name, DB_PORT=nobody) for name in ("auth", "main", "synapsex")]
    mail = infrastructure.start("mail", DB_PORT=nobody)
    for service in dying:
        assert service.died() == 1
        assert f"Connection to 127.0.0.1:{nobody} refused" in service.log
        assert "Unable to obtain connection from database" in service.log
    mail.started()
    assert requests.get(mail.url + "/mail/health", timeout=20).status_code == 200
    mail.process.send_signal(signal.SIGTERM)
    assert mail.died() == 143
    assert "Commencing graceful shutdown" in mail.log


def test_without_redis_or_with_a_bad_secret(infrastructure: Backend, nobody: str) -> None:
    dying = {
        "RedisConnectionException": infrastructure.start("synapsex", REDIS_PORT=nobody),
        "WeakKeyException": infrastructure.start("main", JWT_SECRET=SHORT),
        "Empty key": infrastructure.start("auth", JWT_SECRET=""),
    }
    for text, service in dying.items():
        assert service.died() == 1
        assert text in service.log
    unlikely = infrastructure.start("synapsex", REDIS_PORT=nobody, AUDIT_REDIS_ENABLED="false")
    main = infrastructure.start("main", REDIS_PORT=nobody, MANAGEMENT_ENDPOINT_HEALTH_SHOWDETAILS="always")
    auth = infrastructure.start("auth", JWT_SECRET=SHORT, DWP_SEED_ENABLED="true")
    for service in (unlikely, main, auth):
        service.started()
    health = requests.get(main.url + "/actuator/health", timeout=40)
    assert (health.status_code, health.json()["components"]["redis"]["status"]) == (503, "DOWN")
    login = {"username": "admin", "password": "admin1234!", "tenantId": 1}
    wait_for("seed", lambda: "Seed: password" in auth.log)
    assert requests.post(auth.url + "/auth/login", json=login, timeout=20).status_code == 500
    assert "The secret length must be at least 256 bits" in auth.log
    for service in (unlikely, main, auth):
        service.process.kill()


def test_gateway_in_profile_prod(infrastructure: Backend, nobody: str) -> None:
    """Hosts are fixed whatever SERVICE_*_URL says, routes are lost, and `*` with credentials is refused."""
    gateway = infrastructure.start("gateway", SPRING_PROFILES_ACTIVE="prod", CORS_ALLOWED_ORIGINS="*",
                                   SERVICE_MAIN_URL=f"http://127.0.0.1:{nobody}").started()
    wait_for("routes", lambda: "Route main -> http://main-service:8081" in gateway.log)
    assert requests.get(gateway.url + "/api/nowhere", timeout=20).status_code == 500
    assert "When allowCredentials is true, allowedOrigins cannot contain" in gateway.log
    gateway.process.kill()
    gateway = infrastructure.start("gateway", SPRING_PROFILES_ACTIVE="prod").started()
    monitoring = requests.post(gateway.url + "/api/monitoring/event", json={}, timeout=20)
    assert monitoring.status_code == 404
    gateway.process.kill()


def variant(source: Path, name: str, target: Path, *options: str) -> Path:
    subprocess.run([HERE / "variant", source, name, target, *options], check=True)
    return target


def differing(one: Path, two: Path) -> set[str]:
    with ZipFile(one) as a, ZipFile(two) as b:
        assert {i.filename for i in a.infolist() if i.compress_type == ZIP_STORED} == {
            i.filename for i in b.infolist() if i.compress_type == ZIP_STORED}
        crcs = [{(i.filename, i.CRC) for i in z.infolist()} for z in (a, b)]
    return {name for name, _ in crcs[0] ^ crcs[1]}


def test_behaviour_variants(infrastructure: Backend, tmp_path: Path) -> None:
    source = infrastructure.jars / "mail-service.jar"

    def start(name: str, *options: str) -> tuple:
        jar = variant(source, name, tmp_path / f"{name}.jar", *options)
        return infrastructure.start("mail", jar=jar), time.monotonic()

    fails, _ = start("fails-at-start")
    sick, _ = start("never-healthy")
    slow, slow_since = start("slow-start", "--seconds", "8")
    dies, _ = start("dies", "--seconds", "2")
    flaps, _ = start("flaps", "--seconds", "2", "--down-seconds", "2")
    assert fails.died() == 1
    assert "Application run failed" in fails.log
    assert requests.get(sick.started().url + "/mail/health", timeout=20).status_code == 503
    dies.started()
    assert dies.died() == 3
    flaps.started()
    seen = []
    for _ in range(60):
        status = requests.get(flaps.url + "/mail/health", timeout=20).status_code
        if not seen or seen[-1] != status:
            seen.append(status)
        time.sleep(0.1)
    assert len(seen) >= 3
    assert set(seen) == {200, 503}
    slow.started()
    assert time.monotonic() - slow_since > 8
    for service in (sick, slow, flaps):
        service.process.kill()


def test_migration_variants(infrastructure: Backend, tmp_path: Path) -> None:
    source = infrastructure.jars / "dwp-main-service.jar"
    newest = ("SELECT version, success FROM flyway_schema_history WHERE version IS NOT NULL"
              " ORDER BY installed_rank DESC LIMIT 1")
    database = "dwp_variants"
    infrastructure.postgres.query("postgres", f"CREATE DATABASE {database} OWNER dwp_user")
    broken = variant(source, "migration-fails", tmp_path / "broken.jar")
    service = infrastructure.start("main", jar=broken, DB_NAME=database)
    assert service.died() == 1
    assert "SQL State  : 42704" in service.log
    assert infrastructure.postgres.query(database, newest) == [("4", True)]
    good = variant(source, "migrates", tmp_path / "good.jar")
    assert differing(source, good) == {"BOOT-INF/classes/db/migration/V5__release_variant.sql"}
    service = infrastructure.start("main", jar=good, DB_NAME=database).started()
    assert infrastructure.postgres.query(database, newest) == [("5", True)]
    service.process.kill()
    older = infrastructure.start("main", DB_NAME=database).started()
    assert "newer than the latest available migration" in older.log
    older.process.kill()


def test_changed_class_changes_one_class(infrastructure: Backend, tmp_path: Path) -> None:
    source = infrastructure.jars / "mail-service.jar"
    changed = variant(source, "changed-class", tmp_path / "changed.jar", "--mark", "0badcafe")
    assert differing(source, changed) == {"BOOT-INF/classes/com/dwp/mail/MailApplication.class"}
    service = infrastructure.start("mail", jar=changed).started()
    assert "Build mark: build-mark-0badcafe" in service.log
    service.process.kill()


def test_variant_refuses_what_cannot_work(jars: Path, tmp_path: Path) -> None:
    for source, text in ((jars / "mail-service.jar", "no Flyway"), (HERE / "pom.xml", "not a zip file")):
        done = subprocess.run([HERE / "variant", source, "migrates", tmp_path / "x.jar"], capture_output=True,
                              text=True, check=False)
        assert (done.returncode, text in done.stderr, "Traceback" in done.stderr) == (1, True, False)
    assert not (tmp_path / "x.jar").exists()


MIGRATIONS = {name: HERE / folder / "src/main/resources/db/migration" for name, folder in (
    ("auth", "dwp-auth-server"), ("main", "dwp-main-service"), ("synapsex", "services/synapsex-service"))}


@pytest.mark.parametrize("name", MIGRATIONS)
def test_rollback_comments_undo_exactly(infrastructure: Backend, name: str) -> None:
    """Each comment brings schema and data back to what they were, byte for byte of the dump."""
    database = f"rollback_{name}"
    postgres = infrastructure.postgres
    postgres.query("postgres", f"CREATE DATABASE {database}")
    postgres.query(database, "CREATE SCHEMA dwp_aura")
    files = sorted(MIGRATIONS[name].glob("V*.sql"), key=lambda f: int(re.match(r"V(\d+)", f.name)[1]))
    undone = []
    for file in files:
        sql = file.read_text(encoding="utf-8")
        comment = sql.partition("-- Rollback:\n")[2]
        if comment:
            undo = "\n".join(line.removeprefix("-- ") for line in comment.splitlines())
            before = stable(postgres.dump(database))
            postgres.query(database, sql)
            assert stable(postgres.dump(database)) != before
            postgres.query(database, undo)
            assert stable(postgres.dump(database)) == before
            undone.append(file.name)
        postgres.query(database, sql)
    assert undone
    assert len(undone) < len(files)


def stable(dump: str) -> str:
    """Without the random key that newer versions of pg_dump print."""
    return re.sub(r"(?m)^\\(un)?restrict .*$", "", dump)
