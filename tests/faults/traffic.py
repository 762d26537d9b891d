# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What users do: requests through the gateway, many at once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

TENANT = {"X-Tenant-ID": "1"}
#: Requests of a working day: all services, nothing that a healthy platform refuses.
PATHS = (
    "/api/main/health", "/api/main/tasks", "/api/auth/policy", "/api/mail/info", "/api/chat/info", "/api/chat/presence",
    "/api/approval/info", "/api/synapse/dictionary", "/api/synapse/cases",
)  # fmt: skip


class Traffic:
    PASSWORD = "faults-1234"
    HASH = "$2a$04$pvEmnD101tVJd0T2A/ngc.jOGcyJoVU19JgpFYqH9Tv672.crUMqW"

    def __init__(self, gateway: int, secret: str) -> None:
        self.gateway, self.secret = gateway, secret
        self.token = ""

    def call(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None, port: int = 0, timeout: float = 3
    ) -> tuple[int | str, Any]:
        """Status and body, or the class of the error and nothing."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.gateway, timeout=timeout)
        try:
            content = {"Content-Type": "application/json"} if body is not None else {}
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, {**(TENANT if headers is None else headers), **content})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            return type(error).__name__, b""
        finally:
            connection.close()

    def ask(self, port: int, path: str, timeout: float = 3) -> int | str:
        return self.call("GET", path, port=port, timeout=timeout)[0]

    def login(self) -> int | str:
        status, body = self.call("POST", "/api/auth/login", {"username": "admin", "password": self.PASSWORD, "tenantId": 1})
        if status == 200:
            self.token = json.loads(body)["data"]["accessToken"]
        return status

    def signed(self, secret: str | None = None, lifetime: int = 3600, algorithm: str = "HS256") -> str:
        """A token as auth issues it."""
        now = int(time.time())
        return self.token_of({"sub": "1", "tenant_id": "1", "iat": now - 60, "exp": now + lifetime}, secret, algorithm)

    def token_of(self, claims: dict[str, object], secret: str | None = None, algorithm: str = "HS256") -> str:
        """Whatever it says of its algorithm, this is HS256."""
        parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in ({"alg": algorithm}, claims)]
        digest = hmac.new((secret or self.secret).encode(), ".".join(parts).encode(), hashlib.sha256).digest()
        return ".".join([*parts, base64.urlsafe_b64encode(digest).rstrip(b"=").decode()])

    def approve(self, token: str = "") -> int | str:
        """An approval of a person, which main checks with the token; the request itself is unknown, hence 404 when all is well."""
        headers = {**TENANT, "Authorization": f"Bearer {token or self.token}", "X-User-ID": "1"}
        return self.call("POST", "/api/aura/hitl/approve/no-such-request", {}, headers)[0]

    def profile(self, token: str = "") -> int | str:
        """A path of auth that wants a token; there is nothing behind it."""
        return self.call("GET", "/api/auth/me", headers={**TENANT, "Authorization": f"Bearer {token or self.token}"})[0]

    def many(self, paths: Sequence[str] = PATHS, times: int = 1, workers: int = 8, timeout: float = 3) -> list[int | str]:
        """Each path so many times, at once."""
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(lambda path: self.call("GET", path, timeout=timeout)[0], list(paths) * times))

    def day(self, times: int = 2) -> list[int | str]:
        """Logins and calls of all kinds."""
        return [self.login(), *self.many(times=times), self.login()]


class Load:
    """Requests for as long as the block lasts."""

    def __init__(self, traffic: Traffic, pause: float = 0.2) -> None:
        self.traffic, self.pause = traffic, pause
        self.answers: list[int | str] = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self.ended.wait(self.pause):
            self.answers += self.traffic.day(times=1)

    def __enter__(self) -> Load:
        self.thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.ended.set()
        self.thread.join(30)
