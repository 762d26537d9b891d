-- Backfill first, NOT NULL afterwards. The old rows get a key of their own.
ALTER TABLE dwp_aura.agent_cases ADD COLUMN dedup_key VARCHAR(200);
UPDATE dwp_aura.agent_cases SET dedup_key = case_type || ':' || case_id;
ALTER TABLE dwp_aura.agent_cases ALTER COLUMN dedup_key SET NOT NULL;
CREATE UNIQUE INDEX ux_agent_cases_dedup ON dwp_aura.agent_cases (tenant_id, dedup_key);

-- Rollback:
-- DROP INDEX dwp_aura.ux_agent_cases_dedup;
-- ALTER TABLE dwp_aura.agent_cases DROP COLUMN dedup_key;
