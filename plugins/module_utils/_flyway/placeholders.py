# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Placeholder replacement as Flyway does it: names in any case, no nesting, comments not spared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Callable

from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import Refusal


class Placeholders:
    """Names and values, and how they are marked in a text.

    ``builtin`` holds the values that Flyway provides itself, by bare name (``defaultSchema``, ``user`` ...); they win
    over the user's own.
    """

    def __init__(
        self,
        values: Mapping[str, str] | None = None,
        builtin: Mapping[str, str | None] | None = None,
        prefix: str = "${",
        suffix: str = "}",
        separator: str = ":",
        enabled: bool = True,
    ) -> None:
        self.prefix = prefix
        self.suffix = suffix
        self.separator = separator
        self.enabled = enabled
        self.used: set[str] = set()  # Flyway's own ones that were replaced, by bare name in lower case
        self._values: dict[str, str] = {str(name).lower(): str(value) for name, value in (values or {}).items()}
        for name, value in (builtin or {}).items():
            if value is not None:
                self._values[f"flyway{separator}{name}".lower()] = value

    def for_scripts(self) -> Placeholders:
        """The same values, marked as in migrations that are programs: ``FP__name__``."""
        other = Placeholders(None, None, "FP__", "__", self.separator, self.enabled)
        other._values, other.used = self._values, self.used
        return other

    def replace(self, text: str, filename: str | None = None) -> str:
        """The text with every placeholder replaced; Refusal for one without a value.

        ``filename`` is the value of ``flyway:filename``.
        """
        if self.prefix not in text:
            return text
        own = f"flyway{self.separator}filename"

        def lookup(name: str) -> str:
            lowered = name.lower()
            if filename is not None and lowered == own:
                return filename
            value = self._values.get(lowered)
            if value is None:
                raise _no_value(self.prefix + name + self.suffix, name)
            if lowered.startswith(f"flyway{self.separator}"):
                self.used.add(lowered[len("flyway") + len(self.separator) :])
            return value

        return _replace(text, self.prefix, self.suffix, lookup)


def _replace(text: str, prefix: str, suffix: str, lookup: Callable[[str], str]) -> str:
    # Flyway's reader never looks twice at a character: after a start of the prefix that turns out to be none, it goes
    # on behind the character that did not fit. So "$${x}" stays as it is, and "$$${x}" does not.
    starts = [re.escape(prefix)] + [re.escape(prefix[:length]) + "." for length in range(len(prefix) - 1, 0, -1)]
    finder = re.compile("|".join(starts), re.DOTALL)
    out = []
    copied = position = 0
    while True:
        match = finder.search(text, position)
        if match is None:
            out.append(text[copied:])
            return "".join(out)
        position = match.end()
        if match.group() != prefix:
            continue
        out.append(text[copied : match.start()])
        end = text.find(suffix, position)
        if end < 0:  # never closed: Flyway reads to the end and drops as many characters as the suffix has
            end = max(position, len(text) - len(suffix))
        out.append(lookup(text[position:end]))
        copied = position = end + len(suffix)


def _no_value(shown: str, name: str) -> Refusal:
    if "flyway:" in name:
        return Refusal(f"Failed to populate value for default placeholder: {shown}", "PLACEHOLDER", {"placeholder": shown})
    return Refusal(f"No value provided for placeholder: {shown}.  Check your configuration!", "PLACEHOLDER", {"placeholder": shown})
