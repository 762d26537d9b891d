package com.dwp.gateway;

import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.cloud.gateway.filter.GatewayFilterChain;
import org.springframework.cloud.gateway.filter.GlobalFilter;
import org.springframework.core.Ordered;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.stereotype.Component;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/** Gives each request its ids. The caller gets trace and gateway request id back, the correlation id never. */
@Component
class IdFilter implements GlobalFilter, Ordered {
    static final String CORRELATION = "X-Correlation-ID";
    static final String TRACE = "X-Trace-Id";
    static final String REQUEST = "X-Gateway-Request-Id";
    private static final Logger log = LoggerFactory.getLogger(IdFilter.class);

    @Override
    public Mono<Void> filter(ServerWebExchange exchange, GatewayFilterChain chain) {
        HttpHeaders given = exchange.getRequest().getHeaders();
        String correlation = given.getFirst(CORRELATION);
        if (correlation == null) {
            correlation = UUID.randomUUID().toString();
            log.debug("Generated Correlation ID: {}", correlation);
        }
        String trace = given.containsKey(TRACE) ? given.getFirst(TRACE) : UUID.randomUUID().toString();
        String request = UUID.randomUUID().toString();
        ServerHttpRequest marked = exchange.getRequest().mutate()
                .header(CORRELATION, correlation)
                .header(TRACE, trace)
                .header(REQUEST, request)
                .build();
        ServerHttpResponse response = exchange.getResponse();
        response.getHeaders().set(TRACE, trace);
        response.getHeaders().set(REQUEST, request);
        logStream(response, marked.getPath().value(), correlation);
        return chain.filter(exchange.mutate().request(marked).build());
    }

    private static void logStream(ServerHttpResponse response, String path, String correlation) {
        response.beforeCommit(() -> {
            if (MediaType.TEXT_EVENT_STREAM.isCompatibleWith(response.getHeaders().getContentType())) {
                log.info("SSE stream started: path={}, correlationId={}", path, correlation);
            }
            return Mono.empty();
        });
    }

    @Override
    public int getOrder() {
        return -300;
    }
}
