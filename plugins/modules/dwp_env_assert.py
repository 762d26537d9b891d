#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dwp_env_assert
short_description: Check environments of services against rules
version_added: 0.1.0
description:
  - Reads environments on the host, from environment files, from running processes or as given, and checks them against
    the rules for all variables of the runbook, and more if you like. All violations are reported at once.
  - Values of secrets are never returned, only fingerprints of them. The key of the fingerprints is random for each run.
  - Nothing is changed.
author:
  - dwp.backend contributors (@dwp-backend)
attributes:
  check_mode:
    description: Can run in check mode and return the same as without.
    support: full
  diff_mode:
    description: There is nothing to compare, because nothing is changed.
    support: none
options:
  environments:
    description: The environments to check, one entry for each instance of a service. At least one.
    type: list
    elements: dict
    required: true
    suboptions:
      service:
        description: Name of the service. Rules speak of services by this name.
        type: str
        required: true
      host:
        description: Name of the host in messages. Instances without one are taken to share a host.
        type: str
      file:
        description:
          - Path of an environment file on the host. The form written by this collection, C(EnvironmentFile) of systemd,
            dotenv and C(export NAME=value) are understood.
        type: path
      pid:
        description:
          - Process id of a running process. What it was given when it was started is checked, including properties
            given as C(-Dname=value) or C(--name=value). Reading another user's process needs C(become).
        type: int
      marker:
        description:
          - C(NAME=value) that stands in the environment of the process and of no other one, as an alternative to O(environments[].pid).
          - Of several processes that inherited it from one another the outermost is taken.
        type: str
      environment:
        description:
          - The environment itself, as a mapping, as a JSON object (C(to_json)) or as text of an environment file. Numbers and booleans
            count as the text that a deployment would write, V(null) as not set.
          - The module receives it as one piece of text, so that Ansible keeps it secret without hiding each word that occurs in it.
        type: str
  environment_name:
    description: Name of the environment, such as V(staging), for the messages.
    type: str
    default: ""
  development:
    description:
      - Whether this is an environment for developing, where localhost and public passwords are accepted.
      - By default this is so if O(environment_name) is one of V(demo), V(dev), V(development), V(local) and V(test).
    type: bool
  services:
    description:
      - What the catalogue knows, by service, or by C(service@host) for one instance.
      - Keys are C(required), C(optional) and C(secrets) (lists of names), C(traits) (V(gateway), V(database), V(redis),
        V(jwt)), C(exempt) (list of ids of rules), and C(local_ok) (the variables that may point to the machine itself,
        as a list, or as a mapping from the name to the list of ports that are right there).
    type: dict
    default: {}
  rules:
    description:
      - Rules in addition to the default ones. With the id of a default rule its keys are replaced one by one.
      - Each has C(id), C(rule) (the kind), C(variable) (a name, a list, or a pattern such as C(SERVICE_*_URL)) and the
        arguments of its kind.
      - Kinds for one value are V(required), V(not_empty), V(one_of) and V(none_of) (C(values), C(separator),
        C(ignore_case)), V(integer) (C(min), C(max)), V(port), V(boolean), V(url) (C(schemes)), V(pattern) (C(regex),
        C(expected)), V(min_bytes) (C(n)), V(not_default) (C(defaults)), V(trimmed), V(json), V(not_localhost)
        (C(separator), C(port_variable), C(port)), V(unused) (C(instead)), V(shadowed) (C(fixed), C(by)) and V(same_value)
        (C(other)).
      - Kinds for several services are V(equal_across) (C(same), C(assume), C(unset_counts)) and V(distinct_across)
        (C(same), C(assume), C(same_host)).
      - V(known_name) (C(names), C(typos), C(namespaces), C(ignore), C(strict)) looks at the names that are set.
      - A rule may have C(services) (V(all), or a list of names and C(trait:NAME)), C(severity) (V(error), V(warning) or V(off)),
        C(in_development) (the same), C(default) (what the application takes when nothing is set), C(why),
        C(fix) and C(source) for its message, and the conditions C(profiles), C(not_profiles), C(when), C(when_set),
        C(unless_set) and C(when_service).
    type: list
    elements: dict
    default: []
  disable:
    description: Ids of rules that are not checked.
    type: list
    elements: str
    default: []
  fingerprint_key:
    description:
      - Key for the fingerprints, at least 16 characters. Needed to compare the results of several hosts or runs.
      - Without it a new key is made for each run and forgotten.
    type: str
  fingerprints:
    description:
      - RV(fingerprints) of other hosts, made with the same O(fingerprint_key). Rules that want one value everywhere then
        span all hosts.
    type: dict
    default: {}
  fail:
    description: Whether the module fails when there are violations of severity C(error).
    type: bool
    default: true
notes:
  - Ids and kinds of the default rules stand in C(plugins/module_utils/_environment_rules.py).
"""

EXAMPLES = r"""
- name: Check the environment files of the active releases
  dwp.backend.dwp_env_assert:
    environment_name: staging
    environments:
      - {service: auth, file: /opt/dwp/services/auth/current/environment}
      - {service: main, file: /opt/dwp/services/main/current/environment}
  become: true

- name: Check what a running process has, without failing
  dwp.backend.dwp_env_assert:
    environment_name: prod
    environments:
      - service: auth
        host: "{{ inventory_hostname }}"
        pid: "{{ auth_pid }}"
    fail: false
  become: true
  register: auth_environment

- name: Check values before they are written, with a rule of the site
  dwp.backend.dwp_env_assert:
    environment_name: prod
    environments:
      - service: mail
        environment: {SMTP_HOST: smtp.internal, SMTP_PORT: 465, SMTP_LOGIN: "{{ vault_smtp_login }}"}
    services:
      mail: {required: [SMTP_HOST], secrets: [SMTP_LOGIN]}
    rules:
      - {id: smtp-port, rule: one_of, variable: SMTP_PORT, values: ["465", "587"], why: Plain SMTP is closed.}
      - {id: jwt-secret-length, n: 48}
    disable: [time-zone]
"""

RETURN = r"""
violations:
  description: Everything that was found, ordered by service, host and variable.
  returned: always
  type: list
  elements: dict
  sample:
    - service: auth
      host: app-01
      variable: JWT_SECRET
      rule: min_bytes
      id: jwt-secret-length
      severity: error
      line: 14
      source: /opt/dwp/services/auth/current/environment
      reference: field notes 5
      message: >-
        auth on app-01: JWT_SECRET is 21 bytes long in UTF-8, at least 32 are needed
        (/opt/dwp/services/auth/current/environment, line 14). HS256 needs that: main would not start, and auth would
        start and reject every login. Create one with "openssl rand -base64 48" and keep it in the vault of the
        inventory. The value is not shown.
errors:
  description: Number of violations of severity C(error).
  returned: always
  type: int
  sample: 1
warnings_count:
  description: Number of violations of severity C(warning).
  returned: always
  type: int
  sample: 0
fingerprints:
  description: Fingerprints of the secrets, by instance and variable.
  returned: always
  type: dict
  sample: {"auth@app-01": {"DB_PASSWORD": "5c0e1f7a", "JWT_SECRET": "49462b25"}}
checked:
  description: Number of variables read, by instance. Instances that could not be read are absent.
  returned: always
  type: dict
  sample: {"auth@app-01": 23}
"""


from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dwp.backend.plugins.module_utils._environment import is_development
from ansible_collections.dwp.backend.plugins.module_utils._environment_model import RuleError
from ansible_collections.dwp.backend.plugins.module_utils._environment_sources import OptionError, assert_environments

SOURCES = ("file", "pid", "marker", "environment")


def argument_spec():
    source = dict(
        service=dict(type="str", required=True),
        host=dict(type="str"),
        file=dict(type="path"),
        pid=dict(type="int"),
        marker=dict(type="str"),
        environment=dict(type="str", no_log=True),
    )
    return dict(
        environments=dict(
            type="list", elements="dict", required=True, options=source,
            required_one_of=[SOURCES], mutually_exclusive=[SOURCES],
        ),
        environment_name=dict(type="str", default=""),
        development=dict(type="bool"),
        services=dict(type="dict", default={}),
        rules=dict(type="list", elements="dict", default=[]),
        disable=dict(type="list", elements="str", default=[]),
        fingerprint_key=dict(type="str", no_log=True),
        fingerprints=dict(type="dict", default={}),
        fail=dict(type="bool", default=True),
    )


def summary(result):
    """All messages in one text: the errors first, each on a line of its own."""
    lines = ["Environment: {errors} error(s), {warnings_count} warning(s); nothing was changed.".format(**result)]
    for severity in ("error", "warning"):
        lines.extend(
            "  {severity}: {message} [{id}]".format(**violation)
            for violation in result["violations"] if violation["severity"] == severity
        )
    return "\n".join(lines)


def main():
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    options = dict(module.params)
    if options["development"] is None:
        options["development"] = is_development(options["environment_name"])
    try:
        result = assert_environments(options)
    except (RuleError, OptionError) as error:
        module.fail_json(msg=str(error))
    result["changed"] = False
    if result["errors"] and options["fail"]:
        module.fail_json(msg=summary(result), **result)
    module.exit_json(msg=summary(result), **result)


if __name__ == "__main__":
    main()
