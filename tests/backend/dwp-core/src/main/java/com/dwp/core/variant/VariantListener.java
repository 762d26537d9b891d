package com.dwp.core.variant;

import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.event.ApplicationPreparedEvent;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.ApplicationEvent;
import org.springframework.context.ApplicationListener;

/** The faults that belong to the life of the process. */
public class VariantListener implements ApplicationListener<ApplicationEvent> {
    private static final Logger log = LoggerFactory.getLogger(VariantListener.class);
    private final Variant variant = Variant.load();

    @Override
    public void onApplicationEvent(ApplicationEvent event) {
        if (event instanceof ApplicationPreparedEvent) {
            if (variant.behaviour() == Variant.Behaviour.FAILS_AT_START) {
                throw new IllegalStateException("Release variant: this release fails at start");
            }
            if (variant.behaviour() == Variant.Behaviour.SLOW_START) {
                log.warn("Release variant: waiting {} before going on", variant.seconds());
                sleep(variant.seconds());
            }
        } else if (event instanceof ApplicationReadyEvent && variant.behaviour() == Variant.Behaviour.DIES) {
            Thread killer = new Thread(this::die, "release-variant");
            killer.setDaemon(true);
            killer.start();
        }
    }

    private void die() {
        sleep(variant.seconds());
        log.error("Release variant: this release dies {} after its start", variant.seconds());
        Runtime.getRuntime().halt(3);
    }

    private static void sleep(Duration time) {
        try {
            Thread.sleep(time.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
