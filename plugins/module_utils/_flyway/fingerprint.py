# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue of a database as sorted text lines of names and definitions, to be compared line by line.

Two databases (or one at two moments) with equal fingerprints have the same schema, whatever the order of columns,
the OIDs or the data. The history table and the backup schema are not part of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._flyway.fingerprint_sql import QUERIES

Key = tuple  # (kind, identity)


@dataclass(frozen=True)
class Fingerprint:
    objects: dict[Key, str] = field(default_factory=dict)

    @property
    def lines(self) -> list[str]:
        return sorted(show(key, definition) for key, definition in self.objects.items())

    @property
    def digest(self) -> str:
        return hashlib.sha256("\n".join(self.lines).encode("utf-8")).hexdigest()

    def names(self, *kinds: str) -> set[str]:
        return {identity for kind, identity in self.objects if kind in kinds}


@dataclass(frozen=True)
class Difference:
    removed: tuple[Key, ...] = ()
    added: tuple[Key, ...] = ()
    changed: tuple[tuple[Key, str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.removed or self.added or self.changed)

    def vanished(self, *kinds: str) -> list[str]:
        return [identity for kind, identity in self.removed if kind in kinds]

    def lines(self) -> list[str]:
        """One line per difference, as people read it."""
        return (
            [f"- {kind} {identity}" for kind, identity in self.removed]
            + [f"+ {kind} {identity}" for kind, identity in self.added]
            + [f"~ {key[0]} {key[1]}: {before} -> {after}" for key, before, after in self.changed]
        )

    def as_data(self) -> dict[str, Any]:
        return {
            "removed": [f"{kind} {identity}" for kind, identity in self.removed],
            "added": [f"{kind} {identity}" for kind, identity in self.added],
            "changed": [{"object": f"{key[0]} {key[1]}", "before": before, "after": after} for key, before, after in self.changed],
        }


def show(key: Key, definition: str) -> str:
    return f"{key[0]} {key[1]}: {definition}"


def compare(before: Fingerprint, after: Fingerprint) -> Difference:
    old, new = before.objects, after.objects
    return Difference(
        removed=tuple(sorted(key for key in old if key not in new)),
        added=tuple(sorted(key for key in new if key not in old)),
        changed=tuple((key, old[key], new[key]) for key in sorted(old) if key in new and old[key] != new[key]),
    )


def take(cursor: Any, history: Sequence[str] | None = None, skip: Iterable[str] = ()) -> Fingerprint:
    """Read the fingerprint within the open transaction of `cursor`; its search_path is the same afterwards.

    `history` is (schema, table) of the history table, `skip` are schemas to leave out.
    """
    cursor.execute("SELECT current_setting('search_path'), set_config('search_path', 'pg_catalog', true)")
    search_path = cursor.fetchone()[0]
    oid = 0
    if history is not None:
        cursor.execute(
            "SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s",
            tuple(history),
        )
        row = cursor.fetchone()
        oid = row[0] if row else 0
    objects: dict[Key, str] = {}
    values = {"skip": list(skip), "history": oid}
    for query in QUERIES:
        cursor.execute(query, values)
        for kind, identity, definition in cursor.fetchall():
            objects[kind, identity] = definition or ""
    cursor.execute("SELECT set_config('search_path', %s, true)", (search_path,))
    return Fingerprint(objects)
