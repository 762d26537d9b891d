# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does the database fit a release that is about to be activated? Asked with the release's own credentials; changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils import _envfile
from ansible_collections.dwp.backend.plugins.module_utils._flyway import ask
from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError
from ansible_collections.dwp.backend.plugins.module_utils._release.store import Store

_FAILED = ("Failed", "Failed (Future)", "Failed (Missing)")
CONNECT_TIMEOUT = 3  # s: a database that does not answer must not hold up a rollback


def question(manifest: Mapping[str, Any], values: Mapping[str, str], jar: str) -> dict[str, Any] | None:
    """The options of flyway_status that the application itself will migrate with; None if it will not migrate."""
    database = manifest.get("database")
    if not database or _flag(values, "SPRING_FLYWAY_ENABLED", True) is False or not values.get("DB_NAME"):
        return None
    schema = values.get("SPRING_FLYWAY_DEFAULT_SCHEMA") or database.get("schema") or ""
    return {
        "login_host": values.get("DB_HOST", "localhost"), "login_port": int(values.get("DB_PORT") or 5432),
        "login_user": values.get("DB_USERNAME", ""), "login_password": values.get("DB_PASSWORD", ""), "login_db": values["DB_NAME"],
        "ssl_mode": database.get("ssl_mode") or "prefer", "connect_timeout": CONNECT_TIMEOUT, "jar": jar,
        "fail_on_missing_locations": False, "out_of_order": _flag(values, "SPRING_FLYWAY_OUT_OF_ORDER", False),
        # What migrate validates: what is not applied yet is what it is there for.
        "ignore_migration_patterns": ["*:future", "*:pending"],
        **({"default_schema": schema, "schemas": [schema]} if schema and schema != "public" else {}),
        **({"table": table} if (table := values.get("SPRING_FLYWAY_TABLE") or database.get("table")) else {}),
    }


def _flag(values: Mapping[str, str], name: str, otherwise: bool) -> bool:
    return {"true": True, "false": False}.get(values.get(name, "").strip().lower(), otherwise)


def judge(service: str, release: str, answer: Mapping[str, Any], validates: bool = True) -> dict[str, Any]:
    """From the answer of flyway_status what will happen to the schema, what is newer than the release, and what prevents its start."""
    def versions(*states: str) -> list[str]:
        return [m["version"] or m["description"] for m in answer["migrations"] if m["state"] in states]

    where = f"database {answer['database']}"
    failed, newer, pending = versions(*_FAILED), versions("Future"), versions("Pending", "Outdated")
    applied = [m["version"] for m in answer["migrations"] if m["version"] and m["filepath"] and m["installed_rank"] is not None]
    problems, notes = [], []
    if failed:
        problems.append(
            f"{service}: {where} has a failed row for {', '.join(failed)}; the service would not start. Look with "
            f"playbooks/flyway_status.yml, then playbooks/flyway_rollback.yml -e dwp_flyway_failed=true or playbooks/flyway_repair.yml"
        )
    errors = [e for e in answer["validation"]["errors"] if not (failed and "failed" in e["error_message"].lower())]
    for error in errors if validates else ():
        problems.append(
            f"{service}: Flyway would refuse to start {release} on {where}: {' '.join(error['error_message'].split())} "
            f"{error.get('what_to_do') or ''}".rstrip()
        )
    tolerated = (
        f"{service}: {where} is at version {answer['schema_version']}, newer than {release} knows: {', '.join(newer)} "
        "stay applied; Flyway tolerates that"
    ) if newer else ""
    notes += [tolerated] if newer else []
    if pending:
        notes.append(f"{service}: {release} migrates {where} from {answer['schema_version'] or 'nothing'} with {', '.join(pending)}")
    return {
        "checked": True, "database": answer["database"], "schema_version": answer["schema_version"], "pending": pending, "newer": newer,
        "failed": failed, "known": applied[-1] if applied else "", "problems": problems, "notes": notes, "tolerated": tolerated,
    }


def brought(target: Mapping[str, Any], current: Mapping[str, Any]) -> list[str]:
    """Versions in the jar of the current release that the target does not have, as their manifests tell."""
    known = {m["version"] for m in target.get("migrations", ())}
    return [m["version"] for m in current.get("migrations", ()) if m["version"] and m["version"] not in known]


def source(store: Store, service: str, versions: Sequence[str]) -> str:
    """The release in whose jar these migrations are looked for: the current one, or the newest that has all of them."""
    state, _warning = store.state(service)
    current = store.current(service) or ""
    kept = set(store.releases(service))
    for release in (current, *(entry["release"] for entry in reversed(state["activations"]))):
        held = {m["version"] for m in (store.manifest(service, release) or {}).get("migrations", ())} if release in kept else set()
        if held.issuperset(versions):
            return str(release)
    return current


def instance(store: Store, service: str, release: str) -> dict[str, Any] | None:
    """Which schema of which database a release uses, and the migrations that its start would apply there."""
    manifest = store.manifest(service, release) or {}
    values = _envfile.read(store.text(service, release, "environment") or "").values
    if not values.get("DB_NAME"):
        return None
    own = values.get("SPRING_FLYWAY_DEFAULT_SCHEMA") or (manifest.get("database") or {}).get("schema") or "public"
    migrates = question(manifest, values, "") is not None
    held = [m["version"] for m in manifest.get("migrations", ()) if m["version"]] if migrates else []
    return {"release": release, "database": values["DB_NAME"], "schema": own, "migrations": held}


def check(
    store: Store, service: str, release: str, asked: Callable[[dict[str, Any]], dict[str, Any]] = ask.ask
) -> dict[str, Any] | None:
    """The judgement for one service; None if it has no Flyway database."""
    manifest = store.manifest(service, release) or {}
    values = _envfile.read(store.text(service, release, "environment") or "").values
    options = question(manifest, values, f"{store.path(service, release)}/app.jar")
    if options is None:
        return None
    try:
        answer = asked(ask.options(**options))
    except (FlywayError, ImportError, OSError) as error:
        more = brought(manifest, store.manifest(service, store.current(service) or "") or {})
        said = f"; {', '.join(more)} came with the current release" if more else ""
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        return {"checked": False, "database": values["DB_NAME"], "newer": [], "pending": [], "problems": [],
                "notes": [f"{service}: database {values['DB_NAME']} was not checked ({why}){said}"]}  # fmt: skip
    judged = judge(service, release, answer, _flag(values, "SPRING_FLYWAY_VALIDATE_ON_MIGRATE", True))
    return {**judged, "source": source(store, service, judged["newer"])} if judged["newer"] else judged


def compare(store: Store, targets: Mapping[str, str]) -> dict[str, Any]:
    """What dwp_schema returns for the releases that are about to be activated, by service."""
    judged = {name: one for name, release in targets.items() if (one := check(store, name, release)) is not None}
    return {
        "services": judged,
        "problems": [text for one in judged.values() for text in one["problems"]],
        "notes": [text for one in judged.values() for text in one["notes"]],
    }


def instances(store: Store, targets: Mapping[str, str], services: Sequence[str]) -> dict[str, Any]:
    """Of each of ``services`` that uses a database, what :func:`instance` tells of its target, or of its current release without one."""
    releases = {name: targets.get(name) or store.current(name) for name in services}
    return {name: one for name, release in releases.items() if release and (one := instance(store, name, release)) is not None}
