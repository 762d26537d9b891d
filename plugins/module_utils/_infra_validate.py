# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configuration files judged by the servers themselves before they replace anything; nothing is started."""

from __future__ import annotations

import os
import re
import tempfile

from ansible_collections.dwp.backend.plugins.module_utils._command import Commands
from ansible_collections.dwp.backend.plugins.module_utils._infra_config import InfraError

REFUSED = "FATAL CONFIG FILE ERROR"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}


def postgres(run: Commands, binary: str, text: str) -> None:
    """`postgres -C` reads a whole configuration and ends. `text` may include other files by absolute paths."""
    with tempfile.TemporaryDirectory(prefix="dwp-") as directory:
        path = os.path.join(directory, "postgresql.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        command = [binary, "-C", "max_connections", "-c", f"config_file={path}", "-c", "log_destination=stderr"]
        done = run(command, ENVIRONMENT, timeout=30, directory=directory)
        if done.status == 0:
            return
        lines = [line.replace(path, "postgresql.conf") for line in done.text.splitlines() if not line.startswith("postgres:")]
        said = "\n".join(re.sub(r"^[-0-9: .]+\w* \[\d+\] ", "", line) for line in lines[:8])
        raise InfraError(f"PostgreSQL refuses this configuration; its files were left as they are. It says:\n{said}")


def redis(run: Commands, binary: str, text: str) -> None:
    """Redis told to listen nowhere reads its configuration and gives up. `dir` may not exist yet and is left out."""
    with tempfile.TemporaryDirectory(prefix="dwp-") as directory:
        path = os.path.join(directory, "redis.conf")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
            file.write("".join(line for line in text.splitlines(keepends=True) if not line.startswith("dir ")))
        command = [binary, path, "--port", "0", "--daemonize", "no", "--unixsocket", ""]
        text = run(command, ENVIRONMENT, timeout=30, directory=directory).text
        if REFUSED not in text:
            return
        said = text[text.index(REFUSED) :].splitlines()[1:5]
        said = [">>> (the line with the password)" if "requirepass" in line else line for line in said]
        reason = "\n".join(said)
        raise InfraError(f"Redis refuses this configuration; its file was left as it is. It says:\n{reason}")
