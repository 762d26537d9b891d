# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The migrations of a set of files: names read, checksums computed, what Flyway would refuse collected."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

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


@dataclass
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

    def read(self) -> bytes:
        """The bytes of the file, as they are."""
        return self.resource.read()

    def text(self) -> str:
        """The text of the file, placeholders not replaced; FlywayError when its bytes are not of its encoding."""
        try:
            return decode(self.read(), self.encoding)
        except UnicodeDecodeError as exc:
            raise _bad_bytes(self, exc) from exc

    def matches(self, applied: int | None) -> bool:
        """Flyway's checksumMatches."""
        return applied == self.checksum or (self.raw_checksum is not None and applied == self.raw_checksum)


@dataclass
class Resolved:
    """What the files amount to."""

    migrations: list[Migration] = field(default_factory=list)  # without duplicates
    duplicates: list[Migration] = field(default_factory=list)
    undo_files: list[Migration] = field(default_factory=list)  # sidecars U<version>__*.sql
    refusals: list[Refusal] = field(default_factory=list)  # the first one is what Flyway would say
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class FileOptions:
    """How files are named and read."""

    naming: Naming = field(default_factory=Naming)
    encoding: str = "UTF-8"
    validate_naming: bool = False


def resolve(resources: list[Resource], options: FileOptions, placeholders: Placeholders) -> Resolved:
    """Make migrations of files. Never raises for what a file holds: see ``refusals``."""
    out = Resolved()
    encoding = python_encoding(options.encoding)
    conf_files = {one.relative.lower(): one for one in resources if one.name.lower().endswith(".conf")}
    invalid: list[str] = []
    java: list[str] = []
    found: list[Migration] = []
    for resource in resources:
        is_sql = has_suffix(resource.name, options.naming.suffixes)
        if is_sql:
            name = parse_name(resource.name, options.naming)
            if name.problem:
                invalid.append(name.problem)
            undo = parse_undo_name(resource.name, options.naming)
            if undo is not None:
                out.undo_files.append(_migration("U", "SQL", undo, resource, encoding))
                continue
        elif is_script(resource.name):
            name = parse_name(resource.name, options.naming, SCRIPT_SUFFIXES)
        else:
            if _JAVA_MIGRATION.fullmatch(resource.name):
                java.append(resource.name)
            continue
        if name.problem or name.kind not in ("V", "R", "B") or resource.name == name.prefix + name.suffix:
            continue
        type_name = "SQL_BASELINE" if name.kind == "B" else "SQL" if is_sql else "SCRIPT"
        migration = _migration(name.kind, type_name, name, resource, encoding)
        conf_file = conf_files.get(resource.relative.lower() + ".conf")
        _settle(migration, conf_file, encoding, placeholders, out.refusals)
        found.append(migration)
    _report_names(invalid, options.validate_naming, out)
    if java:
        out.warnings.append(
            f"{len(java)} migration(s) written in Java, such as {java[0]}, are not listed; "
            "their history rows look like migrations without a file."
        )
    _sort_out_duplicates(found, out)
    return out


def _migration(kind: str, type_name: str, name: FileName, resource: Resource, encoding: str) -> Migration:
    return Migration(
        kind, name.version, name.description, resource.relative, resource.label, type_name, name, resource, encoding
    )


def _settle(
    migration: Migration,
    conf_file: Resource | None,
    encoding: str,
    placeholders: Placeholders,
    refusals: list[Refusal],
) -> None:
    """Read the .conf file and the checksums; what goes wrong becomes a refusal and leaves the checksum unknown."""
    try:
        if conf_file is not None:
            _apply_conf(migration, conf_file, encoding, placeholders)
        text = migration.text()
        replacing = migration.conf.placeholder_replacement
        if replacing is None:
            replacing = placeholders.enabled
        if migration.kind == "R":
            migration.raw_checksum = checksum(text)
            if replacing:
                marks = placeholders.for_scripts() if migration.type == "SCRIPT" else placeholders
                text = marks.replace(text, migration.name.plain)
        migration.checksum = checksum(text)
    except Refusal as exc:
        exc.details.setdefault("filepath", migration.label)
        refusals.append(exc)
    except FlywayError as exc:
        refusals.append(Refusal(exc.message, exc.code, {"filepath": migration.label}))


def _apply_conf(migration: Migration, conf_file: Resource, encoding: str, placeholders: Placeholders) -> None:
    try:
        text = decode(conf_file.read(), encoding)
    except UnicodeDecodeError as exc:
        raise Refusal(f"Unable to read config {conf_file.label}", "CONFIGURATION") from exc
    try:
        migration.conf = parse_conf(placeholders.replace(text))
        # Only for files on disk, and without replacement: in a jar Flyway reads every file in the general encoding.
        if migration.resource.on_disk and conf_file.label == migration.label + ".conf":
            own = parse_conf(text).encoding
            migration.encoding = python_encoding(own) if own else encoding
    except FlywayError as exc:
        exc.details["filepath"] = conf_file.label
        raise


def _bad_bytes(migration: Migration, exc: UnicodeDecodeError) -> Refusal:
    return Refusal(
        f"Unable to calculate checksum of {migration.resource.name}\n"
        "Please ensure you have configured the correct file encoding with 'flyway.encoding' "
        "or enable 'flyway.detectEncoding' to let Flyway detect it for you",
        "BAD_ENCODING",
        {"encoding": migration.encoding, "offset": exc.start},
    )


def _report_names(invalid: list[str], fail: bool, out: Resolved) -> None:
    if invalid and fail:
        refusal = Refusal(
            "Invalid SQL filenames found:\r\n" + "\r\n".join(invalid), "INVALID_NAMES", {"names": invalid}
        )
        out.refusals.insert(0, refusal)
    elif invalid:
        out.warnings.extend(f"Not a migration for Flyway, silently skipped: {one}" for one in invalid[:20])
        if len(invalid) > 20:
            out.warnings.append(f"{len(invalid) - 20} more files with names that Flyway skips.")


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
