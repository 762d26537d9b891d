# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The seventh part of the unseen faults: tokens, processes, addresses and settings of services."""

from __future__ import annotations

import base64

from . import injections as i
from . import injections_fifth as fifth
from . import injections_fourth as fourth
from . import injections_processes as p
from . import injections_seventh as f
from . import proxies
from .faults_servers import ALL, DEPLOY
from .model import ANY, READ, Expected, Fault, no_traffic
from .stand import CLOSED_PORT, PORTS, POSTGRES_PORT, SECRETS
from .unseen_fourth import SETTING, asked, login_and_approve

# fmt: off
TOKENS = (
    Fault(
        "jwt-base64", "main was given the JWT_SECRET as it stands in a manifest: encoded, and decoded by nobody",
        i.environment("main", JWT_SECRET=base64.b64encode(SECRETS["jwt"].encode()).decode()),
        Expected("JWT_SIG", "main|auth", rf"JWT_SECRET|{DEPLOY}"),
        {"main": "JWT signature validation failed"}, use=i.calls(login_and_approve), differences="JWT_SECRET",
    ),
    Fault(
        "token-expired-at-auth", "a page that was left open over night goes on asking auth with the token of yesterday",
        no_traffic,
        Expected("JWT_EXP", "auth|none", ".", risk=READ, status="healthy|degraded"),
        {"auth": "Jwt expired at"}, use=i.calls(lambda traffic: traffic.profile(f.of_yesterday(traffic))),
    ),
    Fault(
        "token-times-as-text", "a Python program signs tokens whose times are texts: 401 from auth to all of them",
        no_traffic,
        Expected("JWT_MALFORMED", "auth|none", ".", risk=READ, status="healthy|degraded"),
        {"auth": "Malformed payload"}, use=i.calls(lambda traffic: traffic.profile(f.with_times_as_text(traffic))),
    ),
)

PROCESSES = (
    Fault(
        "gateway-port-taken", "another program got the port of the gateway while that was restarted, and answers 404 to everybody",
        i.port_taken("gateway"),
        Expected("PORT_IN_USE", "gateway", rf"{PORTS['gateway']}|ss |lsof|kill|fuser", risk=ANY),
        {"gateway": f"Port {PORTS['gateway']} was already in use"}, use=no_traffic,
    ),
    Fault(
        "leak-exits", "a release of approval fills its heap some seconds after each start, and its Java was told to end when that happens",
        i.all_of(i.launcher("approval", "-Xmx160m", "-Xmx160m -XX:+ExitOnOutOfMemoryError"), fourth.with_source("approval", f.PREVIEWS)),
        Expected("OOM_HEAP", "approval", "(?i)heap|Xmx|memory|jcmd|jmap|rollback|deploy|restart"),
        {"approval": "Terminating due to java.lang.OutOfMemoryError: Java heap space"}, check=fifth.exits("approval", 1),
    ),
    Fault(
        "heap-by-environment", "_JAVA_OPTIONS of somebody's experiment stands in chat's environment, and its heap wins over the launcher's",
        i.environment("chat", _JAVA_OPTIONS="-Xmx9m"),
        Expected("OOM_HEAP", "chat", "(?i)Xmx|heap|memory|jvm_options|java_options|deploy"),
        {"chat": "OutOfMemoryError"}, use=no_traffic, differences="_JAVA_OPTIONS",
    ),
    Fault(
        "threads-at-start", "a hardened launcher lets approval's user have twenty threads, and the host has given it more already",
        i.launcher("approval", r"exec (?=\S+/java )", "prlimit --pid=$$ --nproc=20:20\nexec "),
        Expected("OOM_HEAP|OOM_THREADS|X_THREADS|THREADS|NPROC|OOM_NATIVE", "approval",
                 "(?i)approval|thread|nproc|ulimit|prlimit|deploy|rollback", risk=ANY),
        {"approval": "unable to create (new )?native thread|pthread_create failed"},
    ),
    Fault(
        "two-left-stopped", "chat and approval were stopped for the work of a night, and nobody has started them again",
        i.stopped("chat", "approval"),
        Expected("GW_REFUSED|X_STOPPED|PROCESS_STOPPED", "chat|approval", "chat|approval", risk="restart", may="gateway chat approval"),
        {"gateway": "Connection refused"},
    ),
    Fault(
        "library-empty", "a copy over the network left a library of the gateway with no byte in it",
        fifth.library_changed("gateway", "spring-cloud-gateway-server-*.jar", lambda _content: b""),
        Expected("STARTUP_FAILED|CLASS_MISSING|X_CLASS|X_JAR|JAR_CORRUPT", "gateway", r"(?i)rollback\.yml|deploy\.yml|log|gateway"),
        {"gateway": r"NoClassDefFoundError|ClassNotFoundException|class path resource \[org/springframework/cloud/gateway/\S+ cannot be"},
    ),
    Fault(
        "log-without-end", "approval has written one line again and again, until the file system of the logs was full",
        f.log_without_end("approval"),
        Expected("DISK_FULL", "none|auth|main|mail|chat|approval|synapsex|gateway", "(?i)df|du|disk|space|rm |rotate|truncate", risk=ANY,
                 may=ALL),
        check=lambda stand: i.free_space(stand) == 0, needs_root=True,
    ),
    Fault(
        "log-read-only", "a script made the log of mail's garbage collections read-only, and its Java does not start without it",
        f.gc_log_read_only("mail"),
        Expected("unknown|STARTUP_FAILED|X_LOG|LOG_UNWRITABLE|LOG_DENIED|LOG_FILE|JVM_OPTION", "mail", "(?i)mail|chmod|chown|log|deploy",
                 risk=ANY),
        {"mail": r"Error opening log file '\S+mail-gc\.log': Permission denied"}, outside=True,
    ),
)

SETTINGS = (
    Fault(
        "variable-mistyped", "synapsex has a DB_PROT and no DB_PORT since its environment was written anew, and takes the default",
        i.environment("synapsex", DB_PORT=None, DB_PROT=str(POSTGRES_PORT)),
        Expected("CONFIG_MISSING|PLACEHOLDER|PG_REFUSED|DB_UNREACHABLE|ENVIRONMENT_RULE", "synapsex", rf"DB_PORT|DB_PROT|{DEPLOY}"),
        {"synapsex": "Connection to 127.0.0.1:5432 refused"}, differences="DB_PORT",
    ),
    Fault(
        "datasource-url-foreign", "mail was given the address of its database in the form that other programs want, without jdbc: in front",
        i.environment("mail", SPRING_DATASOURCE_URL=f"postgresql://127.0.0.1:{POSTGRES_PORT}/dwp_mail"),
        Expected(f"STARTUP_FAILED|WRONG_URL|CONFIG_INVALID|X_BIND|{SETTING}", "mail", rf"SPRING_DATASOURCE_URL|(?i:log)|{DEPLOY}"),
        {"mail": "URL must start with 'jdbc'"}, differences="SPRING_DATASOURCE_URL",
    ),
    Fault(
        "naming-strategy", "somebody gave main another way to name columns, and none has the name that it now looks for",
        i.environment("main", SPRING_JPA_HIBERNATE_NAMING_PHYSICALSTRATEGY=(
            "org.hibernate.boot.model.naming.PhysicalNamingStrategyStandardImpl")),
        Expected(f"SCHEMA_VALIDATE|{SETTING}", "main", rf"(?i)naming|agent_tasks|flyway_|{DEPLOY}", risk=ANY),
        {"main": r"Schema-validation: missing column \[[a-z]+[A-Z]\w+\]"},
        differences="SPRING_JPA_HIBERNATE_NAMING_PHYSICALSTRATEGY",
    ),
    Fault(
        "corrected-not-restarted", "approval was restarted with a wrong DB_PORT; its file is right again, the process is not",
        f.corrected_too_late("approval", DB_PORT=str(CLOSED_PORT)),
        Expected("RESTART_NEEDED|PG_REFUSED|DB_UNREACHABLE", "approval", r"restart|deploy\.yml"),
        {"approval": f"Connection to 127.0.0.1:{CLOSED_PORT} refused"}, differences="DB_PORT",
    ),
    Fault(
        "environment-conflict", "the environment of chat was merged with what was in git, and nobody has decided which half is right",
        p.environment_text("chat", lambda text: f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> rotate-passwords\n"),
        Expected("unknown|X_ENV_SYNTAX|ENV_SYNTAX|CONFIG_MISSING", "chat", "(?i)chat|environment|deploy"),
        {"chat": "(?i)syntax error"}, outside=True,
    ),
)

ADDRESSES = (
    Fault(
        "letter-for-digit", "the gateway's address of approval ends with a letter that looks like a digit",
        i.environment("gateway", SERVICE_APPROVAL_URL=f"http://127.0.0.l:{PORTS['approval']}"),
        Expected("GW_DNS|WRONG_URL", "gateway", rf"SERVICE_APPROVAL_URL|127\.0\.0\.l|{DEPLOY}"),
        {"gateway": "Failed to resolve|UnknownHost"}, differences="SERVICE_APPROVAL_URL",
    ),
    Fault(
        "proxy-cuts-answers", "the gateway reaches synapsex over something that begins each answer well and then hangs up",
        proxies.in_front_of("synapsex", f.cuts_answers),
        Expected("GW_PREMATURE|WRONG_URL", "gateway", rf"SERVICE_SYNAPSEX_URL|{proxies.PROXY_PORT}|{DEPLOY}"),
        {"gateway": "Connection prematurely closed DURING response"}, differences="SERVICE_SYNAPSEX_URL",
    ),
    Fault(
        "proxy-drops-tenant", "the gateway reaches main over a proxy that takes the X-Tenant-ID out: 400 to all who ask for tasks",
        proxies.in_front_of("main", f.drops_header("main", b"X-Tenant-ID")),
        Expected("TENANT_MISSING|WRONG_URL", "main|gateway", rf"X-Tenant-ID|SERVICE_MAIN_URL|{proxies.PROXY_PORT}|{DEPLOY}"),
        {"main": "Missing required header: X-Tenant-ID"}, check=lambda stand: asked(stand, "/api/main/tasks") == 400,
        differences="SERVICE_MAIN_URL",
    ),
    Fault(
        "certificate-wanted", "chat was hardened: it speaks TLS with those alone who show a certificate, and the gateway has none",
        f.wants_certificate("chat"),
        Expected("TLS|GW_PREMATURE", "gateway|chat", rf"(?i)openssl|certificate|keytool|ssl|tls|SERVICE_CHAT_URL|{DEPLOY}",
                 may="gateway chat"),
        {"gateway": "(?i)bad_certificate|certificate_required|SSLHandshakeException|prematurely closed"},
        check=lambda stand: proxies.listens("127.0.0.1", PORTS["chat"]) and asked(stand, "/api/chat/info") == 500,
    ),
    Fault(
        "filter-unknown", "a filter was put before all routes for which the gateway has no library: it ends at each start",
        i.environment("gateway", SPRING_CLOUD_GATEWAY_DEFAULTFILTERS_0="CircuitBreaker=downstream"),
        Expected(f"STARTUP_FAILED|CONFIG_INVALID|X_ROUTE|X_FILTER|{SETTING}", "gateway", rf"(?i)filter|route|gateway|{DEPLOY}"),
        {"gateway": "Unable to find GatewayFilterFactory with name CircuitBreaker"}, use=no_traffic,
        differences="SPRING_CLOUD_GATEWAY_DEFAULTFILTERS_0",
    ),
)

SERVICES = (*TOKENS, *PROCESSES, *SETTINGS, *ADDRESSES)
