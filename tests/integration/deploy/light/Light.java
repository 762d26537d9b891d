// Copyright (c) 2026 dwp.backend contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * A service that starts in a moment and answers as Spring Boot's actuator does. LIGHT_MODE: ok, fail (ends at once), never
 * (answers 503), dies (healthy, then ends after LIGHT_SECONDS), sickens (healthy, then 503 after LIGHT_SECONDS), slow (listens
 * only after LIGHT_SECONDS). With LIGHT_NEEDS it is healthy only while that file is there, as if it needed a database. With
 * LIGHT_MIGRATE it asks that address first, with its mark, to migrate the database, and ends if the answer is not 200.
 */
public final class Light {
    public static void main(String[] args) throws Exception {
        String mode = variable("LIGHT_MODE", "ok");
        double seconds = Double.parseDouble(variable("LIGHT_SECONDS", "2"));
        if (mode.equals("fail")) {
            System.err.println("ERROR Light: cannot start, password " + variable("LIGHT_PASSWORD", "none") + " was refused");
            System.exit(1);
        }
        if (mode.equals("slow")) {
            Thread.sleep((long) (seconds * 1000));
        }
        byte[] mark = Light.class.getResourceAsStream("/mark.txt").readAllBytes();
        String migrate = variable("LIGHT_MIGRATE", "");
        if (!migrate.isEmpty()) {
            java.net.URL address = new java.net.URL(migrate + new String(mark, StandardCharsets.UTF_8));
            System.out.println("INFO Light: " + new String(address.openStream().readAllBytes(), StandardCharsets.UTF_8));
        }
        int port = Integer.getInteger("server.port", Integer.parseInt(variable("SERVER_PORT", "8080")));  // Spring's order
        HttpServer server = HttpServer.create(new InetSocketAddress(port), 0);
        boolean up = !mode.equals("never");
        long sick = mode.equals("sickens") ? System.nanoTime() + (long) (seconds * 1e9) : Long.MAX_VALUE;
        String needs = variable("LIGHT_NEEDS", "/");
        server.createContext("/actuator/health", exchange -> health(exchange,
            up && System.nanoTime() < sick && Files.exists(Path.of(needs))));
        server.createContext("/environment", exchange -> answer(exchange, 200, environment()));
        server.createContext("/mark", exchange -> answer(exchange, 200, mark));
        server.start();
        System.out.println("INFO Started Light on " + server.getAddress());
        if (mode.equals("dies")) {
            Thread.sleep((long) (seconds * 1000));
            System.err.println("ERROR Light: gave up");
            System.exit(3);
        }
    }

    private static String variable(String name, String otherwise) {
        return System.getenv().getOrDefault(name, otherwise);
    }

    /** What the JVM made of its environment: NAME=value, each ended by NUL. */
    private static byte[] environment() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (Map.Entry<String, String> entry : System.getenv().entrySet()) {
            out.writeBytes((entry.getKey() + "=" + entry.getValue() + "\0").getBytes(StandardCharsets.UTF_8));
        }
        return out.toByteArray();
    }

    private static void health(HttpExchange exchange, boolean up) throws IOException {
        answer(exchange, up ? 200 : 503, ("{\"status\":\"" + (up ? "UP" : "DOWN") + "\"}").getBytes(StandardCharsets.UTF_8));
    }

    private static void answer(HttpExchange exchange, int status, byte[] body) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", "application/vnd.spring-boot.actuator.v3+json");
        exchange.sendResponseHeaders(status, body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }
}
