# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Program files are read back by supervisor's own parser; the client speaks to a small XML-RPC server on a unix socket."""

from __future__ import annotations

import os
import shlex
import shutil
import socketserver
import tempfile
import threading
import xmlrpc.client
from pathlib import Path
from typing import Any
from xmlrpc.server import SimpleXMLRPCDispatcher, SimpleXMLRPCRequestHandler

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from supervisor.options import ServerOptions

from ansible_collections.dwp.backend.plugins.module_utils import _supervisor as sup

printable = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


def parse(text: str) -> Any:
    """What supervisord itself makes of the program file."""
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory, "supervisord.conf")
        config.write_text("[supervisord]\n[include]\nfiles = p.conf\n", encoding="utf-8")
        Path(directory, "p.conf").write_text(text, encoding="utf-8")
        options = ServerOptions()
        options.realize(["-c", str(config)])
        return options.process_group_configs[0].process_configs[0]


@settings(max_examples=60, deadline=None)
@given(argv=st.lists(printable, min_size=1, max_size=4))
def test_command_arrives_word_for_word(argv: list[str]) -> None:
    assert shlex.split(parse(sup.program_text("p", argv)).command) == argv


AWKWARD = ["a b", "100%", "%(here)s", "%%", 'qu"ote', "it's", "x ;y", "x #y", "한글", "$HOME", "`id`", "a,b=c", ""]


@pytest.mark.parametrize("word", AWKWARD)
def test_awkward_words(word: str) -> None:
    assert shlex.split(parse(sup.program_text("p", ["/bin/echo", word])).command) == ["/bin/echo", word]


def test_every_option_arrives() -> None:
    text = sup.program_text(
        "auth", ["/bin/true"], user="root", directory="/tmp", environment={"A": "1 2", "B": "50%"},
        autostart=False, autorestart=True, startsecs=7, startretries=9, stopsignal="INT", stopwaitsecs=45, umask="077",
        priority=5, exitcodes=[0, 143], stdout_logfile="/tmp/50% of it.log", stdout_logfile_maxbytes=99, stdout_logfile_backups=1,
    )  # fmt: skip
    found = parse(text)
    assert (found.name, found.uid, found.directory, found.autostart) == ("auth", 0, "/tmp", False)
    assert found.environment == {"A": "1 2", "B": "50%"}
    assert (found.startsecs, found.startretries, found.stopsignal, found.stopwaitsecs) == (7, 9, 2, 45)
    assert (found.umask, found.priority, found.exitcodes) == (0o077, 5, [0, 143])
    assert (found.stdout_logfile, found.stdout_logfile_maxbytes, found.stdout_logfile_backups) == ("/tmp/50% of it.log", 99, 1)
    assert found.redirect_stderr and not found.stopasgroup and not found.killasgroup


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"command": []}, "nothing to run"),
        ({"command": ["a\nb"]}, "line break"),
        ({"name": "a:b"}, "program name"),
        ({"name": "../x"}, "program name"),
        ({"directory": "/a ;b"}, "cut"),
        ({"stdout_logfile": "/a #b"}, "cut"),
        ({"environment": {"A": 'x"y'}}, "environment A"),
        ({"directory": "/%(here)s"}, "replace"),
        ({"environment": {"A": ""}}, "environment A"),
        ({"environment": {"A B": "x"}}, "environment A B"),
    ],
)
def test_what_cannot_be_said_is_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(sup.SupervisorError, match=words):
        sup.program_text(**{"name": "p", "command": ["/bin/true"], **arguments})


def test_long_roots_get_a_short_socket() -> None:
    short, long = sup.layout("/srv/dwp"), sup.layout("/srv/" + "x" * 120)
    assert short.socket == "/srv/dwp/run/supervisor.sock"
    assert len(long.socket) < 60 and long.socket == sup.layout("/srv/" + "x" * 120).socket
    assert long.socket != sup.layout("/srv/" + "y" * 120).socket


def test_a_directory_of_somebody_else_is_refused(tmp_path: Path) -> None:
    sup.private_dir(str(tmp_path / "a"))
    sup.private_dir(str(tmp_path / "a"))
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "link").symlink_to(tmp_path / "a")
    for name in ("open", "link"):
        with pytest.raises(sup.SupervisorError, match="there already"):
            sup.private_dir(str(tmp_path / name))


def test_files_are_written_once_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "f"
    assert sup.write_atomic(str(path), "한글\n", 0o600)
    assert path.read_text(encoding="utf-8") == "한글\n" and path.stat().st_mode & 0o777 == 0o600
    assert not sup.write_atomic(str(path), "한글\n", 0o600)
    assert sup.write_atomic(str(path), "한글\n", 0o640)
    assert os.listdir(tmp_path) == ["f"]


class Handler(SimpleXMLRPCRequestHandler):
    rpc_paths = ("/RPC2",)
    disable_nagle_algorithm = False  # a unix socket has none

    def address_string(self) -> str:
        return "local"

    def log_message(self, *args: Any) -> None:
        pass


class Server(socketserver.UnixStreamServer, SimpleXMLRPCDispatcher):
    """Answers as supervisord does, from a list of what it was told."""

    logRequests = False

    def __init__(self, path: str, answers: dict[str, Any]) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.answers = answers
        SimpleXMLRPCDispatcher.__init__(self)
        socketserver.UnixStreamServer.__init__(self, path, Handler)

    def _dispatch(self, method: str, params: Any) -> Any:
        name = method.split(".")[1]
        self.calls.append((name, *params))
        answer = self.answers.get(name, True)
        if isinstance(answer, list) and answer and isinstance(answer[0], dict):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def info(state: str, pid: int = 7) -> dict[str, Any]:
    return {
        "name": "auth", "statename": state, "pid": pid, "start": 5, "stop": 0, "exitstatus": 0, "spawnerr": "", "stdout_logfile": "",
    }  # fmt: skip


@pytest.fixture
def daemon():
    root = tempfile.mkdtemp(prefix="dwp-unit-")
    os.mkdir(f"{root}/run")
    servers = []

    def start(**answers: Any) -> tuple[sup.Supervisor, Server]:
        server = Server(f"{root}/run/supervisor.sock", answers)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        clock = iter(range(1000))
        return sup.Supervisor(root, clock=lambda: float(next(clock)), sleep=lambda seconds: None), server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
    shutil.rmtree(root)


def test_no_supervisord_is_told_apart_from_no_program(daemon: Any, tmp_path: Path) -> None:
    absent = sup.Supervisor(str(tmp_path))
    assert absent.pid() == 0
    with pytest.raises(sup.SupervisorError, match=r"does not answer on .* It does not run: deploy\.yml starts it"):
        absent.status("auth")
    client, _server = daemon(getProcessInfo=xmlrpc.client.Fault(10, "BAD_NAME"))
    assert client.status("auth") is None


def test_status_and_shutdown_state(daemon: Any) -> None:
    client, server = daemon(getProcessInfo=info("RUNNING"), getPID=99, getState={"statecode": 1})
    status = client.status("auth")
    assert status is not None and status.alive and (status.state, status.pid, status.start) == ("RUNNING", 7, 5)
    assert client.pid() == 99
    server.answers["getState"] = {"statecode": -1}
    assert client.pid() == 0


@pytest.mark.parametrize(
    ("pending", "calls"),
    [
        ([["auth"], [], []], ["reloadConfig", "addProcessGroup"]),
        ([[], ["auth"], []], ["reloadConfig", "getProcessInfo", "removeProcessGroup", "addProcessGroup"]),
        ([[], ["other"], []], ["reloadConfig"]),
        ([[], [], []], ["reloadConfig"]),
    ],
)
def test_only_this_program_is_taken_up(daemon: Any, pending: list[Any], calls: list[str]) -> None:
    client, server = daemon(reloadConfig=[pending], getProcessInfo=info("STOPPED", 0))
    assert client.activate("auth") is (len(calls) > 1)
    assert [call[0] for call in server.calls] == calls
    assert all(call[1] == "auth" for call in server.calls if len(call) > 1)


def test_stop_waits_and_gives_up_in_time(daemon: Any) -> None:
    client, server = daemon(getProcessInfo=[info("STOPPING"), info("STOPPING"), info("STOPPED", 0)])
    stopped = client.stop("auth", timeout=30)
    assert stopped is not None and stopped.state == "STOPPED"
    server.answers["getProcessInfo"] = info("STOPPING")
    with pytest.raises(sup.SupervisorError, match=r"process 7.*still STOPPING after 3 s"):
        client.stop("auth", timeout=3)


def test_what_has_just_ended_is_stopped_when_it_comes_back(daemon: Any) -> None:
    lives = [info("EXITED", 0), info("RUNNING", 8), info("STOPPING", 8), info("STOPPED", 0)]
    client, server = daemon(getProcessInfo=lives)
    stopped = client.stop("auth", timeout=30)
    assert stopped is not None and stopped.state == "STOPPED"
    assert [call[0] for call in server.calls].count("stopProcess") == 1


def test_what_ended_and_stays_away_is_waited_for_a_moment(daemon: Any) -> None:
    client, server = daemon(getProcessInfo=info("EXITED", 0))
    ended = client.stop("auth", timeout=30)
    assert ended is not None and ended.state == "EXITED"
    assert "stopProcess" not in [call[0] for call in server.calls]


def test_faults_that_mean_done_already(daemon: Any) -> None:
    client, server = daemon(startProcess=xmlrpc.client.Fault(60, "ALREADY_STARTED"))
    assert client.start("auth") is False
    server.answers["startProcess"] = xmlrpc.client.Fault(20, "NO_FILE: /x")
    with pytest.raises(sup.SupervisorError, match="NO_FILE: /x"):
        client.start("auth")


def test_remove_forgets_file_and_program(daemon: Any) -> None:
    client, server = daemon(getProcessInfo=info("STOPPED", 0), reloadConfig=[[[], [], ["auth"]]])
    assert client.write_program("auth", sup.program_text("auth", ["/bin/true"]))
    assert client.remove("auth") is True
    assert not os.path.exists(client.paths.program("auth"))
    assert [call[0] for call in server.calls][-2:] == ["reloadConfig", "removeProcessGroup"]
