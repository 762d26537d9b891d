# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user asked, as far as it can be understood. See modules/dwp_question.py."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.dwp.backend.plugins.module_utils._logs.errors import LogsError
from ansible_collections.dwp.backend.plugins.module_utils._logs.search import check_ids
from ansible_collections.dwp.backend.plugins.module_utils._logs.window import iso, parse_window
from ansible_collections.dwp.backend.plugins.module_utils._platform.catalogue import words
from ansible_collections.dwp.backend.plugins.module_utils._signatures import catalogue
from ansible_collections.dwp.backend.plugins.plugin_utils.canary import plan
from ansible_collections.dwp.backend.plugins.plugin_utils.platform import plain

SINCE, BUDGET = "1h", 20.0


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        names = ("since", "until", "ids", "time_budget", "signatures", "canary", "canary_headers")
        _validated, args = self.validate_argument_spec(
            argument_spec={"platform": {"type": "dict", "required": True}, **{name: {"type": "raw"} for name in names}}
        )
        args = plain(args)
        gaps: list[dict[str, str]] = []

        def tell(what: str, value: Any, why: str) -> None:
            gaps.append({"what": what, "where": f"-e {what.split(' ')[0]}={value}"[:200], "why": why})

        since, until = _window(args, tell)
        ids = []
        for one in words(args["ids"] if isinstance(args["ids"], (str, list)) else str(args["ids"] or "")):
            try:
                ids += check_ids([one])
            except LogsError as error:
                tell("dwp_ids", one, str(error))
        question = {
            "since": since, "until": until, "ids": list(dict.fromkeys(ids)), "time_budget": _budget(args["time_budget"], tell),
            "signatures": _signatures(args["signatures"], tell), "canary": None,
        }  # fmt: skip
        if str(args["canary"] or "").lower() not in ("", "false", "no", "0"):
            question["canary"], why = plan(args["platform"], args["canary"], args["canary_headers"], task_vars["ansible_play_hosts_all"])
            if why:
                tell("dwp_canary", args["canary"], why)
        return {**result, "changed": False, "question": question, "not_checked": gaps}


def _window(args: Mapping[str, Any], tell: Any) -> tuple[str, str | None]:
    """Checked here, as a host that cannot read the time would read no log at all."""
    since, until = str(args["since"] or SINCE), str(args["until"] or "") or None
    now = time.time()
    try:
        window = parse_window(since, until, now)
    except LogsError as error:
        tell("dwp_since or dwp_until", f"{since} {until or ''}".strip(), f"{error} The last hour was looked at instead.")
        return SINCE, None
    if window.since is not None and window.since > now:
        tell("dwp_since", since, f"{iso(window.since)} is in the future; the last hour was looked at instead")
        return SINCE, None
    return since, until


def _budget(given: Any, tell: Any) -> float:
    try:
        seconds = float(given if given not in (None, "") else BUDGET)
        if 1 <= seconds <= 3600:
            return seconds
    except (TypeError, ValueError):
        pass
    tell("dwp_time_budget", given, f"it must be a number of seconds, 1 to 3600; {BUDGET:.0f} was used")
    return BUDGET


def _signatures(given: Any, tell: Any) -> list[Any]:
    """Failures known to the site; a mistake in them takes only themselves out of the run."""
    if not given:
        return []
    try:
        if not isinstance(given, list):
            raise LogsError(f"expected a list of mappings, found {type(given).__name__}")
        catalogue(given)
    except LogsError as error:
        tell("dwp_signatures (all of them)", "...", str(error))
        return []
    return given
