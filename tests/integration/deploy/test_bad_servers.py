# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PostgreSQL and Redis that others provide: what is wrong with them is said before any service is touched."""

from __future__ import annotations

from typing import Any

import pytest

from .fleet import Fleet
from .test_bad_inputs import refused, spoiled


@pytest.fixture
def stored(fleet: Fleet, database: Any, redis_with_password: Any) -> Any:
    """beta gets a database and Redis, both external and right."""
    with spoiled(fleet):
        fleet.variables["dwp_components"] = {
            "postgres": {"provider": "external", "host": database.host, "port": database.port},
            "redis": {"provider": "external", "host": redis_with_password.host, "port": redis_with_password.port,
                      "password": redis_with_password.password},
        }  # fmt: skip
        fleet.services["beta"]["database"] = {
            "name": database.name, "user": database.user, "password": database.password, "flyway": False,
        }  # fmt: skip
        fleet.services["beta"]["redis"] = "required"
        yield fleet


def test_right_ones_are_accepted_and_arrive_in_the_environment(stored: Fleet, database: Any) -> None:
    check = stored.run("deploy", "--check")
    assert check.rc == 0, str(check)
    assert check.actions["beta"] == "replace"
    assert "DB_HOST" in str(check.plan["beta"]["reasons"]) and "REDIS_HOST" in str(check.plan["beta"]["reasons"])


def test_wrong_password(stored: Fleet, database: Any) -> None:
    stored.services["beta"]["database"]["password"] = "wrong-Zq7"
    done = refused(stored, "beta: database", database.name, "password authentication failed", database.user)
    assert "wrong-Zq7" not in done.output


def test_missing_database(stored: Fleet, database: Any) -> None:
    stored.services["beta"]["database"]["name"] = "nowhere"
    refused(stored, "beta: database nowhere", "does not exist")


def test_postgres_down(stored: Fleet, postgres: Any) -> None:
    postgres.stop()
    try:
        refused(stored, "beta: database", "refused", str(postgres.port))
    finally:
        postgres.start()


def test_redis_needs_a_password(stored: Fleet, redis_with_password: Any) -> None:
    del stored.variables["dwp_components"]["redis"]["password"]
    refused(stored, "beta: redis", "password")


def test_redis_has_another_password(stored: Fleet, redis_with_password: Any) -> None:
    stored.variables["dwp_components"]["redis"]["password"] = "wrong-Zq7"
    done = refused(stored, "beta: redis", "password")
    assert "wrong-Zq7" not in done.output


def test_redis_down(stored: Fleet, redis_with_password: Any) -> None:
    redis_with_password.stop()
    try:
        refused(stored, "beta: redis", "refused", str(redis_with_password.port))
    finally:
        redis_with_password.start()


def test_address_is_missing(stored: Fleet) -> None:
    del stored.variables["dwp_components"]["postgres"]["host"]
    refused(stored, "components.postgres.host", "is required", "beta")


def test_all_at_once_on_a_fresh_host(fresh: Fleet, postgres: Any, redis_with_password: Any) -> None:
    fresh.variables["dwp_components"] = {
        "postgres": {"provider": "external", "host": postgres.host, "port": postgres.port},
        "redis": {"provider": "external", "host": redis_with_password.host, "port": redis_with_password.port},
    }
    for name in ("alpha", "beta"):
        fresh.services[name]["database"] = {"name": f"no_{name}", "user": postgres.user, "password": postgres.password, "flyway": False}
    fresh.services["gamma"]["redis"] = "lazy"
    refused(fresh, "alpha: database no_alpha", "beta: database no_beta", "gamma: redis")
