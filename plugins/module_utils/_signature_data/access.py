# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures of tokens and of health endpoints."""

from __future__ import annotations

from typing import Any

_FINGERPRINTS = "ansible-playbook playbooks/deploy.yml -i inventories/ENVIRONMENT -e dwp_only={service} --check --diff"

SIGNATURES: list[dict[str, Any]] = [
    {
        "id": "JWT_SIG",
        "priority": 2,
        "about": "environment",
        "severity": "degraded",
        "patterns": [
            r"Signed JWT rejected: Invalid signature",
            r"JWT signature does not match locally computed signature",
            r"JWT signature validation failed",
        ],
        "details": [r"path=(?P<path>[^\s,]+)"],
        # The third text is also what one service says before any other reason.
        "yields_to": ["JWT_MALFORMED", "JWT_EARLY", "JWT_EXP", "JWT_ALG"],
        "meaning": "the token was signed with another JWT_SECRET",
        "next": {
            "command": _FINGERPRINTS,
            "risk": "read-only",
            "verify": "if the plan changes JWT_SECRET, it is put right without --check; if not, the other side has the wrong one",
        },
        "source": "observed with Spring Boot 3.4; the third text is documented only",
    },
    {
        "id": "JWT_ALG",
        "priority": 2,
        "about": "environment",
        "severity": "degraded",
        "patterns": [
            r"Another algorithm expected, or no matching key",
            r"The parsed JWT indicates it was signed with the '(?P<alg>\w+)' signature algorithm",
            r"Unsupported algorithm of (?P<alg>\w+)",
            r"Unsecured JWSs \(those with an 'alg'",
        ],
        "meaning": "a token signed with another algorithm, such as RS256, met a decoder for HS256",
        "next": {
            "command": "grep -n 'Another algorithm expected' {file} | tail -n 5",
            "risk": "read-only",
            "verify": "path and ids of the records name the caller; the head of its token (cut -d. -f1 | base64 -d) has alg HS256, "
            "otherwise correct the issuer",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "JWT_EXP",
        "priority": 5,
        "about": "caller",
        "severity": "note",
        "patterns": [
            r"Jwt expired at (?P<at>\S+)",
            r"JWT expired (?P<ms>\d+) milliseconds ago",
            r"JWT token has expired",
        ],
        "meaning": "the token is too old, or clocks differ by more than 60 s (jjwt allows none)",
        "next": {
            "command": "timedatectl",
            "risk": "read-only",
            "verify": "the clock is synchronised on issuer and receiver; a fresh token is accepted",
        },
        "source": "observed with Spring Boot 3.4; the third text is documented only",
    },
    {
        "id": "JWT_EARLY",
        "priority": 5,
        "about": "caller",
        "severity": "note",
        "patterns": [
            r"JWT early by (?P<ms>\d+) milliseconds",
            r"JWT must not be accepted before (?P<at>\S+)",
            r"Jwt used before (?P<at>\S+)",
        ],
        "meaning": "the token is not valid yet: the clock of who signed it is ahead (by more than 60 s, or at all: jjwt allows none)",
        "next": {
            "command": "timedatectl",
            "risk": "read-only",
            "verify": "the clock is synchronised on issuer and receiver; the nbf of a fresh token is not in the future",
        },
        "source": "observed with jjwt 0.12 and Spring Security 6.4",
    },
    {
        "id": "JWT_WEAK",
        "priority": 1,
        "about": "environment",
        "severity": "down",
        "patterns": [
            r"not secure enough for any JWT HMAC-SHA algorithm",
            r"The secret length must be at least 256 bits",
            r"key's size is (?P<bits>\d+) bits which is not secure enough for the",
            r"IllegalArgumentException: Empty key",
            r"Failed to select a JWK signing key",
            r"either the key size is too weak be used",
        ],
        "details": [r"key byte array is (?P<bits>\d+) bits"],
        "meaning": "JWT_SECRET is shorter than 32 bytes: one service dies at its start, another fails with the first token",
        "next": {
            "command": "openssl rand -base64 48",
            "risk": "read-only",
            "verify": "with the new value in the vault and both sides restarted, a login succeeds",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "JWT_MALFORMED",
        "priority": 6,
        "about": "caller",
        "severity": "note",
        "patterns": [
            r"Malformed token", r"Malformed payload", r"Invalid compact JWT string", r"Malformed JWT JSON",
            r"Malformed (?:protected header|claims) JSON", r"Invalid Base64Url (?:protected header|payload|signature)",
            r"Compact JWT strings may not contain whitespace", r"JWT String argument cannot be null or empty",
            r"Bearer token is malformed",
        ],
        "meaning": "the token is junk, or exp and iat were sent as text",
        "next": {
            "command": "grep -n -e 'Malformed' -e 'Invalid compact JWT' {file} | tail -n 5",
            "risk": "read-only",
            "verify": "path and ids of the records name the caller; in its token (cut -d. -f2 | base64 -d) exp and iat are whole numbers: "
            "in Python int(ts)",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "ACTUATOR_401",
        "priority": 6,
        "about": "service",
        "severity": "note",
        "patterns": [],
        "observed_by": "a probe: /actuator/health answers 401",
        "meaning": "the service's filter chain closes the health endpoint, or hides an error behind /error",
        "next": {
            "command": "curl -sS -i http://HOST:PORT/actuator/health",
            "risk": "read-only",
            "verify": 'a business path answers; EndpointRequest.to("health", "prometheus") permits it for good',
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "ACTUATOR_ABSENT",
        "priority": 6,
        "about": "service",
        "severity": "note",
        "patterns": [r"No static resource actuator(?:/(?P<endpoint>[\w/-]+))?"],
        "by_probe": True,
        "observed_by": "the log, or a probe: 404, or 500 with errorCode E1000",
        "meaning": "the jar has no actuator, and each question for it writes a stack trace",
        "next": {
            "command": "unzip -l JAR | grep spring-boot-actuator",
            "risk": "read-only",
            "verify": "probe a business path and the port; spring-boot-starter-actuator makes the endpoint real",
        },
        "source": "observed with Spring Boot 3.4; spring-boot#38733, #38744",
    },
    {
        "id": "HEALTH_DB",
        "priority": 4,
        "about": "postgres",
        "severity": "degraded",
        "patterns": [r"DataSource health check failed"],
        "yields_to": ["PG_*", "HIKARI_*", "DB_UNREACHABLE", "TLS", "DISK_FULL"],
        "meaning": "the health check of the database failed; the exception is in the record",
        "next": {
            "command": "ansible-playbook playbooks/triage.yml -i inventories/ENVIRONMENT -e dwp_only={service}",
            "risk": "read-only",
            "verify": "the probe of the database passes every step",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "HEALTH_REDIS",
        "priority": 4,
        "about": "redis",
        "severity": "degraded",
        "patterns": [r"Redis health check failed"],
        "yields_to": ["REDIS_*", "TLS"],
        "meaning": "the health check of Redis failed; the exception is in the record",
        "next": {
            "command": "redis-cli -h REDIS_HOST -p REDIS_PORT ping",
            "risk": "read-only",
            "verify": "it answers PONG",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "HEALTH_SLOW",
        "priority": 5,
        "about": "service",
        "severity": "note",
        "patterns": [r"Health contributor (?P<contributor>.{0,300}?) took (?P<duration>\S+) to respond"],
        "meaning": "a dependency named in the line answers slowly",
        "next": {
            "command": "ansible-playbook playbooks/triage.yml -i inventories/ENVIRONMENT -e dwp_only={service}",
            "risk": "read-only",
            "verify": "the dependency answers within a second",
        },
        "source": "observed with Spring Boot 3.4",
    },
]
