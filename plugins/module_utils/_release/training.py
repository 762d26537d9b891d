# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The run that makes a CDS archive: the release's own jar, options and environment, but the kernel gives it no socket.

So it reaches no database, no Redis and no port, whatever the application's code does, and however it is configured. A
seccomp filter needs no root and, unlike a network namespace, holds for Unix sockets, too. An application that ends because
of it leaves an archive all the same, of the classes that it had loaded by then.
"""

from __future__ import annotations

import glob
import os
import shutil
import sys
import tempfile
from typing import Any, Callable

from ansible_collections.dwp.backend.plugins.module_utils import _envfile
from ansible_collections.dwp.backend.plugins.module_utils._command import TIMED_OUT, Commands
from ansible_collections.dwp.backend.plugins.module_utils._release import cds, evidence, host
from ansible_collections.dwp.backend.plugins.module_utils._release.store import Store

ROOM = 400 << 20  # bytes: the archive of a large application, and something left for its service
NICE = 10
#: Runs a command that the kernel refuses every socket (and io_uring, which could make one): EACCES. Ends with 125 where
#: the kernel has no such filter, so that nothing is ever trained without it.
CUT_OFF = """
import ctypes, os, struct, sys
CALLS = {"x86_64": (0xC000003E, 41, 425), "aarch64": (0xC00000B7, 198, 425)}
if os.uname().machine not in CALLS:
    sys.stderr.write("there is no filter for " + os.uname().machine + "\\n")
    sys.exit(125)
architecture, *refused = CALLS[os.uname().machine]
deny, allow, kill = 0x00050000 | 13, 0x7FFF0000, 0x80000000
steps = [(0x20, 0, 0, 4), (0x15, 1, 0, architecture), (6, 0, 0, kill), (0x20, 0, 0, 0), (0x35, 0, 1, 0x40000000), (6, 0, 0, deny)]
for number in refused:
    steps += [(0x15, 0, 1, number), (6, 0, 0, deny)]
steps.append((6, 0, 0, allow))
code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
program = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(code)))
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl.argtypes = (ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong)
if libc.prctl(38, 1, None, 0, 0) or libc.prctl(22, 2, ctypes.addressof(program), 0, 0):
    sys.stderr.write("the kernel refuses a seccomp filter: " + os.strerror(ctypes.get_errno()) + "\\n")
    sys.exit(125)
os.nice(int(sys.argv[1]))
os.execv(sys.argv[2], sys.argv[2:])
"""
CANNOT_CUT_OFF = 125


def hindrance(archive: cds.Archive, manifest: dict[str, Any]) -> str | None:
    """Why there can be no archive of this release here and now."""
    if archive.command is None:
        return "its launcher is not one that dwp.backend has made; deploy it again"
    version = int(manifest.get("java_version") or 0)
    if version < cds.FIRST_JAVA:
        return f"Java {version} has no archives of an application's own classes, Java {cds.FIRST_JAVA} is the first"
    if archive.library is None:
        return f"{archive.command[0]} is gone, or has no {cds.java_library(archive.command[0])}"
    if manifest.get("layout") != "extracted":
        return "its jar is not extracted, and classes of a jar within a jar cannot be archived"
    free = shutil.disk_usage(archive.base).free
    if free < ROOM:
        return f"{free >> 20} MB are free below {archive.base}, {ROOM >> 20} MB are needed to make an archive"
    problems = host.check_memory({archive.service: int(manifest.get("memory") or 0)}, host.available_memory())
    return problems[0] if problems else None


def make(
    store: Store, service: str, release: str, *, commands: Commands, user: tuple[int, int] | None, timeout: float,
    clock: Callable[[], float], at: str,
) -> dict[str, Any]:
    """Train and publish. ``state`` made, kept (there is one already) or none, with ``why``; never an exception for a failure."""
    archive = cds.Archive(store, service, release)
    if archive.fault() is None:
        return {"state": "kept", "why": ""}
    manifest = store.manifest(service, release) or {}
    why = hindrance(archive, manifest)
    if why is None and archive.tried():
        return {"state": "none", "why": archive.about["why"]}
    if why is not None or archive.command is None:
        archive.withdraw({"why": why, "at": at})
        return {"state": "none", "why": str(why)}
    begin = clock()
    for left in glob.glob(os.path.join(glob.escape(archive.base), ".cds-*")):  # of a run that was killed
        shutil.rmtree(left, ignore_errors=True)
    folder = tempfile.mkdtemp(prefix=".cds-", dir=archive.base)
    try:
        if user is not None:
            os.chown(folder, *user)
        java, options = archive.command
        made = os.path.join(folder, cds.ARCHIVE)
        values = _envfile.read(store.text(service, release, "environment") or "").values
        done = commands(
            [
                sys.executable, "-I", "-S", "-c", CUT_OFF, str(NICE), java, *cds.training_options(options),
                f"-XX:ArchiveClassesAtExit={made}", f"-Djava.io.tmpdir={folder}", *cds.TRAINING,
                "-jar", os.path.join(archive.base, "app.jar"),
            ],
            environment={**cds.training_environment(values, folder), "PATH": os.environ.get("PATH", "")},
            user=user, timeout=timeout, directory=archive.base, umask=0o077,
        )
        about = {"java": cds.java_name(java), "at": at, "seconds": round(clock() - begin, 1), "exit_status": done.status}
        if done.status in (TIMED_OUT, CANNOT_CUT_OFF) or not os.path.isfile(made):
            said = evidence.telling(done.text.splitlines(), 3)
            for name in manifest.get("secret_names", ()):
                said = [line.replace(values[name], "***") if values.get(name) else line for line in said]
            why = f"the training run {_ended(done.status, timeout)}" + (f": {' / '.join(said)}" if said else "")
            archive.withdraw({**about, "why": why[:500]})
            return {"state": "none", "why": why[:500]}
        if user is not None:
            os.chown(made, 0, 0)
        os.chmod(made, 0o644)
        archive.publish(made, {**about, "size": os.path.getsize(made)})
        return {"state": "made", "why": "", "seconds": about["seconds"], "size": archive.about["size"]}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _ended(status: int, timeout: float) -> str:
    if status == TIMED_OUT:
        return f"did not end within {timeout:g} s"
    if status == CANNOT_CUT_OFF:
        return "was not begun, as it could not be cut off from databases and ports"
    return f"ended with status {status} and left no archive"
