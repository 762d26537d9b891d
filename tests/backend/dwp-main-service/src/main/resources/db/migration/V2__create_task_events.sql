CREATE TABLE agent_task_events (
    event_id    BIGSERIAL PRIMARY KEY,
    task_id     BIGINT      NOT NULL REFERENCES agent_tasks (task_id) ON DELETE CASCADE,
    event_type  VARCHAR(50) NOT NULL,
    payload     JSONB       NOT NULL DEFAULT '{}'::jsonb,
    created_at  TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE INDEX ix_agent_task_events_task ON agent_task_events (task_id, created_at);

-- Rollback:
-- DROP TABLE agent_task_events;
