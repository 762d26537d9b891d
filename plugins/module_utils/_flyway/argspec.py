# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that the Flyway modules share, and what they mean. Documented in the fragment ``flyway``."""

from __future__ import annotations

from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._flyway.connection import Login
from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError
from ansible_collections.dwp.backend.plugins.module_utils._flyway.history import DEFAULT_TABLE
from ansible_collections.dwp.backend.plugins.module_utils._flyway.migrations import FileOptions
from ansible_collections.dwp.backend.plugins.module_utils._flyway.names import Naming


def connection_spec() -> dict[str, Any]:
    """How to reach the database: the options of community.postgresql."""
    return {
        "login_host": {"type": "str", "default": "", "aliases": ["host"]},
        "login_port": {"type": "int", "default": 5432, "aliases": ["port"]},
        "login_user": {"type": "str", "default": "postgres", "aliases": ["login", "user"]},
        "login_password": {"type": "str", "default": "", "no_log": True, "aliases": ["password"]},
        "login_db": {"type": "str", "required": True, "aliases": ["db", "database"]},
        "login_unix_socket": {"type": "str", "default": "", "aliases": ["unix_socket"]},
        "ssl_mode": {
            "type": "str",
            "default": "prefer",
            "choices": ["allow", "disable", "prefer", "require", "verify-ca", "verify-full"],
        },
        "ca_cert": {"type": "path", "aliases": ["ssl_rootcert"]},
        "ssl_cert": {"type": "path"},
        "ssl_key": {"type": "path", "no_log": False},
        "connect_timeout": {"type": "int", "default": 10},
        "connect_params": {"type": "dict", "default": {}},
    }


def file_spec() -> dict[str, Any]:
    """Where migrations are and how they are named and read."""
    return {
        "locations": {"type": "list", "elements": "str", "default": ["classpath:db/migration"]},
        "jar": {"type": "path"},
        "undo_locations": {"type": "list", "elements": "str", "default": []},
        "fail_on_missing_locations": {"type": "bool", "default": True},
        "sql_migration_prefix": {"type": "str", "default": "V"},
        "repeatable_sql_migration_prefix": {"type": "str", "default": "R"},
        "baseline_migration_prefix": {"type": "str", "default": "B"},
        "undo_sql_migration_prefix": {"type": "str", "default": "U"},
        "sql_migration_separator": {"type": "str", "default": "__"},
        "sql_migration_suffixes": {"type": "list", "elements": "str", "default": [".sql"]},
        "encoding": {"type": "str", "default": "UTF-8"},
        "validate_migration_naming": {"type": "bool", "default": False},
        "placeholders": {"type": "dict", "default": {}},
        "placeholder_replacement": {"type": "bool", "default": True},
        "placeholder_prefix": {"type": "str", "default": "${"},
        "placeholder_suffix": {"type": "str", "default": "}"},
        "placeholder_separator": {"type": "str", "default": ":"},
        "working_directory": {"type": "str"},
        "flyway_environment": {"type": "str", "default": "default"},
    }


def history_spec() -> dict[str, Any]:
    """Where the schema history is, and how Flyway is configured to judge it."""
    return {
        "schemas": {"type": "list", "elements": "str", "default": []},
        "default_schema": {"type": "str"},
        "table": {"type": "str", "default": DEFAULT_TABLE},
        "target": {"type": "str"},
        "out_of_order": {"type": "bool", "default": False},
        "ignore_migration_patterns": {"type": "list", "elements": "str", "default": ["*:future"]},
        "baseline_on_migrate": {"type": "bool", "default": False},
        "baseline_version": {"type": "str", "default": "1"},
    }


def deployment_spec() -> dict[str, Any]:
    """Who acts for a deployment."""
    return {"deployment": {"type": "str"}, "deployment_root": {"type": "path"}}


def login_of(params: dict[str, Any]) -> Login:
    """The connection options of a module."""
    return Login(
        host=params["login_host"],
        port=params["login_port"],
        user=params["login_user"],
        password=params["login_password"],
        database=params["login_db"],
        unix_socket=params["login_unix_socket"],
        ssl_mode=params["ssl_mode"],
        ca_cert=params["ca_cert"],
        ssl_cert=params["ssl_cert"],
        ssl_key=params["ssl_key"],
        connect_timeout=params["connect_timeout"],
        params=params["connect_params"],
    )


def files_of(params: dict[str, Any]) -> FileOptions:
    """The options about files of a module; FlywayError for values that Flyway would not take either."""
    for name in ("placeholder_prefix", "placeholder_suffix", "sql_migration_separator"):
        if not params[name]:
            raise FlywayError(f"Option {name} must not be empty.", "BAD_OPTION")
    if not params["sql_migration_suffixes"]:
        raise FlywayError("Option sql_migration_suffixes must name a suffix, such as .sql.", "BAD_OPTION")
    naming = Naming(
        sql_prefix=params["sql_migration_prefix"],
        repeatable_prefix=params["repeatable_sql_migration_prefix"],
        baseline_prefix=params["baseline_migration_prefix"],
        undo_prefix=params["undo_sql_migration_prefix"],
        separator=params["sql_migration_separator"],
        suffixes=tuple(params["sql_migration_suffixes"]),
    )
    return FileOptions(naming, params["encoding"], params["validate_migration_naming"])


def placeholder_values(params: dict[str, Any]) -> dict[str, str]:
    """The user's placeholders as texts: YAML's true is ``true``, not ``True``."""
    values = {}
    for name, value in params["placeholders"].items():
        values[str(name)] = str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
    return values
