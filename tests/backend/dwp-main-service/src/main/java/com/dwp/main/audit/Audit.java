package com.dwp.main.audit;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

/** Reports to auth; a failure costs the entry, not the request. */
@Component
public class Audit {
    private static final Logger log = LoggerFactory.getLogger(Audit.class);
    private final AuditClient client;

    Audit(AuditClient client) {
        this.client = client;
    }

    public void write(String tenantId, String userId, String action, String resourceType, String resourceId) {
        try {
            client.write(new AuditClient.Entry(
                    Long.valueOf(tenantId), Long.valueOf(userId), action, resourceType, resourceId));
        } catch (RuntimeException e) {
            log.warn("Failed to write audit log {} {}: {}", action, resourceId, e.toString());
        }
    }
}
