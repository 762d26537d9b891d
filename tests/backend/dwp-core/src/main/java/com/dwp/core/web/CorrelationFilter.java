package com.dwp.core.web;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.UUID;
import org.slf4j.MDC;
import org.springframework.web.filter.OncePerRequestFilter;

/** Puts the caller's ids into the MDC for the time of the request. No pattern prints them by default. */
public class CorrelationFilter extends OncePerRequestFilter {
    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        try {
            Headers.MDC_KEYS.forEach((header, key) -> {
                String value = request.getHeader(header);
                if (value != null && !value.isBlank()) {
                    MDC.put(key, value);
                }
            });
            if (MDC.get("traceId") == null) {
                MDC.put("traceId", UUID.randomUUID().toString());
            }
            chain.doFilter(request, response);
        } finally {
            Headers.MDC_KEYS.values().forEach(MDC::remove);
        }
    }
}
