package com.dwp.core;

import com.dwp.core.feign.FeignHeaderInterceptor;
import com.dwp.core.web.CorrelationFilter;
import com.dwp.core.web.GlobalExceptionHandler;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;

/** What every servlet service gets; the gateway, which is reactive, gets none of it. */
@AutoConfiguration
public class CoreAutoConfiguration {
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.SERVLET)
    static class Servlet {
        @Bean
        FilterRegistrationBean<CorrelationFilter> correlationFilter() {
            FilterRegistrationBean<CorrelationFilter> bean = new FilterRegistrationBean<>(new CorrelationFilter());
            bean.setOrder(Ordered.HIGHEST_PRECEDENCE + 10);
            return bean;
        }

        @Bean
        GlobalExceptionHandler globalExceptionHandler() {
            return new GlobalExceptionHandler();
        }
    }

    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(name = "org.springframework.cloud.openfeign.FeignClient")
    static class Feign {
        @Bean
        FeignHeaderInterceptor feignHeaderInterceptor() {
            return new FeignHeaderInterceptor();
        }
    }
}
