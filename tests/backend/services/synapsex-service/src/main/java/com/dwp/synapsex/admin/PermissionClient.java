package com.dwp.synapsex.admin;

import java.util.Map;
import org.springframework.cloud.openfeign.FeignClient;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;

@FeignClient(name = "auth-server", url = "${service.auth.url}")
interface PermissionClient {
    record Answer(Boolean data) {}

    record Names(Map<Long, String> data) {}

    @GetMapping("/internal/permission/check")
    Answer check(
            @RequestParam("tenantId") String tenantId,
            @RequestParam("userId") String userId,
            @RequestParam("resource") String resource);

    @GetMapping("/internal/users/display-names")
    Names displayNames(@RequestParam("ids") String ids);
}
