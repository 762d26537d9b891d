# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs written by somebody who wishes us ill: nothing executes, breaks or leaks."""

from __future__ import annotations

import base64
import html
import json
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.dwp.backend.plugins.module_utils._logs.run import Request, run
from ansible_collections.dwp.backend.plugins.module_utils._logs.scrub import Scrubber, clean

from . import helpers
from .helpers import boot, read_text, started, starting

SECRET = "Tr0ub4dor&3-known"
OTHER = "hunter2Zq9unknown"
REFUSED = "Connection to {} refused. Check that the hostname and port are correct"


def strings_of(value):
    if isinstance(value, dict):
        for key, part in value.items():
            yield from strings_of(key)
            yield from strings_of(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from strings_of(part)
    elif isinstance(value, str):
        yield value


def commands_of(found):
    return [one["next_action"]["command"] for service in found["services"].values() for one in service["signatures"]]


PAYLOADS = [
    "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "\x1b[2J\x1b]0;owned\x07\x1b[31mred",
    "{{ lookup('pipe', 'touch /tmp/owned') }} {% for x in y %}",
    "$(touch /tmp/owned) `id` ; rm -rf / | tee",
    "\x00\x00\x00",
    "\udcff\udcfe",
    "\u202eevil\u2066",
    "%s %n %(x)s {0} {x}",
    "' OR 1=1 --",
    "../../etc/passwd\r\n",
]


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_a_payload_in_every_place_stays_text(tmp_path, payload):
    raw = b"".join(
        boot(text, second, level, mark=mark, logger=logger).encode("utf-8", "surrogateescape")
        for second, (text, level, mark, logger) in enumerate(
            [
                (f"failed for {payload}", "ERROR", "", "a.B"),
                (f"x\n{payload}\nCaused by: a.B: {payload}", "ERROR", "", "a.B"),
                (REFUSED.format(f"{payload.split()[0]}:5432"), "ERROR", "", "a.B"),
                ("y", "ERROR", f"[correlationId={payload}] ", "a.B"),
                ("id-1234 " + payload, "INFO", "", "a.B"),
                (f'database "{payload}" does not exist', "ERROR", "", "a.B"),
            ]
        )
    )
    found = read_text(tmp_path, raw, ids=["id-1234"])
    text = json.dumps(found)
    assert json.loads(text) == json.loads(json.dumps(found))
    for part in strings_of(found):
        assert part == clean(part), "no escape and no control character leaves the host"
        part.encode()
    for command in commands_of(found):
        assert not set(command) & set(";`|<>") or command.startswith(("tr ", "grep ")), command
        assert "touch" not in command and "alert" not in command
    assert found["services"]["svc"]["levels"]["ERROR"] == 5

    class Tags(HTMLParser):
        def handle_starttag(self, tag, _attrs):
            raise AssertionError(f"<{tag}> survived escaping")

    for part in strings_of(found):
        Tags().feed(html.escape(part))


def secret_lines():
    encoded = base64.b64encode(f"user:{SECRET}".encode()).decode()
    for value in (SECRET, OTHER):
        yield f"connect jdbc:postgresql://db:5432/x?user=u&password={value}&ssl=1"
        yield f"redis://:{value}@cache:6379/0 is down"
        yield json.dumps({"user": "kim", "password": value})
        yield f"headers: Authorization: Bearer {value}"
        yield f"env DB_PASSWORD={value} JWT_SECRET='{value}'"
        yield f"x\nCaused by: a.B: password={value}\n\tat a.B.c(B.java:1)"
        yield f'password authentication failed for user "u" password={value}'
        yield f"Script /x?token={value} failed"
    yield f"Authorization: Basic {encoded}"
    yield f"payload {base64.b64encode(('ab' + SECRET).encode()).decode()}"


@pytest.mark.parametrize("kind", ["text", "ecs", "logstash", "gelf"])
def test_no_secret_leaves_in_any_form(tmp_path, kind):
    lines = list(secret_lines())
    text = ""
    for second, line in enumerate(lines):
        mark = f"[correlationId=id-1234, token={OTHER}] "
        if kind == "text":
            text += boot(line + " id-1234", second, mark=mark)
        else:
            text += helpers.structured(kind, line + " id-1234", second, accessToken=OTHER, correlationId="id-1234")
    found = read_text(tmp_path, text, ids=["id-1234"], secrets=(SECRET,))
    said = json.dumps(found, ensure_ascii=False)
    assert len(found["request_path"]["steps"]) == len(lines)
    for secret in (SECRET, OTHER, base64.b64encode(f"user:{SECRET}".encode()).decode()):
        assert secret not in said
        assert secret[:12] not in said


def test_a_secret_at_the_cut_of_a_huge_record_does_not_leak(tmp_path):
    for shift in range(0, 40, 3):
        text = "x" * (192 * 1024 - 60 - shift) + f" password={OTHER} " + "y" * (64 * 1024 - 20 + shift) + f" token={OTHER}"
        said = json.dumps(read_text(tmp_path, boot("a\n" + text)))
        assert OTHER[:8] not in said and OTHER[-8:] not in said


def test_lines_of_ten_megabytes_full_of_anchors(tmp_path):
    """Every word that the scan looks for, again and again, in lines without end."""
    line = "ERROR WARN using Java (process running for OutOfMemoryError: Connection to id-1234x "
    text = starting(0) + started(5) + boot(line * (10_000_000 // len(line)), 6) + boot("x\n" + "Caused by: a.B\n" * 700000, 7)
    text += boot("Connection to db:5432 refused", 8)
    begin = time.process_time()
    found = read_text(tmp_path, text, ids=["id-1234"])
    assert time.process_time() - begin < 8
    service = found["services"]["svc"]
    assert service["state"] == "running" and "PG_REFUSED" in helpers.ids(service)
    assert len(json.dumps(found)) < 60000
    assert found["request_path"]["steps"] == []


@pytest.mark.parametrize(
    "unit",
    ["Config data ", "Connection to a:", "AnnotatedConnectException: Server Error for HTTP ", "feign.RetryableException: ",
     "Failed to validate connection ", "class file version 1.0", "Found non-empty schema(s) ", "Health contributor ",
     "[a][", "'", '"', "Caused by: ", "at a.B.c(", "=", "eyJ", "password=\"", "1:1:", "\\", " does not exist", "FeignException$a"],
)  # fmt: skip
def test_no_pattern_takes_quadratic_time(tmp_path, unit):
    text = "Connection to  does not exist failed " + unit * (300_000 // len(unit))
    begin = time.process_time()
    read_text(tmp_path, boot(text) + boot("x\n" + text) + "2026-11-23T01:30:00.000Z ERROR 1 --- " + text + "\n")
    assert time.process_time() - begin < 4


@pytest.mark.parametrize("filler", [b"\x00", b"\x1b[0m", b"\xef\xbb\xbf", b"\x00\x1b[0m", b"[a] ", b" ", b"\t", b"\r"])
def test_what_may_stand_before_a_record_may_also_stand_alone(tmp_path, filler):
    """A full disk leaves blocks of NUL bytes; what follows them on the line may be a record or nothing."""
    block = filler * (200_000 // len(filler))
    record = boot("Connection to db:5432 refused", 1).encode()
    begin = time.process_time()
    found = read_text(tmp_path, record + block + b"\n" + block + record + b"\n" + block + b"x\n" + record)
    assert time.process_time() - begin < 3
    assert found["services"]["svc"]["signatures"][0]["count_all"] >= 2


@settings(max_examples=80, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=200), st.sampled_from([
    b"ERROR", b" using Java ", b"\x00" * 40, b'{"@timestamp":"', b'{"message":', b"2026-11-23T01:30:00.000Z ERROR 1 --- [a] b : c",
    b"\xff\xfe\xfd", b"\r\n", b"Caused by: ", b"Connection to a:1 refused", b"id-1234",
])), max_size=30), st.sampled_from([b"", b"\n", b" "]))  # fmt: skip
def test_any_bytes_are_read(tmp_path_factory, parts, separator):
    path = tmp_path_factory.mktemp("h") / "svc.log"
    path.write_bytes(separator.join(parts))
    request = Request([helpers.Source("svc", str(path))], helpers.CATALOGUE, ids=["id-1234"])
    found = run(request, Scrubber([SECRET]), 0.0)
    json.dumps(found).encode()
    assert not found["not_checked"]


def test_the_end_of_a_file_is_not_believed_to_be_utf8(tmp_path):
    raw = boot("권한 검증에 실패했습니다", 1).encode()
    found = read_text(tmp_path, raw[:-3] + b"\xff\xfe" + raw[-3:-1])
    assert "권한" in found["services"]["svc"]["templates"][0]["template"]
