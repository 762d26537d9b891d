# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of now that no row of the catalogue knows, and processes that came back by themselves: where to look, not why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.from_logs import time_of
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.health import Health
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.model import UP, Finding, Trouble
from ansible_collections.dwp.backend.plugins.module_utils._diagnosis.patience import Words, last_word, patience
from ansible_collections.dwp.backend.plugins.module_utils._signature_match import match_text
from ansible_collections.dwp.backend.plugins.module_utils._signatures import Signature

#: Errors that a caller causes and that say nothing about the service.
_CALLERS = re.compile(
    r"No static resource|NoResourceFound|NoHandlerFound|HttpRequestMethodNotSupported|Request method '\w+' (?:is )?not supported|"
    r"HttpMessageNotReadable|MethodArgumentNotValid|HttpMediaType|MissingServletRequestParameter|MissingRequestHeader|"
    r"MethodArgumentTypeMismatch|ClientAbortException|AsyncRequestNotUsable|Broken pipe|(?:jakarta|javax)\.validation\.ConstraintViolation|"
    r"Invalid character found in|RequestRejectedException|HandlerMethodValidationException|AuthorizationDeniedException|"
    r"AccessDeniedException: Access|ServerWebInputException|MaxUploadSizeExceeded|ConversionFailedException|MissingPathVariable|"
    r"ObjectOptimisticLockingFailure"
)
ENDED = 60.0  # s from the reason of an end to the next start
UNSEEN = 6 * 3600.0  # s: a life whose end nobody told


def troubles_of(
    logs: Mapping[str, Mapping[str, Any]],
    offsets: Mapping[str, float],
    health: Health,
    signatures: Sequence[Signature],
    now: float,
    environment: str,
    words: Words,
) -> list[Trouble]:
    """Errors of now that no row of the catalogue matches and no caller causes, oldest first."""
    found = []
    for host, result in logs.items():
        offset = offsets.get(host, 0.0)
        for name, service in (result.get("services") or {}).items():
            if name not in health.services:
                continue
            row = next((one for one in health.instances.get(name, ()) if one["host"] == host), {})
            well = health.services[name] == UP or row.get("health") == UP
            end = now if well else last_word(words, name, host) or now
            again = _came_back(name, host, service.get("starts") or (), offset)
            if again is not None and well and now - (again.last or 0.0) <= patience(again.count, again.since, again.last):
                found.append(again)
            for one in service.get("templates") or ():
                first, last, count = time_of(one.get("first"), offset), time_of(one.get("last"), offset), int(one.get("count") or 1)
                if one.get("stale") or one.get("level") != "ERROR" or last is None or end - last > patience(count, first, last):
                    continue
                text = str((one.get("evidence") or {}).get("record") or one.get("template") or "")
                if _CALLERS.search(text) or match_text(text, signatures, environment):
                    continue
                cause = str(one.get("cause") or one.get("exception") or "")
                said = str(one.get("template"))[:120]
                label = f"{cause}: {said}" if cause and cause not in said else said
                found.append(Trouble(name, host, label, count, first, last))
    return sorted(found, key=lambda one: (one.last or 0.0, one.service))


def revived(findings: Iterable[Finding], troubles: Sequence[Trouble]) -> list[Finding]:
    """Of a process that ended by itself and came back: what it told at its end is why, although it was told before the newest start."""
    ends = {(one.service, one.host): one for one in troubles if one.restless}

    def at_the_end(one: Finding) -> bool:
        end = ends.get((one.service, one.host))
        if end is None or end.last is None or one.last is None or one.suspect or not one.stale:
            return False
        deadly = one.severity == "down" or one.failure in ("OOM_HEAP", "JVM_CRASH")
        return deadly and 0 <= end.last - one.last <= ENDED

    return [replace(one, stale=False, current=True) if at_the_end(one) else one for one in findings]


def _came_back(name: str, host: str, starts: Sequence[Mapping[str, Any]], offset: float) -> Trouble | None:
    """A process that is young because the one before ended without being told to: up now, and gone again in a moment."""
    lives = list(starts)
    told_to = [one for one in lives if one.get("exit_status") in (0, 143) and not one.get("exit_signal")]  # SIGTERM, without a word
    lost = [one for one in lives[:-1] if one.get("state") in ("killed", "died during startup") and one not in told_to]
    if not lost or lives[-2] is not lost[-1]:
        return None
    begun, again = time_of(lives[-2].get("at"), offset), time_of(lives[-1].get("at"), offset)
    known = lives[-2].get("exit_status") is not None or lives[-2].get("exit_signal")
    if not known and begun is not None and again is not None and again - begun > UNSEEN:
        return None  # nobody saw its end, which may be of yesterday
    first, last = time_of(lost[0].get("at"), offset), time_of(lives[-1].get("at"), offset)
    return Trouble(name, host, f"{name} ended by itself and was started again", len(lost), first, last, restless=True)
