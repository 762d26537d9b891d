package com.dwp.chat;

import com.dwp.core.api.ApiResponse;
import com.dwp.core.web.Headers;
import java.util.Map;
import org.springframework.data.redis.core.StringRedisTemplate;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/chat")
class ChatController {
    private final JdbcTemplate jdbc;
    private final StringRedisTemplate redis;

    ChatController(JdbcTemplate jdbc, StringRedisTemplate redis) {
        this.jdbc = jdbc;
        this.redis = redis;
    }

    /** Static: says nothing about the database. */
    @GetMapping("/health")
    ApiResponse<Map<String, String>> health() {
        return ApiResponse.ok(Map.of("service", "chat-service", "status", "UP"));
    }

    /** The one path that asks the database. */
    @GetMapping("/info")
    ApiResponse<Map<String, Object>> info() {
        return ApiResponse.ok(jdbc.queryForMap("SELECT current_database() AS database, now() AS time"));
    }

    /** Asks Redis, whose host is fixed to localhost. */
    @GetMapping("/presence")
    ApiResponse<Map<String, Object>> presence(@RequestHeader(Headers.TENANT) String tenantId) {
        return ApiResponse.ok(Map.of("online", redis.opsForSet().size("chat:presence:" + tenantId)));
    }
}
