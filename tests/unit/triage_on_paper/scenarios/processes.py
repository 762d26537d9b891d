# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that is stopped, dies, does not start, hangs, or throws what no catalogue knows."""

from __future__ import annotations

from .. import texts
from ..logs import NOW
from ..network import SILENT, actuator
from ..scenario import cause, scenario
from ..world import World

_HEALTH = "/actuator/health"


# ---- stopped, or dead
@scenario("chat was stopped by an operator 50 min ago, for maintenance", cause("PROCESS_STOPPED/chat", status="down", may="gateway"))
def s_stopped_on_purpose(world: World) -> None:
    world["chat"].stop(3000)


@scenario("chat was stopped 5 min ago; 50 min ago it had leaked a connection", cause("PROCESS_STOPPED/chat", status="down", may="gateway"))
def s_stopped_with_old_trouble(world: World) -> None:
    world["chat"].log.warn(3000, texts.LEAKS, texts.leak("chat", 8083))
    world["chat"].stop(300)


@scenario("chat ended 20 min ago with words that nobody knows, and is not started again",
          cause("unknown/chat", status="down", host="app-01", may="gateway", text="(?i)licen"))  # fmt: skip
def x_crashed_runtime_single(world: World) -> None:
    world["chat"].log.error(1201, "licence server says no: ending", "com.dwp.chat.Licence")
    world["chat"].exit(1200, 3, stays_down=True)


@scenario("approval ran out of heap and ended by itself (ExitOnOutOfMemoryError); its manager started it again, and it is up",
          cause("OOM_HEAP/approval", host="app-01"))  # fmt: skip
def s_heap_exits(world: World) -> None:
    world["approval"].log.console.append((NOW - 31, "Terminating due to java.lang.OutOfMemoryError: Java heap space"))
    world["approval"].exit(30, 3)
    world["approval"].start_again(25)


# ---- starts
@scenario("synapsex does not start: an exception that nobody knows",
          cause("STARTUP_FAILED|unknown/synapsex", status="down", may="gateway"))  # fmt: skip
def s_unknown_start(world: World) -> None:
    world["synapsex"].fail_to_start(60, texts.run_failed(
        "org.springframework.beans.factory.BeanCreationException", "Error creating bean with name 'ruleEngine'",
        ("com.dwp.synapsex.RuleException", "rule set 7 has no version"),
    ))  # fmt: skip


@scenario("the host's java was downgraded; approval was restarted and does not start",
          cause("CLASS_VERSION/approval", status="down", may="gateway"))  # fmt: skip
def s_old_java(world: World) -> None:
    world.hosts["app-01"].java = 11
    loader = "org/springframework/boot/loader/launch/JarLauncher"
    text = (
        f"Error: LinkageError occurred while loading main class {loader.replace('/', '.')}\n"
        f"\tjava.lang.UnsupportedClassVersionError: {loader} has been compiled by a more recent version of the Java Runtime "
        "(class file version 61.0), this version of the Java Runtime only recognizes class file versions up to 55.0"
    )
    world["approval"].log.console.append((NOW - 30, text))
    world["approval"].exit(29, stays_down=True)


@scenario("Redis was down for a minute while synapsex was restarted; synapsex gave up, Redis is well",
          cause("REDIS_REFUSED|STARTUP_FAILED|PROCESS_STOPPED/synapsex", status="down", may="gateway"))  # fmt: skip
def x_synapsex_needs_redis_at_start(world: World) -> None:
    world["synapsex"].fail_to_start(200, texts.run_failed(
        "org.springframework.context.ApplicationContextException", "Failed to start bean 'auditListenerContainer'",
        ("org.springframework.data.redis.RedisConnectionFailureException", "Unable to connect to Redis"),
        ("io.lettuce.core.RedisConnectionException", "Unable to connect to 127.0.0.1/<unresolved>:6379"),
        ("io.netty.channel.AbstractChannel$AnnotatedConnectException", "finishConnect(..) failed: Connection refused: /127.0.0.1:6379"),
    ), after=10)  # fmt: skip


@scenario("a deployment runs right now: main was stopped 10 s ago and starts",
          cause("unknown/main", status="down", may="gateway", text="deployment d3 of kim@ops"))  # fmt: skip
def h_deploying_now(world: World) -> None:
    world.deployment("d3", 60)
    world["main"].starting(10, 40)


# ---- what the actuator says
@scenario("main's actuator is DOWN by its mail component alone", cause("unknown/main", may="gateway", text="mail=DOWN"))
def s_component_mail_down(world: World) -> None:
    main = world["main"]
    main.answers[_HEALTH] = actuator("DOWN", db="UP", redis="UP", mail="DOWN")
    why = texts.stack("jakarta.mail.AuthenticationFailedException", "535 5.7.8 Error: authentication failed")
    main.log.warn(2, "o.s.boot.actuate.mail.MailHealthIndicator", f"Mail health check failed\n\n{why}")


@scenario("main's actuator is DOWN by diskSpace: 8 GB are free, its threshold is 10; the disk is not full",
          cause("unknown/main", may="gateway", text="diskSpace=DOWN"))  # fmt: skip
def s_disk_component(world: World) -> None:
    world.hosts["app-01"].disk.update(free_mb=8100, free_percent=10.1)
    world["main"].answers[_HEALTH] = actuator("DOWN", db="UP", redis="UP", diskSpace="DOWN")


@scenario("main answers with a status of its own, MAINTENANCE", cause("unknown/main", may="gateway"))
def s_unknown_status_word(world: World) -> None:
    world["main"].answers[_HEALTH] = actuator("MAINTENANCE")


@scenario("main's readiness was set to OUT_OF_SERVICE by an operator", cause("unknown/main", may="gateway", text="(?i)service"))
def s_drained(world: World) -> None:
    world["main"].answers[_HEALTH] = actuator("OUT_OF_SERVICE", db="UP", readinessState="OUT_OF_SERVICE")


@scenario("main's log level is OFF; its actuator is DOWN by its database, to which a login works", cause("unknown/main", may="gateway"))
def s_log_level_off_500(world: World) -> None:
    world["main"].log.silent_from = NOW - 7200
    world["main"].answers[_HEALTH] = actuator("DOWN", db="DOWN", redis="UP")


# ---- what the log says
@scenario("a controller of mail throws a NullPointerException for each inbox", cause("unknown/mail"))
def s_npe(world: World) -> None:
    world["mail"].log.error(3, texts.null_pointer(), times=25, every=4)


@scenario("main was deployed five minutes ago and throws unknown errors since", cause("unknown/main", text="rollback"))
def s_deploy_then_errors(world: World) -> None:
    world.deployment("d2", 330, 290)
    world["main"].deploy(310, "d2")
    world["main"].log.error(3, texts.null_pointer("com.dwp.main.Task.owner()", "task"), times=60, every=4)


@scenario("this morning's deployment brought a broken library: mail, chat and approval throw the same unknown error",
          cause("unknown/mail|chat|approval"))  # fmt: skip
def x_same_bug_everywhere(world: World) -> None:
    for name in ("mail", "chat", "approval"):
        world[name].restart(1200)
        world[name].log.error(3, texts.MISSING_METHOD, times=20, every=5)


@scenario("chat had 30 kinds of harmless errors 30 min ago; now it throws an unknown one ten times a minute", cause("unknown/chat"))
def s_many_noisy_templates(world: World) -> None:
    log = world["chat"].log
    for number in range(30):
        kind = "".join(chr(97 + (number * 7 + place) % 26) for place in range(8))
        log.error(1800 + number, f"import of {kind} records refused by {kind[::-1]} step", "com.dwp.chat.Import", times=70, every=9)
    log.error(2, texts.unexpected("java.util.ConcurrentModificationException", "null"), times=20, every=6)


@scenario("main collects garbage without end: time-outs, starved pools, then 'GC overhead limit exceeded'",
          cause("OOM_HEAP|STARVED/main", status="down", may="gateway"))  # fmt: skip
def s_hang_gc(world: World) -> None:
    main, error = world["main"], "GC overhead limit exceeded"
    main.answers["*"] = SILENT
    main.log.warn(30, texts.POOL, texts.starved("1m22s842ms"), times=3, every=80)
    main.log.error(8, texts.unexpected(
        "jakarta.servlet.ServletException", f"Handler dispatch failed: java.lang.OutOfMemoryError: {error}",
        ("java.lang.OutOfMemoryError", error),
    ), times=3, every=20)  # fmt: skip


# ---- what runs is not what lies there
@scenario("mail's link was put back to the old release by hand; the process runs the new one", cause("RELEASE_MISMATCH/mail"))
def s_rolled_back_not_restarted(world: World) -> None:
    world["mail"].entry["process_release"] = "9aa-0001"


@scenario("somebody edited approval's environment and did not restart it", cause("RESTART_NEEDED/approval"))
def q_env_harmless(world: World) -> None:
    world["approval"].edit("LOG_LEVEL_SQL", "INFO", restarted=False)
