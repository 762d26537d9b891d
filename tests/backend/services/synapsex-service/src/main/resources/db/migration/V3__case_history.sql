-- Every change of state leaves a row. The function bodies hold semicolons and comments.
CREATE TABLE dwp_aura.agent_case_history (
    history_id  BIGSERIAL PRIMARY KEY,
    case_id     BIGINT               NOT NULL REFERENCES dwp_aura.agent_cases (case_id) ON DELETE CASCADE,
    old_status  dwp_aura.case_status,
    new_status  dwp_aura.case_status NOT NULL,
    changed_at  TIMESTAMPTZ          NOT NULL DEFAULT now()
);

CREATE FUNCTION dwp_aura.log_case_status() RETURNS trigger AS $$
BEGIN
    -- only real changes; inserts count as one
    IF TG_OP = 'INSERT' THEN
        INSERT INTO dwp_aura.agent_case_history (case_id, new_status) VALUES (NEW.case_id, NEW.status);
    ELSIF NEW.status IS DISTINCT FROM OLD.status THEN
        INSERT INTO dwp_aura.agent_case_history (case_id, old_status, new_status)
        VALUES (NEW.case_id, OLD.status, NEW.status);
    END IF;
    RETURN NEW;
END;
$$ LANGUAGE plpgsql;

CREATE TRIGGER trg_agent_cases_status
    AFTER INSERT OR UPDATE ON dwp_aura.agent_cases
    FOR EACH ROW EXECUTE FUNCTION dwp_aura.log_case_status();

CREATE FUNCTION dwp_aura.open_case_count(tenant BIGINT) RETURNS BIGINT AS $body$
    SELECT count(*) FROM dwp_aura.agent_cases WHERE tenant_id = tenant AND status IN ('OPEN', 'IN_REVIEW');
$body$ LANGUAGE sql STABLE;

-- Rollback:
-- DROP FUNCTION dwp_aura.open_case_count(BIGINT);
-- DROP TRIGGER trg_agent_cases_status ON dwp_aura.agent_cases;
-- DROP FUNCTION dwp_aura.log_case_status();
-- DROP TABLE dwp_aura.agent_case_history;
