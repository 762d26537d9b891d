# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unseen faults of tokens, rights and addresses, and of what stands between the gateway and a service."""

from __future__ import annotations

import time
from typing import Any

from . import injections as i
from . import injections_processes as p
from . import injections_servers as s
from . import proxies
from .faults_servers import DEPLOY
from .model import ANY, READ, Expected, Fault, no_traffic
from .stand import PORTS

APPROVE = i.all_of(i.approval_waits, i.approve)
PAGE = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center><hr><center>nginx</center></body></html>"


def late_approvals(traffic: Any) -> None:
    """A person reads before deciding."""
    traffic.login()
    time.sleep(1.2)
    traffic.approve()


def of_an_admin(traffic: Any) -> Any:
    headers = {"X-Tenant-ID": "1", "X-User-ID": "1"}
    return traffic.call("GET", "/api/synapse/admin/whoami", headers=headers)


def of_another_origin(traffic: Any) -> Any:
    return traffic.call("GET", "/api/main/tasks", headers={"X-Tenant-ID": "1", "Origin": "https://shop.example.com"})


TOKENS = (
    Fault(
        "jwt-empty", "auth's JWT_SECRET is set and empty",
        i.environment("auth", JWT_SECRET=""),
        Expected("JWT_WEAK|CONFIG_MISSING|PLACEHOLDER|STARTUP_FAILED", "auth", rf"JWT_SECRET|{DEPLOY}", may="gateway main synapsex"),
        {"auth": "Empty key"}, differences="JWT_SECRET",
    ),
    Fault(
        "token-lifetime", "auth issues tokens that live for a second: everybody is out again at once",
        i.environment("auth", JWT_EXPIRATION_SECONDS="1"),
        Expected("JWT_EXP|X_CLOCK|ENVIRONMENT_RULE", "auth|main",
                 rf"JWT_EXPIRATION|(?i:lifetime|clock|timedatectl)|{DEPLOY}", may="gateway main auth"),
        {"main": "JWT token has expired"}, use=i.calls(late_approvals, times=3),
    ),
    Fault(
        "token-algorithm", "a client sends tokens that are signed with RS256",
        no_traffic,
        Expected("JWT_ALG", "auth|none", ".", risk=READ, status="healthy|degraded"),
        {"auth": "Another algorithm expected"},
        use=i.calls(lambda traffic: traffic.profile(traffic.signed(algorithm="RS256"))),
    ),
    Fault(
        "tenant-not-a-number", "a client sends the name of its tenant in place of the number, and gets 500",
        no_traffic,
        Expected("unknown|X_TENANT|TENANT_INVALID", "main|gateway|none", ".", risk=READ, status="healthy|degraded"),
        {"main": 'For input string: "acme"'}, outside=True,
        use=i.calls(lambda traffic: traffic.call("GET", "/api/main/tasks", headers={"X-Tenant-ID": "acme"})),
    ),
    Fault(
        "permission-revoked", "administrators lost the right to synapsex's pages, which answers them with 500",
        i.sql("dwp_auth", "DELETE FROM sys_role_permissions WHERE resource_key = 'synapse.admin'",
              "INSERT INTO sys_role_permissions (role_id, resource_key) VALUES (1, 'synapse.admin') ON CONFLICT DO NOTHING",
              restart="auth"),
        Expected("unknown|X_PERMISSION", "synapsex|auth", ".", risk=ANY),
        {"synapsex": "권한 검증에 실패했습니다"}, outside=True, use=i.calls(of_an_admin),
    ),
)

ROUTES = (
    Fault(
        "main-leads-to-auth", "the gateway sends what is for main to auth, which answers 401 to all of it",
        i.environment("gateway", SERVICE_MAIN_URL=f"http://127.0.0.1:{PORTS['auth']}"),
        Expected("unknown|WRONG_URL|X_ROUTE|CONFIG_MISSING", "gateway", rf"SERVICE_MAIN_URL|{DEPLOY}"),
        {"auth": "Authentication failed: path=/main/tasks"}, differences="SERVICE_MAIN_URL",
    ),
    Fault(
        "inner-address-with-path", "main's address of auth ends with a path that does not belong there: 500",
        i.environment("main", SERVICE_AUTH_URL=f"http://127.0.0.1:{PORTS['auth']}/auth"),
        Expected("FEIGN|WRONG_URL", "main", rf"SERVICE_AUTH_URL|{DEPLOY}"),
        {"main": r"Failed to write audit log .*\[500\] during \[POST\]"}, use=APPROVE, differences="SERVICE_AUTH_URL",
    ),
    Fault(
        "permissions-unreachable", "synapsex looks for auth where nothing listens, and refuses administrators",
        i.environment("synapsex", SERVICE_AUTH_URL=i.DEAD_URL),
        Expected("FEIGN|WRONG_URL", "synapsex", rf"SERVICE_AUTH_URL|{DEPLOY}"),
        {"synapsex": "feign.RetryableException: Connection refused"}, use=i.calls(of_an_admin), differences="SERVICE_AUTH_URL",
    ),
    Fault(
        "inner-https", "main speaks TLS to auth, which does not",
        i.environment("main", SERVICE_AUTH_URL=f"https://127.0.0.1:{PORTS['auth']}"),
        Expected("TLS|FEIGN|WRONG_URL", "main", rf"SERVICE_AUTH_URL|{DEPLOY}|openssl"),
        {"main": "Failed to write audit log .*SSL"}, use=APPROVE, differences="SERVICE_AUTH_URL",
    ),
    Fault(
        "routes-replaced", "a variable of the gateway has put one route in place of all",
        i.environment("gateway", SPRING_CLOUD_GATEWAY_ROUTES_0_ID="main", SPRING_CLOUD_GATEWAY_ROUTES_0_FILTERS_0="StripPrefix=1",
                      SPRING_CLOUD_GATEWAY_ROUTES_0_URI=f"http://127.0.0.1:{PORTS['main']}",
                      SPRING_CLOUD_GATEWAY_ROUTES_0_PREDICATES_0="Path=/api/main/**"),
        Expected("GW_404|X_ROUTE|WRONG_URL", "gateway", rf"(?i)route|gateway|{DEPLOY}"),
        check=lambda stand: (
            stand.traffic.ask(stand.traffic.gateway, "/api/mail/info") == 404
            and stand.traffic.ask(stand.traffic.gateway, "/api/main/health") == 200
        ),
    ),
    Fault(
        "profile-dev", "the gateway runs with the profile dev, which fixes the ports of a developer's machine",
        i.environment("gateway", SPRING_PROFILES_ACTIVE="dev"),
        Expected("GW_REFUSED|WRONG_URL|GW_LOCALHOST", "gateway", rf"SPRING_PROFILES_ACTIVE|(?i:profile)|{DEPLOY}"),
        {"gateway": r"Connection refused: localhost/127.0.0.1:808\d"}, differences="SPRING_PROFILES_ACTIVE",
    ),
    Fault(
        "cors-for-everybody", "the gateway lets every origin in, with credentials, which is refused: browsers get 500",
        i.environment("gateway", CORS_ALLOWED_ORIGINS="*"),
        Expected("unknown|X_CORS|CORS", "gateway", rf"(?i)cors|gateway|{DEPLOY}"),
        {"gateway": "(?i)allowCredentials is true"}, outside=True, use=i.calls(of_another_origin),
    ),
    Fault(
        "response-timeout-short", "the gateway gives every service a thousandth of a second",
        i.environment("gateway", SPRING_CLOUD_GATEWAY_HTTPCLIENT_RESPONSETIMEOUT="1ms"),
        Expected("GW_504", "gateway", rf"(?i)response.?timeout|{DEPLOY}"),
        check=lambda stand: stand.traffic.ask(stand.traffic.gateway, "/api/main/tasks") == 504,
        differences="SPRING_CLOUD_GATEWAY_HTTPCLIENT_RESPONSETIMEOUT",
    ),
    Fault(
        "gateway-pool", "the gateway may have two connections to a service, and mail takes its time",
        i.all_of(s.slow_clock(1), i.environment("gateway", SPRING_CLOUD_GATEWAY_HTTPCLIENT_POOL_TYPE="FIXED",
                                                SPRING_CLOUD_GATEWAY_HTTPCLIENT_POOL_MAXCONNECTIONS="2",
                                                SPRING_CLOUD_GATEWAY_HTTPCLIENT_POOL_ACQUIRETIMEOUT="500")),
        Expected("GW_POOL", "gateway", rf"(?i)pool|{DEPLOY}", may="gateway"),
        {"gateway": "Pool#acquire\\(Duration\\) has been pending"},
        use=lambda stand: stand.traffic.many(("/api/mail/info",), times=16, workers=16, timeout=4) and None,
    ),
    Fault(
        "service-speaks-tls", "mail was given a certificate and speaks TLS, and nobody told the gateway: 400",
        p.speaks_tls("mail"),
        Expected("unknown|TLS|WRONG_URL", "mail|gateway", rf"(?i)ssl|tls|mail|{DEPLOY}"), outside=True,
        check=lambda stand: stand.traffic.ask(stand.traffic.gateway, "/api/mail/info") == 400,
    ),
    Fault(
        "certificate-unknown", "the gateway speaks TLS to mail, whose certificate nobody has signed",
        i.all_of(p.speaks_tls("mail"), i.environment("gateway", SERVICE_MAIL_URL=f"https://127.0.0.1:{PORTS['mail']}")),
        Expected("TLS", "gateway|mail", rf"(?i)openssl|certificate|keytool|ssl|{DEPLOY}", may="gateway mail"),
        {"gateway": "PKIX path building failed|SSLHandshakeException"},
    ),
)

#: The service is well; what is wrong stands in front of it, and only the gateway is sent there.
PROXIES = (
    Fault(
        "proxy-closes", "the gateway reaches approval over something that takes requests and hangs up",
        proxies.in_front_of("approval", proxies.closes),
        Expected("GW_PREMATURE|WRONG_URL", "gateway", rf"SERVICE_APPROVAL_URL|{proxies.PROXY_PORT}|{DEPLOY}"),
        {"gateway": "Connection prematurely closed BEFORE response"}, differences="SERVICE_APPROVAL_URL",
    ),
    Fault(
        "proxy-loses-some", "the gateway reaches chat over something that loses every third request",
        proxies.in_front_of("chat", proxies.loses_some("chat")),
        Expected("GW_PREMATURE|WRONG_URL", "gateway", rf"SERVICE_CHAT_URL|{proxies.PROXY_PORT}|{DEPLOY}"),
        {"gateway": "Connection prematurely closed BEFORE response|Connection reset by peer"}, differences="SERVICE_CHAT_URL",
        # A gateway that is being stopped says the same: it has to be up and to lose some.
        check=lambda stand: {200, 500} == {stand.traffic.call("GET", "/api/chat/info")[0] for _number in range(6)},
    ),
    Fault(
        "proxy-502", "the gateway reaches synapsex over a proxy that answers 502 to everything",
        proxies.in_front_of("synapsex", proxies.answers("502 Bad Gateway", PAGE.format("502 Bad Gateway"))),
        Expected("unknown|WRONG_URL|X_PROXY", "gateway", rf"SERVICE_SYNAPSEX_URL|{proxies.PROXY_PORT}|{DEPLOY}"), outside=True,
        check=lambda stand: stand.traffic.ask(stand.traffic.gateway, "/api/synapse/cases") == 502, differences="SERVICE_SYNAPSEX_URL",
    ),
    Fault(
        "proxy-trickles", "the gateway reaches chat over something that begins answers and does not end them",
        proxies.in_front_of("chat", proxies.trickles),
        Expected("unknown|WRONG_URL|GW_504|X_PROXY|NOT_ANSWERING", "gateway", rf"SERVICE_CHAT_URL|{proxies.PROXY_PORT}|{DEPLOY}"),
        outside=True, use=no_traffic, check=lambda stand: proxies.unfinished(stand, "/api/chat/info"), differences="SERVICE_CHAT_URL",
    ),
    Fault(
        "proxy-hangs", "the gateway reaches mail over something that takes requests and says nothing: 504",
        proxies.in_front_of("mail", proxies.hangs),
        Expected("GW_504|WRONG_URL", "gateway", rf"SERVICE_MAIL_URL|{proxies.PROXY_PORT}|{DEPLOY}"),
        check=lambda stand: stand.traffic.call("GET", "/api/mail/info", timeout=8)[0] == 504, differences="SERVICE_MAIL_URL",
    ),
    Fault(
        "proxy-portal", "the gateway reaches approval over something that shows everybody a page to log in, with 200",
        proxies.in_front_of("approval", proxies.answers("200 OK", PAGE.format("Please sign in"))),
        Expected("unknown|WRONG_URL|X_PROXY", "gateway", rf"SERVICE_APPROVAL_URL|{proxies.PROXY_PORT}|{DEPLOY}"), outside=True,
        check=lambda stand: b"Please sign in" in stand.traffic.call("GET", "/api/approval/info")[1], differences="SERVICE_APPROVAL_URL",
    ),
    Fault(
        "packets-dropped", "the gateway's address of chat leads to something that lets no connection in and refuses none",
        i.all_of(proxies.never_accepts, i.environment("gateway", SERVICE_CHAT_URL=proxies.PROXY_URL,
                                                      SPRING_CLOUD_GATEWAY_HTTPCLIENT_CONNECTTIMEOUT="1000")),
        Expected("GW_CONNECT_TIMEOUT|WRONG_URL", "gateway", rf"SERVICE_CHAT_URL|{proxies.PROXY_PORT}|{DEPLOY}"),
        {"gateway": "connection timed out after 1000 ms"}, differences="SERVICE_CHAT_URL",
    ),
)
