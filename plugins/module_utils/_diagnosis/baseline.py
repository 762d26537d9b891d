# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is different from an earlier report: releases, environments, migrations, restarts, health, new errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

SCHEMA = 1


class BaselineError(Exception):
    """The file is no report that this version can compare with; the message says why."""


def check(report: Any) -> Mapping[str, Any]:
    if not isinstance(report, Mapping) or not isinstance(report.get("services"), Mapping) or "verdict" not in report:
        raise BaselineError("it is no report of triage.yml (report.json)")
    if report.get("schema_version") != SCHEMA:
        raise BaselineError(f"its schema_version is {report.get('schema_version')!r}, this version reads {SCHEMA}")
    return report


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Changes, each with a sentence. Only what both reports know is compared."""
    found: list[dict[str, Any]] = []
    old, new = _instances(before), _instances(after)
    for (service, host), now in new.items():
        then = old.get((service, host))
        where = f"{service} on {host}"
        if then is None:
            found.append(_change("release", service, host, None, now.get("release"), f"{where}: new since then"))
            continue
        for kind, key in (("release", "release"), ("health", "health")):
            if then.get(key) != now.get(key) and "unknown" not in (then.get(key), now.get(key)):
                text = f"{where}: {key} was {then.get(key)}, is {now.get(key)}"
                found.append(_change(kind, service, host, then.get(key), now.get(key), text))
        if then.get("since") and now.get("since") and then["since"] != now["since"]:
            found.append(_change("restart", service, host, then["since"], now["since"], f"{where}: restarted, runs since {now['since']}"))
        found.extend(_environment(service, host, then.get("environment") or {}, now.get("environment") or {}))
    for (service, host), then in old.items():
        if (service, host) not in new:
            found.append(_change("release", service, host, then.get("release"), None, f"{service} on {host}: not there any more"))
    found.extend(_migrations(before, after))
    known = {(one.get("service"), one.get("template")) for one in before.get("templates") or ()}
    for one in after.get("templates") or ():
        if (one.get("service"), one.get("template")) not in known and not one.get("stale"):
            text = f"{one.get('service')}: new error ({one.get('count')} times): {one.get('template')}"
            found.append(_change("template", str(one.get("service")), str(one.get("host")), None, one.get("count"), text))
    return found


def _change(kind: str, service: str, host: str, before: Any, after: Any, text: str) -> dict[str, Any]:
    return {"kind": kind, "service": service, "host": host, "before": before, "after": after, "text": text}


def _instances(report: Mapping[str, Any]) -> dict[tuple[str, str], Mapping[str, Any]]:
    def rows() -> Iterator[tuple[tuple[str, str], Mapping[str, Any]]]:
        for name, service in report["services"].items():
            for row in service.get("instances") or ():
                yield (str(name), str(row.get("host"))), row

    return dict(rows())


def _environment(service: str, host: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Fingerprints compare only when the same key made them."""
    pairs = [("plain", then.get("plain") or {}, now.get("plain") or {}, False)]
    if then.get("key") and then.get("key") == now.get("key"):
        pairs.append(("fingerprints", then.get("fingerprints") or {}, now.get("fingerprints") or {}, True))
    for _kind, old, new, secret in pairs:
        for name in sorted(set(old) | set(new)):
            if old.get(name) != new.get(name):
                was, now_is = (None, None) if secret else (old.get(name), new.get(name))
                what = "another value" if secret else f"was {old.get(name)!r}, is {new.get(name)!r}"
                yield _change("environment", service, host, was, now_is, f"{service} on {host}: {name}: {what}")


def _migrations(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    def versions(report: Mapping[str, Any]) -> dict[str, tuple[str, Any]]:
        return {
            f"{one.get('address')}/{one.get('database')}": (", ".join(one.get("services") or ()), one["flyway"].get("schema_version"))
            for one in report.get("database") or () if one.get("flyway")
        }  # fmt: skip

    old = versions(before)
    for place, (services, version) in versions(after).items():
        if place in old and old[place][1] != version:
            text = f"{place} ({services}): schema was at {old[place][1]}, is at {version}"
            yield _change("migration", services, "", old[place][1], version, text)
