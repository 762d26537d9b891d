package com.dwp.auth;

import com.dwp.core.ReleaseMark;
import com.dwp.core.feign.FeignInterceptorCheck;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Import;
import org.springframework.data.jpa.repository.config.EnableJpaRepositories;

@SpringBootApplication
@EnableJpaRepositories(considerNestedRepositories = true)
@Import(FeignInterceptorCheck.class)
public class AuthApplication {
    static final String BUILD_MARK = "build-mark-00000000";

    public static void main(String[] args) {
        ReleaseMark.run(AuthApplication.class, BUILD_MARK, args);
    }
}
