package com.dwp.gateway;

import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.cloud.gateway.route.RouteDefinition;
import org.springframework.cloud.gateway.route.RouteDefinitionLocator;
import org.springframework.context.event.EventListener;
import org.springframework.core.env.Environment;
import org.springframework.stereotype.Component;

/**
 * Looks at the routes after the start, and only logs. It compares the whole profile string ("prod,kr" is unknown to it), does not
 * know synapsex, and reports AURA_PLATFORM_URI, which the routes of the default profile do not read.
 */
@Component
class RouteValidator {
    private static final Logger log = LoggerFactory.getLogger(RouteValidator.class);
    private static final Set<String> PRODUCTION_LIKE = Set.of("prod", "production", "staging", "stage");
    private static final List<String> KNOWN = List.of("auth", "main", "mail", "chat", "approval");
    private final RouteDefinitionLocator routes;
    private final Environment environment;
    private final String auraUri;

    RouteValidator(
            RouteDefinitionLocator routes,
            Environment environment,
            @Value("${aura.platform.uri}") String auraUri) {
        this.routes = routes;
        this.environment = environment;
        this.auraUri = auraUri;
    }

    @EventListener(ApplicationReadyEvent.class)
    void validate() {
        String profiles = String.join(",", environment.getActiveProfiles());
        List<RouteDefinition> known = routes.getRouteDefinitions()
                .filter(route -> KNOWN.contains(route.getId())).collectList().block();
        known.forEach(route -> log.info("Route {} -> {}", route.getId(), route.getUri()));
        log.info("AURA_PLATFORM_URI: {}", auraUri);
        boolean localhost = auraUri.contains("localhost")
                || known.stream().anyMatch(route -> route.getUri().toString().contains("localhost"));
        if (localhost && PRODUCTION_LIKE.contains(profiles)) {
            log.error("Gateway is configured with localhost routes in production-like environment: {}", profiles);
        }
    }
}
