package com.dwp.core.feign;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.beans.factory.SmartInitializingSingleton;

/** Says at start whether inner calls carry the caller's headers. Without Feign it says MISSING, which is normal in auth. */
public class FeignInterceptorCheck implements SmartInitializingSingleton {
    private static final Logger log = LoggerFactory.getLogger(FeignInterceptorCheck.class);
    private final ListableBeanFactory beans;

    public FeignInterceptorCheck(ListableBeanFactory beans) {
        this.beans = beans;
    }

    @Override
    public void afterSingletonsInstantiated() {
        boolean present = beans.containsBean("feignHeaderInterceptor");
        log.info("FeignHeaderInterceptor: {}", present ? "✅ registered" : "❌ MISSING");
    }
}
