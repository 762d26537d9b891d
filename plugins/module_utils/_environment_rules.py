# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The default rules as data: every variable of the runbook and of the field notes, with the reason for each rule.

An entry: id, kind of rule, variable(s), services, what the kind needs, severity (error unless said), the severity
in_development if it is another there, why it matters, what to do, and where that is written down.
"""

from __future__ import annotations

from typing import Any

# What services are, where the catalogue does not say it (traits in service_rules).
DEFAULT_TRAITS: dict[str, tuple[str, ...]] = {
    "gateway": ("gateway",),
    "auth": ("database", "jwt"),
    "main": ("database", "jwt", "redis"),
    "mail": ("database",),
    "chat": ("database",),
    "approval": ("database",),
    "synapsex": ("database", "redis"),
    "aura": ("jwt",),
}

_RUNBOOK = "runbook, required environment"
_NOTES = "field notes 3"
_LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "OFF"]
_WITH_DATABASE = ["trait:database"]
_WITH_JWT = ["trait:jwt"]
_PUBLIC_JWT_SECRET = "your_shared_secret_key_must_be_at_least_256_bits_long_for_HS256"
_PUBLIC_PASSWORDS = ["dwp_password", "password", "postgres", "changeme", "secret", "admin", "redis"]
_RUNBOOK_URLS = ["SERVICE_AUTH_URL", "SERVICE_MAIN_URL", "SERVICE_MAIL_URL", "SERVICE_CHAT_URL", "SERVICE_APPROVAL_URL"]
_NEW_SECRET = 'Create one with "openssl rand -base64 48" and keep it in the vault of the inventory.'
_OWN_FILE = "Give each service an environment of its own."
_SEED = "Without the profile of a deployed environment auth resets the password of admin at every start."


def _profile_fixed() -> list[dict[str, Any]]:
    """The gateway's profile files name hosts of their own, so that its SERVICE_*_URL are not read there."""
    targets = {"AUTH": ("auth-server", 8001), "MAIN": ("main-service", 8081), "MAIL": ("mail-service", 8082),
               "CHAT": ("chat-service", 8083), "APPROVAL": ("approval-service", 8084)}
    return [
        {"id": f"shadowed-{name.lower()}-url", "rule": "shadowed", "variable": f"SERVICE_{name}_URL",
         "services": ["trait:gateway"], "profiles": ["dev", "prod"], "severity": "warning",
         "fixed": {"dev": f"http://localhost:{port}", "prod": f"http://{host}:{port}"},
         "fix": "Use a profile name that has no file, such as the name of the environment.",
         "source": "field notes 4, T9"}
        for name, (host, port) in targets.items()
    ]


_REQUIRED: list[dict[str, Any]] = [
    {"id": "gateway-urls", "rule": "required", "variable": _RUNBOOK_URLS, "services": ["trait:gateway"],
     "why": "The gateway would route to localhost.", "source": _RUNBOOK},
    {"id": "gateway-aura-uri", "rule": "required", "variable": "AURA_PLATFORM_URI", "services": ["trait:gateway"],
     "why": "The profiles dev and prod and the start-up validator read it.", "source": _RUNBOOK},
    {"id": "gateway-synapsex-url", "rule": "required", "variable": "SERVICE_SYNAPSEX_URL", "services": ["trait:gateway"],
     "when_service": "synapsex", "why": "Neither the runbook nor the start-up validator knows it.", "source": "T2"},
    {"id": "gateway-history-url", "rule": "required", "variable": "DWP_INTERNALAPI_AUTHSERVERURL",
     "services": ["trait:gateway"], "unless_set": "DWP_INTERNAL_API_AUTH_SERVER_URL", "severity": "warning",
     "in_development": "off", "why": "Call history goes to http://localhost:8001 and monitoring stays empty.",
     "fix": "Set it to the address of auth.", "source": "field notes 3, T26"},
    {"id": "database-address", "rule": "required", "variable": ["DB_HOST", "DB_PORT", "DB_NAME"],
     "services": _WITH_DATABASE, "unless_set": "SPRING_DATASOURCE_URL", "source": _RUNBOOK},
    {"id": "database-user", "rule": "required", "variable": "DB_USERNAME", "services": _WITH_DATABASE,
     "unless_set": "SPRING_DATASOURCE_USERNAME", "source": _RUNBOOK},
    {"id": "database-password", "rule": "required", "variable": "DB_PASSWORD", "services": _WITH_DATABASE,
     "unless_set": "SPRING_DATASOURCE_PASSWORD", "why": "The service would use the documented default.",
     "source": _RUNBOOK},
    {"id": "jwt-secret", "rule": "required", "variable": "JWT_SECRET", "services": _WITH_JWT,
     "why": "Unset, the service silently uses a public value; empty, it dies at start.", "fix": _NEW_SECRET,
     "source": "runbook, required environment; field notes 5, T24"},
    {"id": "redis-host", "rule": "required", "variable": "REDIS_HOST", "services": ["trait:redis"],
     "unless_set": "SPRING_DATA_REDIS_HOST", "in_development": "off", "why": "The default is localhost.",
     "source": "field notes 3, T24"},
    {"id": "chat-redis-host", "rule": "required", "variable": "SPRING_DATA_REDIS_HOST", "services": ["chat"],
     "severity": "warning", "in_development": "off",
     "why": "chat has localhost fixed and reads no REDIS_HOST; only Spring's own name changes it.", "source": _NOTES},
    {"id": "inner-auth-url", "rule": "required", "variable": "SERVICE_AUTH_URL", "services": ["main", "synapsex"],
     "in_development": "off", "why": "Audit records and permission checks go to http://localhost:8001.", "source": "T24"},
    {"id": "synapsex-aura-url", "rule": "required", "variable": "AURA_PLATFORM_URL", "services": ["synapsex"],
     "unless_set": "AURA_BASE_URL", "severity": "warning", "in_development": "off",
     "why": "The default is http://localhost:9000.", "source": _NOTES},
    {"id": "profile", "rule": "required", "variable": "SPRING_PROFILES_ACTIVE", "services": ["trait:gateway", *_WITH_DATABASE],
     "in_development": "off", "why": _SEED, "fix": "Set it to the name of the environment.", "source": "field notes 4, T10"},
    {"id": "seed-explicit", "rule": "required", "variable": "DWP_SEED_ENABLED", "services": ["auth"],
     "severity": "warning", "in_development": "off", "why": "The default is true, and only the profile stops the runner.",
     "fix": "Set it to false.", "source": "T10"},
    {"id": "time-zone", "rule": "required", "variable": "TZ", "services": ["auth"], "unless_set": "USER_TIMEZONE",
     "severity": "warning", "in_development": "off",
     "why": "Monitoring ranges are shifted from UTC to KST, so that in another zone recent rows are absent.",
     "fix": "Set TZ=Asia/Seoul.", "source": "field notes 3 and 10"},
]

_SECRETS: list[dict[str, Any]] = [
    {"id": "jwt-secret-not-empty", "rule": "not_empty", "variable": "JWT_SECRET",
     "why": "A service that reads it dies at start.", "fix": _NEW_SECRET, "source": "field notes 5"},
    {"id": "jwt-secret-length", "rule": "min_bytes", "variable": "JWT_SECRET", "n": 32,
     "why": "HS256 needs that: main would not start, and auth would start and reject every login.", "fix": _NEW_SECRET,
     "source": "field notes 5"},
    {"id": "jwt-secret-public", "rule": "not_default", "variable": "JWT_SECRET", "defaults": [_PUBLIC_JWT_SECRET],
     "in_development": "warning", "why": "Anyone can sign valid tokens, and no service complains.", "fix": _NEW_SECRET,
     "source": "field notes 9"},
    {"id": "jwt-secret-equal", "rule": "equal_across", "variable": "JWT_SECRET", "services": _WITH_JWT,
     "why": "Tokens that one signs would be rejected by the other (401).",
     "fix": "Give auth, main and Aura the same secret and restart those that changed.", "source": "runbook, problem 3; T22"},
    {"id": "jwt-secret-spread", "rule": "unused", "variable": "JWT_SECRET",
     "services": ["gateway", "mail", "chat", "approval"], "severity": "warning", "fix": _OWN_FILE, "source": "T25"},
    {"id": "database-password-public", "rule": "not_default",
     "variable": ["DB_PASSWORD", "POSTGRES_PASSWORD", "SPRING_DATASOURCE_PASSWORD"],
     "defaults": _PUBLIC_PASSWORDS, "in_development": "off", "fix": "Set one of your own, in the vault.", "source": _NOTES},
    {"id": "redis-password-public", "rule": "not_default", "variable": ["REDIS_PASSWORD", "SPRING_DATA_REDIS_PASSWORD"],
     "defaults": _PUBLIC_PASSWORDS, "in_development": "off", "fix": "Set one of your own, in the vault.", "source": _NOTES},
    {"id": "database-password-equal", "rule": "equal_across", "variable": "DB_PASSWORD",
     "same": ["DB_HOST", "DB_PORT", "DB_USERNAME"], "assume": {"DB_PORT": "5432"},
     "why": "One user of one server has one password, so one of them cannot log in.", "source": _NOTES},
    {"id": "redis-password-equal", "rule": "equal_across", "variable": "REDIS_PASSWORD", "services": ["trait:redis"],
     "same": ["REDIS_HOST", "REDIS_PORT"], "assume": {"REDIS_PORT": "6379"}, "unset_counts": True,
     "why": "One Redis server has one password, so one of them cannot log in.", "source": _NOTES},
    {"id": "outer-blanks", "rule": "trimmed", "severity": "warning",
     "variable": ["JWT_SECRET", "DB_HOST", "DB_NAME", "DB_USERNAME", "DB_PASSWORD", "REDIS_HOST", "REDIS_PASSWORD",
                  "POSTGRES_PASSWORD", "SPRING_DATA_REDIS_HOST", "SPRING_DATA_REDIS_PASSWORD", "AUDIT_REDIS_CHANNEL"],
     "why": "It is part of the value.", "fix": "Take it away if it came with a file or a copied line.", "source": _NOTES},
]

_NUMBERS: list[dict[str, Any]] = [
    {"id": "ports", "rule": "port", "source": _NOTES,
     "variable": ["SERVER_PORT", "DB_PORT", "REDIS_PORT", "SPRING_DATA_REDIS_PORT", "MANAGEMENT_SERVER_PORT"]},
    {"id": "server-port-own", "rule": "distinct_across", "variable": "SERVER_PORT", "same_host": True,
     "why": "On one host the second could not listen.", "fix": _OWN_FILE, "source": _NOTES},
    {"id": "database-own", "rule": "distinct_across", "variable": "DB_NAME",
     "same": ["DB_HOST", "DB_PORT"], "assume": {"DB_HOST": "localhost", "DB_PORT": "5432"},
     "why": "Two services on one database share one Flyway history.", "fix": _OWN_FILE, "source": "field notes 3, T25"},
    {"id": "jwt-expiration", "rule": "integer", "variable": "JWT_EXPIRATION_SECONDS", "min": 60, "source": _NOTES},
    {"id": "rbac-cache", "rule": "integer", "variable": "RBAC_CACHE_TTL_SECONDS", "min": 0, "max": 86400,
     "why": "Permission changes wait that long.", "source": _NOTES},
    {"id": "cors-max-age", "rule": "integer", "variable": "CORS_MAX_AGE", "min": -1, "source": _NOTES},
    {"id": "detect-interval", "rule": "integer", "variable": "DETECT_BATCH_INTERVAL_MINUTES", "min": 1, "max": 1440,
     "source": _NOTES},
    {"id": "detect-window", "rule": "integer", "variable": "DETECT_BATCH_INTERVAL_MINUTES", "max": 15,
     "severity": "warning", "why": "Each run looks back 15 minutes only: what lies between two runs is missed.",
     "source": _NOTES},
    {"id": "detect-cron", "rule": "pattern", "variable": "DETECT_BATCH_CRON", "regex": r"^(\S+ +){5}\S+$|^@[a-z]+$|^-$",
     "expected": "a Spring cron expression of six fields (seconds first)", "source": _NOTES},
    {"id": "tenant-id", "rule": "integer", "variable": "TENANT_ID", "min": 1, "source": "field notes 3, helper scripts"},
    {"id": "new-checksum", "rule": "integer", "variable": "NEW_CHECKSUM", "min": -2147483648, "max": 2147483647,
     "why": "Flyway's checksums are signed 32-bit numbers.", "source": "field notes 3, helper scripts"},
]

_WORDS: list[dict[str, Any]] = [
    {"id": "ddl-auto", "rule": "one_of", "values": ["validate", "none"],
     "variable": ["JPA_DDL_AUTO", "SPRING_JPA_HIBERNATE_DDLAUTO", "SPRING_JPA_HIBERNATE_DDL_AUTO"],
     "why": "Flyway owns the schema; update and create change it behind Flyway's back.", "fix": "Set it to validate.",
     "source": _NOTES},
    {"id": "booleans", "rule": "boolean", "source": _NOTES,
     "variable": ["JPA_SHOW_SQL", "DWP_SEED_ENABLED", "CORS_ALLOW_CREDENTIALS", "AUDIT_REDIS_ENABLED",
                  "DETECT_BATCH_ENABLED", "MANAGEMENT_ENDPOINT_HEALTH_PROBES_ENABLED",
                  "SERVER_TOMCAT_MBEANREGISTRY_ENABLED", "SPRING_FLYWAY_CLEANDISABLED"]},
    {"id": "seed-off", "rule": "one_of", "variable": "DWP_SEED_ENABLED", "values": ["false", "off", "no", "0"],
     "ignore_case": True, "in_development": "off", "why": _SEED, "fix": "Set it to false.", "source": "T10"},
    {"id": "show-sql", "rule": "none_of", "variable": "JPA_SHOW_SQL", "values": ["true", "on", "yes", "1"],
     "ignore_case": True, "severity": "warning", "in_development": "off",
     "why": "Each statement goes to the console and fills the disk.", "fix": "Set it to false.", "source": _NOTES},
    {"id": "show-sql-auth", "rule": "none_of", "variable": "JPA_SHOW_SQL", "values": ["true"], "default": "true",
     "services": ["auth"], "unless_set": "JPA_SHOW_SQL", "severity": "warning", "in_development": "off",
     "why": "Each statement goes to the console and fills the disk.", "fix": "Set it to false.", "source": _NOTES},
    {"id": "log-levels", "rule": "one_of", "values": _LEVELS, "ignore_case": True, "source": _NOTES,
     "variable": ["LOG_LEVEL_AUTH", "LOG_LEVEL_MONITORING", "LOG_LEVEL_SECURITY", "LOG_LEVEL_SQL", "LOG_LEVEL_SQL_PARAM"]},
    {"id": "log-parameters", "rule": "none_of", "variable": "LOG_LEVEL_SQL_PARAM", "values": ["TRACE"], "default": "TRACE",
     "services": ["auth"], "ignore_case": True, "severity": "warning", "in_development": "off",
     "why": "It prints bind values, password hashes among them.", "fix": "Set it to WARN.", "source": _NOTES},
    {"id": "log-debug", "rule": "none_of", "values": ["DEBUG", "TRACE"], "default": "DEBUG", "services": ["auth"],
     "variable": ["LOG_LEVEL_AUTH", "LOG_LEVEL_MONITORING", "LOG_LEVEL_SECURITY", "LOG_LEVEL_SQL"],
     "ignore_case": True, "severity": "warning", "in_development": "off", "fix": "Set it to INFO or WARN.",
     "source": _NOTES},
    {"id": "profile-development", "rule": "none_of", "variable": "SPRING_PROFILES_ACTIVE",
     "values": ["dev", "local", "default"], "separator": ",", "in_development": "off",
     "why": f"{_SEED} The profile dev also logs login bodies with passwords.",
     "fix": "Set it to the name of the environment.", "source": "field notes 4"},
    {"id": "profile-prod-routes", "rule": "none_of", "variable": "SPRING_PROFILES_ACTIVE", "values": ["prod"],
     "separator": ",", "services": ["trait:gateway"], "severity": "warning",
     "why": "The gateway's profile prod replaces its routes and loses /api/monitoring and /api/synapse/agent-tools/agents.",
     "fix": "Use a name that has no profile file, such as production.", "source": "field notes 4"},
    {"id": "profile-single", "rule": "pattern", "variable": "SPRING_PROFILES_ACTIVE", "regex": "^[^,]*$",
     "expected": "one profile", "services": ["trait:gateway"], "severity": "warning",
     "why": "The start-up validator compares the whole text and does not recognise several.", "source": "field notes 4"},
    {"id": "cors-any-origin", "rule": "none_of", "variable": "CORS_ALLOWED_ORIGINS", "values": ["*"], "separator": ",",
     "when": {"CORS_ALLOW_CREDENTIALS": "true"}, "why": "Together with CORS_ALLOW_CREDENTIALS=true it is refused.",
     "fix": "List the origins.", "source": _NOTES},
    {"id": "cors-any-origin-default", "rule": "none_of", "variable": "CORS_ALLOWED_ORIGINS", "values": ["*"],
     "separator": ",", "unless_set": "CORS_ALLOW_CREDENTIALS", "severity": "warning",
     "why": "It is refused unless CORS_ALLOW_CREDENTIALS is false.", "fix": "List the origins.", "source": _NOTES},
    {"id": "cors-methods", "rule": "one_of", "variable": "CORS_ALLOWED_METHODS", "separator": ",", "severity": "warning",
     "values": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "*"], "source": _NOTES},
    {"id": "cors-headers", "rule": "not_empty", "variable": "CORS_ALLOWED_HEADERS", "severity": "warning", "source": _NOTES},
    {"id": "audit-channel", "rule": "one_of", "variable": "AUDIT_REDIS_CHANNEL", "values": ["audit:events:ingest"],
     "severity": "warning", "why": "Aura publishes to audit:events:ingest.", "source": "field notes 1 and 3"},
    {"id": "time-zone-known", "rule": "one_of", "variable": "TZ", "services": ["auth"], "severity": "warning",
     "values": ["Asia/Seoul", ":Asia/Seoul", "ROK", "KST-9"], "in_development": "off",
     "why": "Monitoring ranges are shifted from UTC to KST.", "source": "field notes 3 and 10"},
    {"id": "health-details", "rule": "one_of", "variable": "MANAGEMENT_ENDPOINT_HEALTH_SHOWDETAILS",
     "values": ["never", "when-authorized", "when_authorized", "always"], "ignore_case": True, "source": "field notes 2"},
    {"id": "log-format", "rule": "one_of", "values": ["ecs", "logstash", "gelf"], "source": "field notes 7",
     "variable": ["LOGGING_STRUCTURED_FORMAT_FILE", "LOGGING_STRUCTURED_FORMAT_CONSOLE"]},
    {"id": "log-correlation", "rule": "pattern", "variable": "LOGGING_PATTERN_CORRELATION", "severity": "warning",
     "regex": r"%X\{correlationId.*\}.*\s$|%correlationId.*\s$", "expected": "a pattern of correlationId with a blank at its end",
     "why": "Without the blank it runs together with the logger's name.", "source": "field notes 7, T12"},
    {"id": "log-file", "rule": "pattern", "variable": "LOGGING_FILE_NAME", "regex": "^/", "expected": "an absolute path",
     "severity": "warning", "source": "field notes 7, T11"},
    {"id": "application-json", "rule": "json", "variable": "SPRING_APPLICATION_JSON", "source": "field notes 2"},
    {"id": "database-names", "rule": "pattern", "variable": ["SCHEMA_NAME", "POSTGRES_USER", "DB_USERNAME", "DB_NAME"],
     "regex": r"^[^\s;'\"]+$", "expected": "a plain name", "source": _NOTES},
]

_PLACES: list[dict[str, Any]] = [
    {"id": "urls", "rule": "url", "source": _NOTES,
     "variable": ["SERVICE_*_URL", "AURA_PLATFORM_URI", "AURA_PLATFORM_URL", "AURA_BASE_URL", "SSO_REDIRECTBASEURL",
                  "DWP_INTERNALAPI_AUTHSERVERURL", "DWP_INTERNAL_API_AUTH_SERVER_URL"]},
    {"id": "local-urls", "rule": "not_localhost", "in_development": "off",
     "variable": ["SERVICE_*_URL", "SSO_REDIRECTBASEURL", "DWP_INTERNALAPI_AUTHSERVERURL", "DWP_INTERNAL_API_AUTH_SERVER_URL"],
     "fix": "Set the address under which the other machine is reached, or place the target on this host in the inventory.",
     "source": "runbook, problem 1; field notes 3"},
    {"id": "local-aura", "rule": "not_localhost", "in_development": "off",
     "variable": ["AURA_PLATFORM_URI", "AURA_PLATFORM_URL", "AURA_BASE_URL"],
     "fix": "Set dwp_aura_url in the inventory to where this host reaches Aura. If Aura does run on this host, say so with "
            "dwp_environment_rules: [{id: local-aura, severity: 'off'}].",
     "source": "runbook, required environment; field notes 3"},
    {"id": "local-database", "rule": "not_localhost", "variable": ["DB_HOST", "SPRING_DATASOURCE_URL"],
     "port_variable": "DB_PORT", "port": 5432, "in_development": "off",
     "fix": "Set the address of PostgreSQL, or place it on this host in the inventory.", "source": _NOTES},
    {"id": "local-redis", "rule": "not_localhost", "variable": "REDIS_HOST", "port_variable": "REDIS_PORT", "port": 6379,
     "in_development": "off", "fix": "Set the address of Redis, or place it on this host in the inventory.",
     "source": _NOTES},
    {"id": "local-chat-redis", "rule": "not_localhost", "variable": "SPRING_DATA_REDIS_HOST", "port": 6379,
     "port_variable": "SPRING_DATA_REDIS_PORT", "in_development": "off",
     "fix": "Set the address of Redis, or place it on this host in the inventory.", "source": _NOTES},
    {"id": "local-origins", "rule": "not_localhost", "variable": "CORS_ALLOWED_ORIGINS", "separator": ",",
     "services": ["trait:gateway"], "default": "http://localhost:4200", "severity": "warning", "in_development": "off",
     "not_profiles": ["prod"], "why": "Browsers of users would be refused.", "fix": "Set the origin of the front end.",
     "source": _NOTES},
    {"id": "history-url-equal", "rule": "same_value", "variable": "DWP_INTERNALAPI_AUTHSERVERURL",
     "other": "SERVICE_AUTH_URL", "services": ["trait:gateway"], "severity": "warning",
     "why": "Both are the address of auth.", "source": "T26"},
    {"id": "aura-equal", "rule": "same_value", "variable": "AURA_PLATFORM_URI", "other": "AURA_PLATFORM_URL",
     "services": ["trait:gateway"], "severity": "warning",
     "why": "One is read by the default profile, the other by dev and prod.", "source": "T8"},
    {"id": "aura-uri-unused", "rule": "unused", "variable": "AURA_PLATFORM_URI", "instead": "AURA_PLATFORM_URL",
     "services": ["trait:gateway"], "not_profiles": ["dev", "prod"], "severity": "warning",
     "why": "Only the profiles dev and prod route by it.", "fix": "Set both to the same value.", "source": "T8"},
    {"id": "aura-url-unused", "rule": "unused", "variable": "AURA_PLATFORM_URL", "instead": "AURA_PLATFORM_URI",
     "services": ["trait:gateway"], "profiles": ["dev", "prod"], "severity": "warning",
     "fix": "Set both to the same value.", "source": "T8"},
    {"id": "chat-redis-unused", "rule": "unused", "variable": ["REDIS_HOST"], "instead": "SPRING_DATA_REDIS_HOST",
     "services": ["chat"], "severity": "warning", "source": _NOTES},
    {"id": "chat-redis-port-unused", "rule": "unused", "variable": ["REDIS_PORT"], "instead": "SPRING_DATA_REDIS_PORT",
     "services": ["chat"], "severity": "warning", "source": _NOTES},
    {"id": "chat-redis-password-unused", "rule": "unused", "variable": ["REDIS_PASSWORD"],
     "instead": "SPRING_DATA_REDIS_PASSWORD", "services": ["chat"], "severity": "warning", "source": _NOTES},
    {"id": "shadowed-database", "rule": "unused", "variable": ["DB_HOST", "DB_PORT", "DB_NAME"],
     "when_set": "SPRING_DATASOURCE_URL", "severity": "warning", "why": "SPRING_DATASOURCE_URL wins.", "source": _NOTES},
    {"id": "shadowed-redis", "rule": "shadowed", "variable": "REDIS_HOST", "by": "SPRING_DATA_REDIS_HOST",
     "services": ["trait:redis"], "severity": "warning", "source": _NOTES},
    *_profile_fixed(),
]

_NAMES: list[dict[str, Any]] = [
    {"id": "names", "rule": "known_name", "severity": "warning", "fix": "Correct the name; until then it has no effect.",
     "source": "runbook; field notes 3",
     "names": ["POSTGRES_CONTAINER", "PG_SUPERUSER", "SPRING_DATASOURCE_URL", "SPRING_DATASOURCE_USERNAME", "USER_TIMEZONE"],
     "typos": {
         "SERIVCE_AUTH_URL": "SERVICE_AUTH_URL", "AUTH_SERVICE_URL": "SERVICE_AUTH_URL", "AUTH_URL": "SERVICE_AUTH_URL",
         "MAIN_SERVICE_URL": "SERVICE_MAIN_URL", "SERVICE_SYNAPSE_URL": "SERVICE_SYNAPSEX_URL",
         "SPRING_PROFILE_ACTIVE": "SPRING_PROFILES_ACTIVE", "SPRING_ACTIVE_PROFILES": "SPRING_PROFILES_ACTIVE",
         "SPRING_ACTIVE_PROFILE": "SPRING_PROFILES_ACTIVE", "SPRING_PROFILES": "SPRING_PROFILES_ACTIVE",
         "DB_USER": "DB_USERNAME", "DB_USER_NAME": "DB_USERNAME", "DB_PASS": "DB_PASSWORD", "DB_PASSWD": "DB_PASSWORD",
         "DB_PWD": "DB_PASSWORD", "DATABASE_NAME": "DB_NAME", "DB_DATABASE": "DB_NAME", "DATABASE_HOST": "DB_HOST",
         "JWT_SECRETE": "JWT_SECRET", "JWT_SECRET_KEY": "JWT_SECRET", "JWT_KEY": "JWT_SECRET",
         "AURA_URL": "AURA_PLATFORM_URL", "AURA_URI": "AURA_PLATFORM_URI", "REDIS_PASS": "REDIS_PASSWORD",
         "REDIS_PASSWD": "REDIS_PASSWORD", "DDL_AUTO": "JPA_DDL_AUTO", "JPA_DDLAUTO": "JPA_DDL_AUTO",
         "SEED_ENABLED": "DWP_SEED_ENABLED", "TIMEZONE": "TZ", "CORS_ORIGINS": "CORS_ALLOWED_ORIGINS",
         "CORS_ALLOWED_CREDENTIALS": "CORS_ALLOW_CREDENTIALS", "SSO_REDIRECT_BASE_URL": "SSO_REDIRECTBASEURL",
         "PG_SUPER_USER": "PG_SUPERUSER",
     },
     "namespaces": ["SPRING_", "SERVER_", "MANAGEMENT_", "LOGGING_", "DWP_", "JAVA_", "JDK_", "EUREKA_", "FEIGN_",
                    "RESILIENCE4J_", "SPRINGDOC_", "OTEL_", "LC_", "XDG_", "SSH_", "SUDO_", "SYSTEMD_", "SUPERVISOR_"],
     "ignore": ["HOME", "PATH", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TERM", "PWD", "OLDPWD", "SHLVL", "MAIL",
                "HOSTNAME", "INVOCATION_ID", "JOURNAL_STREAM", "MAINPID", "MEMORY_PRESSURE_WATCH", "_"]},
]

DEFAULT_RULES: tuple[dict[str, Any], ...] = (*_REQUIRED, *_SECRETS, *_NUMBERS, *_WORDS, *_PLACES, *_NAMES)
