package com.dwp.core.variant;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Properties;

/** A deliberate fault of one release, for tests: read from a file that only such a release contains. */
record Variant(Behaviour behaviour, Duration seconds, Duration downSeconds) {
    static final String FILE = "dwp-variant.properties";

    enum Behaviour { NONE, FAILS_AT_START, NEVER_HEALTHY, DIES, FLAPS, SLOW_START }

    static Variant load() {
        Properties properties = new Properties();
        try (InputStream in = Variant.class.getClassLoader().getResourceAsStream(FILE)) {
            if (in != null) {
                properties.load(in);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new Variant(
                Behaviour.valueOf(properties.getProperty("behaviour", "none").toUpperCase().replace('-', '_')),
                seconds(properties, "seconds"),
                seconds(properties, "down-seconds"));
    }

    private static Duration seconds(Properties properties, String key) {
        return Duration.ofMillis(Math.round(Double.parseDouble(properties.getProperty(key, "0")) * 1000));
    }

    /** Whether requests are to be refused, so long after the start. */
    boolean sickAt(Duration sinceStart) {
        return switch (behaviour) {
            case NEVER_HEALTHY -> true;
            case FLAPS -> sinceStart.toMillis() % seconds.plus(downSeconds).toMillis() >= seconds.toMillis();
            default -> false;
        };
    }
}
