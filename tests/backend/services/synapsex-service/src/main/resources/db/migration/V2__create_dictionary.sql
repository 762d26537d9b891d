CREATE TABLE dwp_aura.dictionary_terms (
    term_id      BIGSERIAL PRIMARY KEY,
    tenant_id    BIGINT       NOT NULL,
    term         VARCHAR(100) NOT NULL,
    label_ko     VARCHAR(200) NOT NULL,
    description  TEXT,
    CONSTRAINT uk_dictionary_terms UNIQUE (tenant_id, term)
);

INSERT INTO dwp_aura.dictionary_terms (tenant_id, term, label_ko, description) VALUES
    (1, 'DUPLICATE_INVOICE', '중복 송장', 'Same vendor, amount and date; reviewed by a person'),
    (1, 'WEEKEND_EXPENSE',   '주말 지출', 'Expense booked on a holiday'),
    (1, 'SPLIT_PAYMENT',     '분할 결제', 'Several payments just below a limit');

-- Rollback:
-- DROP TABLE dwp_aura.dictionary_terms;
