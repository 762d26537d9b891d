package com.dwp.auth.login;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Date;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.stereotype.Component;

/** Signs HS256 tokens that main and the AI platform accept: tenant_id is a string, iat and exp are integers. */
@Component
class TokenIssuer {
    private final String secret;
    private final long lifetime;

    TokenIssuer(@Value("${jwt.secret}") String secret, @Value("${jwt.expiration-seconds}") long lifetime) {
        this.secret = secret;
        this.lifetime = lifetime;
    }

    long lifetime() {
        return lifetime;
    }

    String issue(long userId, long tenantId) {
        Instant now = Instant.now();
        JWTClaimsSet claims = new JWTClaimsSet.Builder()
                .subject(Long.toString(userId))
                .claim("tenant_id", Long.toString(tenantId))
                .issueTime(Date.from(now))
                .expirationTime(Date.from(now.plusSeconds(lifetime)))
                .build();
        SignedJWT token = new SignedJWT(new JWSHeader(JWSAlgorithm.HS256), claims);
        try {
            token.sign(new MACSigner(secret.getBytes(StandardCharsets.UTF_8)));
        } catch (JOSEException e) {
            throw new IllegalStateException("Cannot sign a token: " + e.getMessage(), e);
        }
        return token.serialize();
    }
}
