// Copyright (c) 2026 dwp.backend contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
import ch.qos.logback.classic.*; import ch.qos.logback.classic.encoder.PatternLayoutEncoder; import ch.qos.logback.classic.spi.ILoggingEvent; import ch.qos.logback.core.FileAppender;
import com.zaxxer.hikari.*; import org.flywaydb.core.Flyway; import org.slf4j.LoggerFactory; import java.nio.file.*; import java.sql.*; import java.util.*;
import io.lettuce.core.*; import io.jsonwebtoken.*; import io.jsonwebtoken.security.Keys;
public class Records {
  static String pg, redis; static Logger root; static org.slf4j.Logger app = LoggerFactory.getLogger("c.d.Service");
  interface Body { void run() throws Exception; }
  static FileAppender<ILoggingEvent> current;
  static void record(String id, Body body) throws Exception {
    LoggerContext c = (LoggerContext) LoggerFactory.getILoggerFactory(); root = c.getLogger("ROOT");
    if (current != null) { root.detachAppender(current); current.stop(); }
    root.detachAndStopAllAppenders(); root.setLevel(Level.INFO);
    PatternLayoutEncoder e = new PatternLayoutEncoder(); e.setContext(c);
    e.setPattern("%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX, UTC} %5p " + ProcessHandle.current().pid() + " --- [libs] [%t] %-40.40logger{39} : %m%n"); e.start();
    current = new FileAppender<>(); current.setContext(c); current.setFile("out/" + id + ".txt"); current.setAppend(false); current.setEncoder(e); current.start(); root.addAppender(current);
    try { body.run(); } catch (Throwable t) { app.error("Application run failed", t); }
    current.stop(); System.out.println(id);
  }
  static HikariDataSource ds(String url, String user, String pw, int max, long timeout) { HikariConfig h = new HikariConfig(); h.setJdbcUrl(url); h.setUsername(user); h.setPassword(pw); h.setMaximumPoolSize(max); h.setConnectionTimeout(timeout); return new HikariDataSource(h); }
  static String url(String db) { return "jdbc:postgresql://127.0.0.1:" + pg + "/" + db; }
  static void sql(String db, String... texts) throws Exception { try (Connection c = DriverManager.getConnection(url(db), "postgres", "x"); Statement s = c.createStatement()) { for (String t : texts) s.execute(t); } }
  static Path dir(String name, String... files) throws Exception { Path d = Files.createDirectories(Path.of("mig", name)); try (var s = Files.list(d)) { for (Path p : s.toList()) Files.delete(p); } for (int i = 0; i < files.length; i += 2) Files.writeString(d.resolve(files[i]), files[i + 1]); return d; }
  static Flyway fly(String db, Path d, String user) { return Flyway.configure().dataSource(url(db), user, "secretpw").locations("filesystem:" + d).load(); }
  public static void main(String[] a) throws Exception {
    pg = a[0]; redis = a[1];
    sql("postgres", "DROP DATABASE IF EXISTS fw", "DROP ROLE IF EXISTS dwp_user", "CREATE ROLE dwp_user LOGIN PASSWORD 'secretpw'", "CREATE DATABASE fw");
    record("PG_AUTH", () -> ds(url("fw"), "dwp_user", "wrong", 1, 1000));
    record("PG_NODB", () -> ds(url("dwp_aura"), "postgres", "x", 1, 1000));
    record("PG_REFUSED", () -> ds("jdbc:postgresql://127.0.0.1:1/x", "postgres", "x", 1, 1000));
    record("PG_DNS", () -> ds("jdbc:postgresql://no-such-host.invalid:5432/x", "postgres", "x", 1, 1000));
    record("HIKARI_TIMEOUT", () -> { try (HikariDataSource d = ds(url("fw"), "postgres", "x", 1, 500)) { Connection c = d.getConnection(); d.getConnection(); } });
    record("HIKARI_LEAK", () -> { HikariConfig h = new HikariConfig(); h.setJdbcUrl(url("fw")); h.setUsername("postgres"); h.setPassword("x"); h.setLeakDetectionThreshold(2000); try (HikariDataSource d = new HikariDataSource(h)) { Connection c = d.getConnection(); Thread.sleep(2500); } });
    record("HIKARI_STALE", () -> { try (HikariDataSource d = ds(url("fw"), "postgres", "x", 1, 1000)) { d.getConnection().close(); sql("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname='fw'"); Thread.sleep(1000); d.getConnection(); } });
    record("PG_TERMINATED", () -> { try (Connection c = DriverManager.getConnection(url("fw"), "postgres", "x")) { sql("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname='fw'"); c.createStatement().execute("SELECT 1"); } });
    record("PG_FULL", () -> { List<Connection> l = new ArrayList<>(); try { for (int i = 0; i < 500; i++) l.add(DriverManager.getConnection(url("fw"), i < 3 ? "postgres" : "dwp_user", "secretpw")); } finally { for (Connection c : l) c.close(); } });
    Thread.sleep(500);
    record("PG_NOTABLE", () -> sql("fw", "SELECT * FROM com_codes"));
    record("PG_DEADLOCK", () -> { sql("fw", "CREATE TABLE IF NOT EXISTS t(id int primary key, v int)", "INSERT INTO t VALUES (1,1),(2,2) ON CONFLICT DO NOTHING");
      Connection x = DriverManager.getConnection(url("fw"), "postgres", "x"), y = DriverManager.getConnection(url("fw"), "postgres", "x"); x.setAutoCommit(false); y.setAutoCommit(false);
      x.createStatement().execute("UPDATE t SET v=3 WHERE id=1"); y.createStatement().execute("UPDATE t SET v=3 WHERE id=2");
      Thread th = new Thread(() -> { try { x.createStatement().execute("UPDATE t SET v=4 WHERE id=2"); x.commit(); } catch (SQLException e) { app.error("Application run failed", e); } }); th.start();
      try { y.createStatement().execute("UPDATE t SET v=4 WHERE id=1"); y.commit(); } finally { try { y.rollback(); } catch (SQLException e) { } th.join(); x.close(); y.close(); } });
    sql("fw", "DROP TABLE t");
    record("PG_PERM", () -> fly("fw", dir("p", "V1__a.sql", "CREATE TABLE a(id int);"), "dwp_user").migrate());
    sql("fw", "GRANT CREATE ON SCHEMA public TO dwp_user");
    fly("fw", dir("ok", "V1__a.sql", "CREATE TABLE a(id int);", "V3__c.sql", "CREATE TABLE c(id int);"), "dwp_user").migrate();
    record("FLYWAY_CHECKSUM", () -> fly("fw", dir("k", "V1__a.sql", "CREATE TABLE a(id bigint);", "V3__c.sql", "CREATE TABLE c(id int);"), "dwp_user").migrate());
    record("FLYWAY_MISSING", () -> fly("fw", dir("m", "V3__c.sql", "CREATE TABLE c(id int);"), "dwp_user").migrate());
    record("FLYWAY_OUT_OF_ORDER", () -> fly("fw", dir("o", "V1__a.sql", "CREATE TABLE a(id int);", "V2__b.sql", "CREATE TABLE b(id int);", "V3__c.sql", "CREATE TABLE c(id int);"), "dwp_user").migrate());
    record("FLYWAY_NEWER_DB", () -> fly("fw", dir("n", "V1__a.sql", "CREATE TABLE a(id int);"), "dwp_user").migrate());
    record("FLYWAY_SQL", () -> fly("fw", dir("s", "V1__a.sql", "CREATE TABLE a(id int);", "V3__c.sql", "CREATE TABLE c(id int);", "V4__d.sql", "CREATE TABLE d(id int);\nCREATE INDEX i ON com_audit (id);"), "dwp_user").migrate());
    sql("fw", "INSERT INTO flyway_schema_history(installed_rank,version,description,type,script,checksum,installed_by,execution_time,success) VALUES (9,'4','d','SQL','V4__d.sql',1,'x',1,false)");
    record("FLYWAY_FAILED", () -> fly("fw", dir("f", "V1__a.sql", "CREATE TABLE a(id int);", "V3__c.sql", "CREATE TABLE c(id int);", "V4__d.sql", "CREATE TABLE d(id int);"), "dwp_user").migrate());
    sql("fw", "DROP TABLE flyway_schema_history");
    record("FLYWAY_NONEMPTY", () -> fly("fw", dir("p", "V1__a.sql", "CREATE TABLE a(id int);"), "dwp_user").migrate());
    record("JWT_WEAK", () -> Keys.hmacShaKeyFor("short".getBytes()));
    var key = Keys.hmacShaKeyFor("0123456789012345678901234567890123456789".getBytes()); var other = Keys.hmacShaKeyFor("x123456789012345678901234567890123456789".getBytes());
    record("JWT_SIG", () -> Jwts.parser().verifyWith(other).build().parseSignedClaims(Jwts.builder().subject("1").signWith(key).compact()));
    record("JWT_EXP", () -> Jwts.parser().verifyWith(key).build().parseSignedClaims(Jwts.builder().subject("1").expiration(new java.util.Date(System.currentTimeMillis() - 5000)).signWith(key).compact()));
    record("REDIS_REFUSED", () -> RedisClient.create("redis://127.0.0.1:1").connect());
    record("REDIS_AUTH", () -> RedisClient.create("redis://127.0.0.1:" + redis).connect().sync().get("a"));
    record("REDIS_AUTH_WRONG", () -> RedisClient.create("redis://:wrong@127.0.0.1:" + redis).connect().sync().get("a"));
    record("REDIS_SLOW", () -> { var c = RedisClient.create("redis://:right@127.0.0.1:" + redis).connect(); c.setTimeout(java.time.Duration.ofMillis(300)); c.sync().blpop(3, "none"); });
    record("OOM_HEAP", () -> { List<long[]> l = new ArrayList<>(); while (true) l.add(new long[1 << 24]); });
    record("STACKOVERFLOW", () -> deep(1));
    record("TLS", () -> { var s = javax.net.ssl.HttpsURLConnection.getDefaultHostnameVerifier(); new java.net.URL("https://127.0.0.1:" + a[2] + "/").openStream(); });
    record("DISK_FULL", () -> { try (var o = new java.io.FileOutputStream("/dev/full")) { o.write(1); } });
    record("NOFILE", () -> { List<Object> l = new ArrayList<>(); try { while (true) l.add(new java.io.FileInputStream("/dev/null")); } catch (Throwable t) { for (Object o : l) ((java.io.FileInputStream) o).close(); throw t; } });
    System.exit(0);
  }
  static int deep(int n) { return deep(n + 1) + 1; }
}
