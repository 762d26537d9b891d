# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PostgreSQL's login on the wire, against recorded exchanges."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.dwp.backend.plugins.module_utils import _pgwire


@pytest.fixture
def pair():
    client, server = socket.socketpair()
    client.settimeout(2)
    with client, server:
        yield client, server


def message(kind: bytes, payload: bytes) -> bytes:
    return kind + struct.pack("!i", len(payload) + 4) + payload


ERROR = message(b"E", b'SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user "app"\0Fauth.c\0L329\0\0')


def test_scram_equals_the_example_of_rfc_7677():
    scram = _pgwire._Scram("pencil", "rOprNGfwEbeRWgbNEkqO")
    scram.bare = "n=user,r=rOprNGfwEbeRWgbNEkqO"
    first = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    assert scram.final(first) == (
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )


def test_scram_refuses_absurd_work():
    with pytest.raises(_pgwire.WireError, match="absurd"):
        _pgwire._Scram("pencil", "abc").final("r=abcx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=2000000000")


def test_scram_refuses_a_foreign_nonce():
    with pytest.raises(_pgwire.WireError, match="nonce"):
        _pgwire._Scram("pencil", "abc").final("r=xyz,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")


def test_md5():
    # PostgreSQL 16: SELECT 'md5' || md5(convert_to(md5('secret' || 'app'), 'UTF8') || '\x01020304'::bytea)
    assert _pgwire.md5_password("app", "secret", b"\1\2\3\4") == b"md5911f527656472583a006e7727877b33e"


@pytest.mark.parametrize("reply,offers", [(b"S", True), (b"N", False), (ERROR, False)])
def test_greeting(pair, reply, offers):
    client, server = pair
    server.sendall(reply)
    assert _pgwire.greet(client) is offers
    assert server.recv(100) == struct.pack("!ii", 8, 80877103)


@pytest.mark.parametrize(
    "reply",
    [b"SSH-2.0-OpenSSH_9.2p1\r\n", b"HTTP/1.1 400 Bad Request\r\n", b"-ERR unknown command\r\n", b"NOPE", b"Exxxxxxxxx",
     message(b"E", b"no fields at all")],
)  # fmt: skip
def test_foreign_greeting(pair, reply):
    client, server = pair
    server.sendall(reply)
    server.shutdown(socket.SHUT_WR)
    with pytest.raises(_pgwire.WireError):
        _pgwire.greet(client)


def test_login_error_after_password(pair):
    client, server = pair
    server.sendall(message(b"R", struct.pack("!i", 3)) + ERROR)
    fields = _pgwire.login_error(client, "app", "dwp_main", "geheim", False)
    assert fields is not None and fields["C"] == "28P01"
    sent = server.recv(1000)
    assert b"user\0app\0database\0dwp_main\0" in sent and sent.endswith(message(b"p", b"geheim\0"))


def test_login_that_works_says_goodbye(pair):
    client, server = pair
    server.sendall(message(b"R", struct.pack("!i", 0)) + message(b"S", b"a\0b\0") + message(b"Z", b"I"))
    assert _pgwire.login_error(client, "app", "d", "", False) is None
    assert server.recv(1000).endswith(b"X\0\0\0\4")


@pytest.mark.parametrize("method", [2, 7, 9])
def test_unknown_method_is_said(pair, method):
    client, server = pair
    server.sendall(message(b"R", struct.pack("!i", method)))
    with pytest.raises(_pgwire.WireError, match=f"method {method}"):
        _pgwire.login_error(client, "app", "d", "", False)


@pytest.mark.parametrize("junk", [b"R\xff\xff\xff\xff", b"R\0\0\0\0", b"E\x7f\xff\xff\xff"])
def test_impossible_length(pair, junk):
    client, server = pair
    server.sendall(junk)
    with pytest.raises(_pgwire.WireError):
        _pgwire.login_error(client, "app", "d", "", False)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_fields_of_anything(payload):
    assert all(len(key) == 1 for key in _pgwire.parse_fields(payload))


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_no_reply_breaks_the_login(data):
    client, server = socket.socketpair()
    client.settimeout(2)
    with client, server:
        server.sendall(data)
        server.shutdown(socket.SHUT_WR)
        try:
            _pgwire.login_error(client, "app", "d", "x", False)
        except (_pgwire.WireError, OSError):
            pass
