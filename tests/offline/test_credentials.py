"""What a machine was booted with is not what an image is made with."""

from tree import UNITS

BOOTED_WITH = ("/run/credentials/@system/sshd-vsock.yaml", "/run/host/credentials/sshd-vsock.yaml")


def test_image_has_no_configuration_from_a_credential(debian):
    for path in BOOTED_WITH:
        debian.put(path, "port: 222\n", 0o400)
    assert "defaults hold" in debian.run("check").stderr
    debian.apply()
    assert b"\nListenStream=vsock::22\n" in debian.read(f"{UNITS}/sshd-vsock.socket")
    for path in BOOTED_WITH:
        debian.put(path, "no: fault of an image\n", 0o400)
    assert "nothing to do" in debian.apply().stderr
