-- Who has which role; replaced whenever this file changes.
CREATE OR REPLACE VIEW v_user_roles AS
SELECT u.tenant_id, u.username, u.display_name, u.status, r.code AS role_code
  FROM sys_users u
  LEFT JOIN sys_user_roles ur ON ur.user_id = u.user_id
  LEFT JOIN sys_roles r ON r.role_id = ur.role_id;
