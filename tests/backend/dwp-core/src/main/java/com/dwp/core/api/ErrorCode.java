package com.dwp.core.api;

/** Codes of the error envelope; the status is what the caller sees. */
public enum ErrorCode {
    INTERNAL("E1000", 500, "서버 내부 오류가 발생했습니다."),
    UNAUTHORIZED("E2000", 401, "인증이 필요합니다."),
    FORBIDDEN("E2001", 403, "접근 권한이 없습니다."),
    TOKEN_EXPIRED("E2002", 401, "토큰이 만료되었습니다."),
    TOKEN_INVALID("E2003", 401, "유효하지 않은 토큰입니다."),
    BAD_CREDENTIALS("E2004", 401, "아이디 또는 비밀번호가 올바르지 않습니다."),
    NOT_FOUND("E3000", 404, "대상을 찾을 수 없습니다."),
    BAD_REQUEST("E4000", 400, "잘못된 요청입니다.");

    private final String code;
    private final int status;
    private final String message;

    ErrorCode(String code, int status, String message) {
        this.code = code;
        this.status = status;
        this.message = message;
    }

    public String code() {
        return code;
    }

    public int status() {
        return status;
    }

    public String message() {
        return message;
    }
}
