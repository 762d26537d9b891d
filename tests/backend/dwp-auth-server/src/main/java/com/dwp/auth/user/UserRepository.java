package com.dwp.auth.user;

import java.util.Optional;
import org.springframework.data.jpa.repository.JpaRepository;
import org.springframework.data.jpa.repository.Query;

public interface UserRepository extends JpaRepository<User, Long> {
    Optional<User> findByTenantIdAndUsername(Long tenantId, String username);

    @Query(nativeQuery = true, value = """
            SELECT count(*) > 0
              FROM sys_user_roles ur
              JOIN sys_role_permissions rp ON rp.role_id = ur.role_id
              JOIN sys_users u ON u.user_id = ur.user_id
             WHERE u.tenant_id = :tenantId AND u.user_id = :userId AND rp.resource_key = :resource
            """)
    boolean mayUse(Long tenantId, Long userId, String resource);
}
