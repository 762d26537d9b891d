package com.dwp.synapsex.cases;

import java.util.Map;
import org.springframework.cloud.openfeign.FeignClient;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;

@FeignClient(name = "aura-platform", url = "${aura.base-url}")
interface AuraClient {
    @GetMapping("/aura/cases/{id}/analysis")
    Map<String, Object> analysis(@PathVariable("id") Long id);
}
