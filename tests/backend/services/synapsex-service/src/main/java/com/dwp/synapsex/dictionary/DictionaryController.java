package com.dwp.synapsex.dictionary;

import com.dwp.core.api.ApiResponse;
import com.dwp.core.web.Headers;
import java.util.List;
import org.springframework.data.repository.Repository;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;

@RestController
class DictionaryController {
    interface Terms extends Repository<DictionaryEntry, Long> {
        List<DictionaryEntry> findByTenantIdOrderByTerm(Long tenantId);
    }

    private final Terms terms;

    DictionaryController(Terms terms) {
        this.terms = terms;
    }

    /** Asks the database and changes nothing: the path to probe. */
    @GetMapping("/synapse/dictionary")
    ApiResponse<List<DictionaryEntry>> dictionary(@RequestHeader(Headers.TENANT) Long tenantId) {
        return ApiResponse.ok(terms.findByTenantIdOrderByTerm(tenantId));
    }
}
