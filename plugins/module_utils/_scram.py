# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PostgreSQL password verifiers, made and compared here: a clear password never reaches the server's log."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import stringprep
import unicodedata

ITERATIONS = 4096


def saslprep(text: str) -> str:
    """RFC 4013 as PostgreSQL applies it: a text that it prohibits is used as it is."""
    if text.isascii():
        return text
    mapped = "".join(" " if stringprep.in_table_c12(char) else "" if stringprep.in_table_b1(char) else char for char in text)
    normal = unicodedata.normalize("NFKC", mapped)
    prohibited = (
        stringprep.in_table_a1, stringprep.in_table_c12, stringprep.in_table_c21_c22, stringprep.in_table_c3,
        stringprep.in_table_c4, stringprep.in_table_c5, stringprep.in_table_c6, stringprep.in_table_c7,
        stringprep.in_table_c8, stringprep.in_table_c9,
    )  # fmt: skip
    if not normal or any(test(char) for char in normal for test in prohibited):
        return text
    if any(stringprep.in_table_d1(char) for char in normal):
        mixed = any(stringprep.in_table_d2(char) for char in normal)
        if mixed or not (stringprep.in_table_d1(normal[0]) and stringprep.in_table_d1(normal[-1])):
            return text
    return normal


def verifier(password: str, salt: bytes | None = None, iterations: int = ITERATIONS) -> str:
    """What pg_authid.rolpassword holds: SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>."""
    salt = os.urandom(16) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", saslprep(password).encode(), salt, iterations)
    stored = hashlib.sha256(hmac.new(salted, b"Client Key", "sha256").digest()).digest()
    server = hmac.new(salted, b"Server Key", "sha256").digest()
    words = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${iterations}:{words[0]}${words[1]}:{words[2]}"


def matches(stored: str | None, user: str, password: str) -> bool:
    """Whether the stored verifier belongs to the password."""
    if not stored:
        return False
    if stored.startswith("md5"):
        digest = hashlib.md5((password + user).encode(), usedforsecurity=False).hexdigest()
        return hmac.compare_digest(stored, f"md5{digest}")
    try:
        method, parameters, _keys = stored.split("$")
        iterations, salt = parameters.split(":")
        if method != "SCRAM-SHA-256":
            return False
        wanted = verifier(password, base64.b64decode(salt), int(iterations))
    except ValueError:
        return False
    return hmac.compare_digest(stored, wanted)
