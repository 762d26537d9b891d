package com.dwp.core.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import org.slf4j.MDC;

/** The one envelope of every answer. The trace id lets a caller quote a failed request. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record ApiResponse<T>(
        String status, String message, T data, String errorCode, boolean success, String traceId, Instant timestamp) {

    public static <T> ApiResponse<T> ok(T data) {
        return new ApiResponse<>("SUCCESS", "OK", data, null, true, null, Instant.now());
    }

    public static ApiResponse<Void> error(ErrorCode code, String message) {
        return new ApiResponse<>("ERROR", message, null, code.code(), false, MDC.get("traceId"), Instant.now());
    }
}
