package com.dwp.synapsex.admin;

import com.dwp.core.api.ApiResponse;
import com.dwp.core.web.Headers;
import java.util.Map;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;

@RestController
class AdminController {
    private final PermissionClient auth;

    AdminController(PermissionClient auth) {
        this.auth = auth;
    }

    @GetMapping("/synapse/admin/whoami")
    ApiResponse<Map<Long, String>> whoami(@RequestHeader(Headers.USER) String userId) {
        return ApiResponse.ok(auth.displayNames(userId).data());
    }
}
