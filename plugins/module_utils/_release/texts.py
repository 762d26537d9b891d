# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of a release: the launcher, the systemd unit, the supervisor program."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

#: Replaced on the host by the absolute path of its Java, and by what its kernel can do.
JAVA = "@JAVA@"
PRIVATE_USERS = "@PRIVATE_USERS@"
USER = "@USER@"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def launcher(service: str, jvm_options: Sequence[str]) -> str:
    """The one way in which a release is started, by both service managers.

    The environment is emptied first, so that the process has what the release's file says and nothing of whoever
    started it. DWP_LAUNCH tells in /proc/PID/environ which release a process runs: that is how orphans are found.
    """
    options = "".join(f" \\\n  {shlex.quote(option)}" for option in jvm_options)
    return f"""#!/bin/sh
# Starts this release of {service}. Made by dwp.backend; the next deployment puts changes by hand right.
here=$(dirname "$(readlink -f "$0")")
if [ "${{DWP_LAUNCH-}}" != "$here" ]; then
  exec env -i PATH={PATH} DWP_SERVICE={service} DWP_LAUNCH="$here" /bin/sh "$here/launch"
fi
set --
if [ -f "$here/cds/stamp" ]; then  # an archive that makes the start faster: named only if it is whole and of this Java
  java=$(readlink -f {JAVA})
  now=$(stat -L -c '%s %Y %n' "${{java%/bin/java}}/lib/server/libjvm.so" "$here/cds/app.jsa" 2>/dev/null)
  [ "$now" = "$(cat "$here/cds/stamp")" ] && set -- -XX:SharedArchiveFile="$here/cds/app.jsa" -Xlog:cds=off -Xlog:cds+dynamic=off
fi
set -a
. "$here/environment"
set +a
cd "$here" || exit 1
exec {JAVA} "$@"{options} \\
  -jar "$here/app.jar"
"""


#: Hardening of the unit. Left out on purpose: MemoryDenyWriteExecute (the JIT writes code) and ProcSubset=pid (the JVM
#: reads /proc/meminfo and cgroups). PrivateUsers is left out where the kernel has no user namespaces (exit 217/USER).
_HARDENING = """\
NoNewPrivileges=yes
PrivateTmp=yes
PrivateDevices=yes
DevicePolicy=closed
ProtectSystem=strict
ProtectHome=yes
ProtectProc=invisible
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
KeyringMode=private
RemoveIPC=yes
CapabilityBoundingSet=
AmbientCapabilities=
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
"""


def systemd_unit(
    service: str, *, environment: str, port: int, home: str, user: str, stop_timeout: int, log_dir: str
) -> str:
    """A hardened unit. A PostgreSQL that comes up minutes after a reboot is outlasted: 200 restarts within an hour."""
    return f"""# Made by dwp.backend; the next deployment puts changes by hand right.
[Unit]
Description={service} of the {environment} backend, port {port}
Wants=network-online.target
After=network-online.target postgresql.service redis-server.service docker.service
StartLimitIntervalSec=3600
StartLimitBurst=200

[Service]
Type=exec
User={user}
Group={user}
ExecStart={home}/current/launch
Restart=on-failure
RestartSec=10
SuccessExitStatus=143
TimeoutStopSec={stop_timeout}
KillMode=mixed
UMask=0027
LimitNOFILE=65536
ReadWritePaths={log_dir}
{_HARDENING}{PRIVATE_USERS}
[Install]
WantedBy=multi-user.target
"""
