package com.dwp.main.hitl;

import com.dwp.core.api.ApiException;
import com.dwp.core.api.ApiResponse;
import com.dwp.core.api.ErrorCode;
import com.dwp.core.web.Headers;
import com.dwp.main.audit.Audit;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.jsonwebtoken.Claims;
import java.time.Duration;
import java.util.Map;
import org.springframework.data.redis.core.StringRedisTemplate;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** Human in the loop: a person approves or rejects what an agent asks, and the agent hears of it over Redis. */
@RestController
@RequestMapping("/aura/hitl")
class HitlController {
    private static final Duration KEPT = Duration.ofMinutes(30);
    private final StringRedisTemplate redis;
    private final TokenVerifier tokens;
    private final Audit audit;
    private final ObjectMapper json;

    HitlController(StringRedisTemplate redis, TokenVerifier tokens, Audit audit, ObjectMapper json) {
        this.redis = redis;
        this.tokens = tokens;
        this.audit = audit;
        this.json = json;
    }

    @GetMapping("/requests/{id}")
    ApiResponse<String> request(@PathVariable String id) {
        return ApiResponse.ok(find(id));
    }

    @PostMapping("/{decision:approve|reject}/{id}")
    ApiResponse<Map<String, Object>> decide(
            @PathVariable String decision,
            @PathVariable String id,
            @RequestHeader(name = "Authorization", required = false) String authorization,
            @RequestHeader(Headers.TENANT) String tenantId,
            @RequestHeader(name = Headers.USER, required = false) String userId)
            throws JsonProcessingException {
        Claims claims = tokens.verify(authorization);
        if (!tenantId.equals(claims.get("tenant_id", String.class))) {
            throw new ApiException(ErrorCode.FORBIDDEN, "Tenant ID mismatch between JWT and header");
        }
        if (userId != null && !userId.equals(claims.getSubject())) {
            throw new ApiException(ErrorCode.FORBIDDEN, "User ID mismatch between JWT and header");
        }
        String session = json.readTree(find(id)).path("sessionId").asText(id);
        String signal = json.writeValueAsString(Map.of("type", decision, "requestId", id));
        redis.opsForValue().set("hitl:signal:" + session, signal, KEPT);
        Long listeners = redis.convertAndSend("hitl:channel:" + session, signal);
        audit.write(tenantId, claims.getSubject(), "HITL_" + decision.toUpperCase(), "HITL_REQUEST", id);
        return ApiResponse.ok(Map.of("requestId", id, "sessionId", session, "listeners", listeners));
    }

    private String find(String id) {
        String request = redis.opsForValue().get("hitl:request:" + id);
        if (request == null) {
            throw new ApiException(ErrorCode.NOT_FOUND, "HITL request unknown or expired: " + id);
        }
        return request;
    }
}
