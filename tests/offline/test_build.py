"""What a packager relies on: his flags count, builds are reproducible, and an installation touches
nothing else."""

import json
import os
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from tree import CHECKOUT, hardened, known_flags, program

FOREIGN = "-O2 -g -Wp,-D_FORTIFY_SOURCE=3 -fasynchronous-unwind-tables"
LEVEL, HARDENING = "-Os", "-D_FORTIFY_SOURCE=2"


def configure(source, build, *options, **environment):
    """Makes a build folder; returns how log.c is compiled in it, and how the program is linked."""
    clean = {name: value for name, value in os.environ.items()
             if name not in ("CC", "CFLAGS", "LDFLAGS", "SOURCE_DATE_EPOCH")}
    subprocess.run(["cmake", "-S", source, "-B", build, "-G", "Unix Makefiles",
                    "-DBUILD_TESTING=OFF", *known_flags(), *options],
                   check=True, capture_output=True, env={**clean, **environment})
    commands = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    (compiled,) = (one["command"] for one in commands if one["file"].endswith("/host/log.c"))
    linked = (build / "CMakeFiles/sshd-vsock.dir/link.txt").read_text(encoding="utf-8")
    return compiled.split(), linked.split()


def test_without_a_word_it_is_small_hardened_and_stripped(folder):
    compiled, linked = configure(CHECKOUT, folder / "build")
    assert LEVEL in compiled and HARDENING in compiled and "-s" in linked


@pytest.mark.parametrize("options,environment", [
    (["-DCMAKE_BUILD_TYPE=None"], {"CFLAGS": FOREIGN, "LDFLAGS": "-Wl,-z,now"}),  # Debian, Arch
    ([], {"CFLAGS": FOREIGN}),                                                    # Fedora
    (["-DCMAKE_BUILD_TYPE=RelWithDebInfo"], {}),                                  # openSUSE
    (["-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_C_FLAGS={FOREIGN}"], {}),
    (["-DCMAKE_BUILD_TYPE=Release"], {"LDFLAGS": "-Wl,-z,now"}),
], ids=["none", "environment", "RelWithDebInfo", "Release", "linker"])
def test_flags_of_a_packager_are_not_overridden(options, environment, folder):
    compiled, linked = configure(CHECKOUT, folder / "build", *options, **environment)
    assert {LEVEL, HARDENING, "-U_FORTIFY_SOURCE", "-fno-asynchronous-unwind-tables"}.isdisjoint(
        compiled)
    assert {"-s", "-Wl,--gc-sections"}.isdisjoint(linked)
    for given in environment.get("CFLAGS", "").split():
        assert given in compiled
    for given in environment.get("LDFLAGS", "").split():
        assert given in linked


def test_installation_touches_nothing_else(folder):
    """Least of all the time of other files, in a prefix that is shared with them; and it can be taken
    back, as the README says."""
    other = folder / "prefix/share/other"
    other.parent.mkdir(parents=True)
    other.write_text("")
    os.utime(other, (3, 3))
    build = folder / "build"
    configure(CHECKOUT, build, f"-DCMAKE_INSTALL_PREFIX={folder}/prefix", SOURCE_DATE_EPOCH="1")
    shutil.copy(program(), build)
    subprocess.run(["cmake", "--install", build], check=True, capture_output=True)
    assert (folder / "prefix/sbin/sshd-vsock").exists()
    assert other.stat().st_mtime == 3
    (command,) = re.findall("sudo (xargs .*?) +#", (CHECKOUT / "README.md").read_text("utf-8"))
    subprocess.run(["sh", "-c", command.replace("build/release", str(build))], check=True)
    assert [path for path in (folder / "prefix").rglob("*") if path.is_file()] == [other]


def test_an_object_does_not_tell_where_it_was_built(folder):
    """log.c, whose place in the sources the journal gets as CODE_FILE."""
    objects = []
    for name in ("here", "somewhere/else"):
        source = folder / name
        source.mkdir(parents=True)
        shutil.copy(CHECKOUT / "CMakeLists.txt", source)
        for part in ("module", "schemas", "images", "doc"):
            (source / part).symlink_to(CHECKOUT / part)
        configure(source, source / "build")
        subprocess.run(["make", "-C", source / "build", "module/host/log.c.o"], check=True,
                       capture_output=True)
        (made,) = (source / "build").rglob("log.c.o")
        objects.append(made.read_bytes())
    assert objects[0] == objects[1]
    assert b"CODE_FILE=module/host/log.c\0" in objects[0]
    assert str(folder).encode() not in objects[0]


def test_what_is_loaded_only_when_needed_is_told_to_packagers():
    """libsystemd is none of the libraries that each start loads; the note that says so is as
    uapi-group.org's "ELF dlopen metadata" has it, and --gc-sections leaves it."""
    def read(option):
        return subprocess.run(["readelf", "-W", option, hardened()], check=True, text=True,
                              capture_output=True).stdout
    needed = re.findall(r"NEEDED.*\[(.*)\]", read("-d"))
    assert "libyaml-0.so.2" in needed and "libsystemd.so.0" not in needed
    assert re.search(r" \.note\.dlopen +NOTE .* A +0 +0 +4$", read("-S"), re.M)
    dump = Path(hardened()).read_bytes()
    header = struct.Struct("<III4s")
    at = dump.index(header.pack(0, 0, 0x407c0c0a, b"FDO\0")[8:]) - 8
    owner, size, _, _ = header.unpack_from(dump, at)
    text = dump[at + header.size:][:size]
    assert owner == 4 and text.endswith(b"\0") and dump[at + header.size:][size:].startswith(
        bytes(-size % 4))
    (entry,) = json.loads(text[:-1])
    assert entry["soname"] == ["libsystemd.so.0"] and entry["feature"] == "systemd"
    assert entry["priority"] in ("required", "recommended", "suggested")


def test_images_need_no_libsystemd(debian):
    """Where it is not to be had, what asks nothing of the running system works all the same."""
    hidden = ["unshare", "--mount", "--propagation=private", "sh", "-euc", """
        for library in $(ldconfig -p | sed -n 's/.*libsystemd\\.so\\.0 .*=> //p'); do
                mount --bind /dev/null "$library"; hidden=yes
        done; test "$hidden" = yes; exec "$@" """, "sh"]

    def run(*words, status):
        result = subprocess.run([*hidden, hardened(), *words], text=True, capture_output=True,
                                check=False)
        assert result.returncode == status, result.stderr
        return result.stderr
    run(f"--root={debian}", "check", status=0)
    run(f"--root={debian}", "apply", status=0)
    assert "nothing to do" in run(f"--root={debian}", "plan", status=0)
    run(f"--root={debian}", "--no-verify", "remove", status=0)
