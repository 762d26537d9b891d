# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the modules that work with the releases and services of a host."""

from __future__ import annotations


class ModuleDocFragment:
    ROOT = r"""
options:
  root:
    description: Where releases and state live.
    type: path
    required: true
"""

    SERVICES = r"""
options:
  manager:
    description: The service manager of the host.
    type: str
    choices: [systemd, supervisor]
    default: systemd
  user:
    description: Unix user and group of the services.
    type: str
    default: dwp
"""
