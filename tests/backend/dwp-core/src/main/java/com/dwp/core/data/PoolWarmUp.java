package com.dwp.core.data;

import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.SmartInitializingSingleton;

/**
 * Opens the pool at start, as Hibernate does when it reads the metadata, but survives a missing database: the service starts
 * anyway and the pool is tried again at the first use. Only for services without Flyway and entities.
 */
public class PoolWarmUp implements SmartInitializingSingleton {
    private static final Logger log = LoggerFactory.getLogger(PoolWarmUp.class);
    private final DataSource dataSource;

    public PoolWarmUp(DataSource dataSource) {
        this.dataSource = dataSource;
    }

    @Override
    public void afterSingletonsInstantiated() {
        try (Connection connection = dataSource.getConnection()) {
            log.info("Database: {}", connection.getMetaData().getURL());
        } catch (SQLException e) {
            log.warn("Could not obtain connection to query metadata", e);
        }
    }
}
