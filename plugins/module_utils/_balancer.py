# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""haproxy in text: its configuration, and what its admin socket answers. Pure."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

HEADER = "# Written by dwp.backend: changes by hand are overwritten.\n"
#: The section ``defaults``; the component's settings replace or add to these. The gateway waits 300 s for a service
#: before it answers 504 itself, so the balancer has to wait longer.
SETTINGS = {
    "mode": "http", "log": "global", "option dontlognull": "", "option redispatch": "", "retries": 3, "timeout connect": "5s",
    "timeout client": "310s", "timeout server": "310s", "timeout tunnel": "1h", "timeout http-request": "10s",
    "timeout http-keep-alive": "60s", "timeout queue": "10s", "timeout check": "5s",
}  # fmt: skip
#: A service that comes back is seen within a second, one that is lost within two.
SERVER = "check inter 1s fastinter 500ms downinter 500ms rise 2 fall 2 init-addr last,libc,none"
_FORCED_MAINTENANCE, _FORCED_DRAIN = 0x01, 0x08  # bits of srv_admin_state
_RUNNING = 2  # srv_op_state


class BalancerError(Exception):
    """The balancer refused or is not there; the message says why and what next."""


class Server(NamedTuple):
    """One instance as haproxy sees it."""

    up: bool
    drained: bool
    maintenance: bool
    sessions: int
    status: str  # in haproxy's words: UP, DOWN, DRAIN, with the last check

    @property
    def serves(self) -> bool:
        return self.up and not self.drained and not self.maintenance


def _line(value: Any) -> str:
    """The rest of a line, as the site wrote it."""
    text = str(value)
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise BalancerError(f"haproxy cannot hold a line break or control character: {text!r}")
    return text


def quote(text: Any) -> str:
    """One word of a configuration line."""
    word = _line(text)
    return word if re.match(r"[A-Za-z0-9_./:@%+=?&,*-]+\Z", word) else "'" + word.replace("'", "'\\''") + "'"


def check_lines(check: Mapping[str, Any]) -> list[str]:
    """How a backend asks whether an instance is healthy, from a rung of the service's ladder."""
    if check["kind"] == "tcp":
        return []
    send = f"http-check send meth {check['method']} uri {quote(check['path'])} ver HTTP/1.1 hdr Host localhost hdr Connection close"
    for name, value in (check.get("headers") or {}).items():
        send += f" hdr {quote(name)} {quote(str(value).replace('%', '%%'))}"  # values are log formats
    codes = ",".join(str(code) for code in check.get("status") or [])
    lines = ["option httpchk", send, f"http-check expect status {codes}" if codes else "http-check expect ! status 503"]
    if check.get("body_contains"):
        lines.append(f"http-check expect string {quote(check['body_contains'])}")
    return lines


def address_text(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def configuration(
    frontends: Sequence[Mapping[str, Any]], *, listen: str, settings: Mapping[str, Any], socket: str, user: str = ""
) -> str:
    """The whole haproxy.cfg. ``user``: who haproxy becomes once it has its ports; empty where it is nobody else anyway."""
    lines = [
        "global", "    log stdout format raw local0 notice", f"    stats socket {quote(socket)} mode 600 level admin expose-fd listeners",
        "    stats timeout 30s", "    hard-stop-after 6m",
    ]
    lines += [f"    user {user}"] if user else []
    lines += ["", "defaults"]
    lines += [f"    {key} {_line(value)}".rstrip() for key, value in {**SETTINGS, **settings}.items()]
    for frontend in frontends:
        name, check = frontend["service"], frontend["check"]
        extra = f" port {check['port']}" if check.get("port") else ""
        extra += " check-ssl verify none" if check.get("scheme") == "https" else ""
        lines += ["", f"frontend {name}", f"    bind {address_text(listen, frontend['port'])}", f"    default_backend {name}"]
        lines += ["", f"backend {name}", "    balance roundrobin", *[f"    {line}" for line in check_lines(check)]]
        lines.append(f"    default-server {SERVER}{extra}")
        lines += [f"    server {server['name']} {address_text(server['address'], server['port'])}" for server in frontend["servers"]]
    return HEADER + "\n".join(lines) + "\n"


def systemd_unit(environment: str, binary: str, config: str) -> str:
    """haproxy beside, not instead of, the distribution's own haproxy.service, which a site may use for something else."""
    return f"""# Written by dwp.backend: changes by hand are overwritten.
[Unit]
Description=Balancer of {environment} (haproxy)
After=network-online.target
Wants=network-online.target

[Service]
Type=notify
ExecStart={binary} -Ws -q -f {config}
ExecReload=/bin/kill -USR2 $MAINPID
KillMode=mixed
SuccessExitStatus=143
Restart=always
RestartSec=1
LimitNOFILE=65536
ProtectHome=yes
ProtectSystem=full
PrivateDevices=yes
NoNewPrivileges=yes

[Install]
WantedBy=multi-user.target
"""


def parse_servers(states: str, stats: str) -> dict[tuple[str, str], Server]:
    """``show servers state`` and ``show stat`` joined: (backend, server) -> Server."""
    rows = list(csv.DictReader(stats.lstrip("# ").splitlines()))
    numbers = {(row["pxname"], row["svname"]): row for row in rows if row.get("svname") not in ("FRONTEND", "BACKEND")}
    found: dict[tuple[str, str], Server] = {}
    columns: list[str] = []
    for line in states.splitlines():
        if line.startswith("# "):
            columns = line[2:].split()
            continue
        values = dict(zip(columns, line.split()))
        if "srv_admin_state" not in values:
            continue
        key = (values["be_name"], values["srv_name"])
        admin, row = int(values["srv_admin_state"]), numbers.get(key, {})
        status = " ".join(word for word in (row.get("status"), row.get("check_status"), row.get("last_chk")) if word)
        found[key] = Server(
            int(values["srv_op_state"]) == _RUNNING, bool(admin & _FORCED_DRAIN), bool(admin & _FORCED_MAINTENANCE),
            int(row.get("scur") or 0) + int(row.get("qcur") or 0), status,
        )
    return found


def parse_frontends(stats: str) -> dict[str, str]:
    """Name -> OPEN, STOP and the like."""
    rows = csv.DictReader(stats.lstrip("# ").splitlines())
    return {row["pxname"]: row["status"] for row in rows if row.get("svname") == "FRONTEND"}
