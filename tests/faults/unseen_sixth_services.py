# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sixth part of the unseen faults: secrets, processes, addresses and settings of services."""

from __future__ import annotations

from typing import Any

from . import injections as i
from . import injections_fourth as fourth
from . import injections_operators as o
from . import injections_sixth as f
from .faults_servers import DEPLOY
from .model import ANY, READ, Expected, Fault, no_traffic
from .stand import PORTS, Stand
from .unseen_fourth import login_and_approve

# fmt: off
AROUND_AUTH = "gateway main synapsex"
SETTING = "ENVIRONMENT_RULE|CHANGED_BY_HAND"


def of_the_frontend(traffic: Any) -> Any:
    return traffic.call("GET", "/api/main/tasks", headers={"X-Tenant-ID": "1", "Origin": "http://localhost:4200"})


def asked(stand: Stand, path: str, timeout: float = 3) -> Any:
    return stand.traffic.call("GET", path, timeout=timeout)[0]


SECRETS = (
    Fault(
        "tenant-missing-in-a-job", "a nightly job asks synapsex on its own port, past the gateway, and sends no X-Tenant-ID",
        no_traffic,
        Expected("TENANT_MISSING", "synapsex|none", "X-Tenant-ID", risk=READ, status="healthy|degraded"),
        {"synapsex": "Missing required header: X-Tenant-ID"},
        use=i.calls(lambda traffic: traffic.call("GET", "/synapse/cases", headers={}, port=PORTS["synapsex"])),
    ),
    Fault(
        "datasource-password-left", "a password from a test of last year, under Spring's own name for it, wins over mail's DB_PASSWORD",
        i.environment("mail", SPRING_DATASOURCE_PASSWORD="Spring-2025"),
        Expected("PG_AUTH", "mail", rf"(?i)password|{DEPLOY}"),
        {"mail": "password authentication failed"}, differences="SPRING_DATASOURCE_PASSWORD",
    ),
    Fault(
        "database-password-unset", "approval's DB_PASSWORD was lost when its environment was tidied, and the default is not the server's",
        i.environment("approval", DB_PASSWORD=None),
        Expected("PG_AUTH|CONFIG_MISSING|PLACEHOLDER", "approval", rf"(?i)password|{DEPLOY}"),
        {"approval": "password authentication failed"}, differences="DB_PASSWORD",
    ),
    Fault(
        "jwt-unset-in-auth", "auth has no JWT_SECRET and signs with the public one of the runbook, which main does not take",
        i.environment("auth", JWT_SECRET=None),
        Expected("JWT_SIG|CONFIG_MISSING|PLACEHOLDER", "auth", rf"JWT_SECRET|{DEPLOY}", may="gateway main auth"),
        {"main": "JWT signature validation failed"}, use=i.calls(login_and_approve), differences="JWT_SECRET",
    ),
    Fault(
        "jwt-short-by-hand", "main's launcher hands over a short secret of a test, which wins over the good one in its environment",
        i.launcher("main", "-Xshare:auto", "-Xshare:auto -Djwt.secret=only-for-a-test"),
        Expected("JWT_WEAK", "main", rf"JWT_SECRET|jwt\.secret|{DEPLOY}"),
        {"main": "WeakKeyException|not secure enough"},
    ),
)

PROCESSES = (
    Fault(
        "management-port-taken", "main's actuator was given a port of its own, on which auth listens already: main ends",
        i.environment("main", MANAGEMENT_SERVER_PORT=str(PORTS["auth"])),
        Expected("PORT_IN_USE", "main", rf"MANAGEMENT_SERVER_PORT|{PORTS['auth']}|ss |lsof|fuser|{DEPLOY}", risk=ANY),
        {"main": f"Port {PORTS['auth']} was already in use"}, differences="MANAGEMENT_SERVER_PORT",
    ),
    Fault(
        "killed-in-its-group", "the kernel took approval when its control group was full, and nobody started it again",
        f.killed_in_its_group("approval"),
        Expected("OOM_KILLED", "approval", "(?i)memory|Xmx|dmesg|journalctl|restart|deploy"),
        {"gateway": "Connection refused"}, check=f.kernel_said("Memory cgroup out of memory: Killed process"), needs_root=True,
    ),
    Fault(
        "direct-memory-exhausted", "the gateway was to have 64 MB of direct memory and was given 64 kB by a typing error",
        i.launcher("gateway", "-Xmx160m", "-Xmx160m -XX:MaxDirectMemorySize=64k"),
        Expected("OOM_HEAP|OOM_DIRECT|X_DIRECT_MEMORY|OOM_NATIVE", "gateway", "(?i)direct|memory|heap|jvm_options|deploy"),
        {"gateway": "(?i)Cannot reserve \\d+ bytes of direct buffer memory|OutOfDirectMemoryError"},
    ),
    Fault(
        "threads-deadlocked", "a release of chat takes two locks in two orders: its threads wait for each other, and nobody is answered",
        fourth.with_source("chat", f.TWO_LOCKS),
        Expected("NOT_ANSWERING|HEALTH_SLOW|GW_504|X_HANGING|X_DEADLOCK|THREADS|DEADLOCK", "chat", "(?i)chat|restart|jstack|jcmd|rollback"),
        use=lambda stand: stand.traffic.many(("/api/chat/info", "/api/chat/presence"), times=4, timeout=6) and None,
        check=lambda stand: asked(stand, "/api/chat/info", 8) == 504,
    ),
    Fault(
        "files-leak", "a release of mail opens a file for each question and closes none, until it may open no more",
        f.files_leak,
        Expected("NOFILE", "mail", r"(?i)nofile|fd|file|ulimit|lsof|restart|rollback"),
        {"mail": "Too many open files"}, use=lambda stand: stand.traffic.many(("/api/mail/info",), times=60, timeout=2) and None,
    ),
    Fault(
        "web-switched-off", "approval's environment still has a setting of a batch run: it starts without a web server and ends at once",
        i.environment("approval", SPRING_MAIN_WEBAPPLICATIONTYPE="none"),
        Expected(f"unknown|PROCESS_STOPPED|X_STOPPED|GW_REFUSED|NOT_ANSWERING|X_WEB_TYPE|{SETTING}", "approval",
                 rf"(?i)web.?application.?type|approval|{DEPLOY}"),
        {"approval": "Started ApprovalApplication", "gateway": "Connection refused"}, check=o.has_ended("approval"), outside=True,
        differences="SPRING_MAIN_WEBAPPLICATIONTYPE",
    ),
)

ADDRESSES = (
    Fault(
        "route-to-itself", "the gateway's address of approval is its own: it asks itself and has no such path",
        i.environment("gateway", SERVICE_APPROVAL_URL=f"http://127.0.0.1:{PORTS['gateway']}"),
        Expected("WRONG_URL|GW_404|X_ROUTE|X_ROUTE_LOOP", "gateway", rf"SERVICE_APPROVAL_URL|{DEPLOY}"),
        check=lambda stand: asked(stand, "/api/approval/info") == 404 and asked(stand, "/api/mail/info") == 200,
        differences="SERVICE_APPROVAL_URL",
    ),
    Fault(
        "name-with-underscore", "the gateway's address of synapsex has the name of compose, with an underscore, and it does not start",
        i.environment("gateway", SERVICE_SYNAPSEX_URL=f"http://synapsex_service:{PORTS['synapsex']}"),
        # GW_DNS, for which its writer did not look here, names the variable and its value.
        Expected(f"WRONG_URL|GW_DNS|STARTUP_FAILED|CONFIG_INVALID|X_BIND|{SETTING}", "gateway",
                 rf"SERVICE_SYNAPSEX_URL|synapsex_service|{DEPLOY}"),
        {"gateway": "URISyntaxException: Expected scheme-specific part"}, differences="SERVICE_SYNAPSEX_URL",
    ),
    Fault(
        "certificate-of-another-name", "gateway and synapsex speak TLS, and the certificate is for another name than the gateway asks",
        f.certificate_of_another_name("synapsex"),
        Expected("TLS|X_TLS_NAME|TLS_NAME|CERTIFICATE_NAME", "gateway|synapsex",
                 rf"(?i)openssl|certificate|keytool|ssl|SERVICE_SYNAPSEX_URL|{DEPLOY}", may="gateway synapsex"),
        {"gateway": "No subject alternative names|No name matching|CertificateException"},
    ),
)

SETTINGS = (
    Fault(
        "origin-forgotten", "the gateway was given the origins of a new portal, and that of the old pages was forgotten: 403 to users",
        i.environment("gateway", CORS_ALLOWED_ORIGINS="https://portal.dwp.example"),
        Expected(f"unknown|X_CORS|CORS|{SETTING}", "gateway", rf"(?i)cors|gateway|{DEPLOY}", status="healthy|degraded"), outside=True,
        use=i.calls(of_the_frontend), check=lambda stand: of_the_frontend(stand.traffic)[0] == 403, differences="CORS_ALLOWED_ORIGINS",
    ),
    Fault(
        "disk-threshold", "main counts as down as long as its disk has less than a hundred terabytes free; it works well",
        i.environment("main", MANAGEMENT_HEALTH_DISKSPACE_THRESHOLD="100TB"),
        Expected(f"unknown|DISK_FULL|X_DISK_THRESHOLD|HEALTH_DISK|{SETTING}", "main",
                 rf"(?i)diskspace|threshold|\bdf\b|main|{DEPLOY}", risk=ANY), outside=True,
        shows={"main": "(?i)free disk space at path .* below threshold"},
        check=lambda stand: (
            stand.traffic.ask(PORTS["main"], "/actuator/health") == 503 and stand.traffic.ask(PORTS["main"], "/main/tasks") == 200
        ),
        differences="MANAGEMENT_HEALTH_DISKSPACE_THRESHOLD",
    ),
    Fault(
        "log-level-unknown", "auth has a word for its log level that Boot does not know, and ends before it has a log",
        i.environment("auth", LOG_LEVEL_AUTH="VERBOSE"),
        Expected(f"STARTUP_FAILED|CONFIG_INVALID|X_BIND|{SETTING}", "auth", rf"LOG_LEVEL_AUTH|(?i:log)|{DEPLOY}", may=AROUND_AUTH),
        {"auth": "Failed to bind properties under 'logging.level|VERBOSE"}, differences="LOG_LEVEL_AUTH",
    ),
)

SERVICES = (*SECRETS, *PROCESSES, *ADDRESSES, *SETTINGS)
