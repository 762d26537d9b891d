package com.dwp.main.task;

import com.dwp.core.api.ApiResponse;
import com.dwp.core.web.Headers;
import java.util.List;
import java.util.Map;
import org.springframework.data.repository.Repository;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/main")
class TaskController {
    interface Tasks extends Repository<AgentTask, Long> {
        AgentTask save(AgentTask task);

        List<AgentTask> findTop20ByTenantIdOrderByTaskIdDesc(Long tenantId);
    }

    private final Tasks tasks;

    TaskController(Tasks tasks) {
        this.tasks = tasks;
    }

    /** Static: says nothing about database or Redis. */
    @GetMapping("/health")
    ApiResponse<Map<String, String>> health() {
        return ApiResponse.ok(Map.of("service", "main-service", "status", "UP"));
    }

    @GetMapping("/tasks")
    ApiResponse<List<AgentTask>> tasks(@RequestHeader(Headers.TENANT) Long tenantId) {
        return ApiResponse.ok(tasks.findTop20ByTenantIdOrderByTaskIdDesc(tenantId));
    }

    @PostMapping("/tasks")
    ApiResponse<AgentTask> create(
            @RequestHeader(Headers.TENANT) Long tenantId, @RequestBody Map<String, String> body) {
        return ApiResponse.ok(tasks.save(new AgentTask(tenantId, body.getOrDefault("title", "?"))));
    }
}
