package com.dwp.main;

import com.dwp.core.ReleaseMark;
import com.dwp.core.feign.FeignInterceptorCheck;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.cloud.openfeign.EnableFeignClients;
import org.springframework.context.annotation.Import;
import org.springframework.data.jpa.repository.config.EnableJpaRepositories;

@SpringBootApplication
@EnableJpaRepositories(considerNestedRepositories = true)
@EnableFeignClients
@Import(FeignInterceptorCheck.class)
public class MainApplication {
    static final String BUILD_MARK = "build-mark-00000000";

    public static void main(String[] args) {
        ReleaseMark.run(MainApplication.class, BUILD_MARK, args);
    }
}
