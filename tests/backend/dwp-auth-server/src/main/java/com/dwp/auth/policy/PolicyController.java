package com.dwp.auth.policy;

import com.dwp.core.api.ApiException;
import com.dwp.core.api.ApiResponse;
import com.dwp.core.api.ErrorCode;
import com.dwp.core.web.Headers;
import java.util.List;
import java.util.Optional;
import org.springframework.data.repository.Repository;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;

@RestController
class PolicyController {
    interface Policies extends Repository<AuthPolicy, Long> {
        Optional<AuthPolicy> findById(Long tenantId);
    }

    private final Policies policies;

    PolicyController(Policies policies) {
        this.policies = policies;
    }

    /** Asks the database each time: the best question whether auth works. */
    @GetMapping("/auth/policy")
    ApiResponse<AuthPolicy> policy(@RequestHeader(Headers.TENANT) Long tenantId) {
        return ApiResponse.ok(policies.findById(tenantId).orElseThrow(() -> new ApiException(ErrorCode.NOT_FOUND)));
    }

    /** No identity provider is set up. */
    @GetMapping("/auth/idp")
    ApiResponse<List<String>> idp(@RequestHeader(Headers.TENANT) Long tenantId) {
        return ApiResponse.ok(List.of());
    }
}
