# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollback as a part of a deployment: only while that holds the lock of the host, and written into its journal.

The orphan of a killed run must not take a schema away under a release that the next run has started.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils import _journal, _lock
from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError

Work = Callable[[Mapping[str, Any], bool], "dict[str, Any]"]


def carried_out(params: Mapping[str, Any], check_mode: bool, work: Work) -> dict[str, Any]:
    """``work`` under the lock of the host, if ``deployment`` is given and something is to happen."""
    root, deployment, mode = params["deployment_root"], params["deployment"], params["mode"]
    if not deployment or mode == "plan" or check_mode:
        return work(params, check_mode)
    try:
        with _lock.host_lock(root):
            problem = _lock.check(root, deployment, f"taking database {params['login_db']} back ({mode})", _lock.now())
            if problem:
                raise FlywayError(problem, "NOT_CURRENT")
            return _noted(params, work) if mode == "apply" else work(params, False)
    except (_lock.ActivationError, OSError) as error:
        raise FlywayError(f"{root}: {error}", "HOST_LOCK") from error


def _noted(params: Mapping[str, Any], work: Work) -> dict[str, Any]:
    def note(event: str, **details: Any) -> str | None:
        entry = {"at": _lock.now(), "deployment": params["deployment"], "event": event, "database": params["login_db"]}
        return _journal.append(params["deployment_root"], {**entry, **details})

    note("database_rolling_back", versions=params["versions"], plan=params["plan_id"])
    try:
        answer = work(params, False)
    except FlywayError as error:
        note("database_not_rolled_back", versions=params["versions"], reason=error.message[:2000], code=error.code)
        raise
    plan = answer["plan"]
    missing = note("database_rolled_back", versions=plan["versions"], schema_version=plan["schema_version"])
    return {**answer, "warnings": [*answer["warnings"], *([missing] if missing else [])]}
