# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions and file names, as Flyway reads them."""

from __future__ import annotations

import functools
import re
from typing import Any, NamedTuple

from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError

_SPLIT = re.compile(r"\.(?=[0-9])")
_PART = re.compile(r"[+-]?\d+")
_LATEST_NUMBER = "9223372036854775807"

# Prefixes of callbacks (`beforeMigrate.sql`): known to the name check, never migrations.
CALLBACKS = frozenset(
    [
        "beforeClean",
        "afterClean",
        "afterCleanError",
        "beforeMigrate",
        "beforeEachMigrate",
        "beforeEachMigrateStatement",
        "afterEachMigrateStatement",
        "afterEachMigrateStatementError",
        "afterEachMigrate",
        "afterEachMigrateError",
        "beforeRepeatables",
        "afterVersioned",
        "afterMigrateApplied",
        "afterMigrate",
        "afterMigrateError",
        "beforeUndo",
        "beforeEachUndo",
        "beforeEachUndoStatement",
        "afterEachUndoStatement",
        "afterEachUndoStatementError",
        "afterEachUndo",
        "afterEachUndoError",
        "afterUndo",
        "afterUndoError",
        "beforeValidate",
        "afterValidate",
        "afterValidateError",
        "beforeBaseline",
        "afterBaseline",
        "afterBaselineError",
        "beforeRepair",
        "afterRepair",
        "afterRepairError",
        "beforeInfo",
        "afterInfo",
        "afterInfoError",
        "afterMigrateOperationFinish",
        "afterInfoOperationFinish",
        "createSchema",
        "beforeCreateSchema",
        "beforeConnect",
    ]
)

SCRIPT_SUFFIXES = (".cmd", ".bat", ".ps1", ".py", ".sh", ".bash")


@functools.total_ordering
class Version:
    """A version: compared by its numbers, shown as it was written (with dots for underscores)."""

    __slots__ = ("key", "raw", "text")

    def __init__(self, text: str, key: tuple[Any, ...], raw: str) -> None:
        self.text = text
        self.key = key
        self.raw = raw

    @classmethod
    def parse(cls, raw: str) -> Version:
        """The version of a file name, a history row or an option; FlywayError if it is none."""
        lowered = raw.lower()
        if lowered == "latest" or raw == _LATEST_NUMBER:
            return LATEST
        if lowered == "current":
            return CURRENT
        if lowered == "next":
            return NEXT
        text = raw.replace("_", ".")
        numbers: list[int] = []
        for part in _SPLIT.split(text):
            if not _PART.fullmatch(part):
                raise _invalid_version(text)
            try:
                numbers.append(int(part))
            except ValueError:  # more digits than the interpreter is willing to convert
                raise _invalid_version(text) from None
        while len(numbers) > 1 and numbers[-1] == 0:
            numbers.pop()
        return cls(text, (2, tuple(numbers)), raw)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self.key == other.key

    def __lt__(self, other: Version) -> bool:
        return self.key < other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __str__(self) -> str:
        """As in Flyway's messages; ``text`` is what its tables and JSON show."""
        return self.raw if self.key == LATEST.key else self.text

    def __repr__(self) -> str:
        return f"Version({self.text!r})"


def _invalid_version(text: str) -> FlywayError:
    return FlywayError(f"Version may only contain 0..9 and . (dot). Invalid version: {text}", "INVALID_VERSION")


def option_version(option: str, text: str) -> Version:
    """The version that a user gave; the error names the option."""
    try:
        return Version.parse(text)
    except FlywayError as exc:
        raise FlywayError(f"Option {option}: {exc.message}", exc.code) from None


# Ordered: EMPTY below CURRENT below every number below LATEST.
EMPTY = Version("<< Empty Schema >>", (0,), "")
CURRENT = Version("<< Current Version >>", (1,), "<< Current Version >>")
NEXT = Version("<< Next Version >>", (2, (-3,)), "<< Next Version >>")
LATEST = Version(_LATEST_NUMBER, (3,), "<< Latest Version >>")


class Naming(NamedTuple):
    """How migration files are named: the options of the same names in Flyway."""

    sql_prefix: str = "V"
    repeatable_prefix: str = "R"
    baseline_prefix: str = "B"
    undo_prefix: str = "U"
    separator: str = "__"
    suffixes: tuple[str, ...] = (".sql",)

    def find_prefix(self, stem: str) -> tuple[str, str] | None:
        """(prefix, kind) of a name without its suffix: the longest prefix that fits."""
        by_letter = _prefixes(self)
        for pair in by_letter.get(stem[:1], ()):
            if stem.startswith(pair[0]):
                return pair
        return by_letter[""][0] if "" in by_letter else None


@functools.lru_cache(maxsize=8)
def _prefixes(naming: Naming) -> dict[str, list[tuple[str, str]]]:
    """(prefix, kind) of all that there are, by their first letter, the longest first."""
    pairs = [(naming.sql_prefix, "V"), (naming.repeatable_prefix, "R")]
    pairs += [(name, "callback") for name in sorted(CALLBACKS)]
    pairs.append((naming.baseline_prefix, "B"))
    pairs.sort(key=lambda pair: -len(pair[0]))
    by_letter: dict[str, list[tuple[str, str]]] = {}
    for pair in pairs:
        by_letter.setdefault(pair[0][:1], []).append(pair)
    return by_letter


class FileName(NamedTuple):
    """A file name taken apart. ``problem`` is Flyway's complaint, empty for a valid name."""

    kind: str  # V, R, B, callback; "" when no prefix fits
    prefix: str = ""
    version: Version | None = None
    description: str = ""
    raw_description: str = ""
    suffix: str = ""
    plain: str = ""  # what the placeholder flyway:filename gives: the name, without a separator that separates nothing
    problem: str = ""


def java_order(text: str) -> bytes:
    """A sort key that orders texts as Java does: by UTF-16 units."""
    return text.encode("utf-16-be", "surrogatepass")


def has_suffix(name: str, suffixes: tuple[str, ...]) -> bool:
    upper = name.upper()
    return any(upper.endswith(suffix.upper()) for suffix in suffixes)


def _strip_suffix(name: str, suffixes: tuple[str, ...]) -> tuple[str, str]:
    upper = name.upper()
    for suffix in suffixes:
        if upper.endswith(suffix.upper()):
            cut = len(name) - len(suffix)
            return name[:cut], name[cut:]
    return name, ""


def parse_name(name: str, naming: Naming, suffixes: tuple[str, ...] | None = None) -> FileName:
    """Take ``V1_2__add_users.sql`` apart; never raises, a bad name says so in ``problem``."""
    stem, suffix = _strip_suffix(name, naming.suffixes if suffixes is None else suffixes)
    found = naming.find_prefix(stem)
    if found is None:
        return FileName("", problem=f"Unrecognised migration name format: {name}")
    prefix, kind = found
    before, _separator, raw_description = stem[len(prefix) :].partition(naming.separator)
    description = raw_description.replace("_", " ")
    example = f"{naming.separator}{raw_description or 'description'}{suffix}"
    version: Version | None = None
    problem = ""
    if kind in ("R", "callback"):
        if before:
            problem = (
                f"Invalid repeatable migration / callback name format: {name} "
                f"(It cannot contain a version and should look like this: {prefix}{example})"
            )
    elif not before:
        problem = (
            f"Invalid versioned migration name format: {name} (It must contain a version and should look like this: {prefix}1.2{example})"
        )
    else:
        try:
            version = Version.parse(before)
        except FlywayError:
            problem = f"Invalid versioned migration name format: {name} (could not recognise version number {before})"
    plain = name if description else f"{prefix}{before}{suffix}"
    return FileName(kind, prefix, version, description, raw_description, suffix, plain, problem)


def parse_undo_name(name: str, naming: Naming) -> FileName | None:
    """A sidecar ``U3__add_users.sql``; None for every other file. The free edition itself ignores such files."""
    if not has_suffix(name, naming.suffixes) or not name.startswith(naming.undo_prefix):
        return None
    stem, suffix = _strip_suffix(name, naming.suffixes)
    before, _separator, raw_description = stem[len(naming.undo_prefix) :].partition(naming.separator)
    try:
        version = Version.parse(before)
    except FlywayError:
        return None
    description = raw_description.replace("_", " ")
    return FileName("U", naming.undo_prefix, version, description, raw_description, suffix, name)


def is_script(name: str) -> bool:
    """Is this a migration that Flyway would run as a program? (No extension counts as one.)"""
    name = name.rstrip(".")
    dot = name.rfind(".")
    return dot < 0 or name[dot:].lower() in SCRIPT_SUFFIXES


def parse_target(text: str | None) -> tuple[Version | None, bool]:
    """The option ``target``: (version or None for no limit, whether it must exist). ``4?`` tolerates absence."""
    if text is None or not text.strip():
        return None, False
    text = text.strip()
    lenient = text.endswith("?")
    version = option_version("target", text[:-1] if lenient else text)
    if version is LATEST:
        return None, False
    return version, not lenient and version not in (CURRENT, NEXT)
