# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding files in locations: directories, and jars read in place, without unpacking.

A location is a directory (``/srv/sql``, ``filesystem:/srv/sql``), a jar (``app.jar``: what lies under
``db/migration``), a jar with a path inside (``app.jar!/BOOT-INF/classes/db/migration``) or a class path location
(``classpath:db/migration``) of the jar that the caller names. As in Flyway, a location may hold the wildcards ``*``,
``**`` and ``?``.
"""

from __future__ import annotations

import os
import re
import zlib
from typing import Any, Callable, NamedTuple

from ansible_collections.dwp.backend.plugins.module_utils._flyway.errors import FlywayError
from ansible_collections.dwp.backend.plugins.module_utils._flyway.names import java_order

# Where the class path of an application starts inside its archive.
CLASS_ROOTS = ("BOOT-INF/classes/", "WEB-INF/classes/", "")
DEFAULT_INNER = "db/migration"
_ARCHIVES = (".jar", ".war")


class Resource:
    """One file of a location. ``relative`` is its path below the location, ``label`` tells people where it is."""

    __slots__ = ("_read", "label", "name", "on_disk", "relative")

    def __init__(self, relative: str, label: str, on_disk: bool, read: Callable[[], bytes]) -> None:
        self.relative = relative
        self.name = relative.rpartition("/")[2]
        self.label = label
        self.on_disk = on_disk
        self._read = read

    def read(self) -> bytes:
        """The bytes of the file; FlywayError when it has become unreadable."""
        try:
            return self._read()
        except (OSError, RuntimeError, KeyError) as exc:
            raise FlywayError(f"Cannot read {self.label}: {exc}", "UNREADABLE_FILE") from exc


class Scan(NamedTuple):
    """What was found, and what a person should know about the finding."""

    resources: list[Resource]
    warnings: list[str]


class Location(NamedTuple):
    """A location taken apart.

    ``root`` is the directory, on disk or (with ``archive``) below the first of ``class_roots`` that has it. With
    wildcards, root is what stands before the first of them, and ``pattern`` fits whole paths.
    """

    text: str
    root: str
    pattern: re.Pattern[str] | None = None
    archive: str = ""
    class_roots: tuple[str, ...] = ("",)

    @property
    def key(self) -> tuple[Any, ...]:
        return (self.archive, self.class_roots, self.root, self.pattern.pattern if self.pattern else "")

    def relative(self, path: str) -> str:
        """A file's path below the location, which becomes the ``script`` of its history row."""
        if self.pattern is not None and "relpath" in self.pattern.groupindex:
            match = self.pattern.fullmatch(path)
            if match and match.group("relpath"):
                return match.group("relpath")
        return path[len(self.root.rstrip("/")) + 1 :] if self.root else path

    def matches(self, path: str) -> bool:
        return self.pattern is None or self.pattern.fullmatch(path) is not None


def scan(locations: list[str], jar: str | None = None, fail_on_missing: bool = True) -> Scan:
    """Every file below the locations. ``jar`` is the archive that ``classpath:`` locations mean."""
    found = Scan([], [])
    for location in _without_nested([parse_location(text, jar) for text in locations], found.warnings):
        before = len(found.resources)
        try:
            if location.archive:
                found.resources.extend(_scan_archive(location))
            else:
                found.resources.extend(_scan_directory(location, found.warnings))
        except FlywayError as exc:
            if fail_on_missing or exc.code != "MISSING_LOCATION":
                raise
            found.warnings.append(f"{exc.message} It counts as empty.")
            continue
        if len(found.resources) == before:
            found.warnings.append(f"No files found in location {location.text}.")
    return found


def parse_location(text: str, jar: str | None = None) -> Location:
    """Take a location apart; FlywayError for one that cannot be."""
    text = text.strip()
    prefix, colon, rest = text.partition(":")
    if colon and prefix == "classpath":
        if not jar:
            raise FlywayError(
                f"Location {text!r} is on the class path of an application, and no jar is named. "
                "Set the option jar to the application's jar, or give a directory or 'app.jar!/db/migration'.",
                "NO_JAR",
            )
        return _inner_location(text, jar, rest.strip("/"), CLASS_ROOTS)
    if colon and prefix in ("s3", "gcs"):
        raise FlywayError(f"Location {text!r}: {prefix} is not supported. Give a directory or a jar.", "BAD_LOCATION")
    path = rest if colon and prefix == "filesystem" else text
    if not path:
        raise FlywayError(f"Location {text!r} names no path. Give a directory or a jar.", "BAD_LOCATION")
    path = os.path.expanduser(path)
    archive, bang, inner = path.partition("!/")
    if bang:
        return _inner_location(text, archive, inner.strip("/"), ("",))
    if path.lower().endswith(_ARCHIVES) and not os.path.isdir(path):
        return _inner_location(text, path, DEFAULT_INNER, CLASS_ROOTS)
    root, pattern = _split_pattern(_normalised(path))
    return Location(text, root, pattern)


def _inner_location(text: str, archive: str, inner: str, class_roots: tuple[str, ...]) -> Location:
    root, pattern = _split_pattern(inner)
    return Location(text, root, pattern, archive, class_roots)


def _normalised(path: str) -> str:
    return re.sub(r"/{2,}", "/", path).rstrip("/") or "/"


def _split_pattern(path: str) -> tuple[str, re.Pattern[str] | None]:
    """The fixed beginning of a path, and an expression for the whole path if it has wildcards."""
    if "*" not in path and "?" not in path:
        return path, None
    parts = path.split("/")
    first = next(index for index, part in enumerate(parts) if "*" in part or "?" in part)
    root = "/".join(parts[:first])
    expression = re.escape(root) + "/" if first else ""
    ends_in_file = False
    joined = True
    for part in parts[first:]:
        expression += "" if joined else "/"
        joined = part == "**"
        ends_in_file = not joined and "." in part
        if joined:
            expression += "([^/]+/)*?"
        else:
            expression += re.escape(part).replace(r"\?", "[^/]").replace(r"\*", "[^/]+?")
    if not ends_in_file:
        expression += "/(?P<relpath>.*)"
    return root, re.compile(expression, re.DOTALL)


def _without_nested(locations: list[Location], warnings: list[str]) -> list[Location]:
    """Leave out duplicates and locations below another one, as Flyway does."""
    kept: list[Location] = []
    for location in sorted(locations, key=lambda one: one.key):
        if any(location.key == other.key for other in kept):
            warnings.append(f"Discarding duplicate location '{location.text}'.")
            continue
        parent = next((other for other in kept if _is_parent(other, location)), None)
        if parent is not None:
            warnings.append(f"Discarding location '{location.text}' as it is a sub-location of '{parent.text}'.")
            continue
        kept.append(location)
    return kept


def _is_parent(parent: Location, child: Location) -> bool:
    if parent.pattern or child.pattern or parent.key[:2] != child.key[:2]:
        return False
    return (child.root + "/").startswith(parent.root.rstrip("/") + "/")


def _missing(location: Location, why: str) -> FlywayError:
    return FlywayError(f"Cannot read location {location.text}: {why}.", "MISSING_LOCATION", {"location": location.text})


def _scan_directory(location: Location, warnings: list[str]) -> list[Resource]:
    root = location.root
    if not os.path.exists(root):
        raise _missing(location, f"{root} does not exist")
    if not os.path.isdir(root):
        raise _missing(location, f"{root} is neither a directory nor a jar")
    if not os.access(root, os.R_OK | os.X_OK):
        raise _missing(location, f"no permission to read {root}")
    found: list[Resource] = []
    _walk(root, location, found, warnings, set())
    return sorted(found, key=lambda one: java_order(one.relative))


def _walk(directory: str, location: Location, found: list[Resource], warnings: list[str], seen: set[str]) -> None:
    real = os.path.realpath(directory)
    if real in seen:
        warnings.append(f"{directory} leads back to a directory above it and was not followed.")
        return
    seen = seen | {real}
    try:
        with os.scandir(directory) as entries:
            listed = list(entries)
    except OSError as exc:
        warnings.append(f"Skipped {directory}: {exc.strerror}.")
        return
    for entry in listed:
        path = f"{directory.rstrip('/')}/{entry.name}"
        if entry.is_dir():
            if not entry.name.startswith("."):
                _walk(path, location, found, warnings, seen)
        elif not os.access(path, os.R_OK):
            warnings.append(f"Skipped {path}: it cannot be read. Flyway skips such files without a word.")
        elif location.matches(path):
            found.append(Resource(location.relative(path), os.path.abspath(path), True, _file_reader(path)))


def _file_reader(path: str) -> Callable[[], bytes]:
    def read() -> bytes:
        with open(path, "rb") as handle:
            return handle.read()

    return read


def _scan_archive(location: Location) -> list[Resource]:
    path = location.archive
    import zipfile  # most locations are directories

    if not os.path.exists(path):
        raise _missing(location, f"{path} does not exist")
    try:
        archive = zipfile.ZipFile(path)
    except PermissionError:
        raise _missing(location, f"no permission to read {path}") from None
    except (OSError, zipfile.BadZipFile) as exc:
        raise FlywayError(f"Cannot read location {location.text}: {path} is not a jar ({exc}).", "BAD_JAR") from exc
    infos = archive.infolist()
    label = os.path.abspath(path)
    for class_root in location.class_roots:
        below = class_root + (location.root + "/" if location.root else "")
        found: dict[str, Resource] = {}
        there = False  # a directory without files is no missing one
        for info in infos:
            inner = info.filename[len(class_root) :]
            if not info.filename.startswith(below):
                continue
            there = True
            if not info.is_dir() and location.matches(inner):
                reader = _member_reader(archive, info)
                relative = location.relative(inner)
                found[relative] = Resource(relative, f"{label}!/{info.filename}", False, reader)
        if there:
            return [found[relative] for relative in sorted(found, key=java_order)]
    wanted = " or ".join(f"/{class_root}{location.root}" for class_root in location.class_roots)
    raise _missing(location, f"nothing lies under {wanted} in {path}")


def _member_reader(archive: Any, info: Any) -> Callable[[], bytes]:
    from zipfile import BadZipFile

    def read() -> bytes:
        try:
            return bytes(archive.read(info))
        except (BadZipFile, zlib.error) as exc:
            raise OSError(str(exc)) from exc

    return read
