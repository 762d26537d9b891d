package com.dwp.auth.monitoring;

import com.dwp.core.api.ApiResponse;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** Collects page views and events of the browser; without a tenant they count for tenant 1. */
@RestController
@RequestMapping("/monitoring")
class MonitoringController {
    private static final Logger log = LoggerFactory.getLogger(MonitoringController.class);
    private final JdbcTemplate jdbc;

    MonitoringController(JdbcTemplate jdbc) {
        this.jdbc = jdbc;
    }

    @PostMapping({"/page-view", "/event"})
    ApiResponse<Void> collect(
            @RequestHeader(name = "X-Tenant-ID", defaultValue = "1") long tenantId,
            @RequestBody Map<String, String> event) {
        log.debug("Event of tenant {}: {}", tenantId, event);
        jdbc.update("INSERT INTO sys_event_logs (tenant_id, event_name, page_key) VALUES (?, ?, ?)",
                tenantId, event.getOrDefault("event", "page-view"), event.get("page"));
        return ApiResponse.ok(null);
    }
}
