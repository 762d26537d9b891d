package com.dwp.gateway;

import java.time.Duration;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.cloud.gateway.filter.GatewayFilterChain;
import org.springframework.cloud.gateway.filter.GlobalFilter;
import org.springframework.core.Ordered;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatusCode;
import org.springframework.stereotype.Component;
import org.springframework.web.reactive.function.client.WebClient;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/** Tells auth about each answered request, without waiting. Requests that failed in the gateway are not recorded. */
@Component
class CallHistoryFilter implements GlobalFilter, Ordered {
    private static final Logger log = LoggerFactory.getLogger(CallHistoryFilter.class);
    private final WebClient auth;

    CallHistoryFilter(
            WebClient.Builder builder,
            @Value("${dwp.internal-api.auth-server-url:http://localhost:8001}") String authServerUrl) {
        this.auth = builder.baseUrl(authServerUrl).build();
    }

    @Override
    public Mono<Void> filter(ServerWebExchange exchange, GatewayFilterChain chain) {
        long start = System.nanoTime();
        return chain.filter(exchange).doOnSuccess(done -> post(exchange, System.nanoTime() - start));
    }

    private void post(ServerWebExchange exchange, long nanos) {
        HttpHeaders headers = exchange.getRequest().getHeaders();
        HttpStatusCode status = exchange.getResponse().getStatusCode();
        Map<String, Object> call = Map.of(
                "tenantId", orElse(headers.getFirst(TenantFilter.TENANT), "1"),
                "userId", orElse(headers.getFirst("X-User-ID"), ""),
                "method", exchange.getRequest().getMethod().name(),
                "path", exchange.getRequest().getPath().value(),
                "statusCode", status == null ? 0 : status.value(),
                "latencyMs", Duration.ofNanos(nanos).toMillis(),
                "traceId", orElse(headers.getFirst(IdFilter.TRACE), ""),
                "gatewayRequestId", orElse(headers.getFirst(IdFilter.REQUEST), ""));
        auth.post().uri("/internal/api-call-histories").bodyValue(call).retrieve().toBodilessEntity().subscribe(
                ok -> { },
                error -> log.warn("Failed to send API call history to auth-server: {}", error.getMessage()));
    }

    private static String orElse(String value, String other) {
        return value == null ? other : value;
    }

    @Override
    public int getOrder() {
        return -100;
    }
}
