package com.dwp.auth.internal;

import jakarta.persistence.Entity;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.GenerationType;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;

/** One answered request at the gateway. It has a trace id, but no correlation id. */
@Entity
@Table(name = "sys_api_call_histories")
class ApiCallHistory {
    @Id
    @GeneratedValue(strategy = GenerationType.IDENTITY)
    private Long callId;

    private Long tenantId;
    private String userId;
    private String method;
    private String path;
    private Integer statusCode;
    private Long latencyMs;
    private String traceId;
    private String gatewayRequestId;
    private Instant createdAt;

    protected ApiCallHistory() {}

    ApiCallHistory(InternalController.Call call) {
        this.tenantId = call.tenantId();
        this.userId = call.userId();
        this.method = call.method();
        this.path = call.path();
        this.statusCode = call.statusCode();
        this.latencyMs = call.latencyMs();
        this.traceId = call.traceId();
        this.gatewayRequestId = call.gatewayRequestId();
        this.createdAt = Instant.now();
    }
}
