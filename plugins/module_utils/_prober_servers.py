# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real log-ins to PostgreSQL (psycopg2) and Redis (redis-py)."""

from __future__ import annotations

import math
import os
import socket
import time
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils import _pgwire
from ansible_collections.dwp.backend.plugins.module_utils._probe_model import Answer, Rung
from ansible_collections.dwp.backend.plugins.module_utils._requires import require

RIGHTS = """
SELECT current_user, current_setting('transaction_read_only') = 'on',
       has_database_privilege(current_database(), 'CREATE'),
       n.oid IS NOT NULL, has_schema_privilege(n.oid, 'USAGE'), has_schema_privilege(n.oid, 'CREATE')
FROM (SELECT 1) AS one LEFT JOIN pg_namespace AS n ON n.nspname = %s
"""


def ask_postgres(rung: Rung, deadline: float, cutter: Any) -> Answer:
    """Greeting, login, SELECT 1, rights on the schema; the first that fails is the answer."""
    psycopg2 = require("psycopg2")
    offers_tls = _greet(rung, deadline, cutter)
    if offers_tls is None:
        return Answer(failure="unexpected_body", detail="the listener does not speak PostgreSQL's protocol")
    left = max(0.1, deadline - time.monotonic())
    try:
        connection = psycopg2.connect(
            host=rung.host, port=rung.port, dbname=rung.database, user=rung.user, password=rung.password,
            sslmode=rung.ssl_mode, sslrootcert=rung.ca_cert, connect_timeout=max(2, math.ceil(left)),
            gssencmode="disable", application_name="dwp_health",
        )  # fmt: skip
    except (psycopg2.Error, UnicodeError) as error:
        return _refused_login(rung, str(error), offers_tls, deadline, cutter)
    twin = socket.socket(fileno=os.dup(connection.fileno()))
    cutter.hold(twin)
    try:
        with connection.cursor() as cursor:
            # Not as an option of the connection: PgBouncer refuses those. It ends with the transaction.
            cursor.execute("SET LOCAL statement_timeout = %s", (max(50, int((deadline - time.monotonic()) * 1000)),))
            cursor.execute("SELECT 1")
            if rung.schema is None:
                return Answer(detail="SELECT 1")
            cursor.execute(RIGHTS, (rung.schema,))
            names = ("role", "read_only", "database_create", "schema_exists", "schema_usage", "schema_create")
            return Answer(detail=f"SELECT 1, schema {rung.schema}", facts=dict(zip(names, cursor.fetchone())))
    except psycopg2.Error as error:
        code = error.pgcode
        if code is None:
            return Answer(failure="reset", detail="the connection ended during the query")
        return Answer(code=code, detail=f"SQLSTATE {code}: {_one_line(error.diag.message_primary or '')}")
    finally:
        connection.close()
        twin.close()


def _greet(rung: Rung, deadline: float, cutter: Any) -> bool | None:
    """Whether the server offers TLS; None when it is no PostgreSQL. Network errors rise."""
    sock = _pgwire.connect(rung.host, rung.port, max(0.05, deadline - time.monotonic()))
    with sock:
        cutter.phase = "read"
        cutter.hold(sock)
        try:
            return _pgwire.greet(sock)
        except _pgwire.WireError:
            return None


def _refused_login(rung: Rung, text: str, offers_tls: bool, deadline: float, cutter: Any) -> Answer:
    """Repeat the login on the wire for its SQLSTATE; libpq gives no more than a translated text."""
    user = rung.user or ""
    use_tls = offers_tls and rung.ssl_mode != "disable"
    if rung.ssl_mode in ("require", "verify-ca", "verify-full") and not offers_tls:
        return Answer(failure="tls", detail=f"ssl_mode is {rung.ssl_mode}, but the server offers no TLS")
    try:
        with _pgwire.connect(rung.host, rung.port, max(0.05, deadline - time.monotonic())) as sock:
            cutter.hold(sock)
            if _pgwire.greet(sock) and not use_tls:
                # The server waits for a handshake now; a startup packet without TLS needs a connection of its own.
                with _pgwire.connect(rung.host, rung.port, max(0.05, deadline - time.monotonic())) as plain:
                    cutter.hold(plain)
                    fields = _pgwire.login_error(plain, user, rung.database or user, rung.password or "", False)
            else:
                fields = _pgwire.login_error(sock, user, rung.database or user, rung.password or "", use_tls)
    except _pgwire.WireError as error:
        return Answer(code="08P01", detail=f"login failed: {_one_line(text)} ({error})")
    if fields is None:
        # The login itself works, so libpq refused the server: its certificate, or an option.
        cause = "tls" if rung.ssl_mode in ("verify-ca", "verify-full", "require") else "reset"
        return Answer(failure=cause, detail=_one_line(text))
    code = fields.get("C", "XX000")
    return Answer(code=code, detail=f"SQLSTATE {code}: {_one_line(fields.get('M', ''))}")


def ask_redis(rung: Rung, deadline: float, cutter: Any) -> Answer:
    """AUTH (when a password is given) and PING."""
    redis = require("redis")
    left = max(0.05, deadline - time.monotonic())
    options: dict[str, Any] = {"host": rung.host, "port": rung.port, "socket_timeout": left}
    options.update(socket_connect_timeout=left, username=rung.user or None, password=rung.password or None)
    kind = redis.Connection
    if rung.ssl_mode in ("require", "verify-ca", "verify-full"):
        kind = redis.SSLConnection
        checked = "required" if rung.ssl_mode != "require" else "none"
        options.update(ssl_cert_reqs=checked, ssl_ca_certs=rung.ca_cert)
        options.update(ssl_check_hostname=rung.ssl_mode == "verify-full")
    errors = redis.exceptions
    connection = kind(**options)
    try:
        connection.connect()
        cutter.phase = "read"
        cutter.hold(getattr(connection, "_sock", None))
        connection.send_command("PING", check_health=False)
        reply = connection.read_response()
    except errors.InvalidResponse:
        return Answer(failure="unexpected_body", detail="the listener does not speak Redis' protocol")
    except errors.TimeoutError as error:
        raise TimeoutError(str(error)) from error
    except errors.ResponseError as error:
        return _redis_error(error, errors)
    except errors.ConnectionError as error:
        answer = _redis_error(error, errors)
        if answer.code is not None:
            return answer
        raise OSError(str(error)) from error
    finally:
        connection.disconnect()
    if reply not in (b"PONG", "PONG"):
        return Answer(failure="unexpected_body", detail="PING was not answered with PONG")
    return Answer(detail="PONG")


def _redis_error(error: Exception, errors: Any) -> Answer:
    """The first word of Redis' error is a code; redis-py takes it off for the errors that it knows."""
    known = (
        (getattr(errors, "AuthenticationWrongNumberOfArgsError", ()), "AUTH", "AUTH is not understood"),
        (errors.AuthenticationError, "WRONGPASS", "wrong password, or one is needed"),
        (getattr(errors, "NoPermissionError", ()), "NOPERM", "the user may not PING"),
        (errors.BusyLoadingError, "LOADING", "Redis loads its data set"),
        (getattr(errors, "MasterDownError", ()), "MASTERDOWN", "link with the master is down"),
    )
    for classes, code, text in known:
        if classes and isinstance(error, classes):
            return Answer(code=code, detail=text)
    if "max number of clients" in str(error):  # redis-py makes a connection error of it
        return Answer(code="MAXCLIENTS", detail="it has as many clients as it takes (maxclients)")
    if isinstance(error, errors.ResponseError):
        word = str(error).split(" ", maxsplit=1)[0]
        code = word if word.isupper() else "ERR"
        return Answer(code=code, detail=_one_line(str(error)))
    return Answer()


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]
