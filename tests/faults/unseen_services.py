# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unseen faults of processes, of their files and of what they are told at start."""

from __future__ import annotations

from typing import Any

from . import injections as i
from . import injections_processes as p
from .faults_servers import DEPLOY
from .model import ANY, Expected, Fault, no_traffic
from .proxies import listens
from .stand import FIRST_PORT, PORTS

SILENT = "NOT_ANSWERING|HEALTH_SLOW|GW_504|X_HANGING"
SPARE_PORT = FIRST_PORT + 13


def not_well(service: str, path: str) -> Any:
    return lambda stand: stand.traffic.ask(PORTS[service], path) != 200


RELEASES = (
    Fault(
        "main-class-gone", "the manifest of approval's jar names a class that is not in it",
        i.jar("approval", p.main_class_misspelt),
        Expected("unknown|X_MAIN_CLASS|X_JAR|JAR_CORRUPT|CLASS_MISSING", "approval", "approval|deploy|rollback"),
        {"approval": "Could not find or load main class"}, outside=True,
    ),
    Fault(
        "library-missing", "a library of mail's release is gone: the driver of PostgreSQL",
        p.library_missing("mail", "postgresql-*.jar"),
        Expected("STARTUP_FAILED|unknown|X_LIBRARY|CLASS_MISSING", "mail", "mail|deploy|rollback"),
        {"mail": "Failed to load driver class org.postgresql.Driver"},
    ),
    Fault(
        "jar-of-another", "the release of chat has the program of mail",
        p.jar_of("chat", "mail"),
        Expected("unknown|X_WRONG_JAR|WRONG_JAR", "chat", "chat|deploy|rollback"),
        {"chat": "No static resource chat/info"}, outside=True,
    ),
    Fault(
        "flaps", "mail answers well for a second, then for eight seconds 503, and so on",
        i.jar("mail", i.variant("flaps", 1, 8)),
        Expected("unknown|X_FLAPPING|NOT_ANSWERING", "mail", "mail"), outside=True,
        check=lambda stand: stand.traffic.ask(PORTS["mail"], "/mail/info") == 503,
    ),
    Fault(
        "slow-start", "approval has been starting for minutes and does not listen yet",
        i.jar("approval", i.variant("slow-start", 900)),
        Expected("unknown|GW_REFUSED|NOT_ANSWERING|X_STARTING|STARTING|START_SLOW", "approval", "approval"),
        {"approval": "Release variant: waiting", "gateway": "Connection refused"}, outside=True,
    ),
    Fault(
        "directory-missing", "approval's launcher goes to a directory that does not exist",
        i.launcher("approval", r'cd "\$here"', "cd /srv/dwp/work"),
        Expected("unknown|X_LAUNCHER", "approval", "approval|deploy|/srv/dwp/work", risk=ANY),
        {"approval": "(?i)can.t cd to /srv/dwp/work|/srv/dwp/work: no such file"}, outside=True,
    ),
    Fault(
        "environment-unreadable", "the environment file of main may be read by nobody",
        p.environment_text("main", lambda text: text, mode=0),
        Expected("unknown|X_ENV_FILE|CONFIG_MISSING|PLACEHOLDER", "main", "(?i)main|environment|chmod|chown|deploy", risk=ANY),
        {"main": r"environment: Permission denied|[Cc]an(no|')t open \S+environment"}, outside=True,
    ),
    Fault(
        "environment-quote", "somebody edited the environment of mail by hand and left out a quote",
        p.environment_text("mail", lambda text: text + "MAIL_GREETING='it's Monday'\n"),
        Expected("unknown|X_ENV_SYNTAX|CONFIG_MISSING", "mail", "(?i)mail|environment|deploy"),
        {"mail": "(?i)unterminated quoted string|unexpected EOF"}, outside=True,
    ),
    Fault(
        "program-removed", "supervisord does not know approval any more",
        p.program_removed("approval"),
        Expected("unknown|GW_REFUSED|X_STOPPED|PROCESS_STOPPED|NOT_ANSWERING", "approval", "approval|deploy"),
        {"gateway": "Connection refused"},
    ),
)

JVM = (
    Fault(
        "jvm-option-unknown", "chat is started with an option that this Java does not know",
        i.launcher("chat", r"-XX:\+UseSerialGC", "-XX:+UseSerialGCC"),
        Expected("unknown|X_JVM_OPTION|JVM_OPTION", "chat", "(?i)chat|jvm_options|deploy|rollback"),
        {"chat": "Unrecognized VM option"}, outside=True,
    ),
    Fault(
        "address-space", "approval may have less memory than its heap needs",
        i.launcher("approval", "set -a", "ulimit -v 500000\nset -a"),
        Expected("unknown|X_MEMORY|JVM_OPTION|OOM_HEAP|OOM_NATIVE", "approval", "(?i)approval|mem|Xmx|heap|ulimit|deploy"),
        {"approval": "(?i)could not reserve enough space|insufficient memory|could not allocate|unable to allocate"}, outside=True,
    ),
    Fault(
        "threads-exhausted", "mail may start no further thread",
        p.few_threads("mail"),
        Expected("OOM_HEAP|X_THREADS|OOM_THREADS|THREADS|NPROC", "mail", "(?i)mail|thread|nproc|ulimit|restart", risk=ANY),
        {"mail": "unable to create (new )?native thread"},
        use=lambda stand: stand.traffic.many(("/api/mail/info",), times=48, workers=24, timeout=4) and None,
    ),
    Fault(
        "metaspace-exhausted", "approval's classes do not fit into the metaspace that it may have",
        i.launcher("approval", "-Xmx160m", "-Xmx160m -XX:MaxMetaspaceSize=16m"),
        Expected("OOM_HEAP|X_METASPACE|OOM_METASPACE", "approval", "(?i)metaspace|memory|heap|jvm_options|deploy"),
        {"approval": "OutOfMemoryError: (Metaspace|Compressed class space)"}, use=no_traffic,
    ),
    Fault(
        "native-crash", "the Java of chat breaks with SIGSEGV some seconds after each start",
        i.launcher("chat", r"exec (\S+/java)", "ulimit -c 0\n(sleep 7; kill -SEGV $$) &\nexec /usr/bin/java -XX:ErrorFile=/dev/null"),
        Expected("unknown|X_JVM_CRASH|JVM_CRASH", "chat", "chat|deploy|rollback"),
        {"chat": "A fatal error has been detected by the Java Runtime Environment"}, outside=True,
    ),
    Fault(
        "gateway-frozen", "the gateway accepts connections and never answers; everything behind it is well",
        i.frozen("gateway"),
        Expected("NOT_ANSWERING|PROCESS_SUSPENDED|HEALTH_SLOW|X_HANGING", "gateway", "gateway|restart|jstack|kill", status="degraded|down"),
        check=not_well("gateway", "/api/main/health"),
    ),
    Fault(
        "threads-wait-for-aura", "all threads of synapsex wait for an AI platform that does not answer",
        p.threads_wait,
        Expected(f"{SILENT}|FEIGN", "synapsex|aura", "synapsex|restart|jstack|jcmd|AURA"),
        check=not_well("synapsex", "/synapse/dictionary"), use=p.analyses,
    ),
)

SETTINGS = (
    Fault(
        "bound-elsewhere", "mail listens on another address of the host than the one the gateway asks",
        i.environment("mail", SERVER_ADDRESS="127.0.0.2"),
        Expected("GW_REFUSED|NOT_ANSWERING|X_BOUND|LISTENS_ELSEWHERE|WRONG_URL", "mail", rf"SERVER_ADDRESS|mail|{DEPLOY}"),
        {"gateway": "Connection refused"}, check=lambda stand: listens("127.0.0.2", PORTS["mail"]),
    ),
    Fault(
        "gateway-port-wrong", "the gateway listens on a port that nobody asks",
        i.environment("gateway", SERVER_PORT=str(SPARE_PORT)),
        Expected("unknown|NOT_ANSWERING|X_PORT|WRONG_PORT|LISTENS_ELSEWHERE|WRONG_URL|GW_REFUSED", "gateway",
                 rf"SERVER_PORT|gateway|{DEPLOY}"),
        check=lambda stand: stand.traffic.ask(SPARE_PORT, "/api/main/health") == 200, outside=True, differences="SERVER_PORT",
    ),
    Fault(
        "port-of-another", "chat was given the port of mail",
        i.environment("chat", SERVER_PORT=str(PORTS["mail"])),
        Expected("PORT_IN_USE", "chat", rf"SERVER_PORT|{PORTS['mail']}|ss |{DEPLOY}", risk=ANY),
        {"chat": f"Port {PORTS['mail']} was already in use"}, differences="SERVER_PORT",
    ),
    Fault(
        "bean-missing", "somebody switched Redis off in chat, which needs it",
        i.environment("chat", SPRING_AUTOCONFIGURE_EXCLUDE="org.springframework.boot.autoconfigure.data.redis.RedisAutoConfiguration"),
        Expected("BEAN_MISSING", "chat", rf"SPRING_AUTOCONFIGURE_EXCLUDE|{DEPLOY}"),
        {"chat": "required a bean of type"},
    ),
    Fault(
        "datasource-url-empty", "mail has an address of its database that is empty",
        i.environment("mail", SPRING_DATASOURCE_URL=""),
        Expected("DS_NO_URL", "mail", rf"SPRING_DATASOURCE_URL|DB_|{DEPLOY}"),
        {"mail": "'url' attribute is not specified"},
    ),
    Fault(
        "config-import-missing", "synapsex is told to read a file that does not exist; the console alone says so",
        i.environment("synapsex", SPRING_CONFIG_IMPORT="file:/etc/dwp/synapsex-extra.yml"),
        Expected("CONFIG_MISSING", "synapsex", rf"SPRING_CONFIG_IMPORT|synapsex-extra|{DEPLOY}"),
        {"synapsex": "Config data resource .* does not exist"},
    ),
    Fault(
        "value-not-a-number", "a timeout of main has a unit where a number is wanted",
        i.environment("main", SPRING_DATASOURCE_HIKARI_CONNECTIONTIMEOUT="30s"),
        Expected("STARTUP_FAILED|unknown|X_BIND|CONFIG_INVALID", "main", rf"(?i)CONNECTION.?TIMEOUT|log|{DEPLOY}"),
        {"main": "Failed to bind properties under 'spring.datasource.hikari.connection-timeout'"},
    ),
    Fault(
        "ddl-auto-misspelt", "synapsex has a word in JPA_DDL_AUTO that Hibernate does not know",
        i.environment("synapsex", JPA_DDL_AUTO="validat"),
        Expected("STARTUP_FAILED|unknown|X_BIND|CONFIG_INVALID|ENVIRONMENT_RULE", "synapsex", rf"JPA_DDL_AUTO|(?i:log)|{DEPLOY}"),
        {"synapsex": "validat\\b"}, differences="JPA_DDL_AUTO",
    ),
    Fault(
        "seed-resets-admin", "auth runs without a profile: its start has reset the administrator's password, and nobody gets in",
        i.all_of(p.password_restored, i.environment("auth", SPRING_PROFILES_ACTIVE=None, DWP_SEED_ENABLED=None)),
        Expected("PROFILE_DEFAULT|unknown|CONFIG_MISSING", "auth", rf"SPRING_PROFILES_ACTIVE|DWP_SEED|{DEPLOY}"),
        {"auth": "password of tenant 1 admin reset"},
        check=lambda stand: stand.traffic.login() == 401, differences="SPRING_PROFILES_ACTIVE",
    ),
)
