# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # Twin of PROBE_SPEC in plugins/module_utils/_probe_args.py
    DOCUMENTATION = r"""
options:
  probes:
    description:
      - The services (or components) to ask, each with its ladder. All are asked at once, each finishes on its own.
    type: list
    elements: dict
    suboptions:
      name:
        description: The name under which the result is returned; each only once.
        type: str
        required: true
      host:
        description: Where to ask, for rungs that say nothing else. A name, an address, or for PostgreSQL the directory of its socket.
        type: str
        default: 127.0.0.1
      port:
        description: The port, for rungs that say nothing else. Rungs of kind V(postgres) and V(redis) know their usual one.
        type: int
      process:
        description:
          - The process that has to stay the same while answers are counted. When it ends, or its number is given to another one,
            the wait for this service ends at once with cause V(process_dead).
        type: dict
        suboptions:
          pid:
            description: Its number.
            type: int
            required: true
          start_ticks:
            description: Its start time, field 22 of C(/proc/PID/stat). Without it a reused number is not noticed.
            type: int
      ladder:
        description:
          - Questions in the order in which they may decide. The first conclusive answer counts.
          - A rung that is closed (401, 403) or absent (404, 405, 410, or the 500 of a service whose catch-all handler masks the missing
            actuator) passes the decision on to the next rung, and is not asked again, since each question may log a stack trace.
          - Everything else is conclusive, so a lower rung never covers up what a higher one saw.
          - The default is one rung of kind V(actuator).
        type: list
        elements: dict
        suboptions:
          kind:
            description:
              - V(actuator) asks Spring Boot's health and reads the body, V(http) wants an expected status, V(tcp) wants the port to open.
              - V(postgres) logs in and runs C(SELECT 1), needs C(psycopg2). V(redis) logs in and sends C(PING), needs C(redis).
            type: str
            required: true
            choices: [actuator, http, tcp, postgres, redis]
          host:
            description: Another host for this rung.
            type: str
          port:
            description: Another port for this rung.
            type: int
          path:
            description: Path and query. The default is C(/actuator/health) for V(actuator); V(http) needs one.
            type: str
          method:
            description: The method of the request.
            type: str
            default: GET
            choices: [GET, HEAD, OPTIONS, POST]
          scheme:
            description: Whether to speak TLS.
            type: str
            default: http
            choices: [http, https]
          headers:
            description:
              - Headers of the request. Values of headers whose name holds C(authorization), C(cookie), C(token), C(secret), C(password) or
                C(api-key) are masked in all output.
            type: dict
          token:
            description: A bearer token for the C(Authorization) header.
            type: str
          status:
            description: Expected status codes of kind V(http). The default is C([200]).
            type: list
            elements: int
          body_contains:
            description: Text that the body (its first MB) must contain, kind V(http).
            type: str
          verify:
            description: Whether the certificate is verified, kinds V(actuator) and V(http).
            type: bool
            default: true
          ca_cert:
            description:
              - File on the target with the certificates of trusted authorities, for every kind that speaks TLS.
            type: path
          database:
            description: The database to log in to. The default is the one named as the user.
            type: str
          user:
            description: User of PostgreSQL, of Redis (ACL), or for HTTP basic authentication.
            type: str
          password:
            description: The password of O(probes[].ladder[].user), or of Redis.
            type: str
          ssl_mode:
            description: As C(sslmode) of libpq. For Redis everything from V(require) on means TLS.
            type: str
            default: prefer
            choices: [disable, allow, prefer, require, verify-ca, verify-full]
          schema:
            description:
              - A schema on which the user of PostgreSQL needs C(USAGE) and C(CREATE). If it does not exist, the user must be allowed to
                create it.
            type: str
          timeout:
            description: Limit of one attempt on this rung, in seconds. Without it the limit of all attempts holds.
            type: float
      skip_rungs:
        description: What an earlier call returned under the same name. These rungs are not asked again.
        type: list
        elements: dict
"""

    # Twin of WAIT_SPEC
    WAIT = r"""
options:
  timeout:
    description:
      - Limit of the whole wait, in seconds. It holds whatever the endpoints do.
      - V(0) asks every service once and does not wait for it to become healthy.
    type: float
    default: 60
  probe_timeout:
    description: Limit of one attempt, in seconds, by the clock and not from byte to byte.
    type: float
    default: 5
  interval:
    description: Longest pause between two attempts, in seconds. The first pauses are shorter.
    type: float
    default: 0.5
  successes:
    description: Good answers in a row that are needed. A deployment should ask for 3, which costs half a second more.
    type: int
    default: 1
"""
