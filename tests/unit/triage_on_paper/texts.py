# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What libraries write into logs: Spring Boot 3.4, Hikari, pgjdbc, Hibernate, Lettuce, Netty, Feign."""

from __future__ import annotations

HANDLER = "com.dwp.core.web.GlobalExceptionHandler"
REQUESTS = "com.dwp.core.web.RequestLog"
BOOT = "o.s.boot.SpringApplication"
GATEWAY = "a.w.r.e.AbstractErrorWebExceptionHandler"
HIBERNATE = "o.h.engine.jdbc.spi.SqlExceptionHelper"
POOL = "com.zaxxer.hikari.pool.HikariPool"
LEAKS = "com.zaxxer.hikari.pool.ProxyLeakTask"
TOKENS = "c.d.m.hitl.TokenVerifier"
LOGINS = "c.d.a.s.UnauthorizedEntryPoint"

#: (exception, message)
Cause = tuple[str, str]

_OWN = "com.dwp.app.Service.call(Service.java:44)"
_FRAMES = "".join(f"\n\tat {frame}" for frame in (
    "org.springframework.web.method.support.InvocableHandlerMethod.doInvoke(InvocableHandlerMethod.java:258)",
    "org.springframework.web.method.support.InvocableHandlerMethod.invokeForRequest(InvocableHandlerMethod.java:191)",
    "org.springframework.web.servlet.mvc.method.annotation.ServletInvocableHandlerMethod.invokeAndHandle(ServletInvocableHandlerMethod.java:118)",
    "org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerAdapter.invokeHandlerMethod"
    "(RequestMappingHandlerAdapter.java:986)",
    "org.springframework.web.servlet.DispatcherServlet.doDispatch(DispatcherServlet.java:1089)",
    "org.springframework.web.servlet.DispatcherServlet.doService(DispatcherServlet.java:979)",
    "org.springframework.web.servlet.FrameworkServlet.processRequest(FrameworkServlet.java:1014)",
    "jakarta.servlet.http.HttpServlet.service(HttpServlet.java:564)",
    "org.apache.catalina.core.ApplicationFilterChain.internalDoFilter(ApplicationFilterChain.java:195)",
    "org.apache.tomcat.websocket.server.WsFilter.doFilter(WsFilter.java:51)",
    "org.apache.catalina.core.StandardWrapperValve.invoke(StandardWrapperValve.java:167)",
    "org.apache.coyote.http11.Http11Processor.service(Http11Processor.java:397)",
    "org.apache.tomcat.util.net.NioEndpoint$SocketProcessor.doRun(NioEndpoint.java:1740)",
    "java.base/java.lang.Thread.run(Thread.java:840)",
))  # fmt: skip


def stack(exception: str, message: str, *causes: Cause, own: str = _OWN) -> str:
    text = f"{exception}: {message}\n\tat {own}{_FRAMES}"
    for cause, said in causes:
        text += f"\nCaused by: {cause}: {said}\n\tat {own}\n\t... 31 common frames omitted"
    return text


def unexpected(exception: str, message: str, *causes: Cause, own: str = _OWN) -> str:
    """GlobalExceptionHandler's words for what it does not expect: the message, then the stack."""
    return f"Unexpected error: {message}\n\n" + stack(exception, message, *causes, own=own)


# ---- errors that no catalogue knows
def null_pointer(call: str = "com.dwp.mail.Box.name()", variable: str = "box") -> str:
    return unexpected("java.lang.NullPointerException", f'Cannot invoke "{call}" because "{variable}" is null')


MISSING_METHOD = unexpected("java.lang.NoSuchMethodError", "'java.util.List com.dwp.core.Codes.all()'")
STACK_OVERFLOW = unexpected("java.lang.StackOverflowError", "null")


# ---- the gateway, and calls of services
def gateway_error(path: str, exception: str, method: str = "GET") -> str:
    return (
        f'[b70ef7ba-{{i}}]  500 Server Error for HTTP {method} "{path}"\n\n{exception}\n'
        "\tSuppressed: reactor.core.publisher.FluxOnAssembly$OnAssemblyException: \nError has been observed at the following site(s):\n"
        "\t*__checkpoint ⇢ org.springframework.cloud.gateway.filter.WeightCalculatorWebFilter [DefaultWebFilterChain]\n"
        f'\t*__checkpoint ⇢ HTTP {method} "{path}" [ExceptionHandlingWebHandler]\nOriginal Stack Trace:\n'
        "\t\tat io.netty.channel.unix.Errors.newConnectException0(Errors.java:166) "
        "~[netty-transport-native-unix-common-4.1.124.Final.jar!/:4.1.124.Final]"
    )


def gateway_refused(path: str, place: str, method: str = "GET") -> str:
    why = f"io.netty.channel.AbstractChannel$AnnotatedConnectException: finishConnect(..) failed: Connection refused: {place}"
    return gateway_error(path, why, method)


def gateway_no_route(path: str, place: str) -> str:
    why = f"io.netty.channel.AbstractChannel$AnnotatedNoRouteToHostException: finishConnect(..) failed: No route to host: {place}"
    return gateway_error(path, why)


def gateway_timeout(path: str, place: str, milliseconds: int = 30000) -> str:
    return gateway_error(path, f"io.netty.channel.ConnectTimeoutException: connection timed out after {milliseconds} ms: {place}")


def feign(status: int, name: str, method: str, url: str, client: str, reason: str = "") -> str:
    code = f"{status} {reason}".rstrip()
    said = f'[{code}] during [{method}] to [{url}] [{client}]: [{{"status":"ERROR"}}]'
    return unexpected(f"feign.FeignException${name}", said, own="feign.FeignException.clientErrorStatus(FeignException.java:246)")


def feign_broken(why: str, method: str, url: str) -> str:
    """A call that got no answer."""
    cause = "java.net.SocketTimeoutException" if "timed out" in why else "java.net.ConnectException"
    own = "feign.FeignException.errorExecuting(FeignException.java:300)"
    return unexpected("feign.RetryableException", f"{why} executing {method} {url}", (cause, why), own=own)


_EXPIRED_PATH = "PKIX path validation failed: java.security.cert.CertPathValidatorException: validity check failed"
#: The certificate of the other end is too old.
EXPIRED: tuple[Cause, Cause] = (
    ("javax.net.ssl.SSLHandshakeException", _EXPIRED_PATH),
    ("java.security.cert.CertificateExpiredException", "NotAfter: Sun Nov 22 00:00:00 UTC 2026"),
)
AURA_EXPIRED = unexpected("feign.RetryableException", f"{_EXPIRED_PATH} executing POST https://aura.example.internal/v1/cases", *EXPIRED)

# ---- tokens
TOKEN_SIGNED_OTHERWISE = (
    "JWT signature validation failed: JWT signature does not match locally computed signature. JWT validity cannot be asserted and "
    "should not be trusted."
)
TOKEN_EXPIRED = (
    "Authentication failed: path=/auth/me, error=An error occurred while attempting to decode the Jwt: "
    "Jwt expired at 2026-11-23T01:00:00Z"
)


# ---- databases
def pool_empty(total: int, active: int, waiting: int) -> str:
    return (
        "HikariPool-1 - Connection is not available, request timed out after 30001ms "
        f"(total={total}, active={active}, idle=0, waiting={waiting})"
    )


def no_connection(message: str, *causes: Cause) -> str:
    """GlobalExceptionHandler's words where JPA gets no connection."""
    return unexpected(
        "org.springframework.transaction.CannotCreateTransactionException", "Could not open JPA EntityManager for transaction",
        ("org.hibernate.exception.JDBCConnectionException", f"Unable to acquire JDBC Connection [{message}] [n/a]"),
        ("java.sql.SQLTransientConnectionException", message), *causes,
    )  # fmt: skip


def no_jdbc_connection(*causes: Cause) -> str:
    """The same without JPA."""
    return unexpected("org.springframework.jdbc.CannotGetJdbcConnectionException", "Failed to obtain JDBC Connection", *causes)


def postgres(message: str) -> Cause:
    return "org.postgresql.util.PSQLException", message


def server_refused(place: str) -> Cause:
    return postgres(
        f"Connection to {place} refused. Check that the hostname and port are correct and that the postmaster is accepting TCP/IP "
        "connections."
    )


def starved(delta: str) -> str:
    return f"HikariPool-1 - Thread starvation or clock leap detected (housekeeper delta={delta})."


def leak(service: str, port: int) -> str:
    return (
        f"Connection leak detection triggered for org.postgresql.jdbc.PgConnection@5dcf0772 on thread http-nio-{port}-exec-3, "
        "stack trace follows\n\njava.lang.Exception: Apparent connection leak detected\n"
        f"\tat com.dwp.{service}.Export.run(Export.java:44)"
    )


DEADLOCK = "ERROR: deadlock detected\n  Detail: Process 101 waits for ShareLock on transaction 77; blocked by process 102."
READ_ONLY = "ERROR: cannot execute INSERT in a read-only transaction"
WRONG_PASSWORD = 'FATAL: password authentication failed for user "dwp_user"'


# ---- Redis
def redis_error(exception: str, message: str, spring: str = "RedisSystemException", said: str = "Error in execution") -> str:
    return unexpected(f"org.springframework.data.redis.{spring}", said, (f"io.lettuce.core.{exception}", message))


REDIS_OUT_OF_MEMORY = redis_error("RedisCommandExecutionException", "OOM command not allowed when used memory > 'maxmemory'.")
REDIS_REPLICA = redis_error("RedisReadOnlyException", "READONLY You can't write against a read only replica.")


# ---- starts
def run_failed(exception: str, message: str, *causes: Cause) -> str:
    own = "org.springframework.boot.SpringApplication.run(SpringApplication.java:1361)"
    return "Application run failed\n\n" + stack(exception, message, *causes, own=own)
