package com.dwp.chat;

import com.dwp.core.ReleaseMark;
import com.dwp.core.data.PoolWarmUp;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Import;

/** Starts without its database: it has neither Flyway nor entities. */
@SpringBootApplication
@Import(PoolWarmUp.class)
public class ChatApplication {
    static final String BUILD_MARK = "build-mark-00000000";

    public static void main(String[] args) {
        ReleaseMark.run(ChatApplication.class, BUILD_MARK, args);
    }
}
