# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Redis as the services reach it: PING with their password, then what INFO tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from ansible_collections.dwp.backend.plugins.module_utils import _prober
from ansible_collections.dwp.backend.plugins.module_utils._collect.parts import NotChecked
from ansible_collections.dwp.backend.plugins.module_utils._environment_text import addresses
from ansible_collections.dwp.backend.plugins.module_utils._probe import judge
from ansible_collections.dwp.backend.plugins.module_utils._probe_messages import advice, happened
from ansible_collections.dwp.backend.plugins.module_utils._probe_model import Rung, scrub
from ansible_collections.dwp.backend.plugins.module_utils._requires import require

SLOW_MS = 2000.0  # for a login and a PING
SENTINELS = "SPRING_DATA_REDIS_SENTINEL_NODES"


class Target(NamedTuple):
    host: str
    port: int
    password: str
    user: str = ""
    tls: bool = False
    others: tuple[tuple[str, int], ...] = ()  # of a cluster: any of its nodes answers for it

    def each(self) -> list[Target]:
        return [self, *(self._replace(host=host, port=port) for host, port in self.others)]

    @property
    def address(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def targets(services: Mapping[str, Mapping[str, Any]], environments: Mapping[str, Mapping[str, str]]) -> dict[Target, list[str]]:
    """Which services use which Redis."""
    found: dict[Target, list[str]] = {}
    for name, service in services.items():
        names, values = service.get("redis"), environments.get(name)
        if not names or not values:
            continue
        port = values.get(names["port"]) or "6379"
        target = Target(
            values.get(names["host"]) or "localhost", int(port) if port.isdigit() else 0, values.get(names["password"]) or "",
            values.get("SPRING_DATA_REDIS_USERNAME") or "", values.get("SPRING_DATA_REDIS_SSL_ENABLED", "").lower() == "true",
        )  # fmt: skip
        if values.get(SENTINELS):
            continue  # they tell where the master is: to be asked by whoever speaks their language
        found.setdefault(_elsewhere(target, values), []).append(name)
    return found


def _elsewhere(target: Target, values: Mapping[str, str]) -> Target:
    """The same with what wins over host and port in Spring Boot: the nodes of a cluster, else a URL."""
    nodes = addresses("//" + values.get("SPRING_DATA_REDIS_CLUSTER_NODES", ""))
    if nodes:
        (host, port), *more = nodes
        return target._replace(host=host, port=port or 6379, others=tuple((name, number or 6379) for name, number in more))
    url = values.get("SPRING_DATA_REDIS_URL") or ""
    if not url.startswith(("redis://", "rediss://")):
        return target
    parts = urlsplit(url)
    (host, port), *_more = addresses(url) or [(target.host, target.port)]
    return Target(host, port or 6379, unquote(parts.password or ""), unquote(parts.username or ""), parts.scheme == "rediss")


def look(target: Target, services: Iterable[str], timeout: float) -> dict[str, Any]:
    """One server, or the first node of a cluster that answers. A refusal is an answer, not an error."""
    entry: dict[str, Any] = {}
    for one in target.each():
        entry = _look(one, services, timeout)
        if entry["cause"] not in ("refused", "timeout", "dns", "reset"):
            break
    return entry


def _look(target: Target, services: Iterable[str], timeout: float) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "services": sorted(services), "address": target.address, "tls": target.tls, "cause": None, "message": "", "latency_ms": None,
        "version": None, "role": None, "master_link": None, "memory": None, "clients": None, "max_clients": None,
        "blocked_clients": None, "rejected": None, "evicted": None, "loading": None, "last_save_ok": None, "uptime_seconds": None,
    }  # fmt: skip
    if not 1 <= target.port <= 65535:
        return {**entry, "cause": "client_error", "message": "the port of Redis is not a port"}
    require("redis")
    rung = Rung(
        "redis", target.host, target.port, user=target.user or None, password=target.password or None,
        ssl_mode="require" if target.tls else "prefer",
    )  # fmt: skip
    answer = _prober.ask(rung, timeout, _prober.Cutter())
    verdict = judge(rung, answer)
    text = f"{rung.label}: {happened(verdict)}" + (f". {advice(rung, verdict)}" if verdict.cause != "ok" else "")
    entry.update(cause=verdict.cause, latency_ms=round(verdict.latency_ms, 1), message=scrub(text.rstrip(), rung.secrets()))
    if verdict.latency_ms > SLOW_MS:
        return entry  # that it is slow says enough, and each further question takes as long
    if verdict.cause == "ok" or verdict.code in ("LOADING", "MASTERDOWN", "MISCONF"):
        entry.update(info(_ask_info(target, timeout)))
    return entry


def _ask_info(target: Target, timeout: float) -> Mapping[str, Any]:
    redis = require("redis")
    client = redis.Redis(
        host=target.host, port=target.port, username=target.user or None, password=target.password or None,
        ssl=target.tls, ssl_cert_reqs="none", socket_timeout=timeout, socket_connect_timeout=timeout,
    )  # fmt: skip
    try:
        return dict(client.info())
    except redis.exceptions.RedisError as error:
        raise NotChecked(f"INFO: {' '.join(str(error).split())[:200]}") from None
    finally:
        client.close()


def info(found: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of INFO that say how it is."""
    return {
        "version": found.get("redis_version"),
        "role": found.get("role"),
        "master_link": found.get("master_link_status"),
        "memory": {
            "used_mb": int(found.get("used_memory", 0)) >> 20,
            "max_mb": int(found.get("maxmemory", 0)) >> 20,
            "policy": found.get("maxmemory_policy"),
            "full": 0 < 0.98 * int(found.get("maxmemory", 0)) <= int(found.get("used_memory", 0)),
        },
        "clients": found.get("connected_clients"),
        "max_clients": found.get("maxclients"),
        "blocked_clients": found.get("blocked_clients"),
        "rejected": found.get("rejected_connections"),
        "evicted": found.get("evicted_keys"),
        "loading": bool(found.get("loading")),
        "last_save_ok": found.get("rdb_last_bgsave_status") == "ok" if "rdb_last_bgsave_status" in found else None,
        "uptime_seconds": found.get("uptime_in_seconds"),
    }
