# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which applied migrations a rollback takes back, in which order, and why some wishes are refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ansible_collections.dwp.backend.plugins.module_utils._flyway.names import Version, option_version
from ansible_collections.dwp.backend.plugins.module_utils._flyway.states import FAILED_STATES, Info, Line
from ansible_collections.dwp.backend.plugins.module_utils._flyway.validate import IgnorePatterns


@dataclass(frozen=True)
class Wish:
    """What the user asked for; exactly one of the first three, or `failed` alone."""

    to_version: str | None = None
    count: int | None = None
    versions: tuple[str, ...] = ()
    failed: bool = False
    out_of_order: bool = False
    allow_checksum_mismatch: bool = False
    patterns: IgnorePatterns = field(default_factory=IgnorePatterns)


@dataclass(frozen=True)
class Objection:
    """One reason not to go on, with what the user can do."""

    code: str
    message: str
    version: str = ""

    def as_data(self) -> dict[str, str]:
        return {"code": self.code, "message": self.message, "version": self.version}


@dataclass
class Selection:
    lines: list[Line] = field(default_factory=list)  # newest rank first: the order of execution
    objections: list[Objection] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def select(info: Info, wish: Wish) -> Selection:
    """Choose and check. Every objection is collected, so that the user sees all of them at once."""
    out = Selection()
    for refusal in info.refusals:
        out.objections.append(Objection("FLYWAY_REFUSES", f"Flyway itself refuses this history: {refusal.message}"))
    if out.objections:
        return out
    live = [line for line in info.lines if _live(line)]
    chosen = _wanted(info, live, wish, out)
    if wish.failed:
        failed = [line for line in live if line.row and not line.row.success]
        chosen += [line for line in failed if line not in chosen]
        if not failed and not chosen and not out.objections:
            message = "The history holds no failed versioned migration to clean up; flyway_repair removes the row of a repeatable one."
            out.objections.append(Objection("NO_FAILED_ROW", message))
    chosen.sort(key=_rank, reverse=True)
    out.lines = chosen
    for line in chosen:
        _check_line(line, info, wish, out)
    if chosen:
        _check_rest(live, chosen, info, wish, out)
    return out


def _live(line: Line) -> bool:
    row = line.row
    return bool(row and row.version and row.type not in ("DELETE", "SCHEMA")) and line.state not in (
        "DELETED",
        "UNDONE",
    )


def _rank(line: Line) -> int:
    return line.row.installed_rank if line.row else 0


def shown(lines: Sequence[Line]) -> str:
    return ", ".join(str(line.version) for line in lines) or "none"


def _wanted(info: Info, live: list[Line], wish: Wish, out: Selection) -> list[Line]:
    if wish.to_version is not None:
        return _down_to(option_version("to_version", wish.to_version), info, live, out)
    if wish.count is not None:
        return _last(wish.count, live, out)
    chosen = []
    for text in wish.versions:
        version = option_version("versions", text)
        line = next((one for one in live if one.version == version), None)
        if line is not None:
            chosen.append(line)
        else:
            out.objections.append(_not_live(version, info, live))
    return chosen


def _not_live(version: Version, info: Info, live: list[Line]) -> Objection:
    known = next((line for line in info.lines if line.version == version), None)
    if known is None:
        why = f"no migration has version {version}; applied are {shown(live)}"
    elif known.row is None:
        why = f"version {version} is not applied ({known.display})"
    else:
        why = f"version {version} was already rolled back ({known.display})"
    return Objection("NOT_APPLIED", f"Cannot roll back {version}: {why}.", str(version))


def _down_to(target: Version, info: Info, live: list[Line], out: Selection) -> list[Line]:
    zero = target == Version.parse("0")
    if not zero and all(line.version != target for line in live):
        out.objections.append(
            Objection(
                "UNKNOWN_TARGET",
                f"Version {target} is not applied, so there is no way back to it; applied are {shown(live)}. "
                "Choose one of them as to_version (0: before the first migration).",
                str(target),
            )
        )
        return []
    return [line for line in live if line.version is not None and line.version > target]


def _last(count: int, live: list[Line], out: Selection) -> list[Line]:
    if count > len(live):
        out.objections.append(Objection("COUNT", f"count is {count}, but only {len(live)} migration(s) are applied: {shown(live)}."))
    return sorted(live, key=_rank)[-count:]


def _check_line(line: Line, info: Info, wish: Wish, out: Selection) -> None:
    row, version = line.row, str(line.version)
    if row is None:
        return
    if info.applied_baseline is not None and line.version is not None and line.version <= info.applied_baseline:
        out.objections.append(
            Objection(
                "BASELINE",
                f"Version {version} is at or below the baseline {info.applied_baseline}: what came before the baseline "
                f"was not applied by Flyway. The lowest possible to_version is {info.applied_baseline}.",
                version,
            )
        )
    elif row.type != "SQL":
        out.objections.append(
            Objection(
                "NOT_SQL",
                f"Version {version} was applied as {row.type} ({row.script}); only SQL migrations carry rollback text. "
                f"Undo it by hand, or choose a to_version of {version} or higher.",
                version,
            )
        )
    if not row.success and not wish.failed:
        out.objections.append(
            Objection(
                "FAILED_ROW",
                f"Version {version} ({row.script}) failed; nobody knows how much of it took effect. Look at the "
                "database, then run with failed=true, whose rollback text has to bear parts that are not there "
                "(DROP .. IF EXISTS).",
                version,
            )
        )
    file = line.file
    if file is not None and row.checksum is not None and not file.matches(row.checksum):
        message = (
            f"{file.script} was changed after it was applied (history {row.checksum}, file {file.checksum}): its "
            "rollback text may belong to another migration."
        )
        if wish.allow_checksum_mismatch:
            out.warnings.append(message)
        else:
            way = " Restore the file of the release that applied it, or set allow_checksum_mismatch if both undo the same."
            out.objections.append(Objection("CHECKSUM_MISMATCH", message + way, version))


def _check_rest(live: list[Line], chosen: list[Line], info: Info, wish: Wish, out: Selection) -> None:
    """What stays must not lie above or after what goes, and Flyway must be able to work with it afterwards."""
    kept = [line for line in live if line not in chosen]
    lowest = min(chosen, key=lambda line: line.version or Version.parse("0"))
    above = [line for line in kept if line.version and lowest.version and line.version > lowest.version]
    if above and not wish.out_of_order:
        out.objections.append(
            Objection(
                "MIDDLE_VERSION",
                f"Version {lowest.version} lies below {shown(above)}, which would stay applied: Flyway would call "
                f"{lowest.version} Ignored and fail every validate and migrate. Roll back {shown(above)} too "
                f"(to_version below {lowest.version}), or set out_of_order if the application's Flyway has it.",
                str(lowest.version),
            )
        )
    earliest = min(_rank(line) for line in chosen)
    later = [line for line in kept if _rank(line) > earliest and line not in above]
    if later and not wish.out_of_order:
        out.objections.append(
            Objection(
                "APPLIED_LATER",
                f"{shown(later)} was applied after a version that goes and may build on it. Roll it back too, or set out_of_order.",
                str(later[0].version),
            )
        )
    for line in info.lines:
        _check_other(line, chosen, wish, out)
    if not kept and any(line.file is not None and line.file.kind == "B" for line in info.lines):
        out.warnings.append("No migration stays applied: Flyway's next migrate starts from the baseline file (B).")


def _check_other(line: Line, chosen: list[Line], wish: Wish, out: Selection) -> None:
    if line in chosen:
        return
    versioned = line.version is not None
    name = str(line.version) if versioned else line.description
    if line.state in FAILED_STATES:
        out.objections.append(
            Objection(
                "FAILED_ROW",
                f"{name} ({line.script}) is {line.display}: Flyway refuses to migrate until it is repaired. Clean it up "
                f"first, with {'failed=true or ' if versioned else ''}flyway_repair.",
                name,
            )
        )
    elif line.state in ("MISSING_SUCCESS", "IGNORED") and not wish.patterns.match(versioned, line.display):
        out.objections.append(
            Objection(
                "UNEXPECTED_STATE",
                f"{name} ({line.script}) is {line.display}: files and history are not of one release, so it cannot be "
                "told what the rollback leaves. Give the files of the release that runs, or expect the state with "
                f"ignore_migration_patterns '*:{line.display.lower()}'.",
                name,
            )
        )
