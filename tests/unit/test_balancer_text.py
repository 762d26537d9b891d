# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""haproxy's configuration and the answers of its admin socket, as text."""

from __future__ import annotations

import pytest

from ansible_collections.dwp.backend.plugins.module_utils import _balancer

MAIL = {
    "service": "mail", "port": 18082, "check": {"kind": "http", "method": "GET", "path": "/mail/health", "status": [200, 204]},
    "servers": [{"name": "app-1", "address": "10.0.0.1", "port": 8082}, {"name": "app-2", "address": "fd00::2", "port": 8082}],
}  # fmt: skip


def configuration(frontends=(MAIL,), **more):
    return _balancer.configuration(frontends, **{"listen": "*", "settings": {}, "socket": "/opt/dwp/balancer/admin.sock", **more})


def section(text, head):
    return [line.strip() for line in text.partition(f"\n{head}\n")[2].partition("\n\n")[0].splitlines()]


def test_a_service_with_two_instances():
    text = configuration(user="haproxy")
    assert section(text, "frontend mail") == ["bind *:18082", "default_backend mail"]
    backend = section(text, "backend mail")
    assert backend[0] == "balance roundrobin"
    assert "http-check send meth GET uri /mail/health ver HTTP/1.1 hdr Host localhost hdr Connection close" in backend
    assert "http-check expect status 200,204" in backend
    assert backend[-2:] == ["server app-1 10.0.0.1:8082", "server app-2 [fd00::2]:8082"]
    assert "stats socket /opt/dwp/balancer/admin.sock mode 600 level admin expose-fd listeners" in section(text, "global")
    assert "user haproxy" in section(text, "global")
    assert configuration(user="haproxy") == text  # the same again


def test_settings_of_the_site_replace_and_add():
    text = configuration(settings={"timeout server": "10m", "option forwardfor": ""})
    assert "timeout server 10m" in text and "timeout server 310s" not in text and "    option forwardfor\n" in text
    assert "user " not in text


@pytest.mark.parametrize(("check", "expected"), [
    ({"kind": "tcp"}, []),
    ({"kind": "actuator", "method": "GET", "path": "/actuator/health"}, ["http-check expect ! status 503"]),
    ({"kind": "http", "method": "GET", "path": "/x", "status": [200], "body_contains": "it's UP"},
     ["http-check expect status 200", "http-check expect string 'it'\\''s UP'"]),
])  # fmt: skip
def test_what_counts_as_healthy(check, expected):
    assert _balancer.check_lines(check)[2:] == expected


def test_headers_are_quoted_and_no_log_format():
    headers = {"X-Tenant-ID": "1", "X-Name": "한글 100% 'q'"}
    line = _balancer.check_lines({"kind": "http", "method": "GET", "path": "/auth/policy", "headers": headers, "status": [200]})[1]
    assert line.endswith("hdr X-Tenant-ID 1 hdr X-Name '한글 100%% '\\''q'\\'''")


@pytest.mark.parametrize("value", ["a\nuser root", "a\0", "\x7f"])
def test_no_line_is_smuggled_in(value):
    with pytest.raises(_balancer.BalancerError, match="cannot hold a line break"):
        _balancer.check_lines({"kind": "http", "method": "GET", "path": "/x", "headers": {"X": value}, "status": [200]})
    with pytest.raises(_balancer.BalancerError):
        configuration(settings={"timeout server": value})


def test_other_port_and_tls_of_a_check():
    check = {**MAIL["check"], "port": 9090, "scheme": "https"}
    backend = section(configuration([{**MAIL, "check": check}]), "backend mail")
    assert f"default-server {_balancer.SERVER} port 9090 check-ssl verify none" in backend


# ---- what the admin socket says (haproxy 2.6)

STATES = """1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status
3 mail 1 app-1 10.0.0.1 2 0 1 1 12 6
3 mail 2 app-2 10.0.0.2 2 8 1 1 3 6
3 mail 3 app-3 10.0.0.3 0 0 1 1 3 8
3 mail 4 app-4 10.0.0.4 0 1 1 1 3 8
"""
STATS = """# pxname,svname,qcur,qmax,scur,smax,status,check_status,last_chk,
mail,FRONTEND,,,1,2,OPEN,,,
mail,app-1,0,0,2,3,UP,L7OK,,
mail,app-2,1,0,0,3,DRAIN,L7OK,,
mail,app-3,0,0,0,3,DOWN,L4CON,Connection refused,
mail,app-4,0,0,0,3,MAINT,,,
mail,BACKEND,0,0,2,3,UP,,,
"""


def test_servers():
    found = {name: server for (_backend, name), server in _balancer.parse_servers(STATES, STATS).items()}
    assert {n: s.serves for n, s in found.items()} == {"app-1": True, "app-2": False, "app-3": False, "app-4": False}
    assert found["app-2"].drained and found["app-2"].up and found["app-2"].sessions == 1
    assert found["app-1"].sessions == 2
    assert found["app-3"].status == "DOWN L4CON Connection refused"
    assert found["app-4"].maintenance and not found["app-4"].drained
    assert _balancer.parse_frontends(STATS) == {"mail": "OPEN"}
