# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from ansible_collections.dwp.backend.plugins.module_utils._requires import (
    MissingLibraryError,
    require,
    version_tuple,
)


@pytest.mark.parametrize(
    "text,expected",
    [("2.9.11 (dt dec pq3 ext lo64)", (2, 9, 11)), ("6.4.0", (6, 4, 0)), ("2.10", (2, 10)), ("5.0rc1", (5,)), ("", ())],
)
def test_version_tuple(text, expected):
    assert version_tuple(text) == expected


@pytest.mark.parametrize("name", ["requests", "psycopg2", "redis", "yaml"])
def test_present(name):
    assert require(name).__name__ == name


def test_absent_names_library_interpreter_and_cure(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg2", None)  # what Python itself uses for "not to be imported"
    with pytest.raises(MissingLibraryError) as caught:
        require("psycopg2")
    for part in ("psycopg2 2.9 or newer", sys.executable, "python3-psycopg2", "ansible_python_interpreter"):
        assert part in str(caught.value)


def test_too_old_names_what_was_found_and_where(monkeypatch):
    old = ModuleType("psycopg2")
    old.__version__, old.__file__ = "2.8.6 (dt)", "/usr/lib/python3/dist-packages/psycopg2/__init__.py"
    monkeypatch.setitem(sys.modules, "psycopg2", old)
    with pytest.raises(MissingLibraryError, match=r"2\.9 or newer.* has 2\.8\.6 .*dist-packages"):
        require("psycopg2")
    assert require("psycopg2", "2.8") is old
