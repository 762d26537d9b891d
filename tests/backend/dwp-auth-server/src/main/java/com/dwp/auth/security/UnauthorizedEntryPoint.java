package com.dwp.auth.security;

import com.dwp.core.api.ApiResponse;
import com.dwp.core.api.ErrorCode;
import com.fasterxml.jackson.databind.ObjectMapper;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.MediaType;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.web.AuthenticationEntryPoint;
import org.springframework.stereotype.Component;

/** The body of a 401; without a WWW-Authenticate header, so the reason stands in the log alone. */
@Component
class UnauthorizedEntryPoint implements AuthenticationEntryPoint {
    private static final Logger log = LoggerFactory.getLogger(UnauthorizedEntryPoint.class);
    private final ObjectMapper json;

    UnauthorizedEntryPoint(ObjectMapper json) {
        this.json = json;
    }

    @Override
    public void commence(HttpServletRequest request, HttpServletResponse response, AuthenticationException e)
            throws IOException {
        log.warn("Authentication failed: path={}, error={}", request.getRequestURI(), e.getMessage());
        boolean expired = e.getMessage() != null && e.getMessage().contains("Jwt expired");
        ErrorCode code = expired ? ErrorCode.TOKEN_EXPIRED : ErrorCode.UNAUTHORIZED;
        response.setStatus(code.status());
        response.setContentType(MediaType.APPLICATION_JSON_VALUE);
        response.setCharacterEncoding("UTF-8");
        response.getWriter().write(json.writeValueAsString(ApiResponse.error(code, code.message())));
    }
}
