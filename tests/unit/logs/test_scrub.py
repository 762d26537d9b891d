# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import html
import json
import time
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.dwp.backend.plugins.module_utils._logs.scrub import (
    MASK,
    Scrubber,
    clean,
    secrets_of_environment,
)

KNOWN = 'S3cr/et"Pa+ss w&rd'
UNKNOWN = "hunter2Zq9"  # a secret that nobody told the scrubber
B64 = base64.b64encode


@pytest.mark.parametrize(
    "text",
    [
        f"plain {KNOWN} text",
        f"jdbc:postgresql://db:5432/dwp?user=u&password={quote(KNOWN)}",
        f"https://h/p?x={quote(KNOWN, safe='')}",
        json.dumps({"note": KNOWN}),
        json.dumps(json.dumps({"note": KNOWN})).replace("\\\\\\", "\\"),
        html.escape(f"<b>{KNOWN}</b>"),
        "Authorization: Basic " + B64(f"dwp_user:{KNOWN}".encode()).decode(),
        "blob=" + B64(KNOWN.encode()).decode(),
        "blob " + B64(b"x" + KNOWN.encode() + b"yz").decode(),
        "blob " + base64.urlsafe_b64encode(b"xy" + KNOWN.encode()).decode(),
        "hex " + KNOWN.encode().hex(),
    ],
)
def test_a_known_secret_in_every_form(text):
    found = Scrubber([KNOWN]).text(text)
    assert MASK in found
    for form in (KNOWN, quote(KNOWN), quote(KNOWN, safe=""), KNOWN.encode().hex(), B64(KNOWN.encode()).decode()[:12], "cr/et"):
        assert form not in found


@pytest.mark.parametrize("shift", [0, 1, 2])
@given(secret=st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp"]), min_size=8, max_size=40))
def test_base64_of_a_secret_at_any_place(shift, secret):
    around = b"p" * shift + secret.encode() + b"tail"
    text = "x " + B64(around).decode() + " y"
    assert Scrubber([secret]).text(text) == f"x {MASK} y"


@pytest.mark.parametrize(
    "text",
    [
        f"password={UNKNOWN}",
        f"DB_PASSWORD={UNKNOWN}",
        f"DB_PASSWORD={UNKNOWN} with blanks",
        f'JWT_SECRET="{UNKNOWN}"',
        f"spring.datasource.password: {UNKNOWN}",
        f"'secret': '{UNKNOWN}'",
        json.dumps({"user": "u", "accessToken": UNKNOWN, "n": 1}),
        json.dumps(json.dumps({"password": UNKNOWN})),
        f"Authorization: Bearer {UNKNOWN}",
        f"authorization={UNKNOWN}",
        f"Cookie: JSESSIONID={UNKNOWN}; a=b",
        f"Set-Cookie: sid={UNKNOWN}; Path=/",
        f"X-Api-Key: {UNKNOWN}",
        f"redis://:{UNKNOWN}@cache:6379/0",
        f"postgresql://u:{UNKNOWN}@db:5432/x",
        f"jdbc:postgresql://db/x?user=u&password={UNKNOWN}&ssl=true",
        f"GET /cb?code=1&access_token={UNKNOWN}&x=1",
        f"{{password={UNKNOWN}, user=u}}",
        f"<password>{UNKNOWN}</password>",
        f"pass\x1b[31mword=\x1b[0m{UNKNOWN}",
        f"pass\u200bword: x password={UNKNOWN}",
        f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{UNKNOWN}",
        f"-----BEGIN RSA PRIVATE KEY-----\n{UNKNOWN}\n-----END RSA PRIVATE KEY-----",
        f"-----BEGIN PRIVATE KEY-----\n{UNKNOWN}",
        f"user u identified by, PGPASSWORD={UNKNOWN} psql",
    ],
)
def test_an_unknown_secret_by_name_or_form(text):
    found = Scrubber().text(text)
    assert UNKNOWN not in found and MASK in found


@pytest.mark.parametrize(
    "text",
    [
        'password authentication failed for user "dwp_user"',
        "JWT token has expired",
        "Invalid token received for path /auth/me",
        "jwt.expiration-seconds=3600",
        "tokenType=Bearer",
        "password policy: basic checks only",
        "NOAUTH Authentication required.",
        "Connection to localhost:5432 refused.",
        "http://localhost:8080/api?x=1",
        "took 12:30:01 at https://h:8443/p",
        "    at com.dwp.auth.TokenService.issue(TokenService.java:44)",
    ],
)
def test_what_is_no_secret_stays(text):
    assert Scrubber(["8080", "true"]).text(text) == text


HOSTILE = [
    "\x1b]0;title\x07x", "\x1b[2J\x1b[H", "\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "\x1bP1;2|x\x1b\\", "\x9b31mred",
    "a\x00b", "a\x08\x08\x08b", "a\rb", "\u202egnp.exe", "\u2066x\u2069", "\ud800", "x\x7f", "\x1b", "\x1b[", "\x1b]52;c;ZXZpbA==\x07",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_reaches_a_terminal(text):
    found = clean(text)
    assert not any((ord(char) < 32 and char not in "\n\t") or 127 <= ord(char) < 160 for char in found)
    assert not set(found) & set("\u202e\u2066\u2069\ud800") and "title" not in found and "ZXZpbA" not in found


@given(st.text())
def test_cleaning_twice_changes_nothing(text):
    once = clean(text)
    assert clean(once) == once
    once.encode()


@given(
    st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), min_size=6, max_size=30), st.text(max_size=50), st.text(max_size=50)
)
def test_a_known_secret_never_survives(secret, before, after):
    assume(secret not in MASK and secret == clean(secret))
    assert secret not in Scrubber([secret]).text(before + secret + after).replace(MASK, "")


def test_the_cut_comes_last():
    text = "x" * 90 + f" password={UNKNOWN}"
    assert UNKNOWN[:4] not in Scrubber().text(text, 105)
    assert Scrubber().text("y" * 30, 10).startswith("y" * 10 + " [... 20 more")


def test_a_secret_across_an_early_cut_does_not_show():
    """Masking shrinks the text, so that what stood at the early cut may come into view."""
    for length in range(8100, 8300, 7):
        text = ("token=" + "a" * 60 + " ") * (8 * 100 // 67) + "token=" + "c" * length + f" password={UNKNOWN} " + "d" * 9000
        assert UNKNOWN[:3] not in Scrubber().text(text, 100)


@pytest.mark.parametrize(
    "text",
    [
        "password" * 32000, "password=\"" * 25000, '"password":"' * 20000, "eyJaaaaaaaa-" * 20000, "a://b:" * 40000,
        "<password " * 25000, "=" * 250000, "A" * 250000, " " * 250000, "token " * 40000, "\x1b]" * 120000, "x-a-token" * 27000,
        "PASSWORD_" * 27000, "-----BEGIN PRIVATE KEY-----" * 9000, "bearer " * 35000, "\\" * 250000 + '"', "x" * 250000 + "password=",
    ],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_hostile_text_takes_no_quadratic_time(text):
    scrubber = Scrubber([KNOWN, "A" * 24])
    begin = time.process_time()
    scrubber.text(text)
    assert time.process_time() - begin < 6


def test_secrets_of_an_environment_file():
    text = (
        "# DB_PASSWORD=commented\nDB_PASSWORD='abc def 1'\nexport JWT_SECRET=longsecret\nDB_USERNAME=dwp_user\n"
        "JWT_EXPIRATION_SECONDS=86400000\nREDIS_URL=redis://:pa%40ss99@h:1\nSHORT_TOKEN=abc\nbroken line\n"
    )
    assert sorted(secrets_of_environment(text)) == ["abc def 1", "longsecret", "pa%40ss99", "pa@ss99"]
