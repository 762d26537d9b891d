# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures of calls between services: the gateway and Feign clients."""

from __future__ import annotations

from typing import Any

# Netty's exceptions are Lettuce's too: these rows count only in a record of a gateway.
_GATEWAY = r"Server Error for HTTP|org\.springframework\.cloud\.gateway"
_REQUEST = r'\[(?P<request_id>[\w-]+)\]\s+500 Server Error for HTTP (?P<method>\w+) "(?P<path>[^"]+)"'
_TRIAGE = "ansible-playbook playbooks/triage.yml -i inventories/ENVIRONMENT"

SIGNATURES: list[dict[str, Any]] = [
    {
        "id": "GW_REFUSED",
        "priority": 7,
        "about": "downstream",
        "severity": "degraded",
        "patterns": [r"AnnotatedConnectException: .{0,300}?Connection refused: (?P<target>\S+)"],
        "requires": _GATEWAY,
        "details": [_REQUEST],
        "meaning": "the service behind the gateway does not listen (the caller sees HTTP 500, not 503)",
        "next": {
            "command": "nc -vz {target_host} {target_port}",
            "risk": "read-only",
            "verify": "the port accepts; triage the service that should listen on {target} first",
        },
        "source": "observed with Spring Boot 3.4; spring-cloud-gateway#4208",
    },
    {
        "id": "GW_503",
        "priority": 7,
        "about": "downstream",
        "severity": "degraded",
        "patterns": [r"No servers available for service: (?P<name>\S+)", r"Unable to find instance for (?P<name>\S+)"],
        "meaning": "a route with lb:// has no instance of the service",
        "next": {
            "command": _TRIAGE,
            "risk": "read-only",
            "verify": "the registry lists an instance of {name}, or the route has a http:// address",
        },
        "source": "observed with Spring Boot 3.4; the second text is documented only",
    },
    {
        "id": "GW_504",
        "priority": 6,
        "about": "downstream",
        "severity": "degraded",
        "patterns": [
            r"Response took longer than timeout: (?P<limit>[\w.]+)",
            [r"Server Error for HTTP", r"handler\.timeout\.(?P<limit>ReadTimeout)Exception"],
        ],
        "details": [r'for HTTP (?P<method>\w+) "?(?P<path>/[^\s"?]*)'],
        "anywhere": "Response took longer than timeout",
        "meaning": "the service behind the gateway was slower than {limit}; told at DEBUG only, else the status 504 is the sign",
        "next": {
            "command": _TRIAGE,
            "risk": "read-only",
            "verify": "the same request asked of the service itself answers in time",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "GW_CONNECT_TIMEOUT",
        "priority": 6,
        "about": "downstream",
        "severity": "degraded",
        "patterns": [
            r"connection timed out after (?P<ms>\d+) ms: (?P<target>\S+)",
            r"No route to host: (?P<target>\S+)",
            r"Network is unreachable: (?P<target>\S+)",
            r"Connection timed out: (?P<target>\S+)",
        ],
        "requires": _GATEWAY,
        "details": [_REQUEST],
        "meaning": "no answer to the connection: a firewall, a dead host, or a full backlog",
        "next": {
            "command": "nc -vz -w 5 {target_host} {target_port}",
            "risk": "read-only",
            "verify": "the port accepts from this host and from another one",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "GW_DNS",
        "priority": 6,
        "about": "environment",
        "severity": "degraded",
        "patterns": [
            r"UnknownHostException: Failed to resolve '(?P<name>[^']+)'",
            r"UnknownHostException: (?P<name>[\w.-]+): Name or service not known",
            r"UnknownHostException: (?P<name>[\w.-]+): Temporary failure in name resolution",
            r"DnsNameResolverTimeoutException: .{0,200}?DefaultDnsQuestion\((?P<name>[\w.-]+?)\.? IN ",
        ],
        "requires": _GATEWAY,
        "details": [_REQUEST],
        "meaning": "a SERVICE_*_URL holds a name that this host cannot resolve, such as one that exists only in compose",
        "next": {
            "command": "getent hosts {name}",
            "risk": "read-only",
            "verify": "it prints an address; otherwise correct the URL or the hosts file",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "GW_PREMATURE",
        "priority": 6,
        "about": "downstream",
        "severity": "degraded",
        "patterns": [
            r"Connection prematurely closed (?P<when>\w+) response",
            r"Connection has been closed (?P<when>\w+) response, while sending request body",
            [r"Server Error for HTTP", r"NativeIoException: \w+\(\.\.\) failed: Connection reset by peer"],
            [r"Server Error for HTTP", r"java\.net\.SocketException: Connection reset"],
        ],
        "details": [_REQUEST],
        "meaning": "the service was restarted during the call, or the gateway kept a connection longer than the service does",
        "next": {
            "command": _TRIAGE,
            "risk": "read-only",
            "verify": "no restart at that time; then max-idle-time below Tomcat's keep-alive ends it",
        },
        "source": "observed with Spring Boot 3.4; reactor-netty#1639, #1764; spring-cloud-gateway#1148",
    },
    {
        "id": "GW_POOL",
        "priority": 6,
        "about": "service",
        "severity": "degraded",
        "patterns": [
            r"Pool#acquire\(Duration\) has been pending",
            r"Pending acquire queue has reached its maximum size",
        ],
        "details": [_REQUEST],
        "meaning": "the gateway's pool of connections is full (pool type FIXED only); event streams hold connections",
        "next": {
            "command": "ss -tn state established '( sport = :SERVICE_PORT )' | wc -l",
            "risk": "read-only",
            "verify": "the number of callers, event streams among them, is below max-connections of the pool",
        },
        "source": "observed in public reports of reactor-netty",
    },
    {
        "id": "GW_404",
        "priority": 7,
        "about": "service",
        "severity": "degraded",
        "patterns": [],
        "observed_by": "a probe: 404 of the gateway without a line in its log",
        "meaning": "no route matches the path; the list of routes differs by profile",
        "next": {
            "command": _TRIAGE,
            "risk": "read-only",
            "verify": "the routes of the active profile hold a predicate for the path",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "GW_LOCALHOST",
        "priority": 3,
        "about": "environment",
        "severity": "degraded",
        "patterns": [r"configured with localhost routes in production-like environment"],
        "holds_while_running": True,
        "meaning": "the SERVICE_*_URL variables were left at their defaults",
        "next": {
            "command": "tr '\\0' '\\n' < /proc/PID/environ | grep -e '^SERVICE_.*_URL=' -e '^AURA_PLATFORM_'",
            "risk": "read-only",
            "verify": "after setting them and restarting the gateway the text is gone from its log",
        },
        "source": "documented by the library, not observed",
    },
    {
        "id": "FEIGN",
        "priority": 7,
        "about": "downstream",
        "severity": "degraded",
        "patterns": [
            r"feign\.RetryableException: (?P<reason>.{0,500}?) executing (?P<method>\w+) (?P<url>\S+)",
            r"FeignException\$(?P<error>\w+): \[(?P<status>\d+)",
            # RestClient and RestTemplate
            r"ResourceAccessException: I/O error on (?P<method>\w+) request for \"(?P<url>[^\"]+)\": (?P<reason>[^\n]{0,300})",
        ],
        "details": [r"during \[(?P<method>\w+)\] to \[(?P<url>[^\]]+)\]"],
        "meaning": "a call to another service failed: {url}",
        "next": {
            "command": _TRIAGE,
            "risk": "read-only",
            "verify": "the service at {url} is healthy",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "TENANT_MISSING",
        "priority": 6,
        "about": "caller",
        "severity": "note",
        "patterns": [
            r"Missing required header X-Tenant-ID for path: (?P<path>\S+)",
            r"Missing required header: X-Tenant-ID",  # a service that asks for it itself
            r"Required request header 'X-Tenant-ID' .{0,200}is not present",
        ],
        "by_probe": True,
        "meaning": "a caller or a proxy dropped the header; the gateway answers 400 with an empty body (error E2006)",
        "otherwise": {  # a service names no path
            "command": "grep -e 'X-Tenant-ID' {file} | tail -n 5",
            "risk": "read-only",
            "verify": "ids and thread of the records name the caller; with the header its answer is not 400: correct the caller",
        },
        "next": {
            "command": "curl -sS -i -H 'X-Tenant-ID: 1' http://GATEWAY:8080{path}",
            "risk": "read-only",
            "verify": "with the header the answer is not 400: correct the caller, not the gateway",
        },
        "source": "observed with Spring Boot 3.4",
    },
]
