package com.dwp.main.task;

import com.fasterxml.jackson.annotation.JsonAutoDetect;
import jakarta.persistence.Entity;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.GenerationType;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;

@Entity
@Table(name = "agent_tasks")
@JsonAutoDetect(fieldVisibility = JsonAutoDetect.Visibility.ANY)
class AgentTask {
    @Id
    @GeneratedValue(strategy = GenerationType.IDENTITY)
    private Long taskId;

    private Long tenantId;
    private String title;
    private String status;
    private Integer progress;
    private Integer priority;
    private Instant createdAt;

    protected AgentTask() {}

    AgentTask(Long tenantId, String title) {
        this.tenantId = tenantId;
        this.title = title;
        this.status = "REQUESTED";
        this.progress = 0;
        this.priority = 0;
        this.createdAt = Instant.now();
    }
}
