package com.dwp.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.cloud.gateway.filter.GatewayFilterChain;
import org.springframework.cloud.gateway.filter.GlobalFilter;
import org.springframework.core.Ordered;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.stereotype.Component;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/** No tenant, no service: 400 with an empty body, except for a few prefixes. Nothing behind the gateway is touched. */
@Component
class TenantFilter implements GlobalFilter, Ordered {
    static final String TENANT = "X-Tenant-ID";
    private static final Logger log = LoggerFactory.getLogger(TenantFilter.class);
    private static final List<String> EXEMPT = List.of(
            "/api/auth/login", "/api/auth/policy", "/api/auth/idp",
            "/api/monitoring/page-view", "/api/monitoring/event", "/internal/");
    private static final String NOT_NUMERIC =
            "{\"error\":\"X-Tenant-ID must be numeric or the token must carry a numeric tenant_id\"}";
    private final ObjectMapper json;

    TenantFilter(ObjectMapper json) {
        this.json = json;
    }

    @Override
    public Mono<Void> filter(ServerWebExchange exchange, GatewayFilterChain chain) {
        String path = exchange.getRequest().getPath().value();
        if (EXEMPT.stream().anyMatch(path::startsWith)) {
            return chain.filter(exchange);
        }
        String tenant = exchange.getRequest().getHeaders().getFirst(TENANT);
        if (tenant == null || tenant.isBlank()) {
            log.warn("Missing required header X-Tenant-ID for path: {}", path);
            exchange.getResponse().setStatusCode(HttpStatus.BAD_REQUEST);
            return exchange.getResponse().setComplete();
        }
        if (!path.startsWith("/api/aura/") || numeric(tenant)) {
            return chain.filter(exchange);
        }
        return tenantOfToken(exchange)
                .map(fromToken -> chain.filter(exchange.mutate()
                        .request(request -> request.header(TENANT, fromToken)).build()))
                .orElseGet(() -> refuse(exchange.getResponse()));
    }

    /** The token's tenant; the signature is not checked here, nor anywhere in the gateway. */
    private Optional<String> tenantOfToken(ServerWebExchange exchange) {
        String authorization = exchange.getRequest().getHeaders().getFirst("Authorization");
        String[] parts = authorization == null ? new String[0] : authorization.split("\\.");
        if (parts.length != 3) {
            return Optional.empty();
        }
        try {
            JsonNode claims = json.readTree(Base64.getUrlDecoder().decode(parts[1]));
            return Optional.of(claims.path("tenant_id").asText()).filter(TenantFilter::numeric);
        } catch (IOException | IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static boolean numeric(String text) {
        return !text.isEmpty() && text.chars().allMatch(Character::isDigit);
    }

    private static Mono<Void> refuse(ServerHttpResponse response) {
        response.setStatusCode(HttpStatus.BAD_REQUEST);
        response.getHeaders().setContentType(MediaType.APPLICATION_JSON);
        return response.writeWith(
                Mono.just(response.bufferFactory().wrap(NOT_NUMERIC.getBytes(StandardCharsets.UTF_8))));
    }

    @Override
    public int getOrder() {
        return -200;
    }
}
