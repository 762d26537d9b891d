package com.dwp.auth.internal;

import com.dwp.auth.user.User;
import com.dwp.auth.user.UserRepository;
import com.dwp.core.api.ApiResponse;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.slf4j.MDC;
import org.springframework.data.repository.Repository;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** What the other services ask; open to everyone who reaches the port, as in the real system. */
@RestController
@RequestMapping("/internal")
class InternalController {
    record AuditEntry(Long tenantId, Long actorUserId, String action, String resourceType, String resourceId) {}

    record Call(
            Long tenantId, String userId, String method, String path, Integer statusCode, Long latencyMs,
            String traceId, String gatewayRequestId) {}

    interface AuditLogs extends Repository<AuditLog, Long> {
        AuditLog save(AuditLog entry);
    }

    interface ApiCalls extends Repository<ApiCallHistory, Long> {
        ApiCallHistory save(ApiCallHistory call);
    }

    private final AuditLogs auditLogs;
    private final ApiCalls calls;
    private final UserRepository users;
    private final PermissionCache permissions;

    InternalController(AuditLogs auditLogs, ApiCalls calls, UserRepository users, PermissionCache permissions) {
        this.auditLogs = auditLogs;
        this.calls = calls;
        this.users = users;
        this.permissions = permissions;
    }

    @PostMapping("/audit-logs")
    ApiResponse<Void> audit(@RequestBody AuditEntry entry) {
        auditLogs.save(new AuditLog(entry, MDC.get("traceId")));
        return ApiResponse.ok(null);
    }

    @PostMapping("/api-call-histories")
    ApiResponse<Void> call(@RequestBody Call call) {
        calls.save(new ApiCallHistory(call));
        return ApiResponse.ok(null);
    }

    @GetMapping("/permission/check")
    ApiResponse<Boolean> permission(
            @RequestParam Long tenantId, @RequestParam Long userId, @RequestParam String resource) {
        return ApiResponse.ok(permissions.mayUse(tenantId, userId, resource));
    }

    @GetMapping("/users/display-names")
    ApiResponse<Map<Long, String>> displayNames(@RequestParam List<Long> ids) {
        return ApiResponse.ok(users.findAllById(ids).stream()
                .collect(Collectors.toMap(User::getUserId, User::getDisplayName)));
    }
}
