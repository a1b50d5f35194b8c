"""Small trees with the layout of distributions: the paths, links and lines that decide something,
and nothing else. One function per layout; those before it are what it differs from.
"""

from tree import UNITS, hardened

# The line that decides whether sshd reads drop-ins, where Debian has it.
CONFIG_WITH_INCLUDE = """\
# This is the sshd server system-wide configuration file.

Include /etc/ssh/sshd_config.d/*.conf

#Port 22
#ListenAddress 0.0.0.0
KbdInteractiveAuthentication no
UsePAM yes
Subsystem\tsftp\t/usr/lib/openssh/sftp-server
"""
# RHEL 8: no Include, CRLF nowhere, a Match block at the end.
CONFIG_WITHOUT_INCLUDE = """\
#\t$OpenBSD: sshd_config,v 1.103 2018/04/09 20:41:22 tj Exp $
#Port 22
#ListenAddress ::
HostKey /etc/ssh/ssh_host_rsa_key
HostKey /etc/ssh/ssh_host_ecdsa_key
HostKey /etc/ssh/ssh_host_ed25519_key
SyslogFacility AUTHPRIV
UsePAM yes
Match User anoncvs
\tX11Forwarding no
"""
DEBIAN_HOSTS = """\
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
ff02::1\tip6-allnodes
"""
FEDORA_HOSTS = """\
127.0.0.1   localhost localhost.localdomain localhost4 localhost4.localdomain4
::1         localhost localhost.localdomain localhost6 localhost6.localdomain6
"""
PASSWD = """\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
sshd:x:101:65534::/run/sshd:/usr/sbin/nologin
admin:x:1000:1000:,,,:/home/admin:/bin/bash
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""


def service(alias="", files=(), variables=""):
    """A unit of an sshd that runs all the time, and where its variables come from."""
    return ("[Unit]\nDescription=OpenBSD Secure Shell server\nAfter=network.target\n\n"
            "[Service]\n" + "".join(f"EnvironmentFile=-{file}\n" for file in files) +
            f"ExecStart=/usr/sbin/sshd -D{variables}\n\n"
            f"[Install]\nWantedBy=multi-user.target\n{alias}")


def socket(accept, conflicts="", install="WantedBy=sockets.target\n"):
    """A unit that listens for sshd."""
    return ("[Unit]\nDescription=OpenBSD Secure Shell server socket\nBefore=sockets.target\n"
            f"{conflicts}\n[Socket]\nListenStream=22\nAccept={accept}\n\n[Install]\n{install}")


def base(tree, systemd, units, sshd="/usr/sbin/sshd", shared="/usr/lib/systemd"):
    """What all have: users, homes, hosts, a kernel, systemd, targets, sshd, and this program."""
    for folder in ("/root", "/home/admin", "/etc/skel", "/etc/ssh", "/etc/systemd/system",
                   "/run", "/tmp", "/dev", "/proc"):
        tree.at(folder).mkdir(parents=True, exist_ok=True)
    tree.put("/etc/passwd", PASSWD)
    tree.put("/etc/hosts", DEBIAN_HOSTS)
    tree.put("/etc/machine-id", "uninitialized\n")
    tree.put(sshd, "#!/bin/sh\n", 0o755)
    tree.put("/usr/sbin/sshd-vsock", "#!/bin/sh\n", 0o755)
    tree.put(f"{shared}/libsystemd-shared-{systemd}.so")
    for target in ("multi-user", "sockets"):
        tree.put(f"{units}/{target}.target", f"[Unit]\nDescription={target}\n")
    for module in ("vsock", "vsock_loopback", "hv_sock", "vmw_vsock_virtio_transport"):
        tree.put(f"/usr/lib/modules/6.1.0-1/kernel/net/vmw_vsock/{module}.ko")
    if not tree.at("/lib").exists():
        tree.link("/lib", "usr/lib")


def enable(tree, unit, units, *folders):
    """The links that `systemctl enable` makes."""
    for folder in folders:
        tree.link(f"{UNITS}/{folder}/{unit}", f"{units}/{unit}")


def debian(tree, systemd, accept, template, units="/lib/systemd/system"):
    """ssh.service is enabled and has an alias; ssh.socket is not enabled."""
    real = units.replace("/lib/", "/usr/lib/") if units.startswith("/lib/") else units
    base(tree, systemd, real)
    tree.put(f"{real}/ssh.service", service(
        "Alias=sshd.service\n", ["/etc/default/ssh"], " $SSHD_OPTS"))
    tree.put(f"{real}/ssh.socket",
             socket(accept, "Conflicts=ssh.service\n" if accept == "yes" else ""))
    if template:
        tree.put(f"{real}/{template}", "[Service]\nExecStart=-/usr/sbin/sshd -i\n")
    enable(tree, "ssh.service", units, "multi-user.target.wants")
    tree.link(f"{UNITS}/sshd.service", f"{units}/ssh.service")
    tree.put("/etc/ssh/sshd_config", CONFIG_WITH_INCLUDE)
    tree.at("/etc/ssh/sshd_config.d").mkdir()
    tree.put("/etc/default/ssh", "# Options to pass to sshd\nSSHD_OPTS=\n")


def debian11(tree):
    """systemd 247; an Accept=yes ssh.socket with its template ssh@.service."""
    debian(tree, 247, "yes", "ssh@.service")


def debian12(tree):
    """systemd 252; ssh.socket triggers ssh.service."""
    debian(tree, 252, "no", None)


def debian13(tree):
    """systemd 257, which knows PollLimit; units in /usr/lib, sshd@.service and sshd-keygen."""
    debian(tree, 257, "no", "sshd@.service", "/usr/lib/systemd/system")
    keygen = "/usr/lib/systemd/system/sshd-keygen.service"
    tree.put(keygen, "[Unit]\nConditionFirstBoot=yes\n\n[Service]\nType=oneshot\n"
             "ExecStart=ssh-keygen -A\n\n[Install]\nWantedBy=ssh.service sshd.service ssh.socket\n")
    for wants in ("ssh.service.wants", "sshd.service.wants", "ssh.socket.wants"):
        tree.link(f"{UNITS}/{wants}/sshd-keygen.service", keygen)


def testing(tree):
    """systemd 262."""
    debian13(tree)
    tree.remove("/usr/lib/systemd/libsystemd-shared-257.so")
    tree.put("/usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-262.so")


def ubuntu2204(tree):
    """Like Debian 11, with cloud-init's drop-in."""
    debian(tree, 249, "yes", "ssh@.service")
    tree.put("/etc/ssh/sshd_config.d/50-cloud-init.conf", "PasswordAuthentication no\n", 0o600)


def ubuntu2210(tree):
    """ssh.socket is enabled, twice; ssh.service is not, so there is no alias link."""
    debian(tree, 251, "no", None)
    units = "/lib/systemd/system"
    tree.remove(f"{UNITS}/multi-user.target.wants/ssh.service")
    tree.remove(f"{UNITS}/sshd.service")
    tree.put("/usr/lib/systemd/system/ssh.socket",
             socket("no", install="WantedBy=sockets.target\nRequiredBy=ssh.service\n"))
    enable(tree, "ssh.socket", units, "sockets.target.wants", "ssh.service.requires")


def ubuntu2404(tree):
    """The same units, and a generator that takes the addresses from sshd_config."""
    ubuntu2210(tree)
    tree.remove("/usr/lib/systemd/libsystemd-shared-251.so")
    tree.put("/usr/lib/systemd/libsystemd-shared-255.so")
    tree.put("/usr/lib/systemd/system-generators/sshd-socket-generator", "#!/bin/sh\n", 0o755)
    tree.put("/etc/ssh/sshd_config.d/50-cloud-init.conf", "PasswordAuthentication no\n", 0o600)


def redhat(tree, systemd):
    """sshd.service is enabled by Fedora's preset; sshd.socket conflicts with it."""
    units = "/usr/lib/systemd/system"
    base(tree, systemd, units)
    tree.put("/etc/hosts", FEDORA_HOSTS)
    tree.put(f"{units}/sshd.service", service("", ["/etc/sysconfig/sshd"], " $OPTIONS"))
    tree.put(f"{units}/sshd.socket", socket("yes", "Conflicts=sshd.service\n"))
    tree.put(f"{units}/sshd@.service", "[Service]\nExecStart=-/usr/sbin/sshd -i $OPTIONS\n")
    tree.put(f"{units}/sshd-keygen@.service", "[Service]\nExecStart=/bin/true\n")
    tree.put(f"{units}/sshd-keygen.target", "[Unit]\nPartOf=sshd.service\n")
    tree.put("/usr/lib/systemd/system-preset/90-default.preset",
             "enable sshd.service\ndisable sshd.socket\n")
    tree.put("/usr/lib/systemd/system-preset/99-default-disable.preset", "disable *\n")
    enable(tree, "sshd.service", units, "multi-user.target.wants")
    tree.put("/etc/sysconfig/sshd", "# Configuration file for the sshd service.\nOPTIONS=\"\"\n",
             0o640)


def rhel8(tree):
    """No Include and no drop-in folder; the crypto policy comes on the command line."""
    redhat(tree, 239)
    tree.put("/etc/ssh/sshd_config", CONFIG_WITHOUT_INCLUDE, 0o600)
    tree.put("/etc/crypto-policies/back-ends/opensshserver.config",
             "CRYPTO_POLICY='-oCiphers=aes256-gcm@openssh.com'\n")
    tree.put("/usr/lib/systemd/system/sshd.service", service(
        "", ["/etc/crypto-policies/back-ends/opensshserver.config", "/etc/sysconfig/sshd"],
        " $OPTIONS $CRYPTO_POLICY"))


def rhel9(tree):
    """Include at the top; the crypto policy's file of the same name is sshd_config now."""
    redhat(tree, 252)
    tree.put("/etc/ssh/sshd_config", CONFIG_WITH_INCLUDE, 0o600)
    tree.put("/etc/ssh/sshd_config.d/50-redhat.conf",
             "Include /etc/crypto-policies/back-ends/opensshserver.config\nUsePAM yes\n", 0o600)
    tree.at("/etc/ssh/sshd_config.d").chmod(0o700)
    tree.put("/etc/crypto-policies/back-ends/opensshserver.config",
             "Ciphers aes256-gcm@openssh.com\n")


def rhel10(tree):
    """systemd 257, drop-ins split, and sbin one with bin."""
    rhel9(tree)
    tree.remove("/usr/lib/systemd/libsystemd-shared-252.so")
    tree.put("/usr/lib64/systemd/libsystemd-shared-257.so")
    tree.put("/etc/ssh/sshd_config.d/40-redhat-crypto-policies.conf",
             "Include /etc/crypto-policies/back-ends/opensshserver.config\n", 0o600)
    tree.at("/usr/sbin").rename(tree.at("/usr/bin"))
    tree.link("/usr/sbin", "bin")


def opensuse(tree):
    """The vendor's sshd_config is in /usr/etc and counts as long as /etc has none."""
    redhat(tree, 257)
    tree.remove("/etc/sysconfig/sshd")
    tree.put("/etc/sysconfig/ssh", "SSHD_OPTS=\"\"\n")
    tree.put("/usr/lib/systemd/system/sshd.service",
             service("", ["/etc/sysconfig/ssh"], " $SSHD_OPTS"))
    tree.put("/usr/etc/ssh/sshd_config", CONFIG_WITH_INCLUDE.replace(
        "\n\n#Port", "\nInclude /usr/etc/ssh/sshd_config.d/*.conf\n\n#Port"))


def arch(tree):
    """sshd is in /usr/bin; sshd.service is alone, and nothing is enabled."""
    units = "/usr/lib/systemd/system"
    base(tree, 258, units, sshd="/usr/bin/sshd")
    tree.put("/etc/hosts", "# Static table lookup for hostnames.\n# See hosts(5) for details.\n")
    tree.put(f"{units}/sshd.service", service())
    tree.put(f"{units}/sshdgenkeys.service", "[Service]\nExecStart=ssh-keygen -A\n")
    tree.put("/etc/ssh/sshd_config", CONFIG_WITH_INCLUDE)
    tree.put("/etc/ssh/sshd_config.d/99-archlinux.conf", "UsePAM yes\n")


LAYOUTS = {f.__name__: f for f in (debian11, debian12, debian13, testing,
                                   ubuntu2204, ubuntu2210, ubuntu2404,
                                   rhel8, rhel9, rhel10, opensuse, arch)}


# Those that differ most; on the others the program runs without sanitizers.
SANITIZED = ("debian11", "debian13", "ubuntu2404", "rhel8")


def binary(name):
    """The program for a test that has all layouts; None is the usual one."""
    return None if name in SANITIZED else hardened()


def make(name, tree):
    """Makes the tree of that layout; returns it."""
    LAYOUTS[name](tree)
    return tree


# The public recipe's units, as an administrator wrote and enabled them.
HAND_SOCKET = """[Unit]
Description=OpenSSH vsock socket

[Socket]
ListenStream=vsock::22
Accept=yes

[Install]
WantedBy=sockets.target
"""
HAND_TEMPLATE = """[Unit]
Description=OpenSSH per-connection server (vsock %I)

[Service]
ExecStart=-/usr/sbin/sshd -i
StandardInput=socket
StandardOutput=socket
StandardError=journal
RuntimeDirectory=sshd
RuntimeDirectoryPreserve=yes
"""


def write_by_hand(tree, socket=HAND_SOCKET, template=HAND_TEMPLATE, units=UNITS):
    """Does what the recipe says; the file that is not everybody's to read stays so."""
    tree.put(f"{units}/sshd-vsock.socket", socket, 0o640)
    tree.put(f"{units}/sshd-vsock@.service", template)
    tree.link(f"{UNITS}/sockets.target.wants/sshd-vsock.socket",
              f"{'..' if units == UNITS else units}/sshd-vsock.socket")
    return tree


# What mkosi's Ssh= writes (mkosi 15 to 26, configure_ssh()), and the link that its preset makes.
MKOSI_SOCKET = """[Unit]
Description=Mkosi SSH Server VSock Socket
ConditionVirtualization=!container
Wants=sshd-keygen.target

[Socket]
ListenStream=vsock::22
Accept=yes

[Install]
WantedBy=sockets.target
"""
MKOSI_TEMPLATE = """[Unit]
Description=Mkosi SSH Server
After=sshd-keygen.target

[Service]
# We disable PAM because of an openssh-server bug where it sets PAM_RHOST=UNKNOWN when -i is
# used causing a very slow reverse DNS lookup by pam.
ExecStart=sshd -i -o UsePAM=no
StandardInput=socket
RuntimeDirectoryPreserve=yes
RuntimeDirectory=sshd
# ssh always exits with 255 even on normal disconnect, so let's mark that as success so we
# don't get noisy logs about SSH service failures.
SuccessExitStatus=255
"""


def record(unit):
    """Where it is recorded that we masked that unit."""
    return f"/etc/systemd/system-preset/10-sshd-vsock-{unit}.preset"


def join_presets(tree):
    """As 0.1.0 left it: what it had masked stood in the one preset that it wrote."""
    preset = tree.at("/etc/systemd/system-preset/10-sshd-vsock.preset")
    for path in sorted(preset.parent.glob("10-sshd-vsock-*.preset")):
        lines = path.read_text().splitlines(keepends=True)
        preset.write_text(preset.read_text() + "".join(x for x in lines if x.startswith("disable ")))
        path.unlink()


def write_by_mkosi(tree, name="ssh", units="/usr/lib/systemd/system"):
    """The units of Ssh= as they are in a finished image, or others of that kind."""
    tree.put(f"{units}/{name}.socket", MKOSI_SOCKET)
    tree.put(f"{units}/{name}@.service", MKOSI_TEMPLATE)
    if units.startswith("/usr"):
        tree.put("/usr/lib/systemd/system-preset/80-mkosi-ssh.preset", f"enable {name}.socket\n")
    tree.link(f"{UNITS}/sockets.target.wants/{name}.socket", f"{units}/{name}.socket")
    return tree


# A vsock stream that an administrator, or a tool, added to the socket unit that has TCP.
STREAM = "[Socket]\n# for the host\nListenStream=vsock::22\n"


def write_stream(tree, text=STREAM, name="10-vsock.conf", unit="ssh.socket"):
    """Such a drop-in; not everybody's to read."""
    tree.put(f"{UNITS}/{unit}.d/{name}", text, 0o640)
    return tree
