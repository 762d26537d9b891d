ALTER TABLE agent_tasks ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
CREATE INDEX ix_agent_tasks_open ON agent_tasks (tenant_id, priority DESC) WHERE status <> 'DONE';

-- Rollback:
-- DROP INDEX ix_agent_tasks_open;
-- ALTER TABLE agent_tasks DROP COLUMN priority;
