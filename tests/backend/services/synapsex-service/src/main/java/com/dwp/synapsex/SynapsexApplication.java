package com.dwp.synapsex;

import com.dwp.core.ReleaseMark;
import com.dwp.core.feign.FeignInterceptorCheck;
import feign.Retryer;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.cloud.openfeign.EnableFeignClients;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.data.jpa.repository.config.EnableJpaRepositories;

@SpringBootApplication
@EnableJpaRepositories(considerNestedRepositories = true)
@EnableFeignClients
@Import(FeignInterceptorCheck.class)
public class SynapsexApplication {
    static final String BUILD_MARK = "build-mark-00000000";

    public static void main(String[] args) {
        ReleaseMark.run(SynapsexApplication.class, BUILD_MARK, args);
    }

    /** Every inner call is tried twice. */
    @Bean
    Retryer retryer() {
        return new Retryer.Default(100, 1000, 2);
    }
}
