# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The faults and the answers that are right. Written before the diagnosis was tuned, without a look at its signatures.

An answer is right if a person on call would be sent to the right place with it. Where two ids of the catalogue say the same of
a fault, both are accepted; where nothing in the catalogue says it, ``unknown`` is. Upper-case words that start with ``X_`` do not
exist: they stand for an id that the catalogue may get. The ids that it got instead were added after the first run, where they say
the same: NOT_ANSWERING, PROCESS_STOPPED, PROCESS_SUSPENDED, WRONG_URL, RESTART_NEEDED; PLACEHOLDER for a variable that is not set.
"""

from __future__ import annotations

from . import injections as i
from . import noise
from .combine import pair, with_noise
from .faults_servers import DATABASES, FLYWAY_FAULTS, REDIS
from .faults_services import ADDRESSES, PROCESSES, TOKENS
from .model import Expected, Fault
from .stand import PORTS
from .unseen import UNSEEN

OUTSIDE = (
    Fault(
        "dies-after-start", "mail ends by itself two seconds after each start (status 3)",
        i.jar("mail", i.variant("dies", 2)),
        Expected("unknown", "mail", "mail"), {"mail": "this release dies"}, outside=True,
    ),
    Fault(
        "never-healthy", "approval answers every request with 503",
        i.jar("approval", i.variant("never-healthy")),
        Expected("unknown", "approval", "approval"), outside=True,
        check=lambda stand: stand.traffic.ask(PORTS["approval"], "/approval/info") == 503,
    ),
    Fault(
        "jar-cut-off", "the jar of chat is cut off",
        i.jar("chat", i.cut_off),
        Expected("unknown|X_JAR|JAR_CORRUPT", "chat", "chat|deploy"), {"chat": "(?i)invalid or corrupt jarfile"}, outside=True,
    ),
    Fault(
        "not-executable", "the launcher of approval may not be executed",
        i.not_executable("approval"),
        Expected("unknown|X_STOPPED|PROCESS_STOPPED", "approval", "approval|deploy"), outside=True,
        check=lambda stand: stand.info("approval")["statename"] in ("BACKOFF", "FATAL", "STOPPED"),
    ),
    Fault(
        "java-gone", "the launcher of mail names a Java that is not there",
        i.launcher("mail", r"exec \S+", "exec /opt/java-21/bin/java"),
        Expected("unknown", "mail", "(?i)mail|java|deploy"), {"mail": "/opt/java-21/bin/java"}, outside=True,
    ),
    Fault(
        "killed-by-somebody", "mail was killed with SIGKILL and is not started again; the kernel had no part in it",
        i.killed("mail"),
        Expected("unknown|GW_REFUSED|X_STOPPED|PROCESS_KILLED|PROCESS_STOPPED", "mail", "mail", risk="restart"), outside=True,
        check=lambda stand: stand.info("mail")["statename"] in ("EXITED", "FATAL"),
    ),
    Fault(
        "function-gone", "a function that synapsex calls was renamed",
        i.sql(
            "dwp_aura", "ALTER FUNCTION dwp_aura.open_case_count(bigint) RENAME TO open_cases",
            "ALTER FUNCTION dwp_aura.open_cases(bigint) RENAME TO open_case_count",
        ),
        Expected("unknown", "synapsex", "."), {"synapsex": "open_case_count\\(bigint\\) does not exist"}, outside=True,
        use=i.calls(lambda traffic: traffic.call("GET", "/api/synapse/dashboard/summary")),
    ),
    Fault(
        "data-unreadable", "a column of main holds what the program cannot read",
        i.sql(
            "dwp_main",
            "DROP INDEX ix_agent_tasks_open; ALTER TABLE agent_tasks ALTER priority DROP DEFAULT, "
            "ALTER priority TYPE text USING priority::text; "
            "INSERT INTO agent_tasks (tenant_id, title, priority) VALUES (1, 'odd', 'urgent')",
            "DELETE FROM agent_tasks WHERE priority = 'urgent'; ALTER TABLE agent_tasks "
            "ALTER priority TYPE integer USING priority::integer, ALTER priority SET DEFAULT 0; "
            "CREATE INDEX ix_agent_tasks_open ON agent_tasks (tenant_id, priority DESC) WHERE status <> 'DONE'",
        ),
        Expected("unknown", "main", "."), {"main": "Bad value for type int"}, outside=True,
        use=i.calls(lambda traffic: traffic.call("GET", "/api/main/tasks")),
    ),
    Fault(
        "redis-memory", "Redis has no memory left and takes nothing more",
        i.all_of(i.approval_waits, i.redis_config("maxmemory", "1", "0")),
        Expected("unknown|X_REDIS_MEMORY|REDIS_MEMORY|REDIS_OOM|REDIS_FULL", "main|redis", "."),
        {"main": "command not allowed when used memory"}, outside=True,
        use=i.approve,
    ),
    Fault(
        "database-read-only", "the database of main takes no writes",
        i.sql("dwp_main", "ALTER DATABASE dwp_main SET default_transaction_read_only = on",
              "ALTER DATABASE dwp_main RESET default_transaction_read_only", drop=True),
        Expected("unknown|X_PG_READ_ONLY|PG_READONLY|PG_READ_ONLY", "main|postgres", "."),
        {"main": "read-only transaction"}, outside=True,
        use=i.calls(lambda traffic: traffic.call("POST", "/api/main/tasks", {"title": "a task"})),
    ),
)

BY_ID = {fault.id: fault for fault in (*DATABASES, *FLYWAY_FAULTS, *REDIS, *TOKENS, *PROCESSES, *ADDRESSES, *OUTSIDE)}

NOISY = (
    with_noise(BY_ID["database-stopped"], "old-errors", "errors of yesterday in mail and chat", noise.old_errors("mail", "chat")),
    with_noise(BY_ID["service-stopped"], "warnings", "thousands of warnings in chat", noise.warnings("chat")),
    with_noise(BY_ID["jwt-different"], "red-herring", "a stack trace in chat that hurts nobody", noise.red_herring("chat")),
    with_noise(BY_ID["schema-permission"], "restart", "mail was restarted by somebody", noise.restarted("mail")),
    with_noise(BY_ID["redis-stopped"], "old-errors", "errors of yesterday in auth and approval", noise.old_errors("auth", "approval")),
    with_noise(BY_ID["dies-after-start"], "red-herring", "a stack trace in approval that hurts nobody", noise.red_herring("approval")),
    with_noise(BY_ID["route-dead"], "warnings", "thousands of warnings in mail", noise.warnings("mail")),
)

PAIRS = (
    pair(BY_ID["service-stopped"], BY_ID["schema-permission"]),
    pair(BY_ID["redis-stopped"], BY_ID["database-name-wrong"]),
    pair(BY_ID["checksum-changed"], BY_ID["port-taken"]),
    pair(BY_ID["jwt-too-short"], BY_ID["dns-wrong"]),
)

FAULTS = (*BY_ID.values(), *NOISY, *PAIRS, *UNSEEN)

#: Nothing is wrong, whatever the logs say.
QUIET = (
    Fault("quiet-old-errors", "errors from before the last start", noise.old_errors("mail", "chat", "main"), Expected("unknown", "none")),
    Fault("quiet-warnings", "thousands of warnings", noise.warnings("mail"), Expected("unknown", "none")),
    Fault("quiet-restart", "a service was restarted", noise.restarted("approval"), Expected("unknown", "none")),
)
