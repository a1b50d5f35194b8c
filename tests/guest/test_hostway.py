"""A way to a host is known, not guessed: on machines that have a vsock device, or once had one in
their name, and that no host of the user's can reach, TCP stays; what the operator vouches for is
said at each run.

DMI, devices and drivers are played by mounts over /sys and files in /dev; user-mode Linux has none.
"""

import json
from contextlib import contextmanager

import pytest

from guest import Guest
from guest.steps import ANYWHERE, apply, listeners, meanwhile

# Of all that follow: the rest is in `tests/run --full`.
EVERY_RUN = 4

CLOSE = "disable_tcp: true\nverify_timeout: 5\n"
LISTEN = "listen_address: 127.0.0.1\n"
VM_ID = "0CB41C0B-FD26-4A41-8370-DCCB048E216E"
AZURE_TAG = "7783-7084-3265-9085-8269-3286-77"


@pytest.fixture(scope="module", name="guest")
def boot(program):
    with Guest("bookworm") as guest:
        guest.install(program)
        yield guest


def pool(**values):
    """As hv_kvp_daemon writes it."""
    return b"".join(key.encode().ljust(512, b"\0") + value.encode().ljust(2048, b"\0")
                    for key, value in values.items())


@contextmanager
def dmi(guest, vendor, product, tag="", more=""):
    """The machine says of itself to be another, for as long as the `with` statement runs."""
    guest.check(f"""
        mount -t tmpfs played /sys/class && mkdir -p /sys/class/dmi/id
        cd /sys/class/dmi/id
        echo '{vendor}' >sys_vendor; echo '{product}' >product_name; echo '{tag}' >chassis_asset_tag
        {more}""")
    try:
        yield
    finally:
        guest.check("""umount -q /sys/class /sys/bus; rm -f /dev/nitro_enclaves
            sshd-vsock remove --no-verify; rm -f /etc/sshd-vsock.yaml""")
        assert listeners(guest) == ANYWHERE


MACHINES = {
    "Azure": ("Microsoft Corporation", "Virtual Machine", AZURE_TAG, "", "this is Azure"),
    "Hyper-V without hv_sock": ("Microsoft Corporation", "Virtual Machine",
                                "3172-4834-5563-1289-4416-7722-63", "",
                                "this is Hyper-V, and the kernel has no hv_sock"),
    "EC2": ("Amazon EC2", "m5.large", "Amazon EC2", "", "this is Amazon EC2"),
    "EC2 with enclaves": ("Amazon EC2", "m5.xlarge", "Amazon EC2", ": >/dev/nitro_enclaves",
                          "parent of Nitro enclaves: only those come in"),
    "GCP": ("Google", "Google Compute Engine", "", "", "this is Google Compute Engine"),
    "a cloud on QEMU": ("QEMU", "Standard PC (i440FX + PIIX, 1996)", "OracleCloud.com", "",
                        "this is Oracle Cloud"),
    "VMware": ("VMware, Inc.", "VMware20,1", "No Asset Tag", "", "every VMware machine"),
    "VirtualBox": ("innotek GmbH", "VirtualBox", "", "", "VirtualBox has no vsock device"),
    "unknown": ("Acme\033[31m", "Box", "", "", "is not known (uml, DMI: Acme?[31m, Box)"),
}


@pytest.mark.parametrize("name", MACHINES)
def test_device_that_leads_to_no_host_of_ones_own_closes_nothing(name, guest):
    vendor, product, tag, more, why = MACHINES[name]
    with dmi(guest, vendor, product, tag, more):
        before = guest.check("ss -ltnH; systemctl is-enabled ssh.service ssh.socket || :")
        for close in CLOSE, LISTEN:
            result = apply(guest, close, 4, options="--json")
            assert "verified: SSH-2.0" in result.stderr
            assert "no host is known to come in over vsock (" in result.stderr
            assert why in result.stderr
            assert "fix: " in result.stderr
            assert "set \"host_transport: assume\"" in result.stderr
            assert "TCP stays as it was" in result.stderr
            assert guest.check("ss -ltnH; systemctl is-enabled ssh.service ssh.socket || :") \
                == before
            report = json.loads(result.stdout)
            assert report["error"]["cause"] == "no-way-to-host"
            assert "host_transport: assume" in report["error"]["fix"]
            reason = report["host_reason"]
            assert not report["host"]["reachable"] and not report["host_assumed"] and why in reason
        assert f"host    none is known to come in over vsock: {reason}\n" in \
            guest.run("sshd-vsock status").stdout
        assert f": {reason}.\n" in guest.check("sshd-vsock client")


def test_client_prints_nothing_that_leads_nowhere(guest):
    with dmi(guest, "Amazon EC2", "m5.large"):
        text = guest.check("sshd-vsock client")
        assert "# No host is known to come in: this is Amazon EC2" in text
        assert "Host " not in text.replace("# No host", "")
        report = json.loads(guest.check("sshd-vsock client --json"))
        assert report["client"]["ways"] == [] and report["client"]["registry_key"] is None


def test_verify_looks_for_the_way(guest):
    """It fails where apply would: where TCP is to be closed."""
    with dmi(guest, "Amazon EC2", "m5.large"):
        apply(guest, "port: 22\n")
        for config, status, word in (("port: 22\n", 0, "warning"), (CLOSE, 4, "error")):
            guest.put("/etc/sshd-vsock.yaml", config)
            result = guest.run("sshd-vsock verify --json")
            assert result.status == status
            assert f"sshd-vsock: {word}: the vsock listener answers locally, but no" in result.stderr
            assert json.loads(result.stdout)["host"]["reachable"] is False
        assert json.loads(result.stdout)["error"]["cause"] == "no-way-to-host"


@pytest.mark.parametrize("address, leads", (("10.9.8.7", True), ("127.0.0.1", False)))
def test_confined_tcp_in_a_cloud_is_a_way_in(address, leads, guest):
    """As 0.1.0 left it: what was asked for is so, and people log in there."""
    with meanwhile(guest, f"ip address add 10.9.8.7/24 dev dummy0; echo 'listen_address: {address}' >/etc/sshd-vsock.yaml;"
                          "sshd-vsock apply --no-verify", "ip address del 10.9.8.7/24 dev dummy0"), \
            dmi(guest, "Amazon EC2", "m5.large"):
        for verb in ("apply", "verify", "apply"):
            result = guest.run(f"sshd-vsock {verb}", timeout=120)
            assert result.status == (0 if leads else 4), result.stderr
            assert "the vsock listener answers locally, but no host is known" in result.stderr
        assert listeners(guest) == {f"{address}:22"}
        if leads:  # to confine it more is to close
            assert "no host is known" in apply(guest, LISTEN, 4).stderr
            assert listeners(guest) == {f"{address}:22"}


def test_qemu_by_name_has_a_way(guest):
    with dmi(guest, "QEMU", "Standard PC (Q35 + ICH9, 2009)"):
        apply(guest, CLOSE)
        assert listeners(guest) == set()
        assert guest.ssh("exit 5").status == 5


def test_hyperv_with_hv_sock_has_a_way_by_its_vm_id(guest):
    with dmi(guest, "Microsoft Corporation", "Virtual Machine", "None",
             "mount -t tmpfs played /sys/bus && mkdir -p /sys/bus/vmbus/drivers/hv_sock"):
        result = apply(guest, CLOSE, options="--json")
        report = json.loads(result.stdout)
        assert report["host"] == {"reachable": True, "cid": None}
        assert not report["host_assumed"] and report["host_reason"] is None
        assert listeners(guest) == set()
        assert "by its VM id" in guest.run("sshd-vsock status").stdout
        text = guest.check("sshd-vsock client")
        assert "    ProxyCommand hvc.exe nc -t vsock guest 22\n" in text
        assert "New-Item" in text and "socat - " not in text
        assert "HVSOCK:VM-ID:vsock-22" in guest.check("sshd-vsock client --for=winsocat")
        # hv_kvp_daemon has been told
        guest.put("/var/lib/hyperv/.kvp_pool_3", pool(HostName="WINDOWS", VirtualMachineId=VM_ID))
        for kind, way in ("hvc", f"-t vsock {VM_ID} 22"), ("winsocat", f"HVSOCK:{VM_ID}:vsock-22"):
            text = guest.check(f"sshd-vsock client --for={kind}")
            assert f" {way}\n" in text and "say --for" not in text
        guest.check("rm -r /var/lib/hyperv")


def test_what_the_operator_vouches_for_is_taken_and_said_at_each_run(guest):
    with dmi(guest, "Acme", "Box"):
        for again in False, True:
            result = apply(guest, CLOSE + "host_transport: assume\n", options="--json")
            assert "is taken from \"host_transport: assume\"" in result.stderr
            assert ("nothing to do" in result.stderr) == again
            report = json.loads(result.stdout)
            assert report["host"]["reachable"] and report["host_assumed"]
            assert "not known" in report["host_reason"]
            assert listeners(guest) == set()
        assert guest.ssh("exit 5").status == 5
        status = guest.check("sshd-vsock status")
        assert "host    taken from host_transport: assume, though whether a host" in status
        assert "# Taken from host_transport: assume: " in guest.check("sshd-vsock client")


CONTAINER_INIT = "#!/bin/sh\nexport container={}\nexec /sbin/init\n"


@pytest.mark.parametrize("name", ["systemd-nspawn", "docker", "acme"])
def test_container_has_no_way_of_its_own(name, program):
    """The device is that of the machine around it, and so is the port."""
    def play(guest):
        guest.put("/containerinit", CONTAINER_INIT.format(name), mode=0o755)
    with Guest("bookworm", cmdline="init=/containerinit", prepare=play) as guest:
        guest.install(program)
        guest.check("modprobe vmw_vsock_virtio_transport; modprobe vsock_loopback")
        before = listeners(guest)
        result = apply(guest, CLOSE, 4)
        assert "this is a container" in result.stderr
        assert "TCP stays as it was" in result.stderr
        assert listeners(guest) == before == ANYWHERE


CONTAINERS = {
    "a PID namespace of its own": ("unshare -pf --mount-proc sshd-vsock apply", ":"),
    "podman's mark": ("sshd-vsock apply", ": >/run/.containerenv"),
    "the container interface's mark": ("sshd-vsock apply",
                                       "mkdir -p /run/host; echo acme >/run/host/container-manager"),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_container_that_systemd_does_not_know_has_no_way_either(name, guest):
    command, mark = CONTAINERS[name]
    try:
        guest.put("/etc/sshd-vsock.yaml", CLOSE)
        result = guest.run(f"{mark}; {command}", timeout=120)
        assert result.status == 4, result.stderr
        assert "this is a container" in result.stderr
        assert listeners(guest) == ANYWHERE
    finally:
        guest.check("rm -rf /run/.containerenv /run/host; sshd-vsock remove --no-verify;"
                    "rm -f /etc/sshd-vsock.yaml")


def test_image_made_of_a_container_is_none(guest):
    """`docker export` leaves the file in what becomes a machine's disk."""
    try:
        guest.check(": >/.dockerenv")
        apply(guest, CLOSE)
        assert listeners(guest) == set()
    finally:
        guest.check("rm /.dockerenv; sshd-vsock remove --no-verify; rm -f /etc/sshd-vsock.yaml")


def test_port_that_any_user_may_take_is_said(guest):
    warning = "disable_tcp with vsock port 2222: any local user may listen on it whenever"
    try:
        assert warning in apply(guest, CLOSE + "port: 2222\n").stderr
        assert warning in apply(guest).stderr
        assert "any local user" not in apply(guest, "port: 2222\n").stderr
        assert "any local user" not in apply(guest, CLOSE + "port: 1023\n").stderr
    finally:
        guest.check("sshd-vsock remove --no-verify; rm -f /etc/sshd-vsock.yaml")
