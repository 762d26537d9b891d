# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception of the log reader: what was asked for cannot be done, and why."""

from __future__ import annotations


class LogsError(Exception):
    """A bad time, a bad pattern, a source that cannot be read: the message says what, where and what to do."""
