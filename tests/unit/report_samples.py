# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of triage for tests of report.html: the samples of the diagnosis, one with something in every section, and attacks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).with_name("triage_samples")


def sample(name: str) -> dict[str, Any]:
    """`root`, `healthy` or `unknown`."""
    found: dict[str, Any] = json.loads((SAMPLES / f"report_{name}.json").read_text(encoding="utf-8"))
    return found


def full() -> dict[str, Any]:
    """PostgreSQL is down, and every section has something to show."""
    report = sample("root")
    report["findings"][0]["evidence"][1]["record"] += "".join(
        f"\n\tat org.springframework.beans.factory.support.Factory.step{number}(Factory.java:{number})" for number in range(60)
    )
    report["unexplained"] = [{"service": "approval", "why": "approval did not answer in its time and no finding says why"}]
    report["services"]["gateway"]["instances"].append({**report["services"]["gateway"]["instances"][0], "host": "app-02", "health": "up",
                                                       "cause": "ok", "message": ""})  # fmt: skip
    for name in ("auth", "main"):
        report["services"][name]["instances"][0]["environment"] = {
            "plain": {"DB_HOST": "10.0.3.21", "DB_NAME": f"dwp_{name}"}, "fingerprints": {"DB_PASSWORD": "5c0e1f7a"}, "key": "d41c88aa",
        }  # fmt: skip
    report["verdict"]["next_action"]["where"] = "app-01"
    report["edges"][1]["points_to"] = "mail"
    report["edges"].append({"host": "app-01", "from": "gateway", "to": "", "variable": "AURA_PLATFORM_URI", "url": "http://localhost:9000",
                            "cause": "refused", "message": "nothing listens there", "latency_ms": 0.4, "external": True})  # fmt: skip
    report["edges"][0].update(cause="refused", status=None, message="Connection refused")
    report["request_path"]["steps"].append(
        {"time": "2026-11-25T12:30:52.141Z", "service": "main", "host": "app-01", "file": "/opt/dwp/log/main.log", "line": 24022,
         "level": "WARN", "message": "사용자 권한을 확인하지 못했습니다: auth 서버가 응답하지 않습니다", "after_ms": 2004},
    )  # fmt: skip
    report["database"].append({
        **report["database"][0], "services": ["main"], "database": "dwp_main", "cause": "ok", "message": "", "version": "15.18",
        "max_connections": 100, "reserved": 3,
        "connections": {"total": 93, "by_application": {"main": 60, "auth": 32, "psql": 1}, "by_state": {"idle": 58, "active": 35}},
        "locks": [{"pid": 4711, "application": "main", "waits_seconds": 38.2,
                   "query": "UPDATE com_user_product SET used = true WHERE user_id = $1",
                   "blocked_by": [{"pid": 4699, "application": "psql", "state": "idle in transaction", "seconds": 812,
                                   "query": "DELETE FROM com_user"}]}],
        "long_transactions": [{"pid": 4699, "application": "psql", "state": "idle in transaction", "seconds": 812, "query": "DELETE"}],
        "flyway": {"schema": "public", "schema_version": "23", "counts": {"Success": 23, "Pending": 1}, "failed": [],
                   "pending": ["V24__add_audit_index.sql"], "errors": [], "newer_than_jar": False},
    })  # fmt: skip
    report["hosts"]["app-01"]["oom_kills"] = [{"time": "2026-11-25T11:58:01Z", "pid": 4099, "name": "java", "service": "auth"}]
    return report


SCRIPT = "<script>document.title='pwned';window.pwned=1</script>"
HOSTILE = (
    SCRIPT + "</script></pre></style><img src=x onerror=\"window.pwned=1\"><svg onload='window.pwned=1'>"
    "<iframe src=\"javascript:alert(1)\"><a href='javascript:alert(1)'>x</a><link rel=stylesheet href=http://evil.example/x.css>"
    "<base href=http://evil.example/>"
    "<form action=http://evil.example><meta http-equiv=refresh content='0;url=http://evil.example/'>{{ 7*7 }}{% raw %}"
    "\x1b[31mred\x1b[0m\x1b]8;;http://evil.example\x07link\x00nul\u202egnp.exe\ud800\u2066-->]]>&lt;script&gt;"
)
_PLAIN = {"status", "role", "kind", "health", "state", "cause"}  # words that choose a look


def hostile() -> dict[str, Any]:
    """Every text and every name in the report is an attack."""

    def poison(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            made = {key: poison(each, key) for key, each in value.items()}
            return made | {HOSTILE: next(iter(made.values()))} if made and name in ("services", "components", "hosts", "values") else made
        if isinstance(value, list):
            return [poison(each) for each in value]
        return value + HOSTILE if isinstance(value, str) and name not in _PLAIN else value

    report: dict[str, Any] = poison(full())
    report["findings"][0]["evidence"].append({"file": "/var/log/x", "line": 1, "record": "A" * 10_000_000 + HOSTILE})
    return report
