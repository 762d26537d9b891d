# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real shells source what we write, and the process they start has the same bytes."""

from __future__ import annotations

import os
import random
import shutil
import subprocess

import pytest

from ansible_collections.dwp.backend.plugins.module_utils._envfile import (
    SHELL_OWNED,
    decode,
    dump,
    encode,
    quote,
    read,
)
from ansible_collections.dwp.backend.plugins.module_utils._processes import parse_environ

SHELLS = [shell for shell in ("/bin/sh", "dash", "bash", "busybox") if shutil.which(shell)]

AWKWARD = {
    "NEWLINES": "one\ntwo\n\nfour\n",
    "QUOTES": "it's \"said\" `so` '''",
    "DOLLAR": "$HOME ${PATH} $(id) $$ $",
    "PERCENT": "100% %s %%X{correlationId:-} %i",
    "HASH": "#a # b",
    "BLANKS": "  leading and trailing \t ",
    "BACKSLASH": "\\ \\n \\' C:\\dir\\",
    "KOREAN": "비밀번호 한글 값",
    "EMPTY": "",
    "META": ";&|<>()[]{}*?!~=",
    "CARRIAGE": "a\r\nb",
    "CONTROLS": "".join(chr(code) for code in range(1, 32)) + "\x7f",
    "EVERY_BYTE": decode(bytes(range(1, 256))),
    "LATIN1": decode(b"caf\xe9"),
    "EMOJI": "👩‍💻",
    "LC_ALL": "C.UTF-8",
    "LOGGING_PATTERN_CORRELATION": "[correlationId=%X{correlationId:-}] ",
    "SPRING_APPLICATION_JSON": '{"a": "b\'c\\n$d"}',
    "JWT_SECRET": "a'b\"c$d#e%f\\g h" * 4,
}


def source(shell: str, path: str) -> dict[str, str]:
    """What a process has that the shell starts after sourcing the file, as our launcher does."""
    argv = [shutil.which(shell) or shell] + (["sh"] if shell == "busybox" else [])
    script = 'set -a; . "$1"; set +a; exec /usr/bin/env -0'
    done = subprocess.run(
        [*argv, "-c", script, "launcher", path], env={"PATH": os.environ["PATH"]}, capture_output=True, check=True
    )
    assert done.stderr == b""
    return parse_environ(done.stdout)


def written(tmp_path, values: dict[str, str]) -> str:
    path = tmp_path / "environment"
    path.write_bytes(encode(dump(values)))
    return str(path)


@pytest.mark.parametrize("shell", SHELLS)
def test_awkward_values_arrive_unchanged(shell, tmp_path):
    seen = source(shell, written(tmp_path, AWKWARD))
    assert {name: seen.get(name) for name in AWKWARD} == AWKWARD


@pytest.mark.parametrize("shell", SHELLS)
def test_random_bytes_arrive_unchanged(shell, tmp_path):
    rng = random.Random(20260303)
    values = {
        f"RANDOM_{number}": decode(bytes(rng.randrange(1, 256) for _byte in range(rng.randrange(200))))
        for number in range(300)
    }
    seen = source(shell, written(tmp_path, values))
    assert {name: seen.get(name) for name in values} == values


@pytest.mark.parametrize("shell", SHELLS)
def test_names_refused_are_those_a_shell_changes_and_only_those(shell, tmp_path):
    """For each name that bash knows, and some more: what the shell loses, dump refuses."""
    # Only what bash itself has: with a variable such as LC_ALL from outside, its warning about the locale would count as a loss.
    bare = {"PATH": os.environ["PATH"]}
    listed = subprocess.run(["bash", "-c", "compgen -v"], env=bare, capture_output=True, text=True, check=True).stdout.split()
    more = ("IFS", "PS4", "PWD", "OLDPWD", "HOME", "LANG", "TZ", "MAIL", "CDPATH", "OPTARG", "ENV", "TMOUT", "TERM")
    lost = set()
    for name in sorted(set(listed) | set(more) | SHELL_OWNED):
        path = tmp_path / "one"
        path.write_bytes(encode(f"{name}={quote('값 x')}\n"))
        try:
            if source(shell, str(path)).get(name) != "값 x":
                lost.add(name)
        except (subprocess.CalledProcessError, AssertionError):
            lost.add(name)
    assert lost <= SHELL_OWNED
    if shell == "bash":
        assert lost == SHELL_OWNED


PIECES = [
    "A=", "B=", "export C=", "x", "가", "'", '"', "\\", "\n", "\n", " ", "\t", "#", "$", "$x", "`", "~", ";", "\\n", "=", "a b",
    "'q q'", '"d d"', '"\\$"', "'\\''", "\\\n", "*", "%", "!", "&", "A='1'\n", "# c\n",
]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_file_read_without_complaint_means_the_same_to_a_shell(shell, tmp_path):
    """Whatever is written by hand: either we say that readers disagree, or a shell agrees with us."""
    rng = random.Random(20260304)
    path = tmp_path / "environment"
    agreed = 0
    for _case in range(600):
        text = "A=" + "".join(rng.choice(PIECES) for _piece in range(rng.randint(0, 6))) + "\n"
        result = read(text)
        if result.problems or not result.values:
            continue
        path.write_bytes(encode(text))
        seen = source(shell, str(path))
        assert {name: seen.get(name) for name in result.values} == result.values, text
        agreed += 1
    assert agreed > 100
