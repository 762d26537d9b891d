# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Flyway databases of the catalogue, with their credentials: for the lookup flyway_databases and the action dwp_take_back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._platform.schema import did_you_mean
from ansible_collections.dwp.backend.plugins.plugin_utils.platform import View


class UnknownDatabase(Exception):
    """A name that is no service with a Flyway database."""


def taken_back(one: Mapping[str, Any], resumed: bool = False) -> str:
    """One of C(taken) of dwp_take_back as a sentence; ``resumed``: the run failed later, and the newer release was started again."""
    done = f"Database {one['database']} was taken back: {', '.join(one['versions'])}; "
    if resumed:
        return done + "the newer release was started on it after that, which migrates it again."
    return done + f"its schema version is {one['schema_version'] or 'none'} now."


def databases(view: View, named: Sequence[str]) -> list[dict[str, Any]]:
    """One entry, as in dwp_flyway_databases, for each service with Flyway whose first host is the view's; all chosen ones by default."""
    platform = view.catalogue()
    with_flyway = {
        name: service for name, service in platform["services"].items()
        if service["database"] and service["database"]["flyway"] and service["hosts"]
    }
    unknown = [f'"{name}"{did_you_mean(name, with_flyway)}' for name in named if name not in with_flyway]
    if unknown:
        raise UnknownDatabase(
            f"no Flyway database of a service {', '.join(unknown)}; services with one are {', '.join(sorted(with_flyway)) or 'none'}"
        )
    wanted = [name for name in named or platform["selected"] if name in with_flyway]
    return [database(view, name) for name in wanted if with_flyway[name]["hosts"][0] == view.host]


def database(view: View, name: str) -> dict[str, Any]:
    """The database of one service as the view's host reaches it."""
    platform = view.catalogue()
    about: Mapping[str, Any] = platform["services"][name]["database"]
    environment = view.environment(platform, name, view.host).values
    postgres = platform["components"]["postgres"]
    scratch = {
        "host": environment.get("DB_HOST", "localhost"), "port": int(environment.get("DB_PORT", 5432)),
        "user": postgres["admin_user"], "password": postgres["admin_password"], "db": postgres["admin_database"],
    } if postgres.get("admin_password") else None  # who may make a scratch database on the same server
    return {
        "service": name,
        "host": environment.get("DB_HOST", "localhost"),
        "port": int(environment.get("DB_PORT", 5432)),
        "db": environment.get("DB_NAME", ""),
        "user": environment.get("DB_USERNAME", ""),
        "password": environment.get("DB_PASSWORD", ""),
        "schema": about["schema"] if about["schema"] != "public" else "",
        "ssl_mode": postgres.get("ssl_mode", "prefer"),
        **({"table": about["table"]} if about.get("table") else {}),
        **({"undo_locations": about["undo_locations"]} if about.get("undo_locations") else {}),
        **({"scratch": scratch} if scratch else {}),
        "jar": f"{view.get('dwp_root')}/services/{name}/current/app.jar",
    }
