package com.dwp.core;

import org.slf4j.LoggerFactory;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.context.event.ApplicationPreparedEvent;
import org.springframework.context.ApplicationListener;

/** Runs a service and says in its log which build this is: the version number is 1.0.0 for ever. */
public final class ReleaseMark {
    private ReleaseMark() {}

    public static void run(Class<?> application, String mark, String[] args) {
        ApplicationListener<ApplicationPreparedEvent> announce =
                event -> LoggerFactory.getLogger(application).info("Build mark: {}", mark);
        SpringApplication spring = new SpringApplication(application);
        spring.addListeners(announce);
        spring.run(args);
    }
}
