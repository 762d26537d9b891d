-- Cases that the detection found, and the states they pass through.
CREATE TYPE dwp_aura.case_status AS ENUM ('OPEN', 'IN_REVIEW', 'APPROVED', 'REJECTED', 'CLOSED');

CREATE TABLE dwp_aura.agent_cases (
    case_id      BIGSERIAL PRIMARY KEY,
    tenant_id    BIGINT               NOT NULL,
    case_type    VARCHAR(50)          NOT NULL,
    status       dwp_aura.case_status NOT NULL DEFAULT 'OPEN',
    detected_at  TIMESTAMPTZ          NOT NULL DEFAULT now()
);

CREATE TABLE dwp_aura.audit_event_log (
    event_id    BIGSERIAL PRIMARY KEY,
    tenant_id   BIGINT       NOT NULL,
    action      VARCHAR(100) NOT NULL,
    detail      TEXT,
    created_at  TIMESTAMPTZ  NOT NULL DEFAULT now()
);
