# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time window of a question: `since` and `until`, absolute or relative to now."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from ansible_collections.dwp.backend.plugins.module_utils._logs.errors import LogsError

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_PART = re.compile(
    r"\s*(?P<n>\d+(?:\.\d+)?)\s*(?:(?P<w>w|weeks?)|(?P<d>d|days?)|(?P<h>h|hrs?|hours?)|(?P<m>m|mins?|minutes?)"
    r"|(?P<s>s|secs?|seconds?))(?=\d|\s|$)"
)
_ISO = re.compile(
    r"^(?P<y>\d{4})-(?P<mo>\d\d)-(?P<d>\d\d)"
    r"(?:[T ](?P<h>\d\d):(?P<mi>\d\d)(?::(?P<s>\d\d)(?:[.,](?P<f>\d{1,9}))?)?)?"
    r"\s*(?P<z>Z|[+-]\d\d:?\d\d)?$"
)
_CLOCK = re.compile(r"^(\d\d?):(\d\d)(?::(\d\d))?$")
EXAMPLES = 'write for example "2026-11-23T01:30:00Z", "01:30", "15m", "2h30m", "3 days ago", "@1795398381" or "now"'


@dataclass(frozen=True)
class Window:
    """Seconds since the epoch; None is open. Both ends belong to the window."""

    since: float | None = None
    until: float | None = None

    def contains(self, time: float | None, only_until: bool = False) -> bool:
        """A record without a time cannot be shown to lie outside, so it counts as inside."""
        if time is None:
            return True
        return (only_until or self.since is None or time >= self.since) and (self.until is None or time <= self.until)


def parse_window(since: str | None, until: str | None, now: float) -> Window:
    window = Window(parse_time(since, now, "since"), parse_time(until, now, "until"))
    if window.since is not None and window.until is not None and window.since > window.until:
        raise LogsError(
            f"the window is empty: since {since!r} is {iso(window.since)}, until {until!r} is {iso(window.until)}. "
            "Swap them, or leave until away to read up to now."
        )
    return window


def parse_time(text: str | None, now: float, name: str = "time") -> float | None:
    """Absolute or relative to `now`; a time without a zone is local time of this host. Empty means open."""
    value = (text or "").strip()
    if not value:
        return None
    try:
        found = _absolute(value, now)
        if found is None:
            found = _relative(value.lower(), now)
    except (ValueError, OverflowError, OSError) as error:
        raise LogsError(f"{name}: {value!r} is no time that exists ({error}); {EXAMPLES}.") from error
    if found is None:
        raise LogsError(f"{name}: {value!r} is not understood; {EXAMPLES}.")
    return found


def _absolute(value: str, now: float) -> float | None:
    if re.match(r"^@\d{1,11}(\.\d+)?$", value):
        return float(value[1:])
    match = _ISO.match(value)
    if match:
        parts = [int(match[key] or 0) for key in ("y", "mo", "d", "h", "mi", "s")]
        micros = int(((match["f"] or "") + "000000")[:6])
        moment = datetime(parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], micros)
        return moment.replace(tzinfo=zone(match["z"])).timestamp() if match["z"] else moment.timestamp()
    local = datetime.fromtimestamp(now)
    match = _CLOCK.match(value)
    if match:
        moment = local.replace(hour=int(match[1]), minute=int(match[2]), second=int(match[3] or 0), microsecond=0)
        return (moment if moment.timestamp() <= now else moment - timedelta(days=1)).timestamp()
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    words = {"now": local, "today": midnight, "yesterday": midnight - timedelta(days=1)}
    if value.lower() == "now":
        return now
    return words[value.lower()].timestamp() if value.lower() in words else None


def _relative(value: str, now: float) -> float | None:
    """`15m`, `-15m`, `2h30m`, `90 minutes ago`: always into the past, as logs are."""
    rest = re.sub(r"\s+ago$", "", value[1:] if value.startswith("-") else value)
    position, seconds = 0, 0.0
    while position < len(rest):
        match = _PART.match(rest, position)
        if not match:
            return None
        unit = next(key for key in UNITS if match[key])
        seconds += float(match["n"]) * UNITS[unit]
        position = match.end()
    return now - seconds if position else None


def zone(text: str) -> timezone:
    """`Z`, `+09:00`, `+0900`."""
    if text == "Z":
        return timezone.utc
    sign = -1 if text[0] == "-" else 1
    digits = text[1:].replace(":", "")
    return timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))


def iso(time: float | None) -> str | None:
    """UTC with milliseconds, the one form in which results carry times."""
    if time is None:
        return None
    moment = datetime.fromtimestamp(time, timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
