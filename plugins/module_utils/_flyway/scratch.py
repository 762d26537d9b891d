# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scratch database on which migrations are applied as Flyway applies them, without history."""

from __future__ import annotations

import dataclasses
import io
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._flyway import fingerprint, lexer, session, verbs
from ansible_collections.dwp.backend.plugins.module_utils._flyway.connection import Login, connect, one_line
from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError
from ansible_collections.dwp.backend.plugins.module_utils._flyway.history import quote
from ansible_collections.dwp.backend.plugins.module_utils._flyway.migrations import Migration
from ansible_collections.dwp.backend.plugins.module_utils._flyway.plan import Step

APPLICATION = "dwp.backend flyway_verify"


class Scratch:
    """Made with CREATE DATABASE from the connection of `login`, dropped in the end."""

    def __init__(self, login: Login, schemas: Sequence[str], schema: str, replace: Callable[[Migration, str], str]) -> None:
        self.admin = login
        self.schemas = list(schemas)
        self.schema = schema
        self.replace = replace
        self.login = dataclasses.replace(login, database=f"dwp_verify_{secrets.token_hex(6)}")
        self.connection: Any = None
        self.original: session.Original  # remembered as soon as there is a connection

    def __enter__(self) -> Scratch:
        self.build()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.drop()

    def build(self) -> None:
        """An empty database, with the schemas that Flyway would create."""
        self.drop()
        self._administer(f"CREATE DATABASE {quote(self.login.database)}")
        self.connection = connect(self.login, APPLICATION)
        self.connection.autocommit = True
        with self.connection.cursor() as cursor:
            self.original = session.remember(cursor)
            for schema in dict.fromkeys([*self.schemas, self.schema]):
                cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}")

    def drop(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None
            self._administer(f"DROP DATABASE IF EXISTS {quote(self.login.database)}")

    def _administer(self, statement: str) -> None:
        from psycopg2 import Error

        connection = connect(self.admin, APPLICATION)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
        except Error as error:
            raise FlywayError(
                f"Cannot make a scratch database on {self.admin.address}: {one_line(str(error))} "
                f'ALTER ROLE "{self.admin.user}" CREATEDB, or name another server with the option scratch.',
                "SCRATCH",
            ) from None
        finally:
            connection.close()

    def fingerprint(self) -> fingerprint.Fingerprint:
        with self.connection.cursor() as cursor:
            cursor.execute("BEGIN")
            taken = fingerprint.take(cursor)
            cursor.execute("COMMIT")
        return taken

    def apply(self, migration: Migration) -> None:
        """Run one migration forward; FlywayError names file and line."""
        text = self.replace(migration, migration.text().lstrip("\ufeff"))
        parts = list(script(text))
        outside = any(verbs.outside_transaction(part.words(), self.connection.server_version) for part, _data in parts)
        own = migration.conf.execute_in_transaction
        self._run([(part, f"{migration.script}:{part.line}", data) for part, data in parts], own is not False and not outside)

    def undo(self, steps: Sequence[Step]) -> None:
        """Run a rollback text."""
        parts = [(lexer.split(step.statement.text)[0], step.statement.place, None) for step in steps]
        self._run(parts, all(step.in_transaction for step in steps))

    def _run(self, parts: Sequence[tuple[lexer.Statement, str, str | None]], in_transaction: bool) -> None:
        from psycopg2 import Error

        place = ""
        with self.connection.cursor() as cursor:
            session.like_flyway(cursor, self.original, self.schema, local=False)
            try:
                if in_transaction:
                    cursor.execute("BEGIN")
                for statement, place, data in parts:  # noqa: B007 -- the except clause names it
                    _execute(cursor, statement, data)
                if in_transaction:
                    cursor.execute("COMMIT")
            except Error as error:
                if not self.connection.closed:
                    cursor.execute("ROLLBACK")
                raise FlywayError(f"{place}: {one_line(str(error))}", "SCRIPT_FAILED", {"place": place}) from None


def _execute(cursor: Any, statement: lexer.Statement, data: str | None) -> None:
    if data is None:
        cursor.execute(statement.text)
    else:
        cursor.copy_expert(statement.text, io.StringIO(data))


def script(text: str) -> Iterator[tuple[lexer.Statement, str | None]]:
    """The statements of a migration; COPY .. FROM STDIN comes with the data lines that follow it."""
    start, line = 0, 1
    for token in lexer.tokenize(text, script=True):
        if token.kind != lexer.COPY_DATA:
            continue
        *before, copy = lexer.split(text[start : token.start], line)
        yield from ((statement, None) for statement in before)
        lines = [match.end() for match in re.finditer(r"\r\n|\r|\n", token.text)]
        # Neither the rest of the statement's own line nor the end mark is data.
        yield copy, token.text[lines[0] : lines[-1]] if lines else ""
        start, line = token.end, token.line + lexer.count_newlines(token.text)
    yield from ((statement, None) for statement in lexer.split(text[start:], line))
