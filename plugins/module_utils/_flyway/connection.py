# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connecting to PostgreSQL, and saying in plain words why it did not work."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError
from ansible_collections.dwp.backend.plugins.module_utils._requires import MissingLibraryError, require


@dataclass(frozen=True, eq=False)
class Login:
    """Where to log in, as whom, and how safe the line has to be."""

    host: str = ""
    port: int = 5432
    user: str = "postgres"
    password: str = field(default="", repr=False)
    database: str = "postgres"
    unix_socket: str = ""
    ssl_mode: str = "prefer"
    ca_cert: str | None = None
    ssl_cert: str | None = None
    ssl_key: str | None = None
    connect_timeout: int = 10
    params: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def address(self) -> str:
        """Host and port, for messages."""
        if self.host:
            return f"{self.host}:{self.port}"
        return f"the socket {self.unix_socket or '/var/run/postgresql'}/.s.PGSQL.{self.port}"

    def libpq(self, database: str | None = None) -> dict[str, Any]:
        """The parameters of libpq."""
        wanted = {
            "host": self.host or self.unix_socket,
            "port": self.port,
            "user": self.user,
            "password": self.password,
            "dbname": database or self.database,
            "sslmode": self.ssl_mode,
            "sslrootcert": self.ca_cert,
            "sslcert": self.ssl_cert,
            "sslkey": self.ssl_key,
            "connect_timeout": self.connect_timeout,
        }
        return {**{key: value for key, value in wanted.items() if value not in (None, "")}, **self.params}


def connect(login: Login, application: str, read_only: bool = False) -> Any:
    """A psycopg2 connection; FlywayError with the reason and the cure when there is none.

    ``read_only``: every transaction is READ ONLY and sees one snapshot.
    """
    try:
        psycopg2 = require("psycopg2")
    except MissingLibraryError as exc:
        raise FlywayError(str(exc), "MISSING_LIBRARY") from exc
    if login.ca_cert and not os.access(login.ca_cert, os.R_OK):
        raise FlywayError(f"ca_cert {login.ca_cert} does not exist here or cannot be read.", "TLS")
    try:
        connection = psycopg2.connect(**{"application_name": application, **login.libpq()})
    except psycopg2.OperationalError as exc:
        raise explain_login(login, str(exc)) from None  # the original may show more than it should
    except UnicodeDecodeError:  # a server that speaks another language in another encoding
        raise explain_login(login, "its message is not in UTF-8") from None
    except psycopg2.Error as exc:  # a parameter that libpq does not know
        raise FlywayError(f"Cannot use these connection options: {one_line(str(exc))}", "BAD_OPTION") from None
    if read_only:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
    return connection


def explain_login(login: Login, text: str) -> FlywayError:
    """Why a login failed, from the text of libpq and, where the server speaks another language, from the wire."""
    text = one_line(text)
    code = _client_side(text) or _code_of(login, text)
    return FlywayError(_message(code, login, text), _NAMES.get(code, code), {"sqlstate": code if len(code) == 5 else ""})


# SQLSTATE -> our name for the reason
_NAMES = {
    "28P01": "PG_AUTH",
    "28000": "PG_AUTH",
    "3D000": "PG_NODB",
    "42501": "PG_PERM",
    "53300": "PG_FULL",
    "57P03": "PG_STARTING",
}

# libpq's own texts are never translated here: Python does not set LC_MESSAGES.
_CLIENT_TEXTS = (
    ("could not translate host name", "PG_UNKNOWN_HOST"),
    ("Connection refused", "PG_REFUSED"),
    ("No such file or directory", "PG_REFUSED"),
    ("timeout expired", "PG_TIMEOUT"),
    ("Connection timed out", "PG_TIMEOUT"),
    ("No route to host", "PG_TIMEOUT"),
    ("Network is unreachable", "PG_TIMEOUT"),
    ("no password supplied", "28P01"),
    ("server does not support SSL", "TLS"),
    ("root certificate file", "TLS"),
    ("certificate verify failed", "TLS"),
    ("does not match host name", "TLS"),
    ("SSL error", "TLS"),
    ("could not load private key", "TLS"),
    ("could not read certificate file", "TLS"),
    ("received invalid response to SSL negotiation", "NOT_POSTGRESQL"),
    ("expected authentication request from server", "NOT_POSTGRESQL"),
)

_SERVER_TEXTS = (
    ("password authentication failed", "28P01"),
    ("no pg_hba.conf entry", "28000"),
    ("Peer authentication failed", "28000"),
    ("Ident authentication failed", "28000"),
    ("is not permitted to log in", "28000"),
    ("too many connections", "53300"),
    ("too many clients", "53300"),
    ("remaining connection slots", "53300"),
    ("the database system is", "57P03"),
    ("permission denied for database", "42501"),
)


def _client_side(text: str) -> str:
    """A reason found by libpq itself, empty when the server gave it."""
    if "FATAL:" in text and "no pg_hba.conf entry" in text:
        return "28000"  # sslmode prefer tries twice; the refusal counts, not the TLS attempt before it
    return next((code for part, code in _CLIENT_TEXTS if part in text), "")


def _code_of(login: Login, text: str) -> str:
    """The SQLSTATE of a server's refusal."""
    if "does not exist" in text and f'database "{login.database}"' in text:
        return "3D000"
    if "does not exist" in text and f'role "{login.user}"' in text:
        return "28000"
    known = next((code for part, code in _SERVER_TEXTS if part in text), "")
    return known or _ask_the_wire(login) or "PG_LOGIN"


def _ask_the_wire(login: Login) -> str:
    """Repeat the login far enough to read the SQLSTATE, which libpq hides; empty when that does not work either."""
    from ansible_collections.dwp.backend.plugins.module_utils import _pgwire

    host = login.host or login.unix_socket or "/var/run/postgresql"
    try:
        sock = _pgwire.connect(host, login.port, login.connect_timeout)
        try:
            use_tls = False
            if login.ssl_mode not in ("disable", "allow") and not host.startswith("/"):
                use_tls = _pgwire.greet(sock)
            fields = _pgwire.login_error(sock, login.user, login.database, login.password, use_tls)
        finally:
            sock.close()
    except (OSError, ValueError, _pgwire.WireError):
        return ""
    return (fields or {}).get("C", "")


def _message(code: str, login: Login, text: str) -> str:
    who, where = f"user {login.user!r}", login.address
    messages = {
        "28P01": f"{where} does not accept the password of {who}, or that user does not exist. Check login_user and login_password.",
        "28000": f"{where} does not let {who} in to database {login.database!r}: {text} Check login_user, and pg_hba.conf on the server.",
        "3D000": f"Database {login.database!r} does not exist on {where}. Check login_db, or create it.",
        "42501": f"{who.capitalize()} may not connect to database {login.database!r} on {where}. "
        f'GRANT CONNECT ON DATABASE "{login.database}" TO "{login.user}".',
        "53300": f"{where} has no free connection for {who}: {text} Close idle sessions or raise max_connections.",
        "57P03": f"{where} is starting up, shutting down or recovering: {text} Try again in a moment.",
        "PG_REFUSED": f"Nothing listens on {where}. Start PostgreSQL, or check login_host and login_port.",
        "PG_TIMEOUT": f"{where} does not answer within {login.connect_timeout} s. Check the network, a firewall, "
        "login_host and login_port.",
        "PG_UNKNOWN_HOST": f"The host name {login.host!r} cannot be resolved. Check login_host.",
        "NOT_POSTGRESQL": f"What listens on {where} is not PostgreSQL. Check login_port.",
        "TLS": f"No safe line to {where} with ssl_mode={login.ssl_mode}: {text} Check ssl_mode and ca_cert.",
    }
    return messages.get(code, f"Cannot log in to database {login.database!r} on {where} as {who}: {text}")


def explain_query(exc: Exception, user: str, what: str, grants: str) -> FlywayError:
    """Why reading failed: ``what`` was read, ``grants`` are the statements that would allow it."""
    code = getattr(exc, "pgcode", None) or ""
    text = one_line(str(exc))
    if code == "42501":
        return FlywayError(f"User {user!r} may not read {what}: {text} As its owner: {grants}", "PG_PERM")
    if code == "55P03":
        return FlywayError(f"{what} is locked by another session: {text} Try again when it is done.", "PG_LOCKED")
    if code == "57014":
        return FlywayError(f"Reading {what} took too long and was cancelled: {text}", "PG_TIMEOUT")
    if code[:2] in ("08", "57") or not code:
        return FlywayError(f"The connection was lost while reading {what}: {text}", "PG_TERMINATED")
    return FlywayError(f"Cannot read {what}: {text} (SQLSTATE {code})", "PG_ERROR")


def one_line(text: str) -> str:
    """A message of libpq on one line, ending in a full stop."""
    joined = " ".join(text.split())
    return joined if joined.endswith((".", "?", "!")) else joined + "."
