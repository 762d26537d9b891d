-- How a tenant's users may log in.
CREATE TABLE sys_auth_policies (
    tenant_id            BIGINT PRIMARY KEY REFERENCES sys_tenants (tenant_id),
    default_login_type   VARCHAR(20)  NOT NULL DEFAULT 'LOCAL',
    allowed_login_types  VARCHAR(100) NOT NULL DEFAULT 'LOCAL',
    local_login_enabled  BOOLEAN      NOT NULL DEFAULT TRUE,
    sso_login_enabled    BOOLEAN      NOT NULL DEFAULT FALSE
);

INSERT INTO sys_auth_policies (tenant_id) SELECT tenant_id FROM sys_tenants;

-- Rollback:
-- DROP TABLE sys_auth_policies;
