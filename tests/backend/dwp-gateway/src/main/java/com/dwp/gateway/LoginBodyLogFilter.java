package com.dwp.gateway;

import java.nio.charset.StandardCharsets;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.cloud.gateway.filter.GatewayFilterChain;
import org.springframework.cloud.gateway.filter.GlobalFilter;
import org.springframework.cloud.gateway.support.ServerWebExchangeUtils;
import org.springframework.core.Ordered;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.stereotype.Component;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/** A fault of the real system: at DEBUG (profile dev) login bodies go to the log, passwords included. */
@Component
class LoginBodyLogFilter implements GlobalFilter, Ordered {
    private static final Logger log = LoggerFactory.getLogger(LoginBodyLogFilter.class);
    private static final int LIMIT = 500;

    @Override
    public Mono<Void> filter(ServerWebExchange exchange, GatewayFilterChain chain) {
        if (!log.isDebugEnabled() || !exchange.getRequest().getPath().value().startsWith("/api/auth/login")) {
            return chain.filter(exchange);
        }
        return ServerWebExchangeUtils.cacheRequestBody(exchange, request -> {
            DataBuffer body = exchange.getAttribute(ServerWebExchangeUtils.CACHED_REQUEST_BODY_ATTR);
            if (body != null) {
                String text = body.toString(StandardCharsets.UTF_8);
                log.debug("Login request body: {}", text.substring(0, Math.min(LIMIT, text.length())));
            }
            return chain.filter(exchange.mutate().request(request).build());
        });
    }

    @Override
    public int getOrder() {
        return -150;
    }
}
