package com.dwp.auth.seed;

import com.dwp.auth.user.UserRepository;
import java.util.Arrays;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.CommandLineRunner;
import org.springframework.core.env.Environment;
import org.springframework.security.crypto.password.PasswordEncoder;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/**
 * A fault of the real system: without a profile, or in local and dev, every start sets the password of tenant 1's admin to a
 * public one and logs it. Stopped by any other profile or by DWP_SEED_ENABLED=false.
 */
@Component
class SeedRunner implements CommandLineRunner {
    private static final Logger log = LoggerFactory.getLogger(SeedRunner.class);
    private static final String PASSWORD = "admin1234!";
    private static final Set<String> DEVELOPMENT = Set.of("local", "dev");
    private final UserRepository users;
    private final PasswordEncoder passwords;
    private final boolean active;

    SeedRunner(
            UserRepository users,
            PasswordEncoder passwords,
            Environment environment,
            @Value("${dwp.seed.enabled:true}") boolean enabled) {
        String[] profiles = environment.getActiveProfiles();
        this.users = users;
        this.passwords = passwords;
        this.active = enabled && (profiles.length == 0 || Arrays.stream(profiles).anyMatch(DEVELOPMENT::contains));
    }

    @Override
    @Transactional
    public void run(String... args) {
        if (!active) {
            log.info("Seed runner is off");
            return;
        }
        users.findByTenantIdAndUsername(1L, "admin").ifPresent(admin -> {
            admin.reset(passwords.encode(PASSWORD));
            log.info("Seed: password of tenant 1 admin reset to '{}', status ACTIVE", PASSWORD);
        });
    }
}
