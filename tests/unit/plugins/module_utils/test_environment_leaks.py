# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is set to whatever: no answer of the rules holds the value of a secret."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dwp.backend.plugins.module_utils._envfile import EnvFileError, dump, parse, read
from ansible_collections.dwp.backend.plugins.module_utils._environment import (
    DEFAULT_RULES,
    check,
    check_fingerprints,
    differences,
    fingerprinter,
    fingerprints,
    instances_of,
    known_names,
)
from ansible_collections.dwp.backend.plugins.module_utils._environment_text import is_secret_name

SEED = "s33d"
NAMES = [*sorted(known_names(DEFAULT_RULES)), "SERVICE_NOTES_URL", "JWT_SECRETE", "DB_PASS", "SMTP_LOGIN"]
SERVICES = ["gateway", "auth", "main", "mail", "chat", "synapsex", "aura"]
ABOUT = {name: {"secrets": ["SMTP_LOGIN"]} for name in SERVICES}

seeds = st.integers(0, 99).map(lambda number: f"{SEED}-{number:02}")
embedded = st.one_of(
    st.builds("http://u:{}@localhost:99999".format, seeds),
    st.builds("redis://:{}@127.0.0.1/0".format, seeds),
    st.builds("jdbc:postgresql://localhost/x?password={}&y={}".format, seeds, seeds),
    st.builds("x token={} {}".format, seeds, seeds),
    st.builds("{}@localhost".format, seeds),
)
plain = st.sampled_from(["", "localhost", "80822", "http://localhost", "prod,dev", "true", "*", "x y", "TRACE", " x"])


@st.composite
def environments(draw):
    """Secrets hold seeds; other variables hold harmless text, text with a login in it, or a secret of their neighbour."""
    result = {}
    for service in draw(st.lists(st.sampled_from(SERVICES), min_size=1, max_size=4, unique=True)):
        values = {}
        for name in draw(st.lists(st.sampled_from(NAMES), max_size=12, unique=True)):
            secret = is_secret_name(name, ["SMTP_LOGIN"])
            values[name] = draw(st.builds("{} {}".format, seeds, plain) if secret else st.one_of(plain, embedded))
        for name in list(values):
            if is_secret_name(name, ["SMTP_LOGIN"]):
                values["DB_NAME"] = values["SERVER_PORT"] = f"pasted {values[name]}"
        result[service] = values
    return result


@given(environments(), st.booleans())
def test_no_violation_holds_a_secret(given_environments, development):
    digest = fingerprinter(b"key")
    violations = check(
        given_environments, development=development, environment_name="prod", service_rules=ABOUT, fingerprint=digest
    )
    prints = fingerprints(instances_of(given_environments, ABOUT), digest)
    assert SEED not in repr(violations) + repr(prints) + repr(check_fingerprints(prints))


@given(environments())
def test_no_difference_holds_a_secret(given_environments):
    first, *_between, last = [*given_environments.values(), {}]
    for wanted, actual in ((first, last), (last, first), (first, dict.fromkeys(first, "x"))):
        assert SEED not in repr(differences(wanted, actual, fingerprinter(), ["SMTP_LOGIN"]))


@given(st.lists(st.one_of(seeds, st.sampled_from(["A=", "'", '"', " ", "\n", "=", "export ", "#", "$", "\\", "\0", "B='"]))))
def test_no_problem_of_a_file_holds_its_text(pieces):
    text = "".join(pieces)
    assert SEED not in repr(read(text).problems)
    try:
        parse(text)
    except EnvFileError as error:
        assert SEED not in str(error)


values_refused = st.builds("{}{}".format, seeds, st.sampled_from(["", "\0", "\ud800"]))


@given(st.dictionaries(st.sampled_from(["A", "B", "UID", "bad name"]), values_refused))
def test_no_refusal_to_write_holds_a_value(values):
    try:
        dump(values)
    except EnvFileError as error:
        assert SEED not in str(error)
