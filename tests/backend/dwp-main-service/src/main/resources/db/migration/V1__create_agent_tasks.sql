CREATE TABLE agent_tasks (
    task_id     BIGSERIAL PRIMARY KEY,
    tenant_id   BIGINT       NOT NULL,
    title       VARCHAR(300) NOT NULL,
    status      VARCHAR(20)  NOT NULL DEFAULT 'REQUESTED',
    progress    INTEGER      NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 100),
    created_at  TIMESTAMPTZ  NOT NULL DEFAULT now()
);
