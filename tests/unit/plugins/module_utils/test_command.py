# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands by way of Ansible's own run_command: real processes."""

from __future__ import annotations

import json
import os
import sys
import time

import pytest
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args

from ansible_collections.dwp.backend.plugins.module_utils._command import Commands

SHOW = "import json, os; print(json.dumps([dict(os.environ), os.getcwd(), os.umask(0), os.getuid(), os.getgid(), os.getgroups()]))"


@pytest.fixture
def module():
    with patch_module_args({}):
        return basic.AnsibleModule(argument_spec={})


def show(module, **options):
    done = Commands(module.run_command)([sys.executable, "-c", SHOW], **options)
    assert done.status == 0, done.text
    return json.loads(done.out)


def test_the_environment_is_the_given_one_and_nothing_else(module, monkeypatch):
    monkeypatch.setenv("STRANGER", "x")
    wanted = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "GIVEN": "two words $HOME ~"}
    assert show(module, environment=wanted)[0] == wanted
    assert show(module)[0]["STRANGER"] == "x", "without one it is inherited"


def test_values_of_the_environment_are_in_no_argument_list(monkeypatch):
    monkeypatch.setenv("SECRET_BEFORE", "hidden-before")
    asked = []
    Commands(lambda argv, **options: asked.append(argv) or (0, "", ""))(["true"], {"SECRET": "hidden"})
    assert "hidden" not in " ".join(asked[0])


def test_directory_and_mask(module, tmp_path):
    assert show(module, directory=str(tmp_path), umask=0o077)[1:3] == [str(tmp_path), 0o077]
    assert show(module)[1:3] == ["/", 0o022]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_root_is_dropped_for_good(module):
    assert show(module, user=(65534, 65534))[3:] == [65534, 65534, []]


def test_what_takes_too_long_is_ended_and_said(module):
    begin = time.monotonic()
    done = Commands(module.run_command)(["sleep", "30"], timeout=0.2)
    assert time.monotonic() - begin < 10 and done.status == 124 and "sleep was ended after 0.2 s" in done.last()


def test_a_command_that_is_missing_has_a_status_and_a_reason(module):
    done = Commands(module.run_command)(["no-such-command"], {"PATH": "/usr/bin:/bin"})
    assert done.status == 127 and "no-such-command" in done.last()


def test_bytes_that_are_no_text_do_no_harm(module):
    done = Commands(module.run_command)(["printf", r"a\377b"])
    assert (done.status, done.out) == (0, "a\ufffdb")
