package com.dwp.core.feign;

import com.dwp.core.web.Headers;
import feign.RequestInterceptor;
import feign.RequestTemplate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.web.context.request.RequestContextHolder;
import org.springframework.web.context.request.ServletRequestAttributes;

/** Copies the caller's headers to an inner call. */
public class FeignHeaderInterceptor implements RequestInterceptor {
    private static final Logger log = LoggerFactory.getLogger(FeignHeaderInterceptor.class);

    @Override
    public void apply(RequestTemplate template) {
        if (!(RequestContextHolder.getRequestAttributes() instanceof ServletRequestAttributes attributes)) {
            return;
        }
        int copied = 0;
        for (String header : Headers.PROPAGATED) {
            String value = attributes.getRequest().getHeader(header);
            if (value != null) {
                log.debug("Propagating header {}", header);
                template.header(header, value);
                copied++;
            }
        }
        log.info("Feign header propagation: {}/{} headers propagated to downstream service",
                copied, Headers.PROPAGATED.size());
    }
}
