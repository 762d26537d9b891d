# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The migrations of a set of files: names read, checksums computed, what Flyway would refuse collected."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from ansible_collections.dwp.backend.plugins.module_utils._flyway.checksum import checksum, decode, python_encoding
from ansible_collections.dwp.backend.plugins.module_utils._flyway.conf import NO_CONF, ScriptConf, parse_conf
from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError, Refusal
from ansible_collections.dwp.backend.plugins.module_utils._flyway.names import (
    SCRIPT_SUFFIXES,
    FileName,
    Naming,
    Version,
    has_suffix,
    is_script,
    java_order,
    parse_name,
    parse_undo_name,
)
from ansible_collections.dwp.backend.plugins.module_utils._flyway.placeholders import Placeholders
from ansible_collections.dwp.backend.plugins.module_utils._flyway.scan import Resource

_JAVA_MIGRATION = re.compile(r"[VRB][^$/]*__[^$/]*\.class")


@dataclass(eq=False)
class Migration:
    """One migration file."""

    kind: str  # V, R or B; U for a sidecar with rollback text
    version: Version | None
    description: str
    script: str  # path below its location, as in the history
    label: str  # where it is, for people
    type: str  # SQL, SCRIPT or SQL_BASELINE, as in the history
    name: FileName
    resource: Resource
    encoding: str = "utf-8"
    conf: ScriptConf = NO_CONF
    checksum: int | None = None  # what a new history row would hold; of a repeatable: after placeholder replacement
    raw_checksum: int | None = None  # of a repeatable: without replacement, counts as equal
    kept: str | None = field(default=None, repr=False)  # the text, so that small files are read once

    def read(self) -> bytes:
        """The bytes of the file, as they are."""
        return self.resource.read()

    def text(self) -> str:
        """The text of the file, placeholders not replaced; FlywayError when its bytes are not of its encoding."""
        if self.kept is not None:
            return self.kept
        try:
            return decode(self.read(), self.encoding)
        except UnicodeDecodeError as exc:
            raise _bad_bytes(self, exc) from exc

    def matches(self, applied: int | None) -> bool:
        """Flyway's checksumMatches."""
        return applied == self.checksum or (self.raw_checksum is not None and applied == self.raw_checksum)


@dataclass(eq=False)
class Resolved:
    """What the files amount to."""

    migrations: list[Migration] = field(default_factory=list)  # without duplicates
    duplicates: list[Migration] = field(default_factory=list)
    undo_files: list[Migration] = field(default_factory=list)  # sidecars U<version>__*.sql
    refusals: list[Refusal] = field(default_factory=list)  # the first one is what Flyway would say
    warnings: list[str] = field(default_factory=list)


class FileOptions(NamedTuple):
    """How files are named and read."""

    naming: Naming = Naming()
    encoding: str = "UTF-8"
    validate_naming: bool = False


def resolve(resources: list[Resource], options: FileOptions, placeholders: Placeholders) -> Resolved:
    """Make migrations of files. Never raises for what a file holds: see ``refusals``."""
    return _Resolver(resources, options, placeholders).run()


KEEP = 16_000_000  # characters of all files together that are kept; what is beyond is read again when it is asked for


class _Resolver:
    def __init__(self, resources: list[Resource], options: FileOptions, placeholders: Placeholders) -> None:
        self.resources = resources
        self.options = options
        self.placeholders = placeholders
        self.out = Resolved()
        self.encoding = python_encoding(options.encoding)
        self.conf_files = {one.relative.lower(): one for one in resources if one.name.lower().endswith(".conf")}
        self.encodings: dict[str, str] = {}  # by label, where a .conf file says so
        self.kept = 0
        self.refused: list[tuple[tuple[int, int], Refusal]] = []  # with the place at which Flyway comes to it

    def run(self) -> Resolved:
        out = self.out
        invalid: list[str] = []
        java: list[str] = []
        found: list[Migration] = []
        self._read_encodings()
        for resource in self.resources:
            is_sql = has_suffix(resource.name, self.options.naming.suffixes)
            if is_sql:
                name = parse_name(resource.name, self.options.naming)
                if name.problem:
                    invalid.append(name.problem)
                undo = parse_undo_name(resource.name, self.options.naming)
                if undo is not None:
                    out.undo_files.append(self._migration("U", "SQL", undo, resource))
                    continue
            elif is_script(resource.name):
                name = parse_name(resource.name, self.options.naming, SCRIPT_SUFFIXES)
            else:
                if _JAVA_MIGRATION.fullmatch(resource.name):
                    java.append(resource.name)
                continue
            if name.problem or name.kind not in ("V", "R", "B") or resource.name == name.prefix + name.suffix:
                continue
            type_name = "SQL_BASELINE" if name.kind == "B" else "SQL" if is_sql else "SCRIPT"
            migration = self._migration(name.kind, type_name, name, resource)
            self._settle(migration, is_sql)
            found.append(migration)
        self._report_names(invalid)
        out.refusals.extend(refusal for _place, refusal in sorted(self.refused, key=lambda pair: pair[0]))
        if java:
            out.warnings.append(
                f"{len(java)} migration(s) written in Java, such as {java[0]}, are not listed; "
                "their history rows look like migrations without a file."
            )
        _sort_out_duplicates(found, out)
        return out

    def _migration(self, kind: str, type_name: str, name: FileName, resource: Resource) -> Migration:
        label = resource.label
        migration = Migration(kind, name.version, name.description, resource.relative, label, type_name, name, resource)
        migration.encoding = self.encodings.get(label, self.encoding)
        return migration

    def _read_encodings(self) -> None:
        """Find files with an encoding of their own. In a jar, Flyway reads every file in the general encoding."""
        labels = {one.label: one for one in self.resources if one.on_disk}
        for label in labels:
            conf_file = labels.get(label + ".conf")
            if conf_file is None:
                continue
            try:
                own = parse_conf(self._conf_text(conf_file)).encoding
                if own:
                    self.encodings[label] = python_encoding(own)
            except FlywayError as exc:
                self._refuse(exc, (0, 0), conf_file.label)

    def _conf_text(self, conf_file: Resource) -> str:
        try:
            return decode(conf_file.read(), self.encoding)
        except UnicodeDecodeError as exc:
            raise Refusal("Unable to read config", "CONFIGURATION") from exc

    def _refuse(self, exc: FlywayError, place: tuple[int, int], label: str) -> None:
        refusal = exc if isinstance(exc, Refusal) else Refusal(exc.message, exc.code)
        refusal.details.setdefault("filepath", label)
        self.refused.append((place, refusal))

    def _report_names(self, invalid: list[str]) -> None:
        if invalid and self.options.validate_naming:
            message = "Invalid SQL filenames found:\r\n" + "\r\n".join(invalid)
            self.refused.append(((1, 0), Refusal(message, "INVALID_NAMES", {"names": invalid})))
            return
        self.out.warnings.extend(f"Not a migration for Flyway, silently skipped: {one}" for one in invalid[:20])
        if len(invalid) > 20:
            self.out.warnings.append(f"{len(invalid) - 20} more files with names that Flyway skips.")

    def _settle(self, migration: Migration, is_sql: bool) -> None:
        """Read the .conf file and the checksums; what goes wrong becomes a refusal and leaves the checksum unknown."""
        try:
            conf_file = self.conf_files.get(migration.script.lower() + ".conf") if is_sql else None
            if conf_file is not None:
                migration.conf = parse_conf(self.placeholders.replace(self._conf_text(conf_file)))
            text = migration.text()
            self.kept += len(text)
            migration.kept = text if self.kept <= KEEP else None
            if migration.kind == "R":
                migration.raw_checksum = checksum(text)
                text = self._replaced(migration, text)
            migration.checksum = checksum(text)
        except FlywayError as exc:
            self._refuse(exc, (2 if is_sql else 3, "VRB".index(migration.kind)), migration.label)

    def _replaced(self, migration: Migration, text: str) -> str:
        replacing = migration.conf.placeholder_replacement
        if not (self.placeholders.enabled if replacing is None else replacing):
            return text
        marks = self.placeholders.for_scripts() if migration.type == "SCRIPT" else self.placeholders
        return marks.replace(text, migration.name.plain)


def _bad_bytes(migration: Migration, exc: UnicodeDecodeError) -> Refusal:
    return Refusal(
        f"Unable to calculate checksum of {migration.resource.name}\n"
        "Please ensure you have configured the correct file encoding with 'flyway.encoding' "
        "or enable 'flyway.detectEncoding' to let Flyway detect it for you",
        "BAD_ENCODING",
        {"encoding": migration.encoding, "offset": exc.start},
    )


def _sort_out_duplicates(found: list[Migration], out: Resolved) -> None:
    kept: dict[tuple[bool, object], Migration] = {}
    for migration in sorted(found, key=file_order):
        key = (migration.kind == "B", migration.version if migration.version else migration.description)
        first = kept.setdefault(key, migration)
        if first is migration:
            out.migrations.append(migration)
        elif not _same(first, migration):
            out.duplicates.append(migration)
            out.refusals.append(_duplicate(first, migration))


def file_order(migration: Migration) -> tuple[bool, tuple[object, ...], bool, bytes]:
    """Versions ascending, V before B, then repeatables by description."""
    if migration.version is None:
        return (True, (), False, java_order(migration.description))
    return (False, migration.version.key, migration.kind == "B", b"")


def _same(one: Migration, other: Migration) -> bool:
    """The same migration found in two locations: Flyway takes it once."""
    return (one.checksum, one.raw_checksum, one.description, one.script, one.type, str(one.version)) == (
        other.checksum,
        other.raw_checksum,
        other.description,
        other.script,
        other.type,
        str(other.version),
    )


def _duplicate(first: Migration, second: Migration) -> Refusal:
    if first.version is not None:
        what, code = f"migration with version {first.version}", "DUPLICATE_VERSIONED_MIGRATION"
    else:
        what, code = f"repeatable migration with description {first.description}", "DUPLICATE_REPEATABLE_MIGRATION"
    return Refusal(
        f"Found more than one {what}\nOffenders:\n-> {first.label} ({first.type})\n-> {second.label} ({second.type})",
        code,
        {"filepath": second.label},
    )
