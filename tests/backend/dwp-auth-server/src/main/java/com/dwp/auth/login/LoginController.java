package com.dwp.auth.login;

import com.dwp.auth.user.User;
import com.dwp.auth.user.UserRepository;
import com.dwp.core.api.ApiException;
import com.dwp.core.api.ApiResponse;
import com.dwp.core.api.ErrorCode;
import org.springframework.security.crypto.password.PasswordEncoder;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;

@RestController
class LoginController {
    record Login(String username, String password, Long tenantId) {}

    record Token(String accessToken, String tokenType, long expiresIn) {}

    private final UserRepository users;
    private final PasswordEncoder passwords;
    private final TokenIssuer tokens;

    LoginController(UserRepository users, PasswordEncoder passwords, TokenIssuer tokens) {
        this.users = users;
        this.passwords = passwords;
        this.tokens = tokens;
    }

    @PostMapping("/auth/login")
    ApiResponse<Token> login(@RequestBody Login login) {
        if (login.username() == null || login.password() == null || login.tenantId() == null) {
            throw new ApiException(ErrorCode.BAD_REQUEST, "username, password and tenantId must not be null");
        }
        User user = users.findByTenantIdAndUsername(login.tenantId(), login.username())
                .filter(User::isActive)
                .filter(found -> passwords.matches(login.password(), found.getPasswordHash()))
                .orElseThrow(() -> new ApiException(ErrorCode.BAD_CREDENTIALS));
        return ApiResponse.ok(
                new Token(tokens.issue(user.getUserId(), user.getTenantId()), "Bearer", tokens.lifetime()));
    }
}
