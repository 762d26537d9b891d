#!/usr/bin/python
# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dwp_build
short_description: Build the jars of the platform from a checkout at a git ref
version_added: 0.1.0
description:
  - Runs the site's build command in a fresh worktree of the checkout, so that neither local changes nor an old build directory
    get into a release, and puts the runnable jars into the artifacts directory with a note of the commit.
  - Does nothing when every jar there is of that commit already.
  - The runbook builds with Gradle (C(./gradlew build)). Its tests need Docker and live services (field notes, T20), so
    C(./gradlew bootJar) is the default of the playbook.
author:
  - dwp.backend contributors (@dwp-backend)
attributes:
  action:
    support: full
    description: Runs on the controller; no host is reached.
  check_mode:
    support: full
    description: Says whether a build is needed.
  diff_mode:
    support: none
    description: Jars are not compared.
options:
  checkout:
    description: Path of the git checkout on the controller.
    type: path
    required: true
  ref:
    description: Branch, tag or commit to build.
    type: str
    default: HEAD
  command:
    description: Build command, split as a shell would, run in the worktree without a shell.
    type: str
    required: true
  artifacts_dir:
    description: Where the jars go.
    type: path
    required: true
  timeout:
    description: Limit of the build in seconds.
    type: int
    default: 1800
"""

EXAMPLES = r"""
- name: Build the release
  dwp.backend.dwp_build:
    checkout: /home/kim/dwp-backend
    ref: v1.4.2
    command: ./gradlew bootJar
    artifacts_dir: /home/kim/artifacts
  run_once: true
"""

RETURN = r"""
git_sha:
  description: The commit that the ref stands for.
  returned: success
  type: str
  sample: 7f3c2a1d0c5e4b3a29181706f5e4d3c2b1a09f8e
artifacts:
  description: The artefacts of the chosen services.
  returned: success
  type: list
  elements: str
  sample: [dwp-auth-server, dwp-gateway]
"""
