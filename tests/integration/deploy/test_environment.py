# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every value arrives in the process byte for byte: in what the kernel keeps, and in what the JVM makes of it."""

from __future__ import annotations

from .fleet import Fleet, environ_of

VALUES = {
    "LIGHT_NEWLINE": "first\nsecond\n\nfourth\n",
    "LIGHT_SINGLE": "it's '' '\\''",
    "LIGHT_DOUBLE": 'say "yes" "',
    "LIGHT_DOLLAR": "$HOME ${PATH} $(id) $$ `id`",
    "LIGHT_PERCENT": "100% %(here)s %(ENV_HOME)s %h %% %",
    "LIGHT_HASH": "#start a # b ; c #",
    "LIGHT_BACKSLASH": "\\n \\\\ C:\\temp\\",
    "LIGHT_BLANKS": "  leading and trailing \t ",
    "LIGHT_KOREAN": "안녕하세요, 서비스 '한글'",
    "LIGHT_EMPTY": "",
    "LIGHT_SHELL": "a;b&c|d>e<f(g)h*i?j[k]l{m}n!o~p^q=r",
    "LIGHT_JSON": '{"a": ["b", "\\"c\\""], "d": "e\\nf"}',
    "LIGHT_EMOJI": "🚀 naïve ½",
    "LIGHT_BRACES": "{ # } [{}] }",
    "LIGHT_CR": "a\r\nb\rc",
}


def test_values_arrive_unchanged(fleet: Fleet) -> None:
    fleet.set("beta", **VALUES)
    fleet.services["beta"]["secrets"] = {"LIGHT_PASSWORD": "p'a\"s$s %w#\n비밀 "}
    wanted = {**VALUES, **fleet.services["beta"]["secrets"]}
    fleet.deploy()
    kernel = environ_of(fleet.pids()["beta"])
    assert {name: kernel.get(name) for name in wanted} == wanted
    seen = dict(e.decode("utf-8").partition("=")[::2] for e in fleet.get("beta", "/environment").split(b"\0") if e)
    assert {name: seen.get(name) for name in wanted} == wanted


def test_and_are_recognised_as_unchanged(fleet: Fleet) -> None:
    assert fleet.deploy().changed == []


def test_status_sees_no_drift(fleet: Fleet) -> None:
    done = fleet.run("status")
    assert done.rc == 0, str(done)
    assert done.report["beta"]["drift"] == [] and done.report["beta"]["tampered"] == []


def test_nul_is_refused(fleet: Fleet) -> None:
    fleet.set("beta", LIGHT_NUL="a\0b")
    done = fleet.run("deploy")
    del fleet.services["beta"]["environment"]["LIGHT_NUL"]
    assert done.rc != 0
    assert "beta" in done.output and "LIGHT_NUL" in done.output and "NUL" in done.output
    assert fleet.healthy()
