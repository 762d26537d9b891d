# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options in, what Flyway would say out: files and database read, put together."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._flyway import argspec, status
from ansible_collections.dwp.backend.plugins.module_utils._flyway.migrations import resolve
from ansible_collections.dwp.backend.plugins.module_utils._flyway.names import option_version, parse_target
from ansible_collections.dwp.backend.plugins.module_utils._flyway.placeholders import Placeholders
from ansible_collections.dwp.backend.plugins.module_utils._flyway.rollbacks import Rollbacks
from ansible_collections.dwp.backend.plugins.module_utils._flyway.scan import scan
from ansible_collections.dwp.backend.plugins.module_utils._flyway.snapshot import read_snapshot
from ansible_collections.dwp.backend.plugins.module_utils._flyway.validate import IgnorePatterns


def options(**given: Any) -> dict[str, Any]:
    """All options with their defaults, for who asks without AnsibleModule."""
    spec = {**argspec.connection_spec(), **argspec.file_spec(), **argspec.history_spec()}
    return {**{name: option.get("default") for name, option in spec.items()}, **given}


def judging_of(params: dict[str, Any]) -> status.Judging:
    """The options that bear on states and validation; FlywayError for values that mean nothing."""
    parse_target(params["target"])
    return status.Judging(
        schemas=params["schemas"],
        target=params["target"],
        out_of_order=params["out_of_order"],
        patterns=IgnorePatterns(params["ignore_migration_patterns"]),
        baseline_on_migrate=params["baseline_on_migrate"],
        baseline_version=option_version("baseline_version", params["baseline_version"]),
    )


def ask(params: dict[str, Any]) -> dict[str, Any]:
    """The answer of flyway_status for the options in ``params`` (see argspec.py)."""
    judging, options = judging_of(params), argspec.files_of(params)
    values = argspec.placeholder_values(params)
    login = argspec.login_of(params)
    files = scan(params["locations"], params["jar"], params["fail_on_missing_locations"])
    undo = scan(params["undo_locations"], params["jar"], params["fail_on_missing_locations"])
    snapshot = read_snapshot(login, params["schemas"], params["default_schema"], params["table"])
    placeholders = Placeholders(
        values,
        status.builtin_placeholders(snapshot, datetime.now(), params["working_directory"], params["flyway_environment"]),
        params["placeholder_prefix"],
        params["placeholder_suffix"],
        params["placeholder_separator"],
        params["placeholder_replacement"],
    )
    resolved = resolve(files.resources, options, placeholders)
    resolved.warnings[:0] = files.warnings + undo.warnings
    sidecars = resolved.undo_files + resolve(undo.resources, options, placeholders).undo_files
    rollbacks = Rollbacks(sidecars, placeholders, params["table"])
    return status.build(snapshot, resolved, judging, placeholders, rollbacks.of)
