"""What --root names on a real system: an image, or that very system by another of its names."""

import pytest

from guest import Guest
from guest.steps import LISTING, listeners

# A container as its build sees it: own processes, own /run, the tree's root as "/".
INSIDE = "unshare --mount --pid --fork --kill-child chroot /srv/c"


@pytest.fixture(scope="module", name="guest")
def boot(program):
    with Guest("bookworm") as guest:
        guest.install(program)
        guest.check("""mkdir -p /srv/c/usr /srv/c/proc /srv/c/run /srv/c/root /mnt/top
            cp -a /etc /bin /sbin /lib* /srv/c; mount --bind /usr /srv/c/usr
            mount --bind / /mnt/top""")
        guest.put("/etc/sshd-vsock.yaml", "disable_tcp: true\n")
        guest.put("/srv/c/etc/sshd-vsock.yaml", "disable_tcp: true\n")
        yield guest


SHARED = {
    "top": ("", "", "/mnt/top"),
    "proc": ("mount --bind / /srv/other", "umount /srv/other", "/srv/other/../other"),
    "etc": ("mkdir -p /srv/t/etc; mount --bind /etc /srv/t/etc", "umount /srv/t/etc", "/srv/t"),
    "units": ("mkdir -p /srv/t/etc/systemd/system; "
              "mount --bind /etc/systemd/system /srv/t/etc/systemd/system",
              "umount /srv/t/etc/systemd/system", "/srv/t"),
    "chroot": ("mount --bind / /srv/c/root; mount --bind /proc /srv/c/proc",
               "umount /srv/c/root /srv/c/proc", "/root"),
}


@pytest.mark.parametrize("how", SHARED)
def test_the_running_system_is_no_image(guest, how):
    """Closed as an image it would be closed with nothing proven."""
    make, undo, root = SHARED[how]
    inside = "chroot /srv/c" if how == "chroot" else ""
    guest.check(f"mkdir -p /srv/other; {make}")
    try:
        before = guest.check(LISTING)
        for verb in "plan", "apply", "--no-verify apply", "remove":
            result = guest.run(f"{inside} sshd-vsock --root={root} {verb}")
            assert result.status == 1 and "of the running system" in result.stderr, result.stderr
        assert guest.check(LISTING) == before
    finally:
        guest.check(f"{undo or ':'}; rm -rf --one-file-system /srv/t")


def test_a_slash_is_the_running_system(guest):
    names = "/", "//", "/usr/..", "/proc/self/root"
    guest.check("sshd-vsock -q --root=/ apply")
    assert listeners(guest) == set() and guest.ssh("exit 5").status == 5
    for root in names:
        result = guest.run(f"sshd-vsock --root={root} --json plan")
        assert result.status == 0 and '"root":null' in result.stdout, result.stdout
    guest.check("sshd-vsock -q --root=/usr/.. remove")
    assert listeners(guest) != set()


@pytest.mark.parametrize("how", ("container", "chroot"))
def test_an_image_that_is_built_from_inside(guest, how):
    """RUN sshd-vsock --root=/ apply: no systemd runs there, hosts is the builder's own mount."""
    enter = INSIDE if how == "container" else "chroot /srv/c"
    proc, undo = "mount -t proc proc /proc; ", "; s=$?; umount /proc; exit $s"
    result = guest.run(f"{enter} sh -c '{proc}sshd-vsock --root=/ plan{undo}'")
    assert result.status == 10 and "+ListenStream=vsock::22" in result.stdout, result.stderr
    guest.check("touch /root/hosts; mount --bind /root/hosts /srv/c/etc/hosts")
    outside = guest.check(LISTING)
    try:
        result = guest.run(f"{enter} sh -c '{proc}sshd-vsock --root=/ apply{undo}'")
        assert result.status == 0, result.stderr
        assert "/etc/hosts" in result.stderr and "mount point" in result.stderr
        assert "left to the first boot" in result.stderr and "//etc" not in result.stderr
    finally:
        guest.check("umount /srv/c/etc/hosts")
    assert guest.check(LISTING) == outside and listeners(guest) != set()
    guest.check("cd /srv/c/etc/systemd/system; test -e sshd-vsock.socket; test ! -e ssh.service;"
                "test -h multi-user.target.wants/sshd-vsock-provision.service")
    enabled = "/etc/systemd/system/multi-user.target.wants/ssh.service"
    guest.check(f"mv /srv/c{enabled} /root/link")
    result = guest.run(f"{enter} sh -c '{proc}sshd-vsock --root=/ remove{undo}'")
    assert result.status == 4 and result.stderr.endswith(
        "; fix: systemctl --root=/ enable ssh.service; sshd-vsock --root=/ remove\n"), result.stderr
    guest.check(f"mv /root/link /srv/c{enabled}")
    result = guest.run(f"{enter} sh -c '{proc}sshd-vsock --root=/ remove --no-verify{undo}'")
    assert result.status == 0, result.stderr
    guest.check("test ! -e /srv/c/etc/systemd/system/sshd-vsock.socket")
    result = guest.run(f"{enter} sh -c '{proc}sshd-vsock apply{undo}'")
    assert result.status == 1 and "--root=/" in result.stderr
