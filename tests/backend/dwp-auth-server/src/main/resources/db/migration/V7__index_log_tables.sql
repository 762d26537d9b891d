-- The admin monitoring asks by tenant and time. Plain CREATE INDEX: writers wait while a large table is read.
CREATE INDEX ix_sys_api_call_histories_time ON sys_api_call_histories (tenant_id, created_at);
CREATE INDEX ix_sys_api_call_histories_trace ON sys_api_call_histories (trace_id);
CREATE INDEX ix_sys_event_logs_time ON sys_event_logs (tenant_id, created_at);
CREATE INDEX ix_sys_audit_logs_time ON sys_audit_logs (tenant_id, created_at);

-- Rollback:
-- DROP INDEX ix_sys_audit_logs_time;
-- DROP INDEX ix_sys_event_logs_time;
-- DROP INDEX ix_sys_api_call_histories_trace;
-- DROP INDEX ix_sys_api_call_histories_time;
