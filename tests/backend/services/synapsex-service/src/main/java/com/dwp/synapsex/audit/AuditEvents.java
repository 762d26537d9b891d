package com.dwp.synapsex.audit;

import java.nio.charset.StandardCharsets;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

@Component
public class AuditEvents {
    private static final Logger log = LoggerFactory.getLogger(AuditEvents.class);
    private final JdbcTemplate jdbc;

    AuditEvents(JdbcTemplate jdbc) {
        this.jdbc = jdbc;
    }

    public void write(long tenantId, String action, String detail) {
        jdbc.update("INSERT INTO dwp_aura.audit_event_log (tenant_id, action, detail) VALUES (?, ?, ?)",
                tenantId, action, detail);
    }

    /** An event of the AI platform; one without a numeric tenant is lost. */
    void ingest(byte[] message) {
        String text = new String(message, StandardCharsets.UTF_8);
        try {
            jdbc.update("""
                    INSERT INTO dwp_aura.audit_event_log (tenant_id, action, detail)
                    SELECT (e->>'tenant_id')::bigint, coalesce(e->>'action', 'INGEST'), e::text
                      FROM (SELECT ?::jsonb AS e) AS event
                    """, text);
        } catch (RuntimeException e) {
            log.warn("Audit event dropped: {}", e.getMessage());
        }
    }
}
