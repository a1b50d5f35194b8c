"""An image's own copy of the program is looked at, without running it: what could not run there is
said with its reason, or nobody would see the failed unit of its first boot."""

import re
import subprocess

import pytest

PLACE = "/usr/sbin/sshd-vsock"
LOADER = "/lib64/ld-linux-x86-64.so.2"
WARNING = re.compile(r"warning: the image cannot run its (\S+): (.*); its first boot can neither")
AARCH64 = bytes([183, 0])

MAIN = "int foo(void); int main(void) { return foo(); }"
NOTE = r"""
__asm__(".pushsection .note.dlopen,\"a\",%note\n.balign 4\n.long 4, 2f-1f, 0x407c0c0a\n.asciz \"FDO\"\n"
        "1: .asciz \"[{\\\"soname\\\":[\\\"libbar.so.7\\\"]}]\"\n2: .balign 4\n.popsection");
"""
LIBRARY = "int foo(void) { return 0; }"
OLD = "FOO_1 { global: foo; };"
NEW = "FOO_1 { local: *; }; FOO_2 { global: foo; } FOO_1;"


def compiled(folder, name, source, *options):
    """What the compiler makes of it."""
    (folder / f"{name}.c").write_text(source)
    subprocess.run(["gcc", "-o", folder / name, folder / f"{name}.c", *options], check=True)
    return folder / name


def library(folder, versions):
    """A library with symbol versions."""
    (folder / "map").write_text(versions)
    return compiled(folder, "libfoo.so.1", LIBRARY, "-shared", "-fPIC", "-Wl,-soname,libfoo.so.1",
                    f"-Wl,--version-script={folder}/map")


@pytest.fixture(name="image")
def image_that_can_run_it(debian, folder):
    """A tree with all that a program of this machine needs, and a program that needs a library."""
    found = subprocess.run(["gcc", "-print-file-name=libc.so.6"], capture_output=True, text=True,
                           check=True).stdout.strip()
    debian.put("/usr/lib/x86_64-linux-gnu/libc.so.6", open(found, "rb").read(), 0o755)
    debian.put(LOADER, "", 0o755)
    new = library(folder, NEW)
    debian.put("/usr/lib64/libfoo.so.1", new.read_bytes())
    debian.put(PLACE, compiled(folder, "main", MAIN, new).read_bytes(), 0o755)
    debian.put("/usr/lib/systemd/systemd", debian.at(PLACE).read_bytes(), 0o755)
    return debian


def reason(tree):
    """Why it cannot run, or None."""
    told = tree.run("apply").stderr
    found = WARNING.findall(told)
    assert len(found) == told.count("cannot run") <= 1
    return found[0][1] if found else None


def changed(data, at, new):
    """With other bytes at that place."""
    return data[:at] + new + data[at + len(new):]


def test_what_can_run_is_not_spoken_of(image):
    assert reason(image) is None
    image.put(PLACE, "#!/bin/sh\nexec /opt/sshd-vsock \"$@\"\n", 0o755)
    assert reason(image) is None


@pytest.mark.parametrize("content,words", [
    (lambda data: b"", "it is no program"),
    (lambda data: b"<html>404 Not Found</html>\n", "it is no program"),
    (lambda data: b"\x1f\x8b" + data, "it is no program"),
    (lambda data: data[:len(data) // 3], "it is cut short"),
    (lambda data: changed(data, 16, b"\1\0"), "it is damaged"),  # an object file
    (lambda data: changed(data, 18, AARCH64),
     "it is for 64-bit aarch64, and the image's systemd for 64-bit x86_64"),
])
def test_what_is_no_program_of_this_machine(content, words, image):
    good = image.at(PLACE).read_bytes()
    image.put(PLACE, content(good), 0o755)
    assert reason(image) == words
    image.put(PLACE, good, 0o755)  # a build for this image
    assert reason(image) is None


def test_other_machine_where_systemd_does_not_tell(image):
    image.remove("/usr/lib/systemd/systemd")
    image.remove(LOADER)
    assert reason(image) == f"it needs the dynamic loader {LOADER}, which the image lacks"


def test_missing_library(image):
    image.remove("/usr/lib64/libfoo.so.1")
    assert reason(image) == "it needs libfoo.so.1, which the image lacks"
    # one of another machine is none
    image.put("/usr/lib/libfoo.so.1", changed(image.at(PLACE).read_bytes(), 18, AARCH64))
    assert reason(image) == "it needs libfoo.so.1, which the image lacks"
    # elsewhere, as ldconfig knows
    image.put("/etc/ld.so.cache", b"glibc-ld.so.cache1.1\0/opt/lib/libfoo.so.1\0more")
    assert reason(image) is None


def test_missing_library_that_is_loaded_only_when_needed(image, folder):
    """As ours loads libsystemd, which it says in a note."""
    made = compiled(folder, "main", NOTE + MAIN, folder / "libfoo.so.1")
    image.put(PLACE, made.read_bytes(), 0o755)
    assert reason(image) == "it needs libbar.so.7, which the image lacks"
    image.put("/usr/lib64/libbar.so.7", library(folder, NEW).read_bytes())
    assert reason(image) is None


def test_library_where_the_program_itself_says(image, folder):
    """As Nix and Guix build: what is there is not looked at, and not said to be missing."""
    made = compiled(folder, "own", MAIN, folder / "libfoo.so.1", "-Wl,-rpath,/opt/store/lib")
    image.put(PLACE, made.read_bytes(), 0o755)
    image.remove("/usr/lib64/libfoo.so.1")
    assert reason(image) is None


def test_older_library(image, folder):
    image.put("/usr/lib64/libfoo.so.1", library(folder, OLD).read_bytes())
    assert reason(image) == "it needs FOO_2 of libfoo.so.1, and the image's is older"


def test_older_libc(image):
    """As a program from a newer build machine is in an old image."""
    data = image.at("/usr/lib/x86_64-linux-gnu/libc.so.6").read_bytes()
    version, = set(re.findall(rb"GLIBC_2\.34", image.at(PLACE).read_bytes()))
    image.put("/usr/lib/x86_64-linux-gnu/libc.so.6", data.replace(version + b"\0", b"GLIBC_2.11\0"))
    assert reason(image) == "it needs GLIBC_2.34 of libc.so.6, and the image's is older"


@pytest.mark.parametrize("mode", [0o644, 0o777])
def test_one_that_is_not_to_be_run_is_named(mode, image):
    """It is there, and still none is used."""
    image.remove("/usr/local/sbin/sshd-vsock")
    image.at(PLACE).chmod(mode)
    told = image.run("apply").stderr
    assert f"{PLACE} is " + ("not executable" if mode == 0o644 else "not root's alone") in told


def test_a_damaged_one_is_told_again(image):
    """Also where there is nothing to do any more."""
    image.put(PLACE, b"", 0o755)
    assert reason(image) == "it is no program"
    assert "nothing to do" in image.run("apply").stderr
    assert reason(image) == "it is no program"
