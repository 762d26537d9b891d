# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""supervisord itself: its configuration, starting it so that it outlives Ansible, stopping it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator

from ansible_collections.dwp.backend.plugins.module_utils._command import Commands
from ansible_collections.dwp.backend.plugins.module_utils._infra_config import InfraError
from ansible_collections.dwp.backend.plugins.module_utils._supervisor import (
    Layout,
    Supervisor,
    SupervisorError,
    differs,
    private_dir,
    write_atomic,
)

START_TIMEOUT = 20.0


def clean_environment(home: str = "/") -> dict[str, str]:
    """What servers inherit: nothing of the environment that Ansible was started with."""
    return {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "HOME": home}


def _say(path: str) -> str:
    return path.replace("%", "%%")


def config_text(paths: Layout, root: bool) -> str:
    """No TCP port: whoever may open the socket file may command supervisord, nobody else."""
    user = "user = root\n" if root else ""
    return (
        "; Written by dwp.backend: changes by hand are overwritten.\n"
        f"[unix_http_server]\nfile = {_say(paths.socket)}\nchmod = 0700\n\n"
        f"[supervisord]\nlogfile = {_say(paths.log)}\nlogfile_maxbytes = 10485760\nlogfile_backups = 3\n"
        f"loglevel = info\npidfile = {_say(paths.pidfile)}\nnodaemon = false\numask = 022\n"
        f"minfds = 1024\nidentifier = dwp\n{user}\n"
        "[rpcinterface:supervisor]\n"
        "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n\n"
        "[supervisorctl]\n"
        f"serverurl = unix://{_say(paths.socket)}\n\n"
        "[include]\nfiles = conf.d/*.conf\n"
    )


@contextlib.contextmanager
def locked(path: str, timeout: float = 60.0) -> Iterator[None]:
    """Two runs at once must not start two supervisords over one data directory. The kernel frees it with the process."""
    with open(path, "a", encoding="ascii") as file:
        deadline = time.monotonic() + timeout
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() >= deadline:
                    raise InfraError(f"Another run has held {path} for {timeout:g} s; wait for it to end.") from None
                time.sleep(0.1)
        yield


def prepare(paths: Layout, check: bool) -> bool:
    """Directories and supervisord.conf; true if the file was not as wanted."""
    text = config_text(paths, os.geteuid() == 0)
    changed = differs(paths.config, text)
    if not check:
        os.makedirs(paths.programs, mode=0o755, exist_ok=True)
        os.makedirs(os.path.dirname(paths.pidfile), mode=0o755, exist_ok=True)
        if os.path.dirname(paths.socket) != os.path.dirname(paths.pidfile):
            private_dir(os.path.dirname(paths.socket))
        write_atomic(paths.config, text)
    return changed


def start(supervisor: Supervisor, python: str, run: Commands) -> int:
    """Start supervisord, which makes a session of its own, and wait until it answers. Leftovers of one that was killed
    (socket, pid file) are its own business: it replaces them."""
    paths = supervisor.paths
    # -I: neither PYTHONPATH nor a user site may bring another supervisor
    done = run([python, "-I", "-m", "supervisor.supervisord", "-c", paths.config], clean_environment(), timeout=60)
    deadline = time.monotonic() + START_TIMEOUT
    while done.status == 0 and time.monotonic() < deadline:
        pid = supervisor.pid()
        if pid:
            return pid
        time.sleep(0.05)
    raise InfraError(
        f"supervisord did not start (status {done.status}, configuration {paths.config}):\n"
        f"{done.last(15) or tail(paths.log) or 'it said nothing'}"
    )


def stop(supervisor: Supervisor, timeout: float = 90.0) -> bool:
    """Shut supervisord down with everything it runs; false if none was there."""
    pid = supervisor.pid()
    if not pid:
        return False
    supervisor.shutdown()
    deadline = time.monotonic() + timeout
    while os.path.exists(f"/proc/{pid}"):
        if time.monotonic() >= deadline:
            raise SupervisorError(f"supervisord (process {pid}) is still there {timeout:g} s after it was told to end.")
        time.sleep(0.05)
    return True


def tail(path: str, lines: int = 15) -> str:
    try:
        with open(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 16384))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
