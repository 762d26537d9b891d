package com.dwp.synapsex.cases;

import com.fasterxml.jackson.annotation.JsonAutoDetect;
import jakarta.persistence.Entity;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.GenerationType;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;

/** A case; its state is an enum type of the database and left to SQL. */
@Entity
@Table(name = "agent_cases")
@JsonAutoDetect(fieldVisibility = JsonAutoDetect.Visibility.ANY)
class CaseRecord {
    @Id
    @GeneratedValue(strategy = GenerationType.IDENTITY)
    private Long caseId;

    private Long tenantId;
    private String caseType;
    private String dedupKey;
    private Instant detectedAt;
}
