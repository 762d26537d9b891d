-- What the gateway and the browser report.
CREATE TABLE sys_api_call_histories (
    call_id             BIGSERIAL PRIMARY KEY,
    tenant_id           BIGINT       NOT NULL,
    user_id             VARCHAR(100),
    method              VARCHAR(10)  NOT NULL,
    path                VARCHAR(500) NOT NULL,
    status_code         INTEGER      NOT NULL,
    latency_ms          BIGINT       NOT NULL,
    trace_id            VARCHAR(64),
    gateway_request_id  VARCHAR(64),
    created_at          TIMESTAMPTZ  NOT NULL DEFAULT now()
);

CREATE TABLE sys_event_logs (
    event_id    BIGSERIAL PRIMARY KEY,
    tenant_id   BIGINT       NOT NULL,
    event_name  VARCHAR(100) NOT NULL,
    page_key    VARCHAR(200),
    created_at  TIMESTAMPTZ  NOT NULL DEFAULT now()
);

-- Rollback:
-- DROP TABLE sys_event_logs;
-- DROP TABLE sys_api_call_histories;
