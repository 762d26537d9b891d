-- Tenants, users, roles, menus and the audit log, with the first tenant and its administrator.

CREATE TABLE sys_tenants (
    tenant_id   BIGSERIAL PRIMARY KEY,
    code        VARCHAR(50)  NOT NULL UNIQUE,
    name        VARCHAR(200) NOT NULL,
    created_at  TIMESTAMPTZ  NOT NULL DEFAULT now()
);

CREATE TABLE sys_users (
    user_id        BIGSERIAL PRIMARY KEY,
    tenant_id      BIGINT       NOT NULL REFERENCES sys_tenants (tenant_id),
    username       VARCHAR(100) NOT NULL,
    display_name   VARCHAR(200) NOT NULL,
    password_hash  VARCHAR(255) NOT NULL,
    status         VARCHAR(20)  NOT NULL DEFAULT 'ACTIVE',
    created_at     TIMESTAMPTZ  NOT NULL DEFAULT now(),
    updated_at     TIMESTAMPTZ  NOT NULL DEFAULT now(),
    CONSTRAINT uk_sys_users UNIQUE (tenant_id, username),
    CONSTRAINT ck_sys_users_status CHECK (status IN ('ACTIVE', 'LOCKED', 'INACTIVE'))
);

CREATE TABLE sys_roles (
    role_id    BIGSERIAL PRIMARY KEY,
    tenant_id  BIGINT       NOT NULL REFERENCES sys_tenants (tenant_id),
    code       VARCHAR(50)  NOT NULL,
    name       VARCHAR(200) NOT NULL,
    CONSTRAINT uk_sys_roles UNIQUE (tenant_id, code)
);

CREATE TABLE sys_user_roles (
    user_id  BIGINT NOT NULL REFERENCES sys_users (user_id),
    role_id  BIGINT NOT NULL REFERENCES sys_roles (role_id),
    PRIMARY KEY (user_id, role_id)
);

CREATE TABLE sys_menus (
    menu_id     BIGSERIAL PRIMARY KEY,
    tenant_id   BIGINT       NOT NULL REFERENCES sys_tenants (tenant_id),
    menu_key    VARCHAR(100) NOT NULL,
    parent_key  VARCHAR(100),
    label       VARCHAR(200) NOT NULL,
    sort_order  INTEGER      NOT NULL DEFAULT 0,
    enabled     BOOLEAN      NOT NULL DEFAULT TRUE,
    CONSTRAINT uk_sys_menus UNIQUE (tenant_id, menu_key)
);

CREATE TABLE sys_role_permissions (
    role_id       BIGINT       NOT NULL REFERENCES sys_roles (role_id),
    resource_key  VARCHAR(100) NOT NULL,
    permission    VARCHAR(20)  NOT NULL DEFAULT 'USE',
    PRIMARY KEY (role_id, resource_key, permission)
);

CREATE TABLE sys_audit_logs (
    audit_id       BIGSERIAL PRIMARY KEY,
    tenant_id      BIGINT       NOT NULL,
    actor_user_id  BIGINT,
    action         VARCHAR(100) NOT NULL,
    resource_type  VARCHAR(100),
    resource_id    VARCHAR(100),
    trace_id       VARCHAR(64),
    created_at     TIMESTAMPTZ  NOT NULL DEFAULT now()
);

COMMENT ON TABLE sys_audit_logs IS '감사 로그; written by main over /internal/audit-logs';

INSERT INTO sys_tenants (code, name) VALUES ('default', '기본 테넌트');
-- The hash matches no password: the account is unusable until somebody sets one.
INSERT INTO sys_users (tenant_id, username, display_name, password_hash, status)
VALUES (1, 'admin', '관리자', '!', 'LOCKED');
INSERT INTO sys_roles (tenant_id, code, name) VALUES (1, 'ADMIN', '관리자'), (1, 'USER', '사용자');
INSERT INTO sys_user_roles (user_id, role_id) VALUES (1, 1);
INSERT INTO sys_role_permissions (role_id, resource_key) VALUES (1, 'menu.admin'), (1, 'synapse.admin');
