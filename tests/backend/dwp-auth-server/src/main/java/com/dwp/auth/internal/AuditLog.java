package com.dwp.auth.internal;

import jakarta.persistence.Entity;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.GenerationType;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;

@Entity
@Table(name = "sys_audit_logs")
class AuditLog {
    @Id
    @GeneratedValue(strategy = GenerationType.IDENTITY)
    private Long auditId;

    private Long tenantId;
    private Long actorUserId;
    private String action;
    private String resourceType;
    private String resourceId;
    private String traceId;
    private Instant createdAt;

    protected AuditLog() {}

    AuditLog(InternalController.AuditEntry entry, String traceId) {
        this.tenantId = entry.tenantId();
        this.actorUserId = entry.actorUserId();
        this.action = entry.action();
        this.resourceType = entry.resourceType();
        this.resourceId = entry.resourceId();
        this.traceId = traceId;
        this.createdAt = Instant.now();
    }
}
