# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which databases a rollback takes back, once each, from whose jar, and who has to be stopped for it. Pure.

A service that keeps a migration in its jar applies it again when it starts, so nobody may be left who does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._release.plan import TOUCHING

Plans = Mapping[str, Mapping[str, Mapping[str, Any]]]
KEEP = "-e dwp_database=keep goes back without the database"


def plan(
    platform: Mapping[str, Any], plans: Plans, schemas: Mapping[str, Mapping[str, Any]]
) -> tuple[list[dict[str, Any]], list[str]]:
    """(databases, problems). ``plans`` and ``schemas`` by host of the play: what is to be done there, and the schemas as dwp_rollback_plan
    found them.

    A database: ``database``, ``schema``, ``versions``, the ``service`` and ``host`` that take it back from the jar of ``release``,
    and ``users``: every instance that is stopped for it, as (host, service, whether it is to be started again as it is).
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    problems: list[str] = []
    for name, host, judged in _judged(platform, plans, schemas):
        if not judged["checked"]:
            problems.append(f"{judged['notes'][0]}. What has to be taken back is not known: make it answer, or {KEEP}")
            continue
        if not judged["newer"]:
            continue
        where = schemas[host]["instances"][name]
        one = found.setdefault((where["database"], where["schema"]), {
            "database": where["database"], "schema": where["schema"], "versions": [], "service": name, "host": host,
            "release": judged["source"],
        })
        one["versions"] += [version for version in judged["newer"] if version not in one["versions"]]
    for one in found.values():
        one["users"], speaks_against = _users(one, platform, plans, schemas)
        problems += speaks_against
    return list(found.values()), problems


def _judged(
    platform: Mapping[str, Any], plans: Plans, schemas: Mapping[str, Mapping[str, Any]]
) -> list[tuple[str, str, Mapping[str, Any]]]:
    """What dwp_schema says of each service that is going back, in the order of the catalogue and its hosts."""
    return [
        (name, host, schemas[host]["services"][name])
        for name, service in platform["services"].items() for host in service["hosts"]
        if plans.get(host, {}).get(name, {}).get("action") in TOUCHING and name in schemas.get(host, {}).get("services", {})
    ]


def _users(
    one: Mapping[str, Any], platform: Mapping[str, Any], plans: Plans, schemas: Mapping[str, Mapping[str, Any]]
) -> tuple[list[tuple[str, str, bool]], list[str]]:
    """Every instance on the schema of a database, and what speaks against taking it back under them."""
    users, problems = [], []
    for name, service in platform["services"].items():
        instances = {host: schemas.get(host, {}).get("instances", {}).get(name) for host in service["hosts"]}
        place = (one["database"], one["schema"])
        on_it = [host for host, known in instances.items() if known and (known["database"], known["schema"]) == place]
        own = service.get("database") or {}
        if on_it or (own.get("name"), own.get("schema", "public")) == place:
            left_out = [host for host in service["hosts"] if host not in plans]
            problems += [_left_out(one, name, left_out)] if left_out else []
        for host in on_it:
            known = instances[host] or {}
            acts = plans[host].get(name, {}).get("action") in TOUCHING
            again = [version for version in one["versions"] if version in known["migrations"]]
            if again:
                problems.append(
                    f"{name} on {host} {'goes to' if acts else 'stays on'} {known['release']}, which would apply {', '.join(again)} "
                    f"to database {one['database']} again: send all that use it to releases without (dwp_to, dwp_only), or {KEEP}"
                )
            users.append((host, name, not acts))
    return users, problems


def _left_out(one: Mapping[str, Any], name: str, hosts: Collection[str]) -> str:
    return (
        f"{name} is also on {', '.join(sorted(hosts))}, which this run leaves out, and would go on there with a schema that its release "
        f"does not know: run without --limit, take lost hosts out of the inventory, or {KEEP} (database {one['database']})"
    )


def carried(plans: Plans, databases: Collection[Mapping[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    """The plans with what stopping the databases' users makes of them: they serve nobody, and all of them are started."""
    changed = {host: {name: dict(entry) for name, entry in services.items()} for host, services in plans.items()}
    for one in databases:
        for host, name, again in one["users"]:
            if again:
                reason = f"is stopped while {', '.join(one['versions'])} of database {one['database']} {_were(one)} taken back"
                changed[host][name] = {**changed[host].get(name, {}), "action": "start", "reasons": [reason]}
            changed[host][name]["running"] = False
    return changed


def stopped(databases: Collection[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Services to stop, by host."""
    found: dict[str, list[str]] = {}
    for one in databases:
        for host, name, _again in one["users"]:
            found.setdefault(host, []).append(name)
    return {host: sorted(set(names)) for host, names in found.items()}


def line(one: Mapping[str, Any]) -> str:
    """What a person should know about one database before it happens."""
    users = ", ".join(f"{name} on {host}" for host, name, _again in one["users"])
    return (
        f"database: {one['database']}: {', '.join(one['versions'])} {_were(one)} taken back first, with the rollback text in "
        f"release {one['release']} of {one['service']} on {one['host']}; {users} {'are' if len(one['users']) > 1 else 'is'} stopped for it"
    )


def question(databases: Collection[Mapping[str, Any]]) -> str:
    """For the confirmation: what happens to the data."""
    return " and ".join(f"take {', '.join(one['versions'])} of database {one['database']} back" for one in databases)


def _were(one: Mapping[str, Any]) -> str:
    return "is" if len(one["versions"]) == 1 else "are"
