# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures of a service that cannot start, or started as something else than meant."""

from __future__ import annotations

from typing import Any

SIGNATURES: list[dict[str, Any]] = [
    {
        "id": "PORT_IN_USE",
        "priority": 1,
        "about": "service",
        "severity": "down",
        "patterns": [
            r"Port (?P<port>\d+) was already in use",
            r"configured to listen on port (?P<port>\d+) failed to start",
            r"Port already in use: (?P<port>\d+)",  # that of JMX
        ],
        "meaning": "another process holds the port, so the service ended during startup",
        "next": {
            "command": "ss -ltnp 'sport = :{port}'",
            "risk": "read-only",
            "verify": "after stopping the holder or setting SERVER_PORT, the service's log says Started",
        },
        "source": "observed with Spring Boot 3.4; the second text in public reports",
    },
    {
        "id": "BIND_ADDRESS",
        "priority": 1,
        "about": "environment",
        "severity": "down",
        "patterns": [
            r"BindException: Cannot assign requested address",
            r"bind\(\.\.\) failed: Cannot assign requested address",
        ],
        # Java says the same of a connection for which no local port is left.
        "requires": r"Application run failed|APPLICATION FAILED|webServerStartStop|Unable to start|bind\(\.\.\)|Net\.bind",
        "meaning": "SERVER_ADDRESS is no address of this host, so the service cannot listen there and ended during startup",
        "next": {
            "command": "ansible-playbook playbooks/deploy.yml -i inventories/ENVIRONMENT -e dwp_only={service} --check --diff",
            "risk": "read-only",
            "verify": "SERVER_ADDRESS is one that ip -brief address lists, or unset; after the deployment the service's log says Started",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "STARTUP_FAILED",
        "priority": 9,
        "about": "service",
        "severity": "down",
        "patterns": [r"APPLICATION FAILED TO START", r"Application run failed"],
        "meaning": "the startup ended with an error; what else the record says is the cause",
        "yields_to": ["*"],
        "next": {
            "command": "grep -A 40 -e 'APPLICATION FAILED TO START' -e 'Application run failed' {file}",
            "risk": "read-only",
            "verify": "the deepest Caused by, or Description and Action, names what to correct",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "DS_NO_URL",
        "priority": 2,
        "about": "environment",
        "severity": "down",
        "patterns": [
            r"Failed to configure a DataSource: 'url' attribute is not specified",
            r"jdbcUrl is required",
        ],
        "meaning": "no database address reached the service: its profile or its environment was not loaded",
        "next": {
            "command": "cut -d= -f1 ENVIRONMENT_FILE | grep -e '^DB_' -e '^SPRING_'",
            "risk": "read-only",
            "verify": "DB_HOST, DB_PORT and DB_NAME are listed; the message ends with the profiles that were active",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "PLACEHOLDER",
        "priority": 1,
        "about": "environment",
        "severity": "down",
        "patterns": [r"Could not resolve placeholder '(?P<name>[^']+)'", r"Circular placeholder reference '(?P<name>[^']+)'"],
        "meaning": "a variable without a default is not set",
        "next": {
            "command": "ansible-playbook playbooks/deploy.yml -i inventories/ENVIRONMENT -e dwp_only={service} --check --diff",
            "risk": "read-only",
            "verify": "after {name} is set in the service's environment and the service is restarted, its log says Started",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "PROFILE_DEFAULT",
        "priority": 5,
        "about": "environment",
        "severity": "note",
        "patterns": [r"No active profile set, falling back to 1 default profile"],
        "only_in": ["prod", "production", "staging"],
        "holds_while_running": True,
        "meaning": "SPRING_PROFILES_ACTIVE is not set; a finding in production and staging only",
        "next": {
            "command": "tr '\\0' '\\n' < /proc/PID/environ | grep '^SPRING_PROFILES_ACTIVE='",
            "risk": "read-only",
            "verify": "after it is set and the service is restarted, the log names the active profile",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "CONFIG_MISSING",
        "priority": 2,
        "about": "environment",
        "severity": "down",
        "patterns": [r"Config data (?P<what>.{0,500}?) does not exist"],
        "meaning": "a path in spring.config.import does not exist; told on stdout only, before the log file is opened",
        "next": {
            "command": "grep -i '^SPRING_CONFIG' ENVIRONMENT_FILE",
            "risk": "read-only",
            "verify": "the named file exists and the user of the service can read it",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "BEAN_MISSING",
        "priority": 6,
        "about": "build",
        "severity": "down",
        "patterns": [
            r"required a bean of type '(?P<type>[^']+)' that could not be found",
            r"required a bean named '(?P<type>[^']+)' that could not be found",
        ],
        "meaning": "the build or the configuration of this release is wrong: a part is missing in it",
        "next": {
            "command": "ansible-playbook playbooks/rollback.yml -i inventories/ENVIRONMENT -e dwp_only={service}",
            "risk": "restart",
            "verify": "the service passes its gate with the release before",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "CLASS_VERSION",
        "priority": 2,
        "about": "host",
        "severity": "down",
        "patterns": [r"class file version (?P<needs>\d+)\.0.{0,300}?up to (?P<has>\d+)"],
        "anywhere": "class file version",
        "meaning": "the Java that runs the jar is older than the one that it was built for (61 is Java 17, 65 is Java 21)",
        "next": {
            "command": "SERVICE_JAVA -version",
            "risk": "read-only",
            "verify": "it is at least what the record asks for; after 'java' of the service in the inventory names a fitting one, "
            "its log says Started",
        },
        "source": "documented by the library, not observed",
    },
    {
        "id": "MVC_ON_GATEWAY",
        "priority": 3,
        "about": "build",
        "severity": "down",
        "patterns": [r"Spring MVC found on classpath, which is incompatible with Spring Cloud Gateway"],
        "meaning": "the gateway's jar holds spring-boot-starter-web",
        "next": {
            "command": "unzip -l JAR | grep spring-webmvc",
            "risk": "read-only",
            "verify": "a jar without spring-webmvc starts; until then SPRING_MAIN_WEBAPPLICATIONTYPE=reactive",
        },
        "source": "observed with Spring Boot 3.4",
    },
    {
        "id": "SCHEMA_VALIDATE",
        "priority": 2,
        "about": "postgres",
        "severity": "down",
        "patterns": [r"Schema-validation: (?P<what>.{1,500})"],
        "meaning": "the schema lacks a table or column that the code needs, or has it with another type (often bytea)",
        "next": {
            "command": "ansible-playbook playbooks/flyway_status.yml -i inventories/ENVIRONMENT -e dwp_only={service}",
            "risk": "read-only",
            "verify": "no migration is pending or failed and the service connects to the database that was migrated",
        },
        "source": "observed with Spring Boot 3.4",
    },
]
