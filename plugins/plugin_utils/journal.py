# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's copy of the journal. The hosts' journals are the truth; this one survives the loss of a host."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils import _journal


def folder(environment: str) -> str:
    base = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return os.path.join(base, "dwp-backend", environment)


def note(task_vars: Mapping[str, Any], templar: Any, event: str, **details: Any) -> str | None:
    """Append one line; returns why it could not be written, or None. Never stops what is being done."""
    environment = str(templar.template(task_vars.get("dwp_environment", "unknown")))
    path = folder(environment)
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
    except OSError as error:
        return f"{path} cannot be made ({error.strerror}): the controller's journal misses this step"
    at = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
    return _journal.append(path, {"at": at, "event": event, "host": str(task_vars["inventory_hostname"]), **details})
