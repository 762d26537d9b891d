# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Third-party libraries that a host may lack, imported in this one place."""

from __future__ import annotations

import importlib
import socket
import sys
from typing import Any, NamedTuple


class Library(NamedTuple):
    minimum: str
    pip: str
    debian: str


LIBRARIES = {
    "requests": Library("2.25", "requests", "python3-requests"),
    "psycopg2": Library("2.9", "psycopg2-binary", "python3-psycopg2"),
    "redis": Library("4.0", "redis", "python3-redis"),
    "yaml": Library("5.4", "PyYAML", "python3-yaml"),
}


class MissingLibraryError(Exception):
    """A library is absent or too old; the message says which, where, and what to do."""


def version_tuple(text: str) -> tuple[int, ...]:
    """'2.9.11 (dt dec pq3)' -> (2, 9, 11); stops at the first part that is not a number."""
    numbers: list[int] = []
    for part in text.split()[0].split(".") if text.split() else []:
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)


def require(name: str, minimum: str | None = None) -> Any:
    """Import the library and return it, or raise MissingLibraryError with a message for the user."""
    library = LIBRARIES.get(name, Library("", name, f"python3-{name}"))
    needed = minimum or library.minimum
    where = f"{sys.executable} on {socket.gethostname()}"
    wanted = f"{name} {needed} or newer" if needed else name
    cure = (
        f"Install {library.debian} (or pip install {library.pip}) for that interpreter, "
        "or set ansible_python_interpreter to one that has it."
    )
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        message = f"This needs the Python library {wanted}; {where} lacks it ({error}). {cure}"
        raise MissingLibraryError(message) from error
    found = str(getattr(module, "__version__", ""))
    if needed and version_tuple(found) and version_tuple(found) < version_tuple(needed):
        path = getattr(module, "__file__", "?")
        raise MissingLibraryError(f"This needs the Python library {wanted}; {where} has {found} ({path}). {cure}")
    return module
