# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the Flyway playbooks: an entry of dwp_flyway_databases as options, a result as lines for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

# key of an entry -> option of the modules
_OPTIONS = {
    "host": "login_host",
    "port": "login_port",
    "user": "login_user",
    "password": "login_password",
    "db": "login_db",
    "schema": "default_schema",
}
_SAME = ("ssl_mode", "ca_cert", "schemas", "table", "out_of_order", "ignore_migration_patterns")
_FILES = ("jar", "locations", "undo_locations", "placeholders", "encoding", "validate_migration_naming")
_OWN = ("service", "scratch")


def flyway_options(database: Mapping[str, Any], files: bool = True) -> dict[str, Any]:
    """The options of flyway_status, flyway_rollback and the others for one database; without those about files."""
    known = {*_OPTIONS, *_SAME, *_FILES, *_OWN}
    unknown = sorted(set(database) - known)
    if unknown:
        raise AnsibleFilterError(f"dwp_flyway_databases: unknown key {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    if not database.get("db"):
        raise AnsibleFilterError(f"dwp_flyway_databases: the entry {database.get('service', '?')} has no db")
    options = {option: database[key] for key, option in _OPTIONS.items() if database.get(key) not in (None, "")}
    wanted = (*_SAME, *_FILES) if files else _SAME
    options.update({key: database[key] for key in wanted if database.get(key) not in (None, "")})
    if database.get("schema"):
        options.setdefault("schemas", [database["schema"]])
    return options


def flyway_lines(result: Mapping[str, Any], service: str = "") -> list[str]:
    """The result of flyway_rollback, flyway_repair or flyway_verify, one line each thing that a person must see."""
    lines = [str(result.get("msg", ""))]
    plan = result.get("plan")
    if plan:
        kind = "all or nothing" if plan["all_or_nothing"] else "NOT all or nothing: step by step, with a journal"
        lines.append(f"plan {plan['id']}: {kind}")
        lines += [f"  {one['version']}: {one['sql']}   [{one['place']}]" for one in plan["statements"]]
        locks = dict.fromkeys(lock for one in plan["statements"] for lock in one.get("locks", []))
        lines += [f"  locks: {', '.join(locks)}"] if locks else []
        lines += [f"  history: {one['version']}: {one['effect']} (rank {one['installed_rank']})" for one in plan["history_effect"]]
    lines += [_loss(one) for one in result.get("losses", [])]
    lines += [_session(one) for one in result.get("sessions_in_the_way", [])]
    lines += [
        f"  {one['action']}: {one['version'] or one['description']} ({one['script']}){_change(one)}" for one in result.get("actions", [])
    ]
    lines += [_finding(one) for one in result.get("migrations", []) if "result" in one]
    lines += [f"  schema: {line}" for line in (result.get("schema") or {}).get("differences", [])]
    lines += [f"  runs again at the next migrate: {name}" for name in result.get("repeatables_to_rerun", [])]
    lines += [f"  refused: {one['message']}" for one in result.get("refusals", [])]
    lines += [f"  warning: {text}" for text in result.get("warnings", [])]
    who = f"service {service}" if service else "an application"
    lines += [f"  {who} applies {one['version']} again when it starts with {one['file']}" for one in result.get("reapply", [])]
    return lines


def _loss(loss: Mapping[str, Any]) -> str:
    rows = "an unknown number of rows" if loss["rows"] is None else f"{loss['rows']} rows"
    note = f", {loss['note']}" if loss["note"] else ""
    kept = f", saved as {loss['backup']}" if loss["backup"] else ""
    return f"  lost: {loss['object']} ({loss['kind']}): {rows}{note}{kept}"


def _session(session: Mapping[str, Any]) -> str:
    since = session["transaction_seconds"]
    open_for = f", transaction open for {since} s" if since is not None else ""
    holds = f", holds {', '.join(session['holds'])}" if session["holds"] else ""
    return f"  in the way: process {session['pid']} ({session['application'] or session['user']}, {session['state']}{open_for}{holds})"


def _change(action: Mapping[str, Any]) -> str:
    if "to" not in action:
        return ""
    changed = [f"{key} {action['from'][key]} -> {value}" for key, value in action["to"].items() if action["from"][key] != value]
    return f": {', '.join(changed)}"


def _finding(finding: Mapping[str, Any]) -> str:
    differences = f": {'; '.join(finding['differences'])}" if finding["differences"] else ""
    reason = f" ({finding['reason']}{differences})" if finding["reason"] or differences else ""
    return f"  {finding['version']}: {finding['result']}{reason}"


def flyway_report(results: Sequence[Mapping[str, Any]], databases: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The findings of flyway_verify by service, without anything of the connection."""
    keys = ("msg", "counts", "migrations", "schema", "warnings")
    return {
        database.get("service") or database["db"]: {key: result[key] for key in keys if key in result}
        for database, result in zip(databases, results)
    }


def flyway_left(status: Mapping[str, Any], versions: Sequence[str]) -> list[str]:
    """Which of these versions, meant to be taken back, the answer of flyway_status still shows as applied."""
    return [
        str(one["version"]) for one in status["migrations"]
        if one["version"] in versions and one["state"] not in ("Deleted", "Pending", "Ignored") and one["type"] != "DELETE"
    ]


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"flyway_options": flyway_options, "flyway_lines": flyway_lines, "flyway_report": flyway_report, "flyway_left": flyway_left}
