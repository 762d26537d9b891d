# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The databases of the services, asked with what their running processes were given; our own servers also as administrator."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote

from ansible_collections.dwp.backend.plugins.module_utils import _ports, _prober
from ansible_collections.dwp.backend.plugins.module_utils._collect.parts import NotChecked
from ansible_collections.dwp.backend.plugins.module_utils._collect.survey import APPLICATION, SURVEY, without_literals
from ansible_collections.dwp.backend.plugins.module_utils._command import Commands
from ansible_collections.dwp.backend.plugins.module_utils._environment_text import addresses, is_loopback
from ansible_collections.dwp.backend.plugins.module_utils._probe import judge
from ansible_collections.dwp.backend.plugins.module_utils._probe_messages import advice, happened
from ansible_collections.dwp.backend.plugins.module_utils._probe_model import Rung, Verdict, scrub
from ansible_collections.dwp.backend.plugins.module_utils._requires import require

POOL = 10  # Hikari's own maximum-pool-size
_POOL_NAMES = ("SPRING_DATASOURCE_HIKARI_MAXIMUMPOOLSIZE", "SPRING_DATASOURCE_HIKARI_MAXIMUM_POOL_SIZE")


class Target(NamedTuple):
    """One database as its services reach it; several services share one entry if they use the same login."""

    host: str
    port: int
    database: str
    user: str
    password: str
    ssl_mode: str = "prefer"
    schema: str | None = None
    others: tuple[tuple[str, int], ...] = ()  # addresses that the driver tries after the first
    primary: bool = False  # it wants one that takes changes

    def each(self) -> list[Target]:
        """One target for each address, in the order in which the driver tries them."""
        return [self, *(self._replace(host=host, port=port) for host, port in self.others)]

    @property
    def address(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def targets(services: Mapping[str, Mapping[str, Any]], environments: Mapping[str, Mapping[str, str]]) -> dict[Target, list[str]]:
    """Which services use which database; what a variable leaves open is as the applications have it by default."""
    found: dict[Target, list[str]] = {}
    for name, service in services.items():
        database, values = service.get("database"), environments.get(name)
        if not database or not values:
            continue
        port = values.get("DB_PORT") or "5432"
        target = Target(
            values.get("DB_HOST") or "localhost",
            int(port) if port.isdigit() else 0,
            values.get("DB_NAME") or database["name"],
            values.get("SPRING_DATASOURCE_USERNAME") or values.get("DB_USERNAME") or "dwp_user",
            values.get("SPRING_DATASOURCE_PASSWORD") or values.get("DB_PASSWORD") or "",
            database.get("ssl_mode") or "prefer",
            database.get("schema") if database.get("schema") == "public" else None,
        )
        found.setdefault(by_url(target, values.get("SPRING_DATASOURCE_URL") or ""), []).append(name)
    return found


def by_url(target: Target, url: str) -> Target:
    """The same with what a JDBC URL says, which wins over DB_*; one of another kind of database changes nothing.

    libpq cannot verify a certificate as the JVM does, with the JVM's trust store: it is asked for TLS alone.
    """
    if not url.startswith("jdbc:postgresql:"):
        return target
    rest, _mark, query = url[len("jdbc:postgresql:"):].partition("?")
    parts = {key: values[-1] for key, values in parse_qs(query, keep_blank_values=True).items()}
    authority, _slash, name = rest.removeprefix("//").rpartition("/") if rest.startswith("//") else ("", "", rest)
    (host, port), *more = addresses(f"//{authority}") or [("localhost", None)]
    ssl = parts.get("sslmode") or ("require" if parts.get("ssl", "false") in ("", "true") else target.ssl_mode)
    return target._replace(
        host=host, port=port or 5432, database=unquote(name) or target.database, user=parts.get("user") or target.user,
        password=parts.get("password") or target.password, ssl_mode="require" if ssl.startswith("verify-") else ssl,
        others=tuple((name, number or 5432) for name, number in more), primary=parts.get("targetServerType") in ("primary", "master"),
    )  # fmt: skip


def pool_size(values: Mapping[str, str]) -> int:
    """Connections that a service holds at most (and, by Hikari's default, from its start)."""
    for name in _POOL_NAMES:
        if values.get(name, "").isdigit():
            return int(values[name])
    return POOL


def empty(target: Target, services: Iterable[str]) -> dict[str, Any]:
    """The entry of a database of which nothing is known yet."""
    return {
        "services": sorted(services), "address": target.address, "database": target.database, "user": target.user, "as": None,
        "cause": None, "sqlstate": None, "message": "", "latency_ms": None, "version": None, "read_only": None, "standby": None,
        "started": None, "max_connections": None, "reserved": None, "server_connections": None, "connections": None,
        "pool_sum": None, "locks": [], "long_transactions": [], "flyway": None,
    }  # fmt: skip


def look(target: Target, entry: dict[str, Any], timeout: float) -> bool:
    """Log in as the service does; fill in the entry. Whether the login works."""
    if not 1 <= target.port <= 65535:
        entry.update(cause="client_error", message="DB_PORT is not a port")
        return False
    require("psycopg2")
    rung = Rung(
        "postgres", target.host, target.port, database=target.database, user=target.user, password=target.password or None,
        ssl_mode=target.ssl_mode, schema=target.schema,
    )  # fmt: skip
    answer = _prober.ask(rung, timeout, _prober.Cutter())
    verdict = judge(rung, answer)
    entry.update(cause=verdict.cause, sqlstate=verdict.code, latency_ms=round(verdict.latency_ms, 1), message=_message(rung, verdict))
    return answer.failure is None and answer.code is None


def _message(rung: Rung, verdict: Verdict) -> str:
    text = f"{rung.label}: {happened(verdict)}" + (f". {advice(rung, verdict)}" if verdict.cause != "ok" else "")
    return scrub(text.rstrip(), rung.secrets())


def survey(target: Target, timeout: float, **login: Any) -> dict[str, Any]:
    """What the server says about itself, in one read-only transaction."""
    psycopg2 = require("psycopg2")
    given: dict[str, Any] = {
        "host": target.host, "port": target.port, "dbname": target.database, "user": target.user, "password": target.password,
        "sslmode": target.ssl_mode, "connect_timeout": max(2, int(timeout)), "gssencmode": "disable", "application_name": APPLICATION,
        **login,
    }  # fmt: skip
    try:
        connection = psycopg2.connect(**given)
    except psycopg2.Error as error:
        raise NotChecked(_one_line(str(error))) from None
    try:
        connection.set_session(readonly=True)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = %s", (int(timeout * 1000),))
            cursor.execute("SET LOCAL lock_timeout = 1000")
            cursor.execute(SURVEY)
            return dict(cursor.fetchone()[0])
    except psycopg2.Error as error:
        raise NotChecked(f"SQLSTATE {error.pgcode}: {_one_line(error.diag.message_primary or str(error))}") from None
    finally:
        connection.close()


def take(entry: dict[str, Any], found: Mapping[str, Any], by: str) -> None:
    """The survey in the shape of the result, without the values that queries hold."""
    sessions = [row for row in found["sessions"] if row[0] == entry["database"]]
    applications: dict[str, int] = {}
    states: dict[str, int] = {}
    for _database, application, state, number in sessions:
        applications[application] = applications.get(application, 0) + number
        states[state] = states.get(state, 0) + number
    entry.update({key: value for key, value in found.items() if key in entry and key not in ("locks", "long_transactions")})
    entry["as"] = by
    entry["connections"] = {"total": sum(states.values()), "by_application": applications, "by_state": states}
    entry["locks"] = [
        {**_session(one), "blocked_by": [_session(blocker) for blocker in one["blocked_by"]]} for one in found["locks"]
    ]
    entry["long_transactions"] = [_session(one) for one in found["long_transactions"]]


def _session(one: Mapping[str, Any]) -> dict[str, Any]:
    return {**one, "query": without_literals(one.get("query") or "")}


# ---- as administrator, where the server is one of ours on this very host


def is_ours(component: Mapping[str, Any], target: Target) -> bool:
    """Whether the service's server is the one that the inventory has on this host."""
    return bool(component.get("here")) and component.get("port") == target.port and (
        is_loopback(target.host) or target.host in component.get("addresses", ())
    )


def administrate(component: Mapping[str, Any], database: str, root: str, run: Commands, timeout: float) -> dict[str, Any]:
    """The same survey by the server's own administrator, who gets in when the connections of the services are used up."""
    provider = component.get("provider")
    if provider == "embedded":
        return _embedded(component, database, root, run, timeout)
    if provider == "packages":
        return _packaged(component, database, run, timeout)
    raise NotChecked(f"there is no way in as administrator of a server from provider {provider}")


def _embedded(component: Mapping[str, Any], database: str, root: str, run: Commands, timeout: float) -> dict[str, Any]:
    from ansible_collections.dwp.backend.plugins.module_utils import _embedded_place, _embedded_servers

    wanted = {"port": component["port"], "admin_user": component["admin_user"]}
    server = _embedded_servers.Postgres(root, _embedded_place.home(root), wanted, run)
    try:
        password = server.password()
    except OSError as error:
        raise NotChecked(f"{server.password_file}: {error.strerror}") from None
    target = Target(server.sockets, server.running_port(), database, server.admin, password)
    return survey(target, timeout)


def _packaged(component: Mapping[str, Any], database: str, run: Commands, timeout: float) -> dict[str, Any]:
    """With psql in a process of the server's own user (peer authentication): this process has other threads."""
    from ansible_collections.dwp.backend.plugins.module_utils import _packaged_host

    if os.geteuid() != 0:
        raise NotChecked("needs root (become: true) to log in as the server's own user")
    cluster = _packaged_host.cluster(component["port"])
    if cluster is None:
        raise NotChecked("no PostgreSQL from packages is installed here")
    about = os.stat(cluster.data)
    user = _ports.user_name(about.st_uid)
    environment = {"PGAPPNAME": APPLICATION, "PGOPTIONS": f"-c statement_timeout={int(timeout * 1000)} -c default_transaction_read_only=on",
                   "PGCONNECT_TIMEOUT": str(max(2, int(timeout))), "PATH": os.environ.get("PATH", "/usr/bin:/bin")}  # fmt: skip
    argv = ["psql", "-X", "-A", "-t", "-q", "-w", "-h", cluster.sockets, "-p", str(component["port"]), "-U", user, "-d", database]
    done = run([*argv, "-c", SURVEY], environment, (about.st_uid, about.st_gid), timeout=timeout + 2)
    if done.status != 0:
        raise NotChecked(f"psql as {user}: {_one_line(done.last(2))}")
    try:
        found = dict(json.loads(done.out))
    except ValueError:
        raise NotChecked(f"psql as {user} gave no JSON") from None
    found["read_only"] = found["standby"]  # this session asked for it itself
    return found


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]
