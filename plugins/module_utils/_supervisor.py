# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""supervisord over its unix socket: what runs, program files, start, stop, remove. Standard library only."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import shlex
import socket
import tempfile
import time
import xmlrpc.client
from collections.abc import Mapping, Sequence
from typing import Any, Callable, NamedTuple

STOPPED, STARTING, RUNNING, BACKOFF, STOPPING, EXITED, FATAL, UNKNOWN = (
    "STOPPED", "STARTING", "RUNNING", "BACKOFF", "STOPPING", "EXITED", "FATAL", "UNKNOWN",
)  # fmt: skip
RESTARTED_WITHIN = 1.5  # s: supervisord looks once a second whether what ended is to be started again
ALIVE = (STARTING, RUNNING, BACKOFF, STOPPING)  # a process is there, or comes back by itself

BAD_NAME, ALREADY_STARTED, NOT_RUNNING, ALREADY_ADDED = 10, 60, 70, 90  # XML-RPC faults of supervisor
SOCKET_LIMIT = 107 - len(".4194304")  # bytes; supervisord first binds to PATH.PID
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
SHORT_DIR = "/tmp"  # used only after private_dir() has made sure whose the directory is


class SupervisorError(Exception):
    """supervisord refused, is not there, or would misread what it was to be given."""


class Status(NamedTuple):
    """One program as supervisord sees it; times are seconds since the epoch, 0 for never."""

    name: str
    state: str
    pid: int
    start: int
    stop: int
    exitstatus: int
    spawnerr: str
    logfile: str

    @property
    def alive(self) -> bool:
        return self.state in ALIVE


class Layout(NamedTuple):
    """Where supervisord of one dwp_root keeps its things; the same answer for everyone who asks."""

    config: str
    programs: str
    log: str
    pidfile: str
    lock: str
    socket: str

    def program(self, name: str) -> str:
        return os.path.join(self.programs, f"{name}.conf")


def short_dir(path: str, purpose: str = "") -> str:
    """A directory whose name is short whatever the length of `path`, for unix sockets (107 bytes at most)."""
    digest = hashlib.sha256(os.path.abspath(path).encode()).hexdigest()[:16]
    return os.path.join(SHORT_DIR, f"dwp-{digest}{'-' + purpose if purpose else ''}")


def layout(root: str) -> Layout:
    base, run = os.path.join(root, "supervisor"), os.path.join(root, "run")
    sock = os.path.join(run, "supervisor.sock")
    if len(os.fsencode(sock)) > SOCKET_LIMIT:
        sock = os.path.join(short_dir(root), "supervisor.sock")
    return Layout(
        config=os.path.join(base, "supervisord.conf"),
        programs=os.path.join(base, "conf.d"),
        log=os.path.join(base, "supervisord.log"),
        pidfile=os.path.join(run, "supervisord.pid"),
        lock=os.path.join(run, "supervisord.lock"),
        socket=sock,
    )


def _escape(text: str, what: str, times: int = 1) -> str:
    """Percent signs doubled once for each time that supervisord expands the value; what cannot be said is refused."""
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise SupervisorError(f"{what}: {text!r} has a line break or control character, which supervisord cannot hold.")
    if "%(here)s" in text:
        raise SupervisorError(f"{what}: supervisord would replace %(here)s in {text!r} by a path.")
    return text.replace("%", "%" * 2**times)


def _plain(text: str, what: str, times: int = 1) -> str:
    """A value that is not quoted: a blank before ; or # starts a comment, and blanks at the ends are dropped."""
    if re.search(r"(^|\s)[;#]", text) or text != text.strip():
        raise SupervisorError(f"{what}: supervisord would cut {text!r} short at a blank, ; or #. Choose another path.")
    return _escape(text, what, times)


def command_text(argv: Sequence[str]) -> str:
    """Shell words for command=; quotes are reopened before ; and # so that no comment starts inside a word, and inside
    %(here)s, which supervisord replaces even where its percent sign is doubled."""
    if not argv:
        raise SupervisorError("command: nothing to run was given.")
    words = [re.sub(r"(\s)(?=[;#])|(%)(?=\(here\)s)", r"\g<0>''", shlex.quote(word)) for word in argv]
    return _escape(" ".join(words), "command")


def _environment(values: Mapping[str, str]) -> str:
    for key, value in values.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key) or re.search(r"[\"'\\;#]|^$", value):
            raise SupervisorError(
                f"environment {key}: supervisord cannot hold this value unchanged (empty, quote, \\, ; or #). "
                "Let the program read it from a file."
            )
    return _escape(",".join(f'{key}="{value}"' for key, value in sorted(values.items())), "environment")


def program_text(
    name: str,
    command: Sequence[str],
    *,
    user: str | None = None,
    directory: str | None = None,
    environment: Mapping[str, str] | None = None,
    autostart: bool = True,
    autorestart: bool | str = "unexpected",
    startsecs: int = 1,
    startretries: int = 3,
    stopsignal: str = "TERM",
    stopwaitsecs: int = 10,
    killasgroup: bool = False,
    umask: str = "022",
    priority: int = 999,
    exitcodes: Sequence[int] = (0,),
    stdout_logfile: str = "/dev/null",
    stdout_logfile_maxbytes: int = 10 * 1024 * 1024,
    stdout_logfile_backups: int = 3,
) -> str:
    """The [program:NAME] file. stderr goes where stdout goes. `command` is an argument list."""
    if not NAME.match(name):
        raise SupervisorError(f"program name {name!r}: use letters, digits, dot, dash and underscore only.")
    lines = {
        "command": command_text(command),
        "user": user,
        "directory": None if directory is None else _plain(directory, "directory"),
        "environment": _environment(environment) if environment else None,
        "autostart": str(autostart).lower(),
        "autorestart": str(autorestart).lower(),
        "startsecs": startsecs,
        "startretries": startretries,
        "stopsignal": stopsignal,
        "stopwaitsecs": stopwaitsecs,
        "stopasgroup": "false",
        "killasgroup": str(killasgroup).lower(),
        "exitcodes": ",".join(str(code) for code in exitcodes),
        "umask": umask,
        "priority": priority,
        "redirect_stderr": "true",
        "stdout_logfile": _plain(stdout_logfile, "stdout_logfile", times=2),  # supervisord expands log files twice
        "stdout_logfile_maxbytes": 0 if stdout_logfile.startswith("/dev/") else stdout_logfile_maxbytes,
        "stdout_logfile_backups": stdout_logfile_backups,
    }
    body = "".join(f"{key} = {value}\n" for key, value in lines.items() if value is not None)
    return f"; Written by dwp.backend: changes by hand are overwritten.\n[program:{name}]\n{body}"


def write_atomic(path: str, text: str, mode: int = 0o644, owner: tuple[int, int] | None = None) -> bool:
    """Replace the file in one step if its text, mode or owner differ; true if they did."""
    data = text.encode()
    if not differs(path, text, mode, owner):
        return False
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".dwp-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), mode)
            if owner is not None:
                os.fchown(file.fileno(), *owner)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    return True


def differs(path: str, text: str, mode: int = 0o644, owner: tuple[int, int] | None = None) -> bool:
    try:
        status = os.lstat(path)
        with open(path, "rb") as file:
            same = file.read() == text.encode()
    except OSError:
        return True
    owned = owner is None or (status.st_uid, status.st_gid) == owner
    return not (same and owned and status.st_mode & 0o170000 == 0o100000 and status.st_mode & 0o7777 == mode)


def private_dir(path: str, uid: int | None = None) -> None:
    """Make the directory, closed to others, or refuse one that somebody else could have put there."""
    uid = os.geteuid() if uid is None else uid
    try:
        os.mkdir(path, 0o700)
        if uid != os.geteuid():
            os.chown(path, uid, -1)
    except FileExistsError:
        status = os.lstat(path)
        if status.st_mode & 0o170000 != 0o040000 or status.st_uid not in (uid, os.geteuid()) or status.st_mode & 0o077:
            raise SupervisorError(
                f"{path} is there already and is not a directory that only user {uid} can enter. "
                "Remove it, or choose a shorter dwp_root so that it is not needed."
            ) from None
        if status.st_uid != uid:  # ours, from a run that was cut off in between
            os.chown(path, uid, -1)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self.socket_path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.socket_path)


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__()
        self.path, self.limit = path, timeout

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return _UnixConnection(self.path, self.limit)  # one connection per call: none is left open behind a fork


class Supervisor:
    """supervisord of one dwp_root. Calls raise SupervisorError when it is not there or says no."""

    def __init__(
        self,
        root: str,
        timeout: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.paths = layout(root)
        self._clock, self._sleep = clock, sleep
        transport = _UnixTransport(self.paths.socket, timeout)
        self._proxy = xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=transport)

    def _call(self, method: str, *args: Any, ignore: Sequence[int] = ()) -> Any:
        try:
            return getattr(self._proxy.supervisor, method)(*args)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode in ignore:
                return None
            asked = f"{method}({', '.join(map(str, args))})"
            raise SupervisorError(f"supervisord refused {asked}: {fault.faultString}") from fault
        except (OSError, http.client.HTTPException, xmlrpc.client.ProtocolError) as error:
            gone = isinstance(error, (FileNotFoundError, ConnectionRefusedError))  # after a reboot nothing brings it back by itself
            cure = "It does not run: deploy.yml starts it" if gone else f"Its log is {self.paths.log}"
            raise SupervisorError(f"supervisord does not answer on {self.paths.socket}: {error}. {cure}.") from error

    def pid(self) -> int:
        """Process id of supervisord, 0 if none answers or it is shutting down."""
        try:
            return int(self._call("getPID")) if self._call("getState")["statecode"] == 1 else 0
        except SupervisorError:
            return 0

    @staticmethod
    def _status(info: Mapping[str, Any]) -> Status:
        return Status(
            info["name"], info["statename"], info["pid"], info["start"], info["stop"],
            info["exitstatus"], info["spawnerr"], info["stdout_logfile"],
        )  # fmt: skip

    def status(self, name: str) -> Status | None:
        """None if supervisord has no such program."""
        info = self._call("getProcessInfo", name, ignore=[BAD_NAME])
        return None if info is None else self._status(info)

    def statuses(self) -> dict[str, Status]:
        return {info["name"]: self._status(info) for info in self._call("getAllProcessInfo")}

    def pending(self) -> dict[str, str]:
        """Programs whose files differ from what supervisord runs: name -> added, changed or removed."""
        answer = self._call("reloadConfig")[0]
        return {name: word for word, names in zip(("added", "changed", "removed"), answer) for name in names}

    def write_program(self, name: str, text: str, mode: int = 0o644) -> bool:
        """Put the program's file in place; nothing happens to a running program. True if the file differed."""
        os.makedirs(self.paths.programs, mode=0o755, exist_ok=True)
        return write_atomic(self.paths.program(name), text, mode)

    def activate(self, name: str, stop_timeout: float = 60.0) -> bool:
        """Make supervisord take up this one program's file; a program that changed is stopped first. It starts by
        itself if its file says autostart. Other programs are left alone. True if there was something to take up."""
        what = self.pending().get(name)
        if what is None:
            return False
        if what in ("changed", "removed"):
            self.stop(name, stop_timeout)
            self._call("removeProcessGroup", name, ignore=[BAD_NAME])
        if what in ("added", "changed"):
            self._call("addProcessGroup", name, ignore=[ALREADY_ADDED])
        return True

    def start(self, name: str, wait: bool = False) -> bool:
        """Start; with wait until startsecs have passed. False if it ran already."""
        return self._call("startProcess", name, wait, ignore=[ALREADY_STARTED]) is not None

    def stop(self, name: str, timeout: float = 60.0) -> Status | None:
        """Stop and wait; supervisord itself sends KILL after the program's stopwaitsecs.

        What has just ended by itself refuses to be stopped, and is started again a moment later: it is asked again.
        """
        begin = self._clock()
        asked = None
        while True:
            status = self.status(name)
            ended = status is not None and status.state == EXITED and self._clock() - begin < RESTARTED_WITHIN
            if status is None or not (status.alive or ended):
                return status
            if self._clock() >= begin + timeout:
                raise SupervisorError(f"{name} (process {status.pid}) is still {status.state} after {timeout:g} s.")
            if status.alive and status.state != STOPPING and status.pid != asked:
                self._call("stopProcess", name, False, ignore=[NOT_RUNNING, BAD_NAME])
                asked = status.pid
            self._sleep(0.05)

    def signal(self, name: str, signal: str) -> None:
        self._call("signalProcess", name, signal, ignore=[NOT_RUNNING])

    def remove(self, name: str, timeout: float = 60.0) -> bool:
        """Stop the program, delete its file and make supervisord forget it. False if there was none."""
        there = self.status(name) is not None
        self.stop(name, timeout)
        try:
            os.unlink(self.paths.program(name))
        except FileNotFoundError:
            pass
        else:
            there = True
        self._call("reloadConfig")
        self._call("removeProcessGroup", name, ignore=[BAD_NAME])
        return there

    def shutdown(self) -> None:
        self._call("shutdown")
