# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dwp.backend.plugins.module_utils._release import jar

MANIFEST = {
    "Manifest-Version": "1.0", "Main-Class": "org.springframework.boot.loader.launch.JarLauncher", "Start-Class": "com.example.App",
    "Spring-Boot-Version": "3.4.9", "Implementation-Version": "1.2.3", "Spring-Boot-Classes": "BOOT-INF/classes/",
}  # fmt: skip
LIBRARIES = ("zeta-1.0.jar", "alpha-2.0.jar", "mid-3.0.jar")


def boot_jar(path: Path, *, libraries: tuple[str, ...] = LIBRARIES, order: tuple[str, ...] = LIBRARIES, salt: str = "") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", jar.write_manifest(MANIFEST))
        archive.writestr("META-INF/services/java.nio.file.spi.FileSystemProvider", "loader")
        archive.writestr("META-INF/spring/aot.factories", "aot")
        archive.writestr("org/springframework/boot/loader/launch/JarLauncher.class", "loader")
        archive.writestr("BOOT-INF/classes/com/example/App.class", f"app{salt}")
        archive.writestr("BOOT-INF/classes/com/example/web/Controller.class", "controller")
        archive.writestr("BOOT-INF/classes/application.yml", "a: 1")
        for name in libraries:
            archive.writestr(f"BOOT-INF/lib/{name}", f"library {name}")
        archive.writestr("BOOT-INF/classpath.idx", "".join(f'- "BOOT-INF/lib/{name}"\n' for name in order))
    return path


def parts(path: Path, layout: jar.Layout) -> dict[str, bytes]:
    return {part.path: data for part, data in jar.contents(str(path), layout, {p.sha256 for p in layout.parts})}


def thin(path: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(parts(path, jar.inspect(str(path)))["app.jar"]))


def test_layout_of_an_executable_jar(tmp_path: Path) -> None:
    path = boot_jar(tmp_path / "app.jar")
    layout = jar.inspect(str(path))
    assert (layout.kind, layout.start_class) == ("extracted", "com.example.App")
    assert (layout.sha256, layout.size) == (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size)
    found = parts(path, layout)
    assert set(found) == {"app.jar", *(f"lib/{name}" for name in LIBRARIES)}
    assert found["lib/mid-3.0.jar"] == b"library mid-3.0.jar"
    for part in layout.parts:
        assert (part.sha256, part.size) == (hashlib.sha256(found[part.path]).hexdigest(), len(found[part.path]))


def test_thin_jar_has_the_classes_but_nothing_of_the_loader(tmp_path: Path) -> None:
    archive = thin(boot_jar(tmp_path / "app.jar"))
    assert archive.read("com/example/App.class") == b"app"
    files = {name for name in archive.namelist() if not name.endswith("/")}
    assert files == {
        "META-INF/MANIFEST.MF", "META-INF/spring/aot.factories", "com/example/App.class", "com/example/web/Controller.class",
        "application.yml",
    }  # fmt: skip


def test_every_directory_has_an_entry_of_its_own_before_its_files(tmp_path: Path) -> None:
    """Spring's component scan finds no class of a package without one."""
    names = thin(boot_jar(tmp_path / "app.jar")).namelist()
    assert names[:2] == ["META-INF/", "META-INF/MANIFEST.MF"]
    for name in names:
        for end in [i for i, char in enumerate(name[:-1]) if char == "/"]:
            assert names.index(name[: end + 1]) < names.index(name)
    assert {"com/", "com/example/", "com/example/web/", "META-INF/spring/"} <= set(names)
    assert len(names) == len(set(names))


def test_manifest_of_the_thin_jar(tmp_path: Path) -> None:
    manifest = jar.read_manifest(thin(boot_jar(tmp_path / "app.jar")).read("META-INF/MANIFEST.MF").decode())
    assert manifest == {
        "Manifest-Version": "1.0", "Main-Class": "com.example.App", "Spring-Boot-Version": "3.4.9", "Implementation-Version": "1.2.3",
        "Class-Path": "lib/zeta-1.0.jar lib/alpha-2.0.jar lib/mid-3.0.jar",
    }  # fmt: skip


def test_class_path_follows_the_index_and_ends_with_what_it_does_not_name(tmp_path: Path) -> None:
    path = boot_jar(tmp_path / "app.jar", order=("mid-3.0.jar", "gone.jar", "zeta-1.0.jar"))
    manifest = jar.read_manifest(thin(path).read("META-INF/MANIFEST.MF").decode())
    assert manifest["Class-Path"] == "lib/mid-3.0.jar lib/zeta-1.0.jar lib/alpha-2.0.jar"


def test_same_input_gives_the_same_bytes_whenever_and_wherever(tmp_path: Path) -> None:
    one = boot_jar(tmp_path / "one.jar")
    (tmp_path / "elsewhere").mkdir()
    two = tmp_path / "elsewhere" / "two.jar"
    with zipfile.ZipFile(one) as source, zipfile.ZipFile(two, "w", zipfile.ZIP_DEFLATED) as target:
        for info in source.infolist():
            entry = zipfile.ZipInfo(info.filename, (2024, 5, 6, 7, 8, 10))  # another time, another compression
            target.writestr(entry, source.read(info), zipfile.ZIP_DEFLATED)
    layouts = [jar.inspect(str(p)) for p in (one, two)]
    assert layouts[0].sha256 != layouts[1].sha256
    assert parts(one, layouts[0]) == parts(two, layouts[1])
    time.sleep(2.1)  # the resolution of a time in a zip file
    assert parts(one, jar.inspect(str(one))) == parts(two, layouts[1])


def test_only_what_changed_is_another_part(tmp_path: Path) -> None:
    old, new = (jar.inspect(str(boot_jar(tmp_path / f"{salt}.jar", salt=salt))) for salt in ("a", "b"))
    assert [p.path for p in old.parts if p not in new.parts] == ["app.jar"]


def test_contents_gives_only_what_is_wanted(tmp_path: Path) -> None:
    path = boot_jar(tmp_path / "app.jar")
    layout = jar.inspect(str(path))
    wanted = next(p for p in layout.parts if p.path == "lib/alpha-2.0.jar")
    assert [(p.path, data) for p, data in jar.contents(str(path), layout, {wanted.sha256})] == [(wanted.path, b"library alpha-2.0.jar")]


def test_layout_jar_and_plain_jars_stay_as_they_are(tmp_path: Path) -> None:
    path = boot_jar(tmp_path / "app.jar")
    layout = jar.inspect(str(path), "jar")
    assert layout.kind == "jar" and parts(path, layout) == {"app.jar": path.read_bytes()}
    plain = tmp_path / "plain.jar"
    with zipfile.ZipFile(plain, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\nMain-Class: Main\r\n\r\n")
        archive.writestr("Main.class", "")
    layout = jar.inspect(str(plain))
    assert (layout.kind, layout.start_class) == ("jar", "Main")
    assert parts(plain, layout) == {"app.jar": plain.read_bytes()}


def test_loses_no_class_to_a_real_jvm(tmp_path: Path) -> None:
    """The JDK's own tool reads the thin jar without complaint."""
    tool = shutil.which("jar")
    if tool is None:
        pytest.skip("no JDK on the PATH")
    path = boot_jar(tmp_path / "app.jar")
    (tmp_path / "thin.jar").write_bytes(parts(path, jar.inspect(str(path)))["app.jar"])
    listed = subprocess.run([tool, "--list", "--file", tmp_path / "thin.jar"], check=True, capture_output=True, text=True)
    assert "com/example/App.class" in listed.stdout.split()


def damaged(path: Path, kind: str) -> None:
    data = bytearray(path.read_bytes())
    if kind == "truncated":
        path.write_bytes(data[:-40])
    elif kind == "half":
        path.write_bytes(data[: len(data) // 2])
    elif kind == "flipped":
        data[data.find(b"library zeta")] ^= 1
        path.write_bytes(data)
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "html":
        path.write_text("<html>404 not found</html>")


@pytest.mark.parametrize(
    ("kind", "words"),
    [("truncated", "not a whole jar"), ("half", "not a whole jar"), ("empty", "not a whole jar"), ("html", "not a whole jar"),
     ("flipped", "BOOT-INF/lib/zeta-1.0.jar is damaged")],
)  # fmt: skip
def test_damaged_jars_are_named(tmp_path: Path, kind: str, words: str) -> None:
    path = boot_jar(tmp_path / "app.jar")
    damaged(path, kind)
    with pytest.raises(jar.JarError, match=words) as caught:
        jar.inspect(str(path))
    assert str(path) in str(caught.value)


def test_cut_behind_a_library_is_not_taken_for_that_library(tmp_path: Path) -> None:
    """Libraries are stored as they are, so their own directory can stand at the end of what is left."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\nMain-Class: org.h2.tools.Console\n")
    path = tmp_path / "app.jar"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", jar.write_manifest(MANIFEST))
        archive.writestr("BOOT-INF/lib/h2.jar", inner.getvalue())
    data = path.read_bytes()
    assert jar.inspect(str(path))
    path.write_bytes(data[: data.find(inner.getvalue()) + len(inner.getvalue())])
    with pytest.raises(jar.JarError, match="not a whole jar"):
        jar.inspect(str(path))


def test_fully_executable_jar_with_a_script_before_it_is_whole(tmp_path: Path) -> None:
    path = boot_jar(tmp_path / "app.jar")
    path.write_bytes(b"#!/bin/bash\nexit 0\n" + path.read_bytes())
    assert jar.inspect(str(path)).start_class == "com.example.App"


def test_missing_and_unrunnable_jars_are_named(tmp_path: Path) -> None:
    with pytest.raises(jar.JarError, match="is missing"):
        jar.inspect(str(tmp_path / "none.jar"))
    for name, manifest, words in (("a", None, "no META-INF/MANIFEST.MF"), ("b", "Manifest-Version: 1.0\n", "no Main-Class")):
        path = tmp_path / name
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x", "")
            if manifest:
                archive.writestr("META-INF/MANIFEST.MF", manifest)
        with pytest.raises(jar.JarError, match=words):
            jar.inspect(str(path))


KEYS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,30}", fullmatch=True)
TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Zs")), max_size=400)


@given(st.dictionaries(KEYS, TEXT, max_size=5))
def test_manifest_is_read_as_it_was_written(attributes: dict[str, str]) -> None:
    data = jar.write_manifest(attributes)
    assert all(len(line) <= 72 for line in data.split(b"\r\n"))
    # A line may be cut inside a character; Java joins the bytes before it decodes them.
    joined = data.replace(b"\r\n ", b"")
    assert jar.read_manifest(joined.decode()) == attributes


def test_long_class_path_is_folded_and_unfolded() -> None:
    value = " ".join(f"lib/some-library-{n}.jar" for n in range(200))
    text = jar.write_manifest({"Class-Path": value}).decode()
    assert max(len(line) for line in text.split("\r\n")) == 72
    assert jar.read_manifest(text) == {"Class-Path": value}


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_manifests_with_any_line_ends_and_sections(end: str) -> None:
    text = end.join(["Manifest-Version: 1.0", "Main-Class: com.exa", " mple.Main", "", "Name: a/b", "Main-Class: other", ""])
    assert jar.read_manifest(text) == {"Manifest-Version": "1.0", "Main-Class": "com.example.Main"}
