# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CDS archive beside a release: classes that the JVM maps at its start instead of loading and verifying them again.

    releases/<id>/cds/app.jsa      the archive
    releases/<id>/cds/stamp        size, time and path of the JVM's library and of the archive, as stat(1) prints them
    releases/<id>/cds/about.json   how it was made, or why there is none

A JVM crashes on an archive that was cut, and is slower with one of another JVM than with none. So the launcher names the
archive only if both files are still those of the stamp. The archive does not belong to what identifies a release.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._release import state as states
from ansible_collections.dwp.backend.plugins.module_utils._release.store import Store

FOLDER, ARCHIVE, STAMP, ABOUT = "cds", "app.jsa", "stamp", "about.json"
FIRST_JAVA = 13  # the first with archives of an application's own classes on top of the JDK's
#: Options that have no place in a training run: they open ports, write files beside the service's, or start commands.
_LEFT_OUT = (
    "-agentlib:", "-agentpath:", "-javaagent:", "-Dcom.sun.management.", "-Xlog", "-verbose", "-XX:StartFlightRecording",
    "-XX:FlightRecorderOptions", "-XX:OnError=", "-XX:OnOutOfMemoryError=", "-XX:HeapDumpPath=", "-XX:ErrorFile=",
    "-XX:+HeapDumpOnOutOfMemoryError",
)
#: The application context is made and left before anything listens or is scheduled; nothing that makes it asks a database.
TRAINING = (
    "-Dspring.context.exit=onRefresh",
    "-Dspring.flyway.enabled=false",
    "-Dspring.sql.init.mode=never",
    "-Dspring.jpa.hibernate.ddl-auto=none",
    "-Dspring.jpa.database-platform=org.hibernate.dialect.PostgreSQLDialect",
    "-Dspring.jpa.properties.hibernate.boot.allow_jdbc_metadata_access=false",
    "-Dspring.datasource.hikari.initialization-fail-timeout=-1",
    "-Dspring.datasource.hikari.connection-timeout=250",
    "-Dspring.main.banner-mode=off",
)


def command_of(launcher: str) -> tuple[str, list[str]] | None:
    """The Java and the JVM options of a release, from its launcher; None if that is of another make."""
    found = re.search(r"^exec (.*)\Z", launcher, re.M | re.S)
    if not found:
        return None
    try:
        words = shlex.split(found.group(1).replace("\\\n", " "))
    except ValueError:
        return None
    if "-jar" not in words or not os.path.isabs(words[0]):
        return None
    return words[0], [word for word in words[1:words.index("-jar")] if word != "$@"]


def training_options(options: Sequence[str]) -> list[str]:
    """The options of a release, without those that do something beside running it."""
    return [option for option in options if not option.startswith(_LEFT_OUT)]


def training_environment(values: Mapping[str, str], folder: str) -> dict[str, str]:
    """The release's own environment; its log file stays the service's."""
    kept = {n: v for n, v in values.items() if not n.startswith(("LOGGING_FILE", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"))}
    return {**kept, "LOGGING_FILE_NAME": os.path.join(folder, "training.log")}


def java_library(java: str) -> str:
    """What makes one JVM another one: its library, as the launcher finds it."""
    return re.sub(r"/bin/java$", "", os.path.realpath(java)) + "/lib/server/libjvm.so"


def java_name(java: str) -> str:
    """For people: version and home."""
    home = re.sub(r"/bin/java$", "", os.path.realpath(java))
    try:
        with open(os.path.join(home, "release"), encoding="utf-8", errors="replace") as file:
            found = re.search(r'^JAVA_VERSION="([^"]*)"', file.read(), re.M)
    except OSError:
        found = None
    return f"Java {found.group(1) if found else 'of unknown version'} in {home}"


def stamp_of(*paths: str) -> str | None:
    """As ``stat -L -c '%s %Y %n'`` prints it; None if one is not there."""
    lines = []
    for path in paths:
        try:
            found = os.stat(path)
        except OSError:
            return None
        lines.append(f"{found.st_size} {int(found.st_mtime)} {path}")
    return "\n".join(lines)


class Archive:
    """The archive of one release."""

    def __init__(self, store: Store, service: str, release: str) -> None:
        self.service, self.release, self.base = service, release, store.path(service, release)
        self.folder = os.path.join(self.base, FOLDER)
        self.path = os.path.join(self.folder, ARCHIVE)
        self.command = command_of(store.text(service, release, "launch") or "")

    def _read(self, name: str) -> str:
        try:
            with open(os.path.join(self.folder, name), encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return ""

    @property
    def about(self) -> dict[str, Any]:
        """How the last attempt went."""
        try:
            return dict(json.loads(self._read(ABOUT)))
        except (ValueError, TypeError):
            return {}

    @property
    def library(self) -> str | None:
        """size, time and path of the JVM's library; None if that Java is gone."""
        return stamp_of(java_library(self.command[0])) if self.command else None

    def fault(self) -> str | None:
        """Why the launcher does not use it; "" where there is none, None if it does."""
        stamp = self._read(STAMP)
        if not stamp:
            return ""
        if self.library is None or not stamp.startswith(self.library + "\n"):
            now = java_name(self.command[0]) if self.command else "another Java"
            return f"it was made by {self.about.get('java', 'another Java')}, and the release is started by {now}"
        here = stamp_of(self.path)
        if here is None or stamp.partition("\n")[2].strip() != here:
            return "its file was changed after it was made"
        return None

    def tried(self) -> bool:
        """A training run with this very Java has failed: another one would, too."""
        return bool(self.about.get("why")) and "exit_status" in self.about and self.about.get("library") == self.library

    def publish(self, made: str, about: Mapping[str, Any]) -> None:
        """Put an archive into its place; the stamp comes last, without it the launcher does not look at the archive."""
        self.withdraw(about)
        with open(made, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(made, self.path)
        self._write(STAMP, f"{self.library}\n{stamp_of(self.path)}\n")

    def withdraw(self, about: Mapping[str, Any]) -> None:
        """No archive, and why (or: not yet)."""
        os.makedirs(self.folder, mode=0o755, exist_ok=True)
        for name in (STAMP, ARCHIVE):
            if os.path.lexists(os.path.join(self.folder, name)):
                os.unlink(os.path.join(self.folder, name))
        self._write(ABOUT, json.dumps({**about, "library": self.library}, indent=1, sort_keys=True, ensure_ascii=False) + "\n")

    def _write(self, name: str, text: str) -> None:
        path = os.path.join(self.folder, name)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(path + ".new", 0o644)
        os.replace(path + ".new", path)

    def drop(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def describe(store: Store, service: str, release: str | None, pid: int, since: float, proc: str = "/proc") -> dict[str, Any]:
    """What status says: ``state`` used, ready (from the next start on), ignored, none or off, and ``why``.

    ``final``: there is none, and making it has failed for a reason that stays.
    """
    if release is None or store.policy(service).get("fast_start", "off") == "off":
        return {"state": "off", "why": ""}
    archive = Archive(store, service, release)
    fault = archive.fault()
    if fault == "":
        return {"state": "none", "why": str(archive.about.get("why") or "not made yet"), "final": archive.tried()}
    if fault is not None:
        return {"state": "ignored", "why": fault}
    if not pid:
        return {"state": "ready", "why": ""}
    try:
        with open(f"{proc}/{pid}/maps", encoding="utf-8", errors="replace") as file:
            mapped = any(line.rstrip().endswith(archive.path) for line in file)
    except OSError as error:
        return {"state": "ready", "why": f"whether process {pid} uses it cannot be told ({error.strerror})"}
    if mapped:
        return {"state": "used", "why": ""}
    if since < os.stat(os.path.join(archive.folder, STAMP)).st_mtime:
        return {"state": "ready", "why": "used from the next start on"}
    return {"state": "ignored", "why": "the JVM did not take it, because a jar's time or a JVM option differs from those it was made with"}


def prune(store: Store, service: str, *more: str) -> list[str]:
    """Archives are as large as all jars together: only the current release, the last known good before it and those named keep theirs."""
    current = store.current(service)
    known, _warning = store.state(service)
    good = states.last_known_good(known, before=current)
    kept = {current, good["release"] if good else None, *more}
    gone = [r for r in store.releases(service) if r not in kept and os.path.isdir(os.path.join(store.path(service, r), FOLDER))]
    for release in gone:
        Archive(store, service, release).drop()
    return gone


def drop(store: Store, service: str) -> None:
    """No archives any more: the site has chosen fast_start: off."""
    for release in store.releases(service):
        Archive(store, service, release).drop()
