# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simple variables of an inventory and of ``-e``: what each may be, so that a wrong one stops the run before it begins.

Without this, ``dwp_on_failure: rolback`` would mean that nothing is turned back, and ``-e dwp_onyl=mail`` deploys everything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._platform import schema

_BOOLEANS = ("true", "false", "yes", "no", "on", "off", "1", "0")


def flag(value: Any, where: str) -> list[str]:
    """As Ansible reads it: ``-e`` gives text."""
    if isinstance(value, bool) or str(value).strip().lower() in _BOOLEANS:
        return []
    return [f'{where}: "{value}" is neither true nor false']


def seconds(value: Any, where: str) -> list[str]:
    """A number that may be 0 or have a fraction."""
    if not isinstance(value, bool) and re.match(r"\d+(\.\d+)?\Z", str(value).strip()):
        return []
    return [f'{where}: "{value}" is not a number of seconds (0 or more)']


def absolute(value: Any, where: str) -> list[str]:
    """A directory of a host that a deployment may own."""
    if isinstance(value, str) and re.match(r"/[^/\s]", value) and not {"..", "."} & set(value.split("/")):
        return []
    return [f'{where}: "{value}" is not an absolute path of a directory below /']


CHECKS: dict[str, schema.Check] = {
    "dwp_environment": schema.text(r"[^/\x00-\x1f]+", "the name of an environment (without /)"),
    "dwp_development": flag,
    "dwp_seed": flag,
    "dwp_root": absolute,
    "dwp_log_dir": absolute,
    "dwp_user": schema.text(r"[a-z_][a-z0-9_-]{0,31}", "the name of a unix user (a-z, 0-9, _, -; at most 32 characters)"),
    "dwp_become": flag,
    "dwp_keep_releases": schema.integer(1, 1000),
    "dwp_build_timeout": schema.SECONDS,
    "dwp_on_failure": schema.one_of("rollback", "stop"),
    "dwp_settle": seconds,
    "dwp_database": schema.one_of("plan", "apply", "keep"),
    "dwp_force": flag,
    "dwp_confirm": flag,
    "dwp_lock_expiry": schema.integer(1, 10_000_000, " of seconds"),
    "dwp_strict": flag,
    "dwp_drill": flag,
    "dwp_drill_break": schema.one_of("fails-at-start", "never-healthy", "bad-release", "kill"),
    "dwp_last": schema.integer(1, 1_000_000),
}

_OTHERS = """
dwp_address dwp_artifacts_dir dwp_aura_url dwp_baseline dwp_build_checkout dwp_build_command dwp_build_ref dwp_canary
dwp_canary_headers dwp_components dwp_drill_arguments dwp_drill_service dwp_environment_rules dwp_flyway_allow_checksum_mismatch
dwp_flyway_allow_data_loss dwp_flyway_backup dwp_flyway_baseline_version dwp_flyway_count dwp_flyway_databases dwp_flyway_fail_on
dwp_flyway_failed dwp_flyway_history dwp_flyway_hosts dwp_flyway_keep_service dwp_flyway_lock_timeout dwp_flyway_rehearse
dwp_flyway_report dwp_flyway_retries dwp_flyway_scratch dwp_flyway_service dwp_flyway_statement_timeout dwp_flyway_to_version
dwp_flyway_undo_locations dwp_flyway_versions dwp_hosts dwp_id dwp_ids dwp_manager dwp_only dwp_report_dir dwp_report_hints dwp_serial
dwp_services dwp_signatures dwp_since dwp_spring_profile dwp_time_budget dwp_to dwp_until dwp_version
"""
#: Every variable of docs/variables.md.
KNOWN = frozenset(CHECKS) | frozenset(_OTHERS.split())


def problems(values: Mapping[str, Any]) -> list[str]:
    """What is wrong with those that are set; one that is empty counts as not set."""
    return [
        problem for name, check in CHECKS.items() if values.get(name) not in (None, "") for problem in check(values[name], name)
    ]


def misspelt(names: Iterable[str]) -> list[str]:
    """Names that look like one of ours and are none. Others are the site's own affair."""
    strange = [name for name in sorted(names) if name.startswith("dwp") and name not in KNOWN]
    hints = {name: schema.did_you_mean(name, KNOWN, 0.85) for name in strange}
    return [f"{name}: there is no such variable{hint}" for name, hint in hints.items() if hint]
