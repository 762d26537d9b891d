# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of a deployment on a host: who deploys, since when, what it does, and its last sign of life."""

from __future__ import annotations

import datetime
import fcntl
import json
import os
import pwd
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Callable, NamedTuple

from ansible_collections.dwp.backend.plugins.module_utils import _journal, _room
from ansible_collections.dwp.backend.plugins.module_utils._release.store import Store

NAME = "lock.json"
LOCK_TIMEOUT = 90.0
#: Fields that a lock shows to others.
FIELDS = ("deployment", "kind", "owner", "controller", "pid", "start_ticks", "since", "seen", "step")


class ActivationError(Exception):
    """A step was refused; nothing later was done."""


def now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")


def user_name() -> str:
    """Who this module runs as."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def unusable(root: str) -> list[str]:
    """Why this user cannot write where lock, state and releases are to lie; empty if it can."""
    place = os.path.abspath(root)
    while not os.path.lexists(place) and place != "/":
        place = os.path.dirname(place)
    if os.path.isdir(place) and os.access(place, os.W_OK | os.X_OK):
        return []
    what = f"user {user_name()} may not write to {place}" if os.path.isdir(place) else f"{place} is no directory"
    return [f"dwp_root {root} cannot be used: {what}; set dwp_root to a directory of that user, or become root (dwp_become)"]


@contextmanager
def host_lock(root: str, timeout: float = LOCK_TIMEOUT, clock: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """One run at a time changes this host. An orphan of a killed run holds it until its module ends."""
    path = os.path.join(root, ".lock")
    for problem in unusable(root):
        raise ActivationError(problem)
    os.makedirs(root, mode=0o755, exist_ok=True)
    end = clock() + timeout
    with open(path, "a", encoding="ascii") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if clock() >= end:
                    raise ActivationError(
                        f"{path} is held by another run on this host since more than {timeout:.0f} s (a deployment that was "
                        f"killed may still be finishing its last step); find it with: fuser {path}"
                    ) from None
                time.sleep(0.1)
        yield


class Decision(NamedTuple):
    """acquire | mine | reclaim | refuse, and why."""

    what: str
    reason: str


def path_of(root: str) -> str:
    return os.path.join(root, NAME)


def read(root: str) -> dict[str, Any] | None:
    """The lock as it is; a damaged one counts as held by nobody known (its age is that of the file)."""
    try:
        with open(path_of(root), encoding="utf-8", errors="replace") as file:
            text = file.read()
    except FileNotFoundError:
        return None
    try:
        found = json.loads(text)
        if isinstance(found, dict) and "deployment" in found:
            return found
    except ValueError:
        pass
    seen = datetime.datetime.fromtimestamp(os.stat(path_of(root)).st_mtime, datetime.timezone.utc)
    return {"deployment": "unknown", "owner": "unknown (damaged lock file)", "seen": seen.isoformat(), "since": seen.isoformat()}


def age(moment: str, now: datetime.datetime) -> float:
    """Seconds since a moment in ISO 8601; infinite if it cannot be read."""
    try:
        return (now - datetime.datetime.fromisoformat(moment)).total_seconds()
    except (TypeError, ValueError):
        return float("inf")


def decide(
    found: dict[str, Any] | None, wanted: dict[str, Any], *, expiry: float, now: datetime.datetime, owner_gone: str = ""
) -> Decision:
    """May ``wanted`` take the lock? ``owner_gone`` is the deployment whose process the controller knows to be dead."""
    if found is None:
        return Decision("acquire", "")
    if found["deployment"] == wanted["deployment"]:
        return Decision("mine", "")
    name = f"deployment {found['deployment']} of {found.get('owner', 'unknown')}"
    if owner_gone and owner_gone == found["deployment"]:
        return Decision("reclaim", f"{name} is gone: its process {found.get('pid')} on this controller has ended")
    silent = age(str(found.get("seen")), now)
    if silent > expiry:
        return Decision("reclaim", f"{name} has given no sign of life for {minutes(silent)}, longer than dwp_lock_expiry")
    return Decision("refuse", describe(found, expiry, now))


def describe(found: dict[str, Any], expiry: float, now: datetime.datetime) -> str:
    """A live foreign lock in words: who, since when, what it does, when it ends."""
    return (
        f"the lock is held by {found.get('owner', 'unknown')} ({found.get('kind', 'deployment')} {found['deployment']}, started "
        f"{minutes(age(str(found.get('since')), now))} ago, last sign of life {minutes(age(str(found.get('seen')), now))} ago"
        f"{', ' + found['step'] if found.get('step') else ''}). Wait, or follow it with playbooks/status.yml. It expires "
        f"{minutes(expiry)} after the last sign of life; playbooks/unlock.yml breaks it by hand"
    )


def minutes(seconds: float) -> str:
    if seconds == float("inf"):
        return "an unknown time"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def write(root: str, lock: dict[str, Any], *, exclusive: bool) -> bool:
    """Write the lock in one step; with ``exclusive`` only if there is none. False if somebody was faster."""
    path = path_of(root)
    temporary = f"{path}.{os.getpid()}.new"

    def put() -> None:
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(lock, file, sort_keys=True, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())

    try:
        _room.retried(root, put, Store(root).make_room)
        if exclusive:
            try:
                os.link(temporary, path)  # atomic, and fails if the lock is there
            except FileExistsError:
                return False
        else:
            os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)
    return True


def first(root: str, wish: Mapping[str, Any] | None, deployment: str, check_mode: bool) -> dict[str, Any]:
    """For modules that take the lock before they look: what take() says; empty where no lock is wished for."""
    if wish is None:
        return {}
    wish = {"owner_gone": "", **wish, "deployment": deployment}
    if check_mode:
        return take(root, wish, check_mode=True)
    with host_lock(root):
        return take(root, wish)


def take(root: str, wish: Mapping[str, Any], check_mode: bool = False) -> dict[str, Any]:
    """Acquire or reclaim the lock for ``deployment``, ``kind``, ``owner``, ``expiry``, ``owner_gone``; a live foreign one stays.

    Call it under host_lock(). The result says ``held``, or why not (``refused``), and what was ``interrupted``.
    """
    if not check_mode:
        os.makedirs(root, mode=0o755, exist_ok=True)
    moment = datetime.datetime.now(datetime.timezone.utc)
    found = read(root) if os.path.isdir(root) else None
    entry = {"deployment": wish["deployment"], "kind": wish["kind"]}
    wanted = {**wish["owner"], **entry, "since": now(), "seen": now(), "step": "starting"}
    decision = decide(found, wanted, expiry=wish["expiry"], now=moment, owner_gone=wish.get("owner_gone") or "")
    result: dict[str, Any] = {"changed": False, "lock": found or {}, "refused": "", "interrupted": "", "held": False, "problem": None}
    if decision.what == "refuse":
        return {**result, "refused": decision.reason}
    if decision.what == "reclaim" and found:
        doing = f" while {found['step']}" if found.get("step") else ""
        result["interrupted"] = f"{decision.reason}. It was interrupted{doing}; going on finishes it, playbooks/rollback.yml undoes it."
    if check_mode:
        return result
    if decision.what != "mine":
        if not write(root, wanted, exclusive=decision.what == "acquire"):
            return {**result, "refused": "another deployment took the lock at this very moment; try again"}
        note = {"at": now(), **entry, "owner": wish["owner"].get("owner", ""), "version": wish.get("version") or ""}
        if decision.what == "reclaim" and found:
            _journal.append(root, {**note, "event": "reclaimed", "reason": decision.reason, "from": found["deployment"]})
        result["problem"] = _journal.append(root, {**note, "event": "begin"})
    return {**result, "held": True}


def give_back(
    root: str, deployment: str, *, owner: str = "", outcome: str = "ok", reason: str = "", broken: bool = False
) -> dict[str, Any]:
    """Remove the lock with a note in the journal; another deployment's only when it is ``broken`` by hand.

    Call it under host_lock(). ``owner``: who does it; the lock's own one by default. The result is that of take().
    """
    found = read(root) if os.path.isdir(root) else None
    result: dict[str, Any] = {"changed": False, "lock": found or {}, "refused": "", "interrupted": "", "held": False, "problem": None}
    if found is None or (not broken and found["deployment"] != deployment):
        return result
    entry = {"at": now(), "deployment": found["deployment"], "owner": owner or found.get("owner", "")}
    if broken:
        entry.update(event="broken", reason=reason or "unlock.yml")
    else:
        entry.update(event="end", outcome=outcome, reason=reason[:2000])
    result["problem"] = _journal.append(root, entry)
    remove(root)
    return {**result, "changed": broken}


def remove(root: str) -> None:
    try:
        os.unlink(path_of(root))
    except FileNotFoundError:
        pass


def check(root: str, deployment: str, step: str, now: str) -> str | None:
    """Before a step that changes something: is this deployment still the current one? Returns why not, or None.

    Gives the sign of life. An orphan of a killed run finds the lock gone or in other hands, and does nothing.
    """
    found = read(root)
    if found is None:
        return f"deployment {deployment} does not hold the lock of this host any more (it was released or broken); nothing was done"
    if found["deployment"] != deployment:
        return f"deployment {found['deployment']} of {found.get('owner', 'unknown')} has taken over this host; nothing was done"
    write(root, {**found, "seen": now, "step": step}, exclusive=False)
    return None
