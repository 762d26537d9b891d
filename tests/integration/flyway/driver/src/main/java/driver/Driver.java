// Copyright (c) 2026 dwp.backend contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
package driver;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.MigrationInfo;
import org.flywaydb.core.api.MigrationInfoService;
import org.flywaydb.core.api.configuration.FluentConfiguration;
import org.flywaydb.core.api.logging.LogFactory;

/**
 * Reads one JSON object a line: {"url", "user", "password", "settings": {"flyway.x": "y"}, "commands": ["info", ...]}.
 * Answers each with one line: {"info": {...}, "validate": {...}, ...}; a command that fails gives {"error": {...}}.
 */
public final class Driver {
    private static final ObjectMapper JSON = new ObjectMapper().findAndRegisterModules();

    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        System.setOut(System.err);
        LogFactory.setLogCreator(new Silence());
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(JSON.writeValueAsString(answer(JSON.readTree(line))));
        }
    }

    private static ObjectNode answer(JsonNode request) {
        ObjectNode answer = JSON.createObjectNode();
        for (JsonNode command : request.get("commands")) {
            String name = command.asText();
            try {
                answer.set(name, run(name, flyway(request)));
            } catch (FlywayException e) {
                answer.set(name, error(e.getErrorCode().toString(), e.getMessage()));
            } catch (RuntimeException e) {
                answer.set(name, error("FAULT", String.valueOf(e.getMessage())));
            }
        }
        return answer;
    }

    private static Flyway flyway(JsonNode request) {
        Map<String, String> settings = new HashMap<>();
        request.get("settings").fields().forEachRemaining(e -> settings.put(e.getKey(), e.getValue().asText()));
        FluentConfiguration configuration = Flyway.configure().configuration(settings);
        if (request.hasNonNull("jar")) {
            configuration = new FluentConfiguration(loader(request.get("jar").asText())).configuration(settings);
        }
        return configuration.dataSource(request.get("url").asText(), request.get("user").asText(),
            request.get("password").asText()).load();
    }

    private static ClassLoader loader(String jar) {
        try {
            return new java.net.URLClassLoader(
                new java.net.URL[] {java.nio.file.Path.of(jar).toUri().toURL()}, Driver.class.getClassLoader());
        } catch (java.net.MalformedURLException e) {
            throw new IllegalArgumentException(e);
        }
    }

    private static JsonNode run(String command, Flyway flyway) {
        switch (command) {
            case "info":
                return info(flyway.info());
            case "validate":
                return JSON.valueToTree(flyway.validateWithResult());
            case "migrate":
                return JSON.valueToTree(flyway.migrate());
            case "repair":
                return JSON.valueToTree(flyway.repair());
            case "baseline":
                return JSON.valueToTree(flyway.baseline());
            default:
                throw new IllegalArgumentException(command);
        }
    }

    /** Flyway's own JSON, and beside it what that leaves out: rank, state constant, checksums. */
    private static ObjectNode info(MigrationInfoService service) {
        ObjectNode result = JSON.valueToTree(service.getInfoResult());
        MigrationInfo current = service.current();
        result.put("current", current == null ? null
            : current.getVersion() == null ? current.getDescription() : current.getVersion().getVersion());
        ArrayNode more = result.putArray("more");
        for (MigrationInfo line : service.all()) {
            ObjectNode node = more.addObject();
            node.put("installed_rank", line.getInstalledRank());
            node.put("state", line.getState().name());
            node.put("script", line.getScript());
            node.put("checksum_applied", line.getAppliedChecksum());
            node.put("checksum_resolved", line.getResolvedChecksum());
        }
        return result;
    }

    private static ObjectNode error(String code, String message) {
        ObjectNode node = JSON.createObjectNode();
        node.putObject("error").put("code", code).put("message", message);
        return node;
    }
}
