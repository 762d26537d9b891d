# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls between services and to what is outside: firewalls, the balancer, wrong URLs, the AI platform."""

from __future__ import annotations

from .. import texts
from ..layouts import PORTS
from ..network import DROPPED, NO_ROUTE, REFUSED, SILENT
from ..scenario import cause, scenario
from ..world import World

_BETWEEN_HOSTS = cause("CALL_BLOCKED/gateway|none", host="prod-gw-1", may="gateway")
_BALANCER = cause("GW_REFUSED|CALL_BLOCKED/balancer|none", host="gw-1", may="gateway")
_CASES = "http://aura.example.internal:9000/v1/cases"
_ON_APP_2 = ("mail", "chat", "approval")


# ---- between hosts
@scenario("firewalld on app-2 rejects the gateway's host: No route to host", _BETWEEN_HOSTS, layout="prod")
def n_firewalld_gw_to_app(world: World) -> None:
    world.network.firewall(NO_ROUTE, "prod-gw-1", host="prod-app-2")
    for name in _ON_APP_2:
        text = texts.gateway_no_route(f"/api/{name}/x", f"/198.51.100.12:{PORTS[name]}")
        world["gateway"].log.error(2, text, texts.GATEWAY, times=15, every=3)


@scenario("a rule on app-2 rejects the gateway's host with a reset: Connection refused; services there are well",
          _BETWEEN_HOSTS, layout="prod")  # fmt: skip
def n_iptables_reject_gw_to_app(world: World) -> None:
    world.network.firewall(REFUSED, "prod-gw-1", host="prod-app-2")
    for name in _ON_APP_2:
        text = texts.gateway_refused(f"/api/{name}/x", f"/198.51.100.12:{PORTS[name]}")
        world["gateway"].log.error(2, text, texts.GATEWAY, times=15, every=3)


@scenario("the same before the first user comes", _BETWEEN_HOSTS, layout="prod")
def n_iptables_reject_quiet(world: World) -> None:
    world.network.firewall(REFUSED, "prod-gw-1", host="prod-app-2")


@scenario("what the gateway's host sends to app-2 is dropped", _BETWEEN_HOSTS, layout="prod")
def n_drop_gw_to_app(world: World) -> None:
    world.network.firewall(DROPPED, "prod-gw-1", host="prod-app-2")
    text = texts.gateway_timeout("/api/mail/inbox", "/198.51.100.12:8082")
    world["gateway"].log.error(2, text, texts.GATEWAY, times=15, every=3)


@scenario(
    "approval was deployed to listen at 127.0.0.1 alone: well on its host, refused to the gateway's; nobody tried yet",
    cause("LISTENS_ELSEWHERE|CALL_BLOCKED|GW_REFUSED/approval|gateway"), layout="prod",
    services={"approval": {"environment": {"SERVER_ADDRESS": "127.0.0.1"}}},
)  # fmt: skip
def x_loopback_bound_quiet(world: World) -> None:
    world["approval"].loopback = True


# ---- the balancer, and URLs
@scenario("the balancer is down: the gateway reaches nobody, all instances are well", _BALANCER, layout="ha")
def n_balancer_down(world: World) -> None:
    world.network.balancer_runs = False
    for name in ("auth", "main", "mail"):
        text = texts.gateway_refused(f"/api/{name}/x", f"127.0.0.1/127.0.0.1:{PORTS[name] + 10000}")
        world["gateway"].log.error(2, text, texts.GATEWAY, times=20, every=2)


@scenario("the same at night: nobody asked the gateway for minutes", _BALANCER, layout="ha")
def n_balancer_down_quiet(world: World) -> None:
    world.network.balancer_runs = False


@scenario("somebody gave the gateway the frontend of chat as the address of mail", cause("WRONG_URL/gateway", host="gw-1"), layout="ha")
def n_route_wrong_port(world: World) -> None:
    world["gateway"].edit("SERVICE_MAIL_URL", "http://127.0.0.1:18083")


@scenario("the gateway was given https:// for main, which speaks http", cause("TLS|WRONG_URL/gateway", host="gw-1"), layout="ha")
def n_https_to_http(world: World) -> None:
    world["gateway"].set("SERVICE_MAIN_URL", "https://127.0.0.1:18081")


@scenario("something between gateway and chat resets long requests, 25 times in two minutes",
          cause("unknown|GW_PREMATURE/gateway|chat"), layout="prod")  # fmt: skip
def n_gateway_reset_by_peer(world: World) -> None:
    why = "io.netty.channel.unix.Errors$NativeIoException: recvAddress(..) failed: Connection reset by peer"
    world["gateway"].log.error(3, texts.gateway_error("/api/chat/export", why), texts.GATEWAY, times=25, every=4)


# ---- outside
@scenario("synapsex calls a partner at port 8080, which refuses; the gateway of ours has that port too",
          cause("FEIGN|unknown/synapsex|none", text="erp.partner.example:8080"))  # fmt: skip
def n_external_8080(world: World) -> None:
    text = texts.feign_broken("Connection refused", "POST", "http://erp.partner.example:8080/orders")
    world["synapsex"].log.error(3, text, times=15, every=5)


@scenario("synapsex calls a tool at port 8081, which answers 503; main of ours has that port too",
          cause("FEIGN|unknown/synapsex|none", text="tools.example.internal:8081"))  # fmt: skip
def n_external_8081_503(world: World) -> None:
    url = "http://tools.example.internal:8081/run"
    text = texts.feign(503, "ServiceUnavailable", "POST", url, "ToolClient#run(Job)", "Service Unavailable")
    world["synapsex"].log.error(3, text, times=15, every=5)


@scenario("the AI platform is down: refused to the gateway and to synapsex; everything of ours is well",
          cause("GW_REFUSED|FEIGN/none", "GW_REFUSED/gateway", text="(?i)aura"), layout="prod",
          xfail="what is outside is nobody: the caller is blamed")  # fmt: skip
def n_aura_down(world: World) -> None:
    world.network.aura = "down"
    text = texts.gateway_refused("/api/aura/chat", "aura.example.internal/198.51.100.60:9000", "POST")
    world["gateway"].log.error(3, text, texts.GATEWAY, times=15, every=5)
    world["synapsex"].log.error(3, texts.feign_broken("Connection refused", "POST", _CASES), times=10, every=6)


@scenario("the AI platform answers 429 to synapsex",
          cause("FEIGN/none|synapsex", "unknown/synapsex", text="aura.example.internal"), layout="prod")  # fmt: skip
def n_aura_429(world: World) -> None:
    text = texts.feign(429, "TooManyRequests", "POST", _CASES, "AuraClient#send(Case)", "Too Many Requests")
    world["synapsex"].log.error(3, text, times=20, every=5)


@scenario("the AI platform's certificate expired: synapsex cannot call it", cause("TLS/synapsex|none"), layout="prod")
def n_aura_tls_expired(world: World) -> None:
    world["synapsex"].log.error(3, texts.AURA_EXPIRED, times=20, every=5)


@scenario("the AI platform hangs; synapsex tells it five times", cause("FEIGN/none|synapsex", text="aura.example.internal"), layout="prod")
def x_aura_down_quiet_ours(world: World) -> None:
    world.network.aura = "silent"
    world["synapsex"].log.error(6, texts.feign_broken("Read timed out", "POST", _CASES), times=5, every=15)


@scenario("all threads of synapsex wait for the AI platform, which accepts and says nothing",
          cause("NOT_ANSWERING|FEIGN|GW_504/synapsex|none", status="down", may="gateway", text="Thread.print|aura"),
          layout="prod")  # fmt: skip
def s_thread_pool_waits_aura(world: World) -> None:
    world.network.aura = "silent"
    world["synapsex"].answers["*"] = SILENT
    world["synapsex"].log.error(20, texts.feign_broken("Read timed out", "POST", _CASES), times=6, every=30)


@scenario("mail's SMTP server is down: sending fails, its probe is well", cause("unknown/mail"))
def n_mail_smtp_down(world: World) -> None:
    why = "Couldn't connect to host, port: smtp.example.internal, 587; timeout 5000"
    error = "com.sun.mail.util.MailConnectException"
    world["mail"].log.error(3, texts.unexpected(
        "org.springframework.mail.MailSendException", f"Mail server connection failed. Failed messages: {error}: {why}", (error, why),
        ("java.net.ConnectException", "Connection refused"),
    ), times=10, every=8)  # fmt: skip


# ---- parts of a platform
@scenario("only main is looked at; auth is stopped, and main tells of it",
          cause("FEIGN|PROCESS_STOPPED|GW_REFUSED/auth"), only=["main"])  # fmt: skip
def l_only_main_auth_down(world: World) -> None:
    world["auth"].stop(600)
    text = texts.feign_broken("Connection refused", "POST", "http://127.0.0.1:8001/internal/audit-logs")
    world["main"].log.error(3, text, times=10, every=9)


@scenario("only main is looked at; auth is stopped, and nobody used it since",
          cause("FEIGN|PROCESS_STOPPED|GW_REFUSED|CALL_BLOCKED|unknown/auth"), only=["main"])  # fmt: skip
def l_only_main_auth_down_quiet(world: World) -> None:
    world["auth"].stop(600)


@scenario("only the gateway is looked at; mail was killed, and users see 500",
          cause("GW_REFUSED|PROCESS_KILLED|PROCESS_STOPPED/mail"), only=["gateway"])  # fmt: skip
def l_only_gateway_mail_500(world: World) -> None:
    world["mail"].kill(100, stays_down=True)
    world["gateway"].log.error(3, texts.gateway_refused("/api/mail/inbox", "127.0.0.1/127.0.0.1:8082"), texts.GATEWAY, times=10, every=9)


@scenario("only the gateway's host is looked at; mail on app-2 is stopped, and the gateway tells",
          cause("GW_REFUSED/mail"), layout="prod", limit=["prod-gw-1"])  # fmt: skip
def l_limit_gw(world: World) -> None:
    world["mail"].stop(600)
    world["gateway"].log.error(3, texts.gateway_refused("/api/mail/inbox", "/198.51.100.12:8082"), texts.GATEWAY, times=10, every=9)
