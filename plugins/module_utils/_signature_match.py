# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Matching one record against signatures, and what counts when several are found in it."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._signatures import Match, Signature

_SQLSTATE = re.compile(r"SQL State  : (?!42501)\w{5}")
_QUOTED = re.compile(r"(\] during \[\w+\] to \[[^\]\n]*\] \[[^\]\n]*\]): \[[^\n]*")  # what the other side answered to a Feign client
_TARGET = re.compile(r"(?:^|/)(?P<host>\[[0-9A-Fa-f:.]+\]|[^/:\s]+):(?P<port>\d{1,5})")


def match_text(text: str, signatures: Iterable[Signature], environment: str = "") -> list[Match]:
    """Every signature that the text of one record shows, the ones that only carry another's cause left out."""
    if "] during [" in text:
        text = _QUOTED.sub(r"\1", text)  # its own log tells what that means
    found = [match for match in (match_one(text, signature) for signature in signatures) if match is not None]
    found = [match for match in found if not match.signature.only_in or environment in match.signature.only_in]
    return arbitrate(found, text)


def match_one(text: str, signature: Signature) -> Match | None:
    if signature.requires is not None and not signature.requires.search(text):
        return None
    for literal, patterns in zip(signature.literals, signature.patterns):
        if literal and literal not in text:
            continue
        hits = [pattern.search(text) for pattern in patterns]
        if all(hits):
            groups: dict[str, str] = {}
            for hit in [*(pattern.search(text) for pattern in signature.details), *hits]:
                if hit is not None:
                    groups.update({key: value for key, value in hit.groupdict().items() if value is not None})
            _split_target(groups)
            return Match(signature, groups, _variant(signature, groups))
    return None


def _split_target(groups: dict[str, str]) -> None:
    """`localhost/127.0.0.1:8081` as Netty writes it: the address that was really tried."""
    target = _TARGET.search(groups.get("target", ""))
    if target:
        groups.setdefault("target_host", target["host"])
        groups.setdefault("target_port", target["port"])


def _variant(signature: Signature, groups: dict[str, str]) -> dict[str, Any] | None:
    for variant in signature.variants:
        zero, same, has = variant.get("zero"), variant.get("same"), variant.get("has")
        if has is not None and groups.get(has):
            return variant
        if zero is not None and groups.get(zero, "").strip("0") == "" and groups.get(zero):
            return variant
        if same is not None and len({groups.get(name) for name in same}) == 1:
            return variant
    return None


def arbitrate(matches: list[Match], text: str = "") -> list[Match]:
    """Within one record the special row beats the carrier; the rest is in order of priority."""
    names = {match.signature.id for match in matches}
    if "FLYWAY_SQL" in names and "PG_PERM" in names and _SQLSTATE.search(text):
        names.discard("PG_PERM")  # in a Flyway record the SQLSTATE decides, whatever the text quotes
    kept = []
    for match in matches:
        signature = match.signature
        if signature.id not in names:
            continue
        others = names - {signature.id}
        if any(fnmatch.fnmatchcase(other, rule) for other in others for rule in signature.yields_to):
            continue
        kept.append(match)
    return sorted(kept, key=lambda match: (match.signature.priority, match.signature.id))
