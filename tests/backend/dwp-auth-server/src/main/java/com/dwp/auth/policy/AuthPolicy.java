package com.dwp.auth.policy;

import com.fasterxml.jackson.annotation.JsonAutoDetect;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;

@Entity
@Table(name = "sys_auth_policies")
@JsonAutoDetect(fieldVisibility = JsonAutoDetect.Visibility.ANY)
class AuthPolicy {
    @Id
    private Long tenantId;

    private String defaultLoginType;
    private String allowedLoginTypes;
    private boolean localLoginEnabled;
    private boolean ssoLoginEnabled;
}
