# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults of tokens, processes, addresses and the host."""

from __future__ import annotations

from . import injections as i
from .model import ANY, DATABASE, READ, RESTART, Expected, Fault, no_traffic
from .stand import CLOSED_PORT, PORTS

ALL = f"gateway {DATABASE}"
DEPLOY = r"deploy\.yml|restart\.yml|rollback\.yml"
APPROVE = i.all_of(i.approval_waits, i.approve)

TOKENS = (
    Fault(
        "jwt-different", "main checks tokens with another secret than auth signs them with",
        i.environment("main", JWT_SECRET=i.WRONG),
        Expected("JWT_SIG", "main|auth", rf"JWT_SECRET|{DEPLOY}"),
        {"main": "JWT signature validation failed"},
        use=i.calls(lambda traffic: (traffic.login(), traffic.approve())),
        differences="JWT_SECRET",
    ),
    Fault(
        "jwt-unset", "main has no JWT_SECRET and takes the public one of the runbook",
        i.environment("main", JWT_SECRET=None),
        Expected("JWT_SIG|CONFIG_MISSING|PLACEHOLDER", "main", rf"JWT_SECRET|{DEPLOY}"),
        {"main": "JWT signature validation failed"},
        use=i.calls(lambda traffic: (traffic.login(), traffic.approve())),
        differences="JWT_SECRET",
    ),
    Fault(
        "jwt-too-short", "main's JWT_SECRET has less than 32 bytes",
        i.environment("main", JWT_SECRET="too-short-for-HS256"),
        Expected("JWT_WEAK", "main", rf"JWT_SECRET|{DEPLOY}"),
        {"main": "WeakKeyException|not secure enough"},
    ),
    Fault(
        "jwt-too-short-for-auth", "auth's JWT_SECRET has less than 32 bytes: it starts, and no login works",
        i.environment("auth", JWT_SECRET="too-short-for-HS256"),
        Expected("JWT_WEAK", "auth", rf"JWT_SECRET|{DEPLOY}", may="gateway main"),
        {"auth": "(?i)secret length must be at least 256 bits|KeyLengthException"},
    ),
    Fault(
        "token-expired", "a client goes on using an expired token",
        no_traffic,
        Expected("JWT_EXP", "main|auth|none", ".", risk=READ, status="healthy|degraded"),
        {"main": "JWT token has expired"},
        use=i.calls(lambda traffic: traffic.approve(traffic.signed(lifetime=-600))),
    ),
    Fault(
        "clock-skew", "the clock of the host is two hours behind: tokens are expired when they are issued",
        i.clock_behind,
        Expected("JWT_EXP|X_CLOCK|CLOCK_SKEW|CLOCK", "auth|main|none", "(?i)clock|time|ntp|chrony|date", risk=ANY,
                 may="gateway main auth"),
        {"main": "JWT token has expired"},
        use=i.calls(lambda traffic: (traffic.login(), traffic.approve())),
        arguments=("-e", "ansible_python_interpreter={base}/shift/python"),
    ),
    Fault(
        "token-malformed", "a client sends something that is no token",
        no_traffic,
        Expected("JWT_MALFORMED", "main|auth|none", ".", risk=READ, status="healthy|degraded"),
        {"main": "JWT signature validation failed: (Invalid|Malformed|Compact)"},
        use=i.calls(lambda traffic: traffic.approve("bm8.dG9rZW4")),
    ),
    Fault(
        "tenant-missing", "a client sends no X-Tenant-ID",
        no_traffic,
        Expected("TENANT_MISSING", "gateway|none", "X-Tenant-ID", risk=READ, status="healthy|degraded"),
        {"gateway": "Missing required header X-Tenant-ID"},
        use=i.calls(lambda traffic: traffic.call("GET", "/api/main/tasks", headers={})),
    ),
)

PROCESSES = (
    Fault(
        "port-taken", "another program listens on the port of mail",
        i.port_taken("mail"),
        Expected("PORT_IN_USE", "mail", rf"{PORTS['mail']}|ss |lsof|kill|fuser", risk=ANY),
        {"mail": f"Port {PORTS['mail']} was already in use"},
    ),
    Fault(
        "memory-killed", "the kernel kills mail for lack of memory",
        i.memory_short("mail"),
        Expected("OOM_KILLED", "mail", "(?i)memory|Xmx|dmesg|journalctl|restart|deploy"),
        check=i.seen_by_kernel, needs_root=True,
    ),
    Fault(
        "heap-exhausted", "mail has a heap in which it does not fit",
        i.launcher("mail", "-Xmx160m", "-Xmx9m"),
        Expected("OOM_HEAP", "mail", "(?i)Xmx|heap|memory|jvm_options"),
        {"mail": "OutOfMemoryError"}, use=no_traffic,
    ),
    Fault(
        "java-wrong", "approval runs on a Java that is older than its classes",
        i.jar("approval", i.of_a_newer_java),
        Expected("CLASS_VERSION", "approval", "(?i)java|deploy|rollback"),
        {"approval": "UnsupportedClassVersionError|more recent version of the Java Runtime"},
    ),
    Fault(
        "files-exhausted", "chat may open no further file",
        i.few_files("chat"),
        Expected("NOFILE", "chat", "(?i)nofile|fd|file|ulimit|restart"),
        {"chat": "Too many open files"}, use=i.many_files,
    ),
    Fault(
        "start-fails", "the release of chat fails at each start",
        i.jar("chat", i.variant("fails-at-start")),
        Expected("STARTUP_FAILED|unknown", "chat", r"rollback\.yml|deploy\.yml|log", risk=RESTART),
        {"chat": "this release fails at start"},
    ),
    Fault(
        "service-stopped", "mail is stopped",
        i.stopped("mail"),
        Expected("GW_REFUSED|X_STOPPED|PROCESS_STOPPED", "mail", r"mail", risk="restart"),
        {"gateway": "Connection refused"},
    ),
    Fault(
        "auth-stopped", "auth is stopped, on which others depend",
        i.stopped("auth"),
        Expected("GW_REFUSED|FEIGN|X_STOPPED|PROCESS_STOPPED", "auth", "auth", risk="restart",
                 may="gateway main synapsex"),
        {"gateway": "Connection refused"},
    ),
    Fault(
        "service-frozen", "approval accepts connections and never answers",
        i.frozen("approval"),
        Expected("GW_504|HEALTH_SLOW|X_HANGING|NOT_ANSWERING|PROCESS_SUSPENDED", "approval", "approval|restart|jstack|kill"),
        check=lambda stand: stand.traffic.call("GET", "/api/approval/info", timeout=8)[0] == 504,
    ),
    Fault(
        "synapsex-frozen", "synapsex accepts connections and never answers",
        i.frozen("synapsex"),
        Expected("GW_504|HEALTH_SLOW|X_HANGING|NOT_ANSWERING|PROCESS_SUSPENDED", "synapsex", "synapsex|restart|jstack|kill"),
        check=lambda stand: stand.traffic.call("GET", "/api/synapse/cases", timeout=8)[0] == 504,
    ),
)

ADDRESSES = (
    Fault(
        "dns-wrong", "the gateway looks for mail under a name that does not exist",
        i.environment("gateway", SERVICE_MAIL_URL=f"http://mail.dwp.invalid:{PORTS['mail']}"),
        Expected("GW_DNS", "gateway", rf"SERVICE_MAIL_URL|mail\.dwp\.invalid|{DEPLOY}", may="gateway"),
        {"gateway": "Failed to resolve|UnknownHost"},
    ),
    Fault(
        "tls-broken", "the gateway speaks TLS to a service that does not",
        i.environment("gateway", SERVICE_APPROVAL_URL=f"https://127.0.0.1:{PORTS['approval']}"),
        Expected("TLS", "gateway", rf"SERVICE_APPROVAL_URL|{DEPLOY}|openssl"),
        {"gateway": "not an SSL/TLS record|SSL"},
    ),
    Fault(
        "route-dead", "the gateway's address of mail has a port on which nothing listens",
        i.environment("gateway", SERVICE_MAIL_URL=i.DEAD_URL),
        Expected("GW_REFUSED|WRONG_URL", "gateway", rf"SERVICE_MAIL_URL|{DEPLOY}"),
        {"gateway": "Connection refused"},
        differences="SERVICE_MAIL_URL",
    ),
    Fault(
        "route-crossed", "the gateway sends what is for mail to chat",
        i.environment("gateway", SERVICE_MAIL_URL=f"http://127.0.0.1:{PORTS['chat']}"),
        Expected("unknown|GW_404|X_ROUTE|WRONG_URL|CONFIG_MISSING", "gateway", rf"SERVICE_MAIL_URL|{DEPLOY}"),
        {"chat": "No static resource mail/info"},
        differences="SERVICE_MAIL_URL",
    ),
    Fault(
        "route-localhost", "the gateway's address of mail is localhost, in an environment like production",
        i.environment("gateway", SERVICE_MAIL_URL=f"http://localhost:{CLOSED_PORT}", SPRING_PROFILES_ACTIVE="staging"),
        Expected("GW_LOCALHOST|WRONG_URL", "gateway", rf"SERVICE_MAIL_URL|{DEPLOY}"),
        {"gateway": "localhost routes in production-like environment"},
    ),
    Fault(
        "profile-prod", "the gateway runs with the profile prod, which fixes addresses that exist nowhere",
        i.environment("gateway", SPRING_PROFILES_ACTIVE="prod"),
        Expected("GW_DNS", "gateway", rf"SPRING_PROFILES_ACTIVE|(?i:profile)|{DEPLOY}"),
        {"gateway": "Failed to resolve|UnknownHost"},
    ),
    Fault(
        "history-address-wrong", "the gateway's hidden address of auth leads nowhere: no call history",
        i.environment("gateway", DWP_INTERNALAPI_AUTHSERVERURL=i.DEAD_URL),
        Expected("GW_REFUSED|FEIGN|X_WRONG_URL|WRONG_URL|unknown", "gateway", rf"DWP_INTERNALAPI_AUTHSERVERURL|{DEPLOY}"),
        {"gateway": "Failed to send API call history"},
        differences="DWP_INTERNALAPI_AUTHSERVERURL",
    ),
    Fault(
        "inner-address-wrong", "main looks for auth where nothing listens",
        i.environment("main", SERVICE_AUTH_URL=i.DEAD_URL),
        Expected("FEIGN|WRONG_URL", "main", rf"SERVICE_AUTH_URL|{DEPLOY}"),
        {"main": "Failed to write audit log"}, use=APPROVE,
        differences="SERVICE_AUTH_URL",
    ),
    Fault(
        "placeholder", "a variable of main points to a variable that does not exist",
        i.environment("main", JWT_SECRET="${VAULT_JWT_SECRET}"),
        Expected("PLACEHOLDER|CONFIG_MISSING|JWT_WEAK", "main", rf"JWT_SECRET|{DEPLOY}"),
        {"main": "Could not resolve placeholder"},
    ),
    Fault(
        "variable-missing", "chat does not know where PostgreSQL is and takes the default",
        i.environment("chat", DB_PORT=None),
        Expected("CONFIG_MISSING|PLACEHOLDER|PG_REFUSED|DB_UNREACHABLE", "chat", rf"DB_PORT|{DEPLOY}"),
        {"chat": "Connection to 127.0.0.1:5432 refused"},
        differences="DB_PORT",
    ),
    Fault(
        "edited-not-restarted", "the environment of approval was edited and the process does not have it yet",
        i.edited("approval", DB_NAME="dwp_elsewhere"),
        Expected("unknown|X_ENV|RESTART_NEEDED", "approval|none", ".",
                 status="healthy|degraded", may=""),
        check=lambda stand: stand.traffic.ask(PORTS["approval"], "/approval/info") == 200,
        differences="DB_NAME",
    ),
    Fault(
        "disk-full", "the file system of the logs is full",
        i.logs_full,
        Expected("DISK_FULL", "none|auth|main|mail|chat|approval|synapsex|gateway", "(?i)df|du|disk|space|rm ", risk=ANY, may=ALL),
        check=lambda stand: i.free_space(stand) == 0, needs_root=True,
    ),
)
