package com.dwp.synapsex.admin;

import com.dwp.core.web.Headers;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.springframework.context.annotation.Lazy;
import org.springframework.stereotype.Component;
import org.springframework.web.servlet.HandlerInterceptor;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/** Asks auth before each admin path and fails closed: no answer, no user or a no are one 500. */
@Component
class AdminGuard implements HandlerInterceptor, WebMvcConfigurer {
    private final PermissionClient auth;

    AdminGuard(@Lazy PermissionClient auth) {
        this.auth = auth;
    }

    @Override
    public void addInterceptors(InterceptorRegistry registry) {
        registry.addInterceptor(this).addPathPatterns("/synapse/admin/**");
    }

    @Override
    public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler) {
        String tenant = request.getHeader(Headers.TENANT);
        String user = request.getHeader(Headers.USER);
        try {
            if (tenant != null && user != null
                    && Boolean.TRUE.equals(auth.check(tenant, user, "synapse.admin").data())) {
                return true;
            }
        } catch (RuntimeException e) {
            throw new IllegalStateException("권한 검증에 실패했습니다.", e);
        }
        throw new IllegalStateException("권한 검증에 실패했습니다.");
    }
}
