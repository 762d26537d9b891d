package com.dwp.synapsex.audit;

import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.data.redis.connection.RedisConnectionFactory;
import org.springframework.data.redis.listener.ChannelTopic;
import org.springframework.data.redis.listener.RedisMessageListenerContainer;

/** The container connects while the service starts, so a missing Redis ends the start. */
@Configuration
@ConditionalOnProperty(name = "audit.redis.enabled", havingValue = "true")
class AuditSubscriber {
    @Bean
    RedisMessageListenerContainer auditListener(
            RedisConnectionFactory connections,
            AuditEvents events,
            @Value("${audit.redis.channel}") String channel) {
        RedisMessageListenerContainer container = new RedisMessageListenerContainer();
        container.setConnectionFactory(connections);
        container.addMessageListener((message, pattern) -> events.ingest(message.getBody()), new ChannelTopic(channel));
        return container;
    }
}
