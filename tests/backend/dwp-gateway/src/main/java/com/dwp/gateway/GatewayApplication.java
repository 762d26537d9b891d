package com.dwp.gateway;

import com.dwp.core.ReleaseMark;
import org.springframework.boot.autoconfigure.SpringBootApplication;

@SpringBootApplication
public class GatewayApplication {
    static final String BUILD_MARK = "build-mark-00000000";

    public static void main(String[] args) {
        ReleaseMark.run(GatewayApplication.class, BUILD_MARK, args);
    }
}
