package com.dwp.auth.internal;

import com.dwp.auth.user.UserRepository;
import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.time.Duration;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.stereotype.Component;

/** Changed permissions are seen only after the cache's time (RBAC_CACHE_TTL_SECONDS) or a restart. */
@Component
class PermissionCache {
    private record Key(Long tenantId, Long userId, String resource) {}

    private final UserRepository users;
    private final Cache<Key, Boolean> cache;

    PermissionCache(UserRepository users, @Value("${rbac.cache.ttl-seconds}") long ttlSeconds) {
        this.users = users;
        this.cache = Caffeine.newBuilder()
                .expireAfterWrite(Duration.ofSeconds(ttlSeconds)).maximumSize(10_000).build();
    }

    boolean mayUse(Long tenantId, Long userId, String resource) {
        return cache.get(
                new Key(tenantId, userId, resource), key -> users.mayUse(key.tenantId, key.userId, key.resource));
    }
}
