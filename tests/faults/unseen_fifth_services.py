# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fifth part of the unseen faults: tokens, processes, addresses and settings of services."""

from __future__ import annotations

from . import injections as i
from . import injections_fifth as f
from . import proxies
from .faults_servers import DEPLOY
from .model import ANY, READ, Expected, Fault, no_traffic
from .stand import PORTS

# fmt: off
NEW_SECRET = "rotated-jwt-secret-of-november-0123456789abcdef"
SHORT_SECRET = "November-2026!"
APPROVE = i.all_of(i.approval_waits, i.approve)
NEW_LOGIN_APPROVES = i.calls(lambda traffic: (traffic.login(), traffic.approve()))

TOKENS = (
    Fault(
        "jwt-rotated-auth-first", "JWT_SECRET was rotated for auth and main, and auth alone was restarted",
        i.all_of(i.edited("main", JWT_SECRET=NEW_SECRET), i.environment("auth", JWT_SECRET=NEW_SECRET)),
        Expected("JWT_SIG|RESTART_NEEDED", "main", rf"JWT_SECRET|{DEPLOY}", may="gateway main auth"),
        {"main": "JWT signature validation failed"}, use=NEW_LOGIN_APPROVES, differences="JWT_SECRET",
    ),
    Fault(
        "jwt-rotated-short", "JWT_SECRET was rotated for auth and main at once, to a password of fourteen characters",
        f.rotated("auth main", JWT_SECRET=SHORT_SECRET),
        Expected("JWT_WEAK", "main|auth", rf"JWT_SECRET|{DEPLOY}", may="gateway main auth"),
        {"main": "WeakKeyException|not secure enough", "auth": "(?i)secret length must be at least 256 bits|KeyLengthException"},
        differences="JWT_SECRET",
    ),
    Fault(
        "token-of-a-clock-ahead", "a program whose clock is half an hour ahead signs tokens that are not valid yet",
        no_traffic,
        Expected("JWT_EXP|JWT_EARLY|X_JWT_EARLY|X_CLOCK|CLOCK|CLOCK_SKEW|unknown", "main|none", ".", risk=READ, status="healthy|degraded"),
        {"main": "JWT early by"},
        use=i.calls(lambda traffic: traffic.approve(f.of_a_clock_ahead(traffic))),
    ),
    Fault(
        "tenant-missing-in-auth", "a new page asks auth for the policy without X-Tenant-ID, which the gateway lets through",
        no_traffic,
        Expected("TENANT_MISSING", "auth|gateway|none", "X-Tenant-ID", risk=READ, status="healthy|degraded"),
        {"auth": "Missing required header: X-Tenant-ID"},
        use=i.calls(lambda traffic: traffic.call("GET", "/api/auth/policy", headers={})),
    ),
)

PROCESSES = (
    Fault(
        "port-held-by-itself", "somebody started approval in a shell: it works, and that of supervisord never gets the port",
        f.started_by_hand("approval"),
        # ORPHAN, which the writer did not know of, names the holder.
        Expected("PORT_IN_USE|ORPHAN", "approval", rf"{PORTS['approval']}|ss |lsof|kill|fuser", risk=ANY),
        {"approval": f"Port {PORTS['approval']} was already in use"},
    ),
    Fault(
        "killed-once-by-kernel", "the kernel took synapsex for lack of memory after it had run well, and nobody started it again",
        f.killed_by_the_kernel("synapsex"),
        Expected("OOM_KILLED", "synapsex", "(?i)memory|Xmx|dmesg|journalctl|restart|deploy"),
        {"gateway": "Connection refused"}, check=i.seen_by_kernel, needs_root=True,
    ),
    Fault(
        "heap-full-of-rows", "twenty rows of main's table are so large that its heap cannot hold them: each look at the tasks ends so",
        i.all_of(
            lambda stand: stand.touched.add("main"),
            i.sql(
                "dwp_main", "ALTER TABLE agent_tasks ALTER title TYPE text; "
                "INSERT INTO agent_tasks (tenant_id, title) SELECT 1, repeat('x', 12000000) FROM generate_series(1, 20)",
                "DELETE FROM agent_tasks WHERE length(title) > 300; ALTER TABLE agent_tasks ALTER title TYPE varchar(300)", drop=True,
            ),
        ),
        Expected("OOM_HEAP", "main", "(?i)Xmx|heap|memory|jvm_options", risk=ANY),
        {"main": "OutOfMemoryError: Java heap space"},
    ),
    Fault(
        "library-of-a-newer-java", "a library of synapsex was replaced by one that was made for a newer Java",
        f.library_changed("synapsex", "slf4j-api-*.jar", f.all_of_a_newer_java),
        Expected("CLASS_VERSION", "synapsex", "(?i)java|deploy|rollback"),
        {"synapsex": "UnsupportedClassVersionError|more recent version of the Java Runtime"},
    ),
    Fault(
        "gateway-stopped-unnoticed", "the gateway is stopped: everything behind it is well, and nobody reaches it",
        i.stopped("gateway"),
        Expected("PROCESS_STOPPED|X_STOPPED|GW_REFUSED", "gateway", "gateway", risk="restart"),
        check=lambda stand: not proxies.listens("127.0.0.1", PORTS["gateway"]),
    ),
    Fault(
        "hangup-loop", "something sends chat SIGHUP nine seconds after each start, and it ends politely with 129, each time",
        i.launcher("chat", "set -a", "(sleep 9; kill -HUP $$) >/dev/null 2>&1 &\nset -a"),
        # CHANGED_BY_HAND, which the writer did not know of, is the launcher that sends the signal.
        Expected("unknown|X_CRASH_LOOP|CRASH_LOOP|RESTARTS|PROCESS_STOPPED|CHANGED_BY_HAND", "chat", "chat"), outside=True,
        check=f.exits("chat", 2),
    ),
    Fault(
        "files-at-start", "synapsex was given a limit of open files that is smaller than the number of its libraries",
        i.launcher("synapsex", "set -a", "ulimit -n 90\nset -a"),
        Expected("NOFILE", "synapsex", "(?i)nofile|fd|file|ulimit|restart|deploy|rollback"),
        {"synapsex": "Too many open files"},
    ),
    Fault(
        "timezone-unknown", "main's Java was given a time zone that PostgreSQL does not know, and no session begins",
        i.launcher("main", "-Xshare:auto", "-Xshare:auto -Duser.timezone=JST"),
        Expected("unknown|X_PG_TIMEZONE|PG_TIMEZONE|PG_PARAMETER|HIKARI_INIT", "main", rf"(?i)timezone|main|{DEPLOY}"), outside=True,
        shows={"main": 'invalid value for parameter "TimeZone"'},
    ),
)

ADDRESSES = (
    Fault(
        "address-missing", "the gateway lost its address of synapsex and takes the default of a developer's machine",
        i.environment("gateway", SERVICE_SYNAPSEX_URL=None),
        Expected("CONFIG_MISSING|PLACEHOLDER|GW_REFUSED|WRONG_URL|GW_LOCALHOST", "gateway", rf"SERVICE_SYNAPSEX_URL|{DEPLOY}"),
        {"gateway": "Connection refused: localhost/127.0.0.1:8085"}, differences="SERVICE_SYNAPSEX_URL",
    ),
    Fault(
        "datasource-of-the-readme", "approval was given the JDBC address of the README, with localhost, and it wins over DB_HOST",
        i.environment("approval", SPRING_DATASOURCE_URL="jdbc:postgresql://localhost:5432/dwp_approval"),
        Expected("PG_REFUSED|DB_UNREACHABLE|WRONG_URL", "approval", rf"SPRING_DATASOURCE_URL|{DEPLOY}"),
        {"approval": "Connection to localhost:5432 refused"}, differences="SPRING_DATASOURCE_URL",
    ),
    Fault(
        "audit-hangs", "main's address of auth leads to something that takes requests and says nothing: no decision is ever answered",
        i.all_of(i.approval_waits, proxies.proxy(proxies.hangs), i.environment("main", SERVICE_AUTH_URL=proxies.PROXY_URL)),
        Expected("FEIGN|WRONG_URL|GW_504", "main", rf"SERVICE_AUTH_URL|{proxies.PROXY_PORT}|{DEPLOY}"),
        use=i.approve, check=lambda stand: f.decision(stand) == 504, differences="SERVICE_AUTH_URL",
    ),
    Fault(
        "auth-name-of-compose", "main looks for auth under the name that it has in compose",
        i.environment("main", SERVICE_AUTH_URL=f"http://auth-server:{PORTS['auth']}"),
        Expected("FEIGN|WRONG_URL|GW_DNS|DNS|X_DNS", "main", rf"SERVICE_AUTH_URL|auth-server|{DEPLOY}"),
        {"main": "Failed to write audit log .*auth-server"}, use=APPROVE, differences="SERVICE_AUTH_URL",
    ),
    Fault(
        "certificate-expired", "gateway and approval speak TLS with each other, and approval's certificate ended yesterday",
        f.certificate_expired("approval"),
        Expected("TLS|X_TLS_EXPIRED|TLS_EXPIRED|CERTIFICATE_EXPIRED", "gateway|approval", rf"(?i)openssl|certificate|keytool|ssl|{DEPLOY}",
                 may="gateway approval"),
        {"gateway": "CertificateExpiredException|validity check failed"},
    ),
    Fault(
        "scheme-lost", "the gateway's address of chat has lost its http:// and the gateway does not start with it",
        i.environment("gateway", SERVICE_CHAT_URL=f"127.0.0.1:{PORTS['chat']}"),
        Expected("WRONG_URL|STARTUP_FAILED|CONFIG_INVALID|X_BIND|ENVIRONMENT_RULE", "gateway", rf"SERVICE_CHAT_URL|{DEPLOY}"),
        {"gateway": "URISyntaxException|Illegal character in scheme name|Failed to bind properties"}, differences="SERVICE_CHAT_URL",
    ),
    Fault(
        "prefix-for-all", "a default filter of the gateway changes every path: all services are asked for what none of them has",
        i.environment("gateway", SPRING_CLOUD_GATEWAY_DEFAULTFILTERS_0="PrefixPath=/v2"),
        Expected("unknown|GW_404|X_ROUTE|WRONG_URL|CHANGED_BY_HAND", "gateway", rf"(?i)filter|route|gateway|{DEPLOY}"), outside=True,
        shows={"mail": "No static resource api/mail/info"},
        check=lambda stand: stand.traffic.ask(stand.traffic.gateway, "/api/mail/info") == 500,
    ),
    Fault(
        "context-path-below-v1", "approval was moved below /v1, and nobody who asks it was told: 404",
        i.environment("approval", SERVER_SERVLET_CONTEXTPATH="/v1"),
        Expected("unknown|GW_404|X_CONTEXT_PATH|WRONG_URL|ENVIRONMENT_RULE|CHANGED_BY_HAND", "approval",
                 rf"(?i)context.?path|approval|{DEPLOY}"),
        outside=True, differences="SERVER_SERVLET_CONTEXTPATH",
        check=lambda stand: (
            stand.traffic.ask(PORTS["approval"], "/v1/approval/info") == 200
            and stand.traffic.ask(stand.traffic.gateway, "/api/approval/info") == 404
        ),
    ),
    Fault(
        "rotation-prepared", "mail and chat were given next month's DB_PASSWORD in their files: they run well until their next restart",
        i.all_of(i.edited("mail", DB_PASSWORD="December-2026"), i.edited("chat", DB_PASSWORD="December-2026")),
        Expected("unknown|X_ENV|RESTART_NEEDED", "mail|chat|none", ".", status="healthy|degraded", may="mail chat"),
        check=lambda stand: not stand.sick(), differences="DB_PASSWORD",
    ),
)

WELL = Expected("unknown", "none")

QUIET = (
    Fault("quiet-redis-back", "Redis was restarted, and all who use it have connected anew", f.redis_restarted, WELL),
    Fault("quiet-rolling-restart", "synapsex, auth and main were restarted one after the other while people worked",
          f.one_after_the_other("synapsex", "auth", "main"), WELL, {"gateway": "Connection refused"}),
    Fault("quiet-long-report", "a report of somebody runs for long and is in nobody's way", f.long_report, WELL,
          check=lambda stand: bool(stand.sql("postgres", "SELECT 1 FROM pg_stat_activity WHERE application_name = 'quarterly-report' "
                                             "AND state = 'active' AND now() - query_start > interval '5 seconds'"))),
    Fault("quiet-paths-of-nowhere", "somebody on the internet tries paths that exist nowhere", no_traffic, WELL,
          {"mail": "No static resource mail/.env"}, use=f.scanned),
)  # fmt: skip

SERVICES = (*TOKENS, *PROCESSES, *ADDRESSES)
