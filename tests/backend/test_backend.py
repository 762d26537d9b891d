# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proof that the reference backend resembles the real one: health answers, gateway, tokens, database, lost parts."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

import pytest
import redis
import requests
from backend_harness import SECRET, Backend, Redis, wait_for

TENANT = {"X-Tenant-ID": "1"}
ADMIN = {"username": "admin", "password": "admin1234!", "tenantId": 1}


def get(backend: Backend, service: str, path: str, limit: float = 20, **headers: str) -> requests.Response:
    return requests.get(backend.services[service].url + path, headers=headers, timeout=limit)


def tenant_get(backend: Backend, service: str, path: str, **headers: str) -> requests.Response:
    return get(backend, service, path, **TENANT, **headers)


@pytest.fixture(scope="module")
def token(backend: Backend) -> str:
    answer = requests.post(backend.services["auth"].url + "/auth/login", json=ADMIN, timeout=20)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["data"]["accessToken"])


def signed(claims: dict[str, object], secret: str) -> str:
    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    body = part(b'{"alg":"HS256"}') + "." + part(json.dumps(claims).encode())
    return body + "." + part(hmac.new(secret.encode(), body.encode(), hashlib.sha256).digest())


RUNBOOK_PATHS = ("/actuator/health", "/actuator/health/readiness", "/actuator/health/liveness",
                 "/actuator/prometheus", "/v3/api-docs")
NO_ACTUATOR = dict.fromkeys(RUNBOOK_PATHS, (500, "E1000"))
HEALTH_ANSWERS = {
    "gateway": dict.fromkeys(RUNBOOK_PATHS, (404, '"error":"Not Found"')),
    "auth": {**dict.fromkeys(RUNBOOK_PATHS, (401, "E2000")), "/auth/health": (500, "E1000")},
    "main": {"/actuator/health": (200, '"status":"UP"'), "/actuator/health/readiness": (200, "UP"),
             "/actuator/health/liveness": (200, "UP"), "/actuator/prometheus": (200, "jvm_memory_used_bytes"),
             "/v3/api-docs": (500, "E1000"), "/metrics": (500, "E1000"), "/main/health": (200, "UP")},
    "mail": {**NO_ACTUATOR, "/mail/health": (200, "UP"), "/mail/info": (200, "dwp_mail")},
    "chat": {**NO_ACTUATOR, "/chat/health": (200, "UP"), "/chat/info": (200, "dwp_chat")},
    "approval": {**NO_ACTUATOR, "/approval/health": (200, "UP"), "/approval/info": (200, "dwp_approval")},
    "synapsex": {**NO_ACTUATOR, "/": (500, "E1000"), "/synapse/health": (500, "E1000"),
                 "/v3/api-docs/swagger-config": (200, "configUrl")},
}


@pytest.mark.parametrize(("service", "path", "status", "text"), [
    (service, path, *answer) for service, paths in HEALTH_ANSWERS.items() for path, answer in paths.items()])
def test_health_answers(backend: Backend, service: str, path: str, status: int, text: str) -> None:
    answer = get(backend, service, path)
    assert answer.status_code == status
    assert text in answer.text


def test_unknown_path_leaves_a_stack_trace(backend: Backend) -> None:
    assert get(backend, "mail", "/no/such/path").status_code == 500
    log = backend.services["mail"].log
    assert "Unexpected error: No static resource no/such/path." in log
    assert "\tat org.springframework.web.servlet" in log


def test_probes_that_touch_the_database(backend: Backend) -> None:
    assert tenant_get(backend, "auth", "/auth/policy").json()["data"]["tenantId"] == 1
    assert len(tenant_get(backend, "synapsex", "/synapse/dictionary").json()["data"]) == 3
    before = backend.postgres.query("dwp_aura", "SELECT count(*) FROM dwp_aura.audit_event_log")[0][0]
    assert tenant_get(backend, "synapsex", "/synapse/dashboard/summary").json()["data"]["open"] == 0
    assert backend.postgres.query("dwp_aura", "SELECT count(*) FROM dwp_aura.audit_event_log")[0][0] == before + 1


def test_main_names_no_component(backend: Backend) -> None:
    answer = get(backend, "main", "/actuator/health")
    assert "components" not in answer.json()
    assert answer.headers["Content-Type"].startswith("application/vnd.spring-boot.actuator.v3+json")


@pytest.mark.parametrize(("path", "headers", "status"), [
    ("/api/main/health", {}, 400),
    ("/api/main/health", TENANT, 200),
    ("/api/mail/health", TENANT, 200),
    ("/api/chat/health", TENANT, 500),  # refused
    ("/api/approval/health", TENANT, 500),  # unknown host
    ("/api/aura/anything", TENANT, 504),  # no answer in time
    ("/api/aura/dashboard/summary", TENANT, 200),  # goes to synapsex
    ("/api/aura/hitl/requests/none", TENANT, 404),  # goes to main
    ("/api/synapse/dictionary", TENANT, 200),
    ("/api/nowhere", TENANT, 404),
])
def test_gateway(backend: Backend, path: str, headers: dict[str, str], status: int) -> None:
    answer = get(backend, "gateway", path, **headers)
    assert answer.status_code == status
    assert (answer.content == b"") == (status == 400)


def test_gateway_tenant_rule(backend: Backend) -> None:
    get(backend, "gateway", "/api/main/tasks")
    assert "Missing required header X-Tenant-ID for path: /api/main/tasks" in backend.services["gateway"].log
    exempt = get(backend, "gateway", "/api/auth/policy")  # passes the gateway, fails in auth
    assert (exempt.status_code, exempt.json()["errorCode"]) == (400, "E4000")
    assert exempt.json()["message"] == "필수 헤더 'X-Tenant-ID'가 누락되었습니다."
    wrong = get(backend, "gateway", "/api/aura/dashboard/summary", **{"X-Tenant-ID": "acme"})
    assert wrong.status_code == 400
    assert wrong.json()["error"].startswith("X-Tenant-ID must be numeric")
    token = signed({"tenant_id": "1"}, "nobody checks this")
    saved = get(backend, "gateway", "/api/aura/dashboard/summary",
                **{"X-Tenant-ID": "acme", "Authorization": f"Bearer {token}"})
    assert saved.status_code == 200


def test_call_history_and_ids(backend: Backend) -> None:
    answer = tenant_get(backend, "gateway", "/api/main/tasks", **{"X-Correlation-ID": "corr-1"})
    assert "X-Correlation-ID" not in answer.headers
    rows = "SELECT path, status_code FROM sys_api_call_histories WHERE trace_id = %s AND gateway_request_id = %s"
    ids = (answer.headers["X-Trace-Id"], answer.headers["X-Gateway-Request-Id"])
    wait_for("history row", lambda: backend.postgres.query("dwp_auth", rows, *ids) == [("/api/main/tasks", 200)])


def test_login_and_claims(backend: Backend, token: str) -> None:
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["tenant_id"] == "1"
    assert claims["sub"] == "1"
    assert (type(claims["iat"]), claims["exp"] - claims["iat"]) == (int, 3600)
    bearer = {"Authorization": f"Bearer {token}"}
    assert get(backend, "auth", "/actuator/health", **bearer).json()["status"] == "UP"
    assert get(backend, "auth", "/v3/api-docs", **bearer).status_code == 500
    empty = requests.post(backend.services["auth"].url + "/auth/login", json={}, timeout=20)
    assert empty.status_code == 400
    assert "password of tenant 1 admin reset to 'admin1234!'" in backend.services["auth"].log


def decide(backend: Backend, token: str, request: str = "none", **headers: str) -> requests.Response:
    headers = {**TENANT, "Authorization": f"Bearer {token}", **headers}
    return requests.post(f"{backend.services['main'].url}/aura/hitl/approve/{request}", headers=headers, timeout=20)


def test_tokens_that_are_refused(backend: Backend, token: str) -> None:
    now = int(time.time())
    forged = signed({"sub": "1", "tenant_id": "1", "iat": now, "exp": now + 60}, "another secret of sufficient length!")
    stale = signed({"sub": "1", "tenant_id": "1", "iat": now - 7200, "exp": now - 3600}, SECRET)
    codes = [decide(backend, t, **{"X-Correlation-ID": "corr-2"}).json()["errorCode"] for t in (forged, stale, token)]
    assert codes == ["E2003", "E2002", "E3000"]
    lines = [line for line in backend.services["main"].log.splitlines() if "JWT signature validation failed" in line]
    assert "[correlationId=corr-2]" in lines[0]
    mismatch = decide(backend, token, **{"X-Tenant-ID": "2"})
    assert (mismatch.status_code, mismatch.json()["message"]) == (403, "Tenant ID mismatch between JWT and header")
    for bad, code in ((forged, "E2000"), (stale, "E2002")):
        answer = get(backend, "auth", "/actuator/health", Authorization=f"Bearer {bad}")
        assert (answer.status_code, answer.json()["errorCode"]) == (401, code)
    assert "Jwt: Signed JWT rejected: Invalid signature" in backend.services["auth"].log


def test_approval_reaches_the_agent_and_the_audit_log(backend: Backend, token: str) -> None:
    client = redis.Redis(port=backend.redis.port)
    client.set("hitl:request:r1", json.dumps({"sessionId": "s1"}))
    agent = client.pubsub(ignore_subscribe_messages=True)
    agent.subscribe("hitl:channel:s1")
    agent.get_message(timeout=5)
    assert decide(backend, token, "r1").json()["data"]["listeners"] == 1
    message = agent.get_message(timeout=5)
    assert message and json.loads(message["data"])["type"] == "approve"
    assert backend.postgres.query("dwp_auth", "SELECT action FROM sys_audit_logs WHERE resource_id = 'r1'") == [
        ("HITL_APPROVE",)]
    assert "Feign header propagation: 2/7 headers propagated" in backend.services["main"].log


def test_chat_asks_redis(backend: Backend) -> None:
    redis.Redis(port=backend.redis.port).sadd("chat:presence:1", "me")
    assert tenant_get(backend, "chat", "/chat/presence").json()["data"] == {"online": 1}


def test_synapsex_admin_and_audit_events(backend: Backend) -> None:
    assert tenant_get(backend, "synapsex", "/synapse/admin/whoami").status_code == 500
    assert "Unexpected error: 권한 검증에 실패했습니다." in backend.services["synapsex"].log
    me = tenant_get(backend, "synapsex", "/synapse/admin/whoami", **{"X-User-ID": "1"})
    assert me.json()["data"] == {"1": "관리자"}
    assert tenant_get(backend, "synapsex", "/synapse/cases/1/analysis").json()["data"] == {}
    client = redis.Redis(port=backend.redis.port)
    assert client.publish("audit:events:ingest", json.dumps({"tenant_id": "7", "action": "AGENT"})) == 1
    rows = "SELECT tenant_id FROM dwp_aura.audit_event_log WHERE action = 'AGENT'"
    wait_for("audit row", lambda: backend.postgres.query("dwp_aura", rows) == [(7,)])


def test_histories_and_pools(backend: Backend) -> None:
    history = "SELECT version FROM {} WHERE success ORDER BY installed_rank"
    for database, table, newest in (("dwp_auth", "public.flyway_schema_history", "7"),
                                    ("dwp_main", "public.flyway_schema_history", "4"),
                                    ("dwp_aura", "dwp_aura.flyway_schema_history", "5")):
        versions = [v for (v,) in backend.postgres.query(database, history.format(table)) if v]
        assert versions[-1] == newest
    for name in ("mail", "chat", "approval"):
        assert backend.postgres.query(f"dwp_{name}", "SELECT to_regclass('flyway_schema_history')") == [(None,)]
    pools = "SELECT datname, count(*) FROM pg_stat_activity WHERE usename = 'dwp_user' GROUP BY 1"
    wait_for("ten connections each", lambda: {n for _, n in backend.postgres.query("postgres", pools)} == {10})


def main_status(backend: Backend, path: str = "") -> int:
    return get(backend, "main", f"/actuator/health{path}", limit=40).status_code


def test_redis_lost_and_back(backend: Backend) -> None:
    backend.redis.stop()
    try:
        wait_for("503", lambda: main_status(backend) == 503)
        assert main_status(backend, "/readiness") == main_status(backend, "/liveness") == 200
        assert "Redis health check failed" in backend.services["main"].log
    finally:
        Redis.start(backend.redis)
    wait_for("recovery", lambda: main_status(backend) == 200)


def test_postgres_lost_and_back(backend: Backend) -> None:
    backend.postgres.stop()
    try:
        assert main_status(backend) == 503
        assert main_status(backend, "/readiness") == get(backend, "main", "/main/health").status_code == 200
        assert get(backend, "mail", "/mail/health").status_code == 200
        assert "DataSource health check failed" in backend.services["main"].log
    finally:
        backend.postgres.start()
    wait_for("recovery", lambda: main_status(backend) == 200)
    wait_for("recovery of auth", lambda: tenant_get(backend, "auth", "/auth/policy").status_code == 200)
