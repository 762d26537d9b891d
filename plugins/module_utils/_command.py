# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands of the host by way of AnsibleModule.run_command, with what that one lacks: a limit in time, another user and
an environment of their own. Values of the environment never get into an argument list."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Callable, NamedTuple

TIMED_OUT = 124  # the status of timeout(1)


class Done(NamedTuple):
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err

    def last(self, lines: int = 8) -> str:
        """The end of its complaint, for messages."""
        return "\n".join((self.err.strip() or self.out.strip()).splitlines()[-lines:])


class Commands:
    """`run` is AnsibleModule.run_command."""

    def __init__(self, run: Callable[..., tuple[int, str, str]]) -> None:
        self._run = run

    def __call__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,  # by default that of Ansible
        user: tuple[int, int] | None = None,  # uid and gid to drop root for
        timeout: float = 900.0,  # s
        directory: str = "/",
        umask: int = 0o022,
    ) -> Done:
        argv = ["timeout", "-k", "5", f"{timeout:g}", *without(environment), *as_user(user), *command]
        status, out, err = self._run(
            argv, cwd=directory, umask=umask, environ_update=dict(environment or {}), errors="replace", expand_user_and_vars=False
        )
        if status == TIMED_OUT:
            err += f"\n{os.path.basename(command[0])} was ended after {timeout:g} s."
        return Done(status, out, err)


def without(environment: Mapping[str, str] | None) -> list[str]:
    """env(1) that takes away all that is inherited and not in `environment`; nothing for None."""
    if environment is None:
        return []
    return ["env", *(word for name in sorted(os.environ) if name not in environment for word in ("-u", name))]


def as_user(user: tuple[int, int] | None) -> list[str]:
    if user is None:
        return []
    return ["setpriv", f"--reuid={user[0]}", f"--regid={user[1]}", "--clear-groups", "--"]
