# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a service can have the CDS archive that its fast_start asks for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Options that make, choose or switch off an archive themselves.
_OWN = (
    "-Xshare:off", "-Xshare:dump", "-XX:SharedArchiveFile", "-XX:ArchiveClassesAtExit", "-XX:DumpLoadedClassList",
    "-XX:SharedClassListFile", "-XX:+RecordDynamicDumpInfo", "-XX:+AutoCreateSharedArchive", "-XX:AOT",
)


def check(name: str, service: Mapping[str, Any]) -> list[str]:
    if service["fast_start"] == "off":
        return []
    where = f"services.{name}.fast_start: {service['fast_start']}"
    own = [option for option in service["jvm_options"] if option.startswith(_OWN)]
    problems = [f"{where} cannot go together with {option} in jvm_options; keep one of them" for option in own]
    if service["layout"] == "jar":
        problems.append(f"{where} needs layout: extracted; classes of a jar within a jar cannot be archived")
    if service["java_version"] < 13:
        problems.append(f"{where} needs Java 13 or newer, java_version is {service['java_version']}")
    return problems
