package com.dwp.core.variant;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnResource;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.web.filter.OncePerRequestFilter;
import org.springframework.web.server.WebFilter;
import reactor.core.publisher.Mono;

/** The faults that callers see: every request is refused while the release is sick. */
@AutoConfiguration
@ConditionalOnResource(resources = "classpath:" + Variant.FILE)
public class VariantAutoConfiguration {
    private static final String BODY = "{\"status\":\"DOWN\"}";
    private static final String TYPE = "application/vnd.spring-boot.actuator.v3+json";

    /** True while requests are to be refused; counts from the moment in which the web server starts. */
    private static BooleanSupplier sickness() {
        Variant variant = Variant.load();
        long born = System.nanoTime();
        return () -> variant.sickAt(Duration.ofNanos(System.nanoTime() - born));
    }

    @Configuration(proxyBeanMethods = false)
    @ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.SERVLET)
    static class Servlet {
        @Bean
        FilterRegistrationBean<OncePerRequestFilter> variantFilter() {
            BooleanSupplier sick = sickness();
            FilterRegistrationBean<OncePerRequestFilter> bean = new FilterRegistrationBean<>(new OncePerRequestFilter() {
                @Override
                protected void doFilterInternal(
                        HttpServletRequest request, HttpServletResponse response, FilterChain chain)
                        throws ServletException, IOException {
                    if (!sick.getAsBoolean()) {
                        chain.doFilter(request, response);
                        return;
                    }
                    response.setStatus(HttpServletResponse.SC_SERVICE_UNAVAILABLE);
                    response.setContentType(TYPE);
                    response.getWriter().write(BODY);
                }
            });
            bean.setOrder(Ordered.HIGHEST_PRECEDENCE);
            return bean;
        }
    }

    @Configuration(proxyBeanMethods = false)
    @ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.REACTIVE)
    static class Reactive {
        @Bean
        @Order(Ordered.HIGHEST_PRECEDENCE)
        WebFilter variantFilter() {
            BooleanSupplier sick = sickness();
            return (exchange, chain) -> {
                if (!sick.getAsBoolean()) {
                    return chain.filter(exchange);
                }
                ServerHttpResponse response = exchange.getResponse();
                response.setStatusCode(HttpStatus.SERVICE_UNAVAILABLE);
                response.getHeaders().setContentType(MediaType.parseMediaType(TYPE));
                return response.writeWith(
                        Mono.just(response.bufferFactory().wrap(BODY.getBytes(StandardCharsets.UTF_8))));
            };
        }
    }
}
