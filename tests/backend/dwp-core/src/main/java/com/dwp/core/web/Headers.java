package com.dwp.core.web;

import java.util.List;
import java.util.Map;

/** Header names that the services share. */
public final class Headers {
    public static final String TENANT = "X-Tenant-ID";
    public static final String USER = "X-User-ID";
    public static final String AGENT = "X-Agent-ID";
    public static final String CORRELATION = "X-Correlation-ID";
    public static final String TRACE = "X-Trace-Id";
    public static final String GATEWAY_REQUEST = "X-Gateway-Request-Id";

    /** Header to MDC key. */
    public static final Map<String, String> MDC_KEYS = Map.of(
            CORRELATION, "correlationId",
            TRACE, "traceId",
            GATEWAY_REQUEST, "gatewayRequestId",
            TENANT, "tenantId",
            USER, "userId",
            AGENT, "agentId");

    /** What an inner call takes along. The correlation and trace ids are missing, as in the real system. */
    public static final List<String> PROPAGATED = List.of(
            "Authorization", TENANT, USER, AGENT, GATEWAY_REQUEST, "X-DWP-Source", "X-DWP-Caller-Type");

    private Headers() {}
}
