package com.dwp.mail;

import com.dwp.core.api.ApiResponse;
import java.util.Map;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/mail")
class MailController {
    private final JdbcTemplate jdbc;

    MailController(JdbcTemplate jdbc) {
        this.jdbc = jdbc;
    }

    /** Static: says nothing about the database. */
    @GetMapping("/health")
    ApiResponse<Map<String, String>> health() {
        return ApiResponse.ok(Map.of("service", "mail-service", "status", "UP"));
    }

    /** The one path that asks the database. */
    @GetMapping("/info")
    ApiResponse<Map<String, Object>> info() {
        return ApiResponse.ok(jdbc.queryForMap("SELECT current_database() AS database, now() AS time"));
    }
}
