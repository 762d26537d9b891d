-- Objectives of the service levels, per tenant.
CREATE TABLE sys_monitoring_configs (
    config_id     BIGSERIAL PRIMARY KEY,
    tenant_id     BIGINT         NOT NULL REFERENCES sys_tenants (tenant_id),
    config_key    VARCHAR(100)   NOT NULL,
    config_value  NUMERIC(12, 3) NOT NULL,
    unit          VARCHAR(20)    NOT NULL,
    CONSTRAINT uk_sys_monitoring_configs UNIQUE (tenant_id, config_key)
);

INSERT INTO sys_monitoring_configs (tenant_id, config_key, config_value, unit) VALUES
    (1, 'AVAILABILITY_SLO',          99.9, '%'),
    (1, 'AVAILABILITY_CRITICAL',     99.0, '%'),
    (1, 'ERROR_RATE_SLO',             0.5, '%'),
    (1, 'BUCKET_ERROR_THRESHOLD',     5.0, '%'),
    (1, 'LATENCY_SLO',              500.0, 'ms'),
    (1, 'LATENCY_CRITICAL',        1500.0, 'ms'),
    (1, 'TRAFFIC_SLO',              100.0, 'rps'),
    (1, 'TRAFFIC_CRITICAL',         200.0, 'rps'),
    (1, 'TRAFFIC_PEAK_WINDOW',       60.0, 's');
