# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Spring Boot jar on the controller: is it whole, and how does it lie extracted.

The layout is that of ``java -Djarmode=tools -jar app.jar extract`` (Spring Boot 3.3+): a thin ``app.jar`` with the
classes and ``lib/`` with the dependencies. It is made here, without a JVM, so that libraries that a host has already
are not sent again, and with fixed times, so that the same input gives the same bytes everywhere.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Iterator
from typing import NamedTuple

#: File time of everything in a release (2000-01-01 UTC). A CDS archive is tied to its jars' times, and a changed time
#: is the cheap sign that somebody touched an immutable file.
FIXED_TIME = 946684800
_ZIP_TIME = (2000, 1, 1, 0, 0, 0)
_CLASSES = "BOOT-INF/classes/"
_LIBRARIES = "BOOT-INF/lib/"
#: Service of the loader, which is not there any more in a thin jar.
_LOADER_SERVICE = "META-INF/services/java.nio.file.spi.FileSystemProvider"


class JarError(Exception):
    """The artefact cannot be released; the message says why."""


class Part(NamedTuple):
    """One file of a release: its path in the release directory, and where its bytes are."""

    path: str
    sha256: str
    size: int
    #: Name of the entry in the executable jar; "" = the jar itself; None = the thin jar, made by :func:`thin_jar`.
    entry: str | None


class Layout(NamedTuple):
    kind: str  # extracted | jar
    sha256: str  # of the artefact
    size: int
    parts: tuple[Part, ...]
    start_class: str


def sha256_of(path: str) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
            size += len(block)
    return digest.hexdigest(), size


def read_manifest(text: str) -> dict[str, str]:
    """Main attributes of a MANIFEST.MF (continuation lines begin with a blank)."""
    main = re.split(r"\r\n\r\n|\n\n|\r\r", text, maxsplit=1)[0]
    unfolded = re.sub(r"(?:\r\n|\r|\n) ", "", main)
    pairs = (line.split(":", 1) for line in re.split(r"\r\n|\r|\n", unfolded) if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}


def write_manifest(attributes: dict[str, str]) -> bytes:
    """MANIFEST.MF with lines of at most 72 bytes, as the jar specification wants."""
    lines: list[bytes] = []
    for key, value in attributes.items():
        rest = f"{key}: {value}".encode()
        lines.append(rest[:72])
        rest = rest[72:]
        while rest:
            lines.append(b" " + rest[:71])
            rest = rest[71:]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _open(path: str) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(path)
        # Of a jar that was cut, the last stored library can pass for the archive: its entries then begin far behind the start.
        with open(path, "rb") as file:
            cut = file.read(2) == b"PK" and min((e.header_offset for e in archive.infolist()), default=0) > 0
        if cut:
            raise zipfile.BadZipFile("its directory is missing")
    except FileNotFoundError:
        raise JarError(f"{path}: is missing") from None
    except (zipfile.BadZipFile, OSError) as error:
        raise JarError(f"{path}: is not a whole jar ({error}); it was perhaps cut while copying, copy or build it again") from None
    return archive


def inspect(path: str, kind: str = "extracted") -> Layout:
    """Read and check the artefact. A jar that is not Spring Boot's executable kind is released as it is."""
    with _open(path) as archive:
        broken = _first_broken(archive)
        if broken:
            raise JarError(f"{path}: the entry {broken} is damaged (wrong CRC); copy or build the jar again")
        names = set(archive.namelist())
        if "META-INF/MANIFEST.MF" not in names:
            raise JarError(f"{path}: has no META-INF/MANIFEST.MF; is it a jar?")
        manifest = read_manifest(archive.read("META-INF/MANIFEST.MF").decode("utf-8", "replace"))
        if "Main-Class" not in manifest:
            raise JarError(
                f"{path}: has no Main-Class, so java -jar cannot start it; it is perhaps the plain jar, "
                "take the one that the Spring Boot plugin repackaged"
            )
        sha256, size = sha256_of(path)
        start_class = manifest.get("Start-Class", "")
        if kind == "jar" or not start_class or not any(n.startswith(_CLASSES) for n in names):
            part = Part("app.jar", sha256, size, "")
            return Layout("jar", sha256, size, (part,), start_class or manifest["Main-Class"])
        libraries = _library_order(archive)
        parts = []
        for entry in libraries:
            data = archive.read(entry)
            parts.append(Part("lib/" + entry.rsplit("/", 1)[1], hashlib.sha256(data).hexdigest(), len(data), entry))
        thin = _thin_jar(archive, manifest, libraries)
        parts.append(Part("app.jar", hashlib.sha256(thin).hexdigest(), len(thin), None))
        return Layout("extracted", sha256, size, tuple(parts), start_class)


def _first_broken(archive: zipfile.ZipFile) -> str | None:
    try:
        return archive.testzip()
    except Exception as error:  # zlib.error, EOFError, NotImplementedError: all mean unreadable
        return f"({type(error).__name__}: {error})"


def _library_order(archive: zipfile.ZipFile) -> list[str]:
    """Dependencies in class path order (classpath.idx), then any that it does not name."""
    present = [n for n in archive.namelist() if n.startswith(_LIBRARIES) and n.endswith(".jar")]
    ordered: list[str] = []
    if "BOOT-INF/classpath.idx" in archive.namelist():
        listed = re.findall(r'^- "([^"]+)"', archive.read("BOOT-INF/classpath.idx").decode("utf-8"), re.M)
        ordered = [n for n in listed if n in present]
    known = set(ordered)
    return ordered + [n for n in present if n not in known]


def _thin_jar(archive: zipfile.ZipFile, manifest: dict[str, str], libraries: list[str]) -> bytes:
    kept = {k: v for k, v in manifest.items() if k.startswith(("Implementation-", "Build-", "Created-By", "Spring-Boot-Version"))}
    attributes = {
        "Manifest-Version": "1.0",
        "Main-Class": manifest["Start-Class"],
        **({"Class-Path": " ".join("lib/" + n.rsplit("/", 1)[1] for n in libraries)} if libraries else {}),
        **kept,
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out:
        _add(out, "META-INF/MANIFEST.MF", write_manifest(attributes))
        for name in archive.namelist():
            if name.startswith(_CLASSES):
                target = name[len(_CLASSES):]
            elif name.startswith("META-INF/") and name != "META-INF/MANIFEST.MF":
                target = name
            else:
                continue  # BOOT-INF itself and the loader are not needed any more
            if target and not target.endswith("/") and name != _LOADER_SERVICE:
                _add(out, target, archive.read(name))
    return buffer.getvalue()


def _add(out: zipfile.ZipFile, name: str, data: bytes) -> None:
    """One entry with a fixed time, after its directories: without entries of their own for directories, Spring's
    component scan finds no class of a package, and an application starts without its controllers and filters."""
    folder = name.rstrip("/").rpartition("/")[0]
    if folder and folder + "/" not in out.NameToInfo:
        _add(out, folder + "/", b"")
    entry = zipfile.ZipInfo(name, _ZIP_TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = (0o755 << 16 | 0x10) if name.endswith("/") else 0o644 << 16
    if name not in out.NameToInfo:  # META-INF of the classes wins over that of the archive
        out.writestr(entry, data)


def contents(path: str, layout: Layout, wanted: set[str]) -> Iterator[tuple[Part, bytes]]:
    """The bytes of those parts whose sha256 is wanted."""
    with _open(path) as archive:
        for part in layout.parts:
            if part.sha256 not in wanted:
                continue
            if part.entry == "":
                with open(path, "rb") as file:
                    yield part, file.read()
            elif part.entry is None:
                manifest = read_manifest(archive.read("META-INF/MANIFEST.MF").decode("utf-8", "replace"))
                yield part, _thin_jar(archive, manifest, _library_order(archive))
            else:
                yield part, archive.read(part.entry)
