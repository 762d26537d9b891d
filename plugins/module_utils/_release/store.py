# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The releases of one host on its disk: content store, release directories, the current link, state.

    <root>/store/ab/<sha256>                    every file once; releases are hard links to it
    <root>/services/<name>/releases/<id>/       manifest.json environment launch unit app.jar lib/ policy.json
    <root>/services/<name>/current              -> releases/<id>
    <root>/services/<name>/state.json           what became of each activation (see state.py)
    <root>/services/<name>/service.json         probes and limits of the current release (changing them alone needs no restart)

Every change is a rename, so that a kill or a full disk leaves the old or the new, never half of one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterable
from typing import Any

from ansible_collections.dwp.backend.plugins.module_utils import _room
from ansible_collections.dwp.backend.plugins.module_utils._release import state as states
from ansible_collections.dwp.backend.plugins.module_utils._release.jar import FIXED_TIME, sha256_of

#: Texts of a release and their modes. The environment holds secrets: readable by the service's group, by nobody else.
TEXTS = {"environment": 0o640, "launch": 0o750, "unit": 0o644}


class StoreError(Exception):
    """The release cannot be written or read; the message says what, where and what to do."""


class Store:
    """``group`` owns the files that a service must read; None leaves ownership alone (no root)."""

    def __init__(self, root: str, group: int | None = None) -> None:
        self.root, self.group = root, group
        #: (service, release) that somebody is about to activate: no disk is so full that they may be removed.
        self.wanted: set[tuple[str, str | None]] = set()
        self._hashed: dict[tuple[int, int], str] = {}  # by device and inode: releases share their libraries

    # ---- paths
    def home(self, service: str) -> str:
        return os.path.join(self.root, "services", service)

    def path(self, service: str, release: str) -> str:
        return os.path.join(self.home(service), "releases", release)

    def _blob(self, sha256: str) -> str:
        return os.path.join(self.root, "store", sha256[:2], sha256)

    def services(self) -> list[str]:
        try:
            names = os.listdir(os.path.join(self.root, "services"))
        except FileNotFoundError:
            return []
        return sorted(n for n in names if os.path.isdir(self.home(n)))

    def modes(self) -> dict[str, int]:
        """Modes of the texts; without a group of their own (no root) they are the user's alone."""
        return TEXTS if self.group is not None else {name: mode & 0o707 for name, mode in TEXTS.items()}

    # ---- reading
    def current(self, service: str) -> str | None:
        """The active release; None without one, or when the link was bent to something that is no release."""
        try:
            target = os.readlink(os.path.join(self.home(service), "current"))
        except OSError:
            return None
        name = os.path.basename(target)
        return name if target == f"releases/{name}" and self.manifest(service, name) else None

    def manifest(self, service: str, release: str) -> dict[str, Any] | None:
        """The manifest, None if the release is not there or its manifest is unreadable."""
        try:
            with open(os.path.join(self.path(service, release), "manifest.json"), encoding="utf-8") as file:
                found = json.load(file)
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) and found.get("release") == release else None

    def releases(self, service: str) -> list[str]:
        try:
            names = os.listdir(os.path.join(self.home(service), "releases"))
        except FileNotFoundError:
            return []
        return sorted(n for n in names if not n.startswith(".") and self.manifest(service, n))

    def text(self, service: str, release: str, name: str) -> str | None:
        try:
            # newline: a value with a carriage return is not to be read as another one
            with open(os.path.join(self.path(service, release), name), encoding="utf-8", errors="surrogateescape", newline="") as file:
                return file.read()
        except OSError:
            return None

    def policy(self, service: str) -> dict[str, Any]:
        return _object(os.path.join(self.home(service), "service.json"))

    def state(self, service: str) -> tuple[dict[str, Any], str | None]:
        """The state and, when the file was damaged and rebuilt from the manifests, a warning."""
        path = os.path.join(self.home(service), "state.json")
        problem = "is missing"
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                return states.parse(file.read(), service), None
        except FileNotFoundError:
            if not self.releases(service):
                return states.empty(service), None
        except states.StateError as error:
            problem = str(error)
        return self._recovered(service), f"{path} {problem}; rebuilt from the manifests of its releases"

    def _recovered(self, service: str) -> dict[str, Any]:
        """Each manifest carries a copy of the outcome of its release (see :meth:`save_state`)."""
        state = states.empty(service)
        entries = []
        for release in self.releases(service):
            try:
                with open(os.path.join(self.path(service, release), "outcome.json"), encoding="utf-8") as file:
                    entries.append(dict(json.load(file)))
            except (OSError, ValueError):
                continue
        entries = [e for e in entries if e.get("outcome") in states.OUTCOMES and isinstance(e.get("release"), str)]
        state["activations"] = sorted(entries, key=lambda e: str(e.get("at", "")))
        return state

    # ---- digest
    def digest(self, spec: dict[str, Any]) -> str:
        """What makes two releases the same: files, environment, launcher, unit. Keyed by this host, because the
        environment holds secrets that a plain hash would let others guess; the version label does not count."""
        body = json.dumps(
            [sorted((f["path"], f["sha256"]) for f in spec["files"]), [spec[name] for name in sorted(TEXTS)]],
            sort_keys=True, ensure_ascii=True,
        )
        return hmac.new(self._key(), body.encode(), hashlib.sha256).hexdigest()

    def _key(self) -> bytes:
        path = os.path.join(self.root, ".digest-key")
        try:
            with open(path, "rb") as file:
                return file.read()
        except FileNotFoundError:
            return b""

    def make_key(self) -> None:
        path = os.path.join(self.root, ".digest-key")
        if not os.path.exists(path):
            self._write(path, secrets.token_bytes(32), 0o600)

    def find(self, service: str, digest: str) -> str | None:
        for release in self.releases(service):
            manifest = self.manifest(service, release)
            if manifest and manifest["digest"] == digest:
                return release
        return None

    # ---- integrity
    def missing(self, files: Iterable[dict[str, Any]]) -> list[str]:
        """sha256 of the files that the store lacks or that somebody has touched there."""
        wanted = {f["sha256"]: f["size"] for f in files}
        return sorted(sha for sha, size in wanted.items() if not self._untouched(self._blob(sha), sha, size))

    @staticmethod
    def _untouched(path: str, sha256: str, size: int) -> bool:
        """Size and the fixed time tell; where the time differs, the bytes decide."""
        try:
            found = os.lstat(path)
        except OSError:
            return False
        if found.st_size != size or found.st_mode & 0o170000 != 0o100000:
            return False
        return int(found.st_mtime) == FIXED_TIME or sha256_of(path)[0] == sha256

    def tampered(self, service: str, release: str, spec: dict[str, Any] | None = None, thorough: bool = False) -> list[str]:
        """Files of a release that are not what its manifest (or ``spec``) says."""
        manifest = self.manifest(service, release)
        if manifest is None:
            return ["manifest.json"]
        base = self.path(service, release)
        wrong = []
        for name, mode in TEXTS.items():
            text = self.text(service, release, name)
            good = spec[name] if spec else None
            same = text is not None and (text == good if good is not None else self._mac(text) == manifest["texts"][name])
            # Who only asks (status) need not know whether there is a group; who deploys knows.
            allowed = (mode,) if self.group is not None else (mode, mode & 0o707)
            if not same or os.stat(os.path.join(base, name)).st_mode & 0o7777 not in allowed:
                wrong.append(name)
        for entry in manifest["files"]:
            path = os.path.join(base, entry["path"])
            if not self._untouched(path, entry["sha256"], entry["size"]) or (
                thorough and self._hash(path) != entry["sha256"]
            ):
                wrong.append(entry["path"])
        return wrong

    def _hash(self, path: str) -> str:
        found = os.stat(path)
        key = (found.st_dev, found.st_ino)
        if key not in self._hashed:
            self._hashed[key] = sha256_of(path)[0]
        return self._hashed[key]

    def _mac(self, text: str) -> str:
        return hmac.new(self._key(), text.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()

    # ---- writing
    def add_blob(self, sha256: str, source: Any) -> None:
        """Take one file into the store, verified while it is written."""
        path = self._blob(sha256)
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        temporary = f"{path}.{os.getpid()}.new"
        seen = hashlib.sha256()
        try:
            with open(temporary, "wb") as file:
                for block in iter(lambda: source.read(1 << 20), b""):
                    seen.update(block)
                    file.write(block)
                file.flush()
                os.fsync(file.fileno())
                os.fchmod(file.fileno(), 0o644)
            if seen.hexdigest() != sha256:
                raise StoreError(
                    f"a file arrived damaged: sha256 {seen.hexdigest()[:12]}…, expected {sha256[:12]}…; run the deployment again"
                )
            os.utime(temporary, (FIXED_TIME, FIXED_TIME))
            os.replace(temporary, path)
        finally:
            if os.path.exists(temporary):
                os.unlink(temporary)

    def stage(self, spec: dict[str, Any], *, at: str) -> str:
        """Write the release (or put right the one that is there); returns its id. The store has all its files."""
        service, digest = spec["service"], self.digest(spec)
        release = self.find(service, digest) or self._new_id(spec, digest)
        final = self.path(service, release)
        manifest = {
            **{k: v for k, v in spec.items() if k not in (*TEXTS, "policy")},
            "release": release, "digest": digest, "staged_at": at, "texts": {name: self._mac(spec[name]) for name in TEXTS},
        }
        if os.path.isdir(final):
            self._repair(spec, release)
            return release
        os.makedirs(os.path.dirname(final), mode=0o755, exist_ok=True)
        temporary = os.path.join(os.path.dirname(final), f".{release}.new")
        shutil.rmtree(temporary, ignore_errors=True)
        os.mkdir(temporary, 0o755)
        for entry in spec["files"]:
            self._link(entry, temporary)
        for name, mode in self.modes().items():
            self._write(os.path.join(temporary, name), spec[name].encode("utf-8", "surrogateescape"), mode, shared=True)
        self._write(os.path.join(temporary, "manifest.json"), _json(manifest), 0o644)
        os.rename(temporary, final)
        return release

    def _repair(self, spec: dict[str, Any], release: str) -> None:
        base = self.path(spec["service"], release)
        wrong = set(self.tampered(spec["service"], release, spec))
        for name, mode in self.modes().items():
            if name in wrong:
                self._write(os.path.join(base, name), spec[name].encode("utf-8", "surrogateescape"), mode, shared=True)
        for entry in spec["files"]:
            if entry["path"] in wrong:
                self._link(entry, base)

    def _link(self, entry: dict[str, Any], base: str) -> None:
        path = os.path.join(base, entry["path"])
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        temporary = path + ".new"
        if os.path.lexists(temporary):
            os.unlink(temporary)
        os.link(self._blob(entry["sha256"]), temporary)
        os.replace(temporary, path)

    def _new_id(self, spec: dict[str, Any], digest: str) -> str:
        label = re.sub(r"[^A-Za-z0-9._-]+", "-", spec["version"])[:40].strip("-.") or "release"
        return f"{label}-{digest[:8]}"

    def switch(self, service: str, release: str) -> bool:
        """Point ``current`` to the release, in one step. True if it pointed elsewhere."""
        link = os.path.join(self.home(service), "current")
        target = f"releases/{release}"
        if os.path.islink(link) and os.readlink(link) == target:
            return False
        if os.path.isdir(link) and not os.path.islink(link):
            os.rename(link, f"{link}.by-hand.{secrets.token_hex(3)}")  # somebody made a directory of it; nothing is lost
        temporary = f"{link}.new"
        if os.path.lexists(temporary):
            os.unlink(temporary)
        _room.retried(self.root, lambda: os.symlink(target, temporary), self.make_room)
        os.replace(temporary, link)
        return True

    def save_state(self, service: str, state: dict[str, Any]) -> None:
        self._write_for_sure(os.path.join(self.home(service), "state.json"), states.dump(state).encode(), 0o644)
        for entry in state["activations"][-2:]:  # a rollback marks one release and activates another in one step
            base = self.path(service, entry["release"])
            if os.path.isdir(base):
                self._write_for_sure(os.path.join(base, "outcome.json"), _json(entry), 0o644)

    def save_policy(self, service: str, release: str, policy: dict[str, Any]) -> None:
        """Beside its release, because another one may listen on another port; in use at once if that is current."""
        path = os.path.join(self.path(service, release), "policy.json")
        if _object(path) != policy:
            self._write(path, _json(policy), 0o600)  # probes may carry credentials in headers
        if self.current(service) == release:
            self.use_policy(service, release)

    def use_policy(self, service: str, release: str) -> None:
        """Probes and limits go with the release that is activated (one that was staged without them keeps those in use)."""
        policy = _object(os.path.join(self.path(service, release), "policy.json"))
        if policy and policy != self.policy(service):
            self._write_for_sure(os.path.join(self.home(service), "service.json"), _json(policy), 0o600)

    def _write_for_sure(self, path: str, data: bytes, mode: int) -> None:
        """What a rollback has to write, on a full disk too."""
        _room.retried(self.root, lambda: self._write(path, data, mode), self.make_room)

    def _write(self, path: str, data: bytes, mode: int, shared: bool = False) -> None:
        temporary = f"{path}.{os.getpid()}.new"
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                if shared and self.group is not None:
                    os.fchown(file.fileno(), -1, self.group)  # owner before content
                os.fchmod(file.fileno(), mode)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            if os.path.exists(temporary):
                os.unlink(temporary)

    # ---- clean-up
    def make_room(self) -> bool:
        """On a full disk everything goes but the way back and the newest evidence. True if that freed something."""
        removed = [release for service in self.services() for release in self.prune(service, 1)]
        return self.sweep() > 0 or bool(removed)

    def prune(self, service: str, keep: int) -> list[str]:
        """Remove old releases beyond ``keep``; never the current, the last known good or the newest failure."""
        state, _warning = self.state(service)
        present = self.releases(service)
        kept = states.kept_releases(state, self.current(service), keep, present)
        removed = [release for release in present if release not in kept and (service, release) not in self.wanted]
        folder = os.path.join(self.home(service), "releases")
        for release in removed:  # out of sight in one step: a kill must not leave half a release to go back to
            os.rename(os.path.join(folder, release), os.path.join(folder, f".{release}.gone"))
        for name in os.listdir(folder) if present else ():
            if name.startswith("."):  # these, and what runs that were killed left half made or half removed
                shutil.rmtree(os.path.join(folder, name))
        return removed

    def sweep(self) -> int:
        """Drop files of the store that no release links to any more; returns the bytes freed."""
        freed = 0
        base = os.path.join(self.root, "store")
        for folder, _folders, names in os.walk(base):
            for name in names:
                path = os.path.join(folder, name)
                found = os.lstat(path)
                if found.st_nlink == 1:
                    os.unlink(path)
                    freed += found.st_size
        return freed


def _object(path: str) -> dict[str, Any]:
    """A JSON object, empty if the file is not there or damaged."""
    try:
        with open(path, encoding="utf-8") as file:
            return dict(json.load(file))
    except (OSError, ValueError, TypeError):
        return {}


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
