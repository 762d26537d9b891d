package com.dwp.core.web;

import com.dwp.core.api.ApiException;
import com.dwp.core.api.ApiResponse;
import com.dwp.core.api.ErrorCode;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.MissingRequestHeaderException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;

/**
 * The catch-all of every servlet service. It also catches what Spring would answer with 404, 405, 415 or 400: an unknown
 * path, a wrong method, a wrong content type and broken JSON become 500 E1000 with a stack trace in the log.
 */
@RestControllerAdvice
public class GlobalExceptionHandler {
    private static final Logger log = LoggerFactory.getLogger(GlobalExceptionHandler.class);

    @ExceptionHandler(ApiException.class)
    ResponseEntity<ApiResponse<Void>> expected(ApiException e) {
        log.warn("Request refused: {} {}", e.code().code(), e.getMessage());
        return answer(e.code(), e.getMessage());
    }

    @ExceptionHandler(MissingRequestHeaderException.class)
    ResponseEntity<ApiResponse<Void>> missingHeader(MissingRequestHeaderException e) {
        log.warn("Missing required header: {}", e.getHeaderName());
        return answer(ErrorCode.BAD_REQUEST, "필수 헤더 '" + e.getHeaderName() + "'가 누락되었습니다.");
    }

    @ExceptionHandler(Exception.class)
    ResponseEntity<ApiResponse<Void>> unexpected(Exception e) {
        log.error("Unexpected error: {}", e.getMessage(), e);
        return answer(ErrorCode.INTERNAL, ErrorCode.INTERNAL.message());
    }

    private static ResponseEntity<ApiResponse<Void>> answer(ErrorCode code, String message) {
        return ResponseEntity.status(code.status()).body(ApiResponse.error(code, message));
    }
}
