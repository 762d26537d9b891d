# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The jars of a deployment on the controller: found, verified, and how each lies extracted (remembered by file)."""

from __future__ import annotations

import contextlib
import fnmatch
import hashlib
import json
import os
import re
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils._flyway.migrations import FileOptions, resolve
from ansible_collections.dwp.backend.plugins.module_utils._flyway.placeholders import Placeholders
from ansible_collections.dwp.backend.plugins.module_utils._flyway.scan import scan
from ansible_collections.dwp.backend.plugins.module_utils._release import jar

#: To be raised when the layout of the same jar changes.
CACHE_FORMAT = 2
#: What a build leaves beside the jar that java -jar can start.
NOT_RUNNABLE = ("*-plain.jar", "*-sources.jar", "*-javadoc.jar", "*-tests.jar", "original-*.jar")


def cache_dir() -> str:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "dwp-backend", "layouts")


def folder(given: Any) -> str:
    """dwp_artifacts_dir as people write it, with ~ for their home."""
    return os.path.expanduser(str(given or ""))


def with_version(artifact: str, names: Iterable[str]) -> list[str]:
    """The runnable jars among these files that are named as Gradle and Maven do it: <artifact>-1.0.0.jar."""
    start = artifact + "-"
    return sorted(
        name for name in names
        if name.startswith(start) and name.endswith(".jar") and name[len(start):len(start) + 1].isdigit()
        and not any(fnmatch.fnmatch(name, pattern) for pattern in NOT_RUNNABLE)
    )  # fmt: skip


def path_of(service: Mapping[str, Any], artifacts_dir: str) -> str:
    """<artifact>.jar; if that is not there, the only one with a version in its name."""
    exact = os.path.join(artifacts_dir, service["artifact"] + ".jar")
    if os.path.exists(exact) or not os.path.isdir(artifacts_dir):
        return exact
    found = with_version(service["artifact"], os.listdir(artifacts_dir))
    return os.path.join(artifacts_dir, found[0]) if len(found) == 1 else exact


def inspect(path: str, kind: str) -> tuple[jar.Layout, dict[str, str]]:
    """The layout of a jar and what it knows of its origin. Reading a large jar costs half a second, so the answer is
    kept, keyed by path, size, time and inode."""
    cached = _cached(path, kind)
    try:
        with open(cached, encoding="utf-8") as file:
            kept = json.load(file)
        layout = jar.Layout(**{**kept["layout"], "parts": tuple(jar.Part(*part) for part in kept["layout"]["parts"])})
        return layout, kept["origin"]
    except (OSError, ValueError, KeyError, TypeError):
        pass
    layout = jar.inspect(path, kind)
    origin = _origin(path)
    _keep(cached, {"layout": layout._asdict(), "origin": origin})
    return layout, origin


def migrations(path: str) -> list[dict[str, Any]]:
    """The Flyway migrations in a jar, as its manifest records them; remembered in the same way."""
    cached = _cached(path, "migrations")
    try:
        with open(cached, encoding="utf-8") as file:
            return list(json.load(file))
    except (OSError, ValueError, TypeError):
        pass
    files = scan(["classpath:db/migration"], path, fail_on_missing=False)
    found = [
        {"version": m.version.text if m.version else "", **{k: getattr(m, k) for k in ("description", "type", "checksum", "script")}}
        for m in resolve(files.resources, FileOptions(), Placeholders({}, {})).migrations
    ]
    _keep(cached, found)
    return found


def _cached(path: str, what: str) -> str:
    found = os.stat(path)
    key = json.dumps([CACHE_FORMAT, os.path.realpath(path), what, found.st_size, found.st_mtime_ns, found.st_ino])
    return os.path.join(cache_dir(), hashlib.sha256(key.encode()).hexdigest() + ".json")


def _keep(cached: str, value: Any) -> None:
    with contextlib.suppress(OSError):
        os.makedirs(cache_dir(), mode=0o700, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=cache_dir())
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(value, file)
        os.replace(temporary, cached)


def _origin(path: str) -> dict[str, str]:
    """The git commit, from the note that a build by dwp.backend leaves, or from git.properties in the jar."""
    try:
        with open(path + ".origin.json", encoding="utf-8") as file:
            return {str(k): str(v) for k, v in json.load(file).items()}
    except (OSError, ValueError):
        pass
    with zipfile.ZipFile(path) as archive:
        for name in ("BOOT-INF/classes/git.properties", "git.properties"):
            if name in archive.namelist():
                found = re.search(r"^git\.commit\.id(?:\.full)?\s*[=:]\s*(\w+)", archive.read(name).decode("utf-8", "replace"), re.M)
                if found:
                    return {"git_sha": found.group(1)}
    return {}


def expected_sha256(service: Mapping[str, Any], artifacts_dir: str) -> tuple[str, str] | None:
    """The sha256 that the jar must have, and who says so: the inventory, a file beside the jar, or SHA256SUMS."""
    if service.get("sha256"):
        return service["sha256"], f"dwp_services.{service['name']}.sha256"
    name = os.path.basename(path_of(service, artifacts_dir))
    for source in (os.path.join(artifacts_dir, name + ".sha256"), os.path.join(artifacts_dir, "SHA256SUMS")):
        try:
            with open(source, encoding="utf-8") as file:
                lines = [line.split() for line in file if line.strip()]
        except OSError:
            continue
        for words in lines:
            if len(words) == 1 or words[1].lstrip("*").rsplit("/", 1)[-1] == name:
                return words[0].lower(), source
    return None


def check(service: Mapping[str, Any], artifacts_dir: str) -> list[str]:
    """Problems of one service's jar, each with what to do."""
    path = path_of(service, artifacts_dir)
    where = f"{service['name']}: {path}"
    if not os.path.isfile(path):
        versions = with_version(service["artifact"], os.listdir(artifacts_dir)) if os.path.isdir(artifacts_dir) else []
        if versions:
            return [f"{where} is missing, and several have a version in their name ({', '.join(versions)}); leave one of them there, "
                    f"or choose by dwp_services.{service['name']}.artifact"]
        beside = sorted(n for n in os.listdir(artifacts_dir) if n.endswith(".jar")) if os.path.isdir(artifacts_dir) else []
        found = f"there are {', '.join(beside[:8])}" if beside else "there is no jar at all" if os.path.isdir(artifacts_dir) else \
            "that directory does not exist"
        return [f"{where} is missing ({found}); build it, or correct dwp_artifacts_dir or dwp_services.{service['name']}.artifact"]
    try:
        layout, _origin_found = inspect(path, service["layout"])
    except jar.JarError as error:
        return [f"{service['name']}: {error}"]
    except OSError as error:
        return [f"{where} cannot be read: {error.strerror}"]
    expected = expected_sha256(service, artifacts_dir)
    if expected and expected[0] != layout.sha256:
        return [
            f"{where} has sha256 {layout.sha256}, but {expected[1]} says {expected[0]}; it is another build or was damaged "
            "on the way: fetch it again, or correct the checksum"
        ]
    return []
