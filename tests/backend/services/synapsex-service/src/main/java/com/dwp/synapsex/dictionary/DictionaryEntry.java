package com.dwp.synapsex.dictionary;

import com.fasterxml.jackson.annotation.JsonAutoDetect;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;

@Entity
@Table(name = "dictionary_terms")
@JsonAutoDetect(fieldVisibility = JsonAutoDetect.Visibility.ANY)
class DictionaryEntry {
    @Id
    private Long termId;

    private Long tenantId;
    private String term;
    private String labelKo;
    private String description;
}
