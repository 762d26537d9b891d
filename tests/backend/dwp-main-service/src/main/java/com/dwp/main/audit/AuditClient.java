package com.dwp.main.audit;

import org.springframework.cloud.openfeign.FeignClient;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;

@FeignClient(name = "auth-server", url = "${service.auth.url}")
interface AuditClient {
    record Entry(Long tenantId, Long actorUserId, String action, String resourceType, String resourceId) {}

    @PostMapping("/internal/audit-logs")
    void write(@RequestBody Entry entry);
}
