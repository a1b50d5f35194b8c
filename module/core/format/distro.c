/* SPDX-License-Identifier: MIT
 *
 * distro.c: the tables of distro.h. Constants and what is looked up in them; nothing is
 * read here.
 */
#include "core/format/distro.h"

#include <string.h>

const char *const distro_sshd[] = {
        "/usr/sbin/sshd",       /* Debian, Fedora, openSUSE */
        "/usr/bin/sshd",        /* Arch */
        "/usr/local/sbin/sshd", /* built by hand */
        NULL,
};

const char *const distro_program[] = {
        "/usr/sbin/sshd-vsock",
        "/usr/bin/sshd-vsock",
        "/usr/local/sbin/sshd-vsock",
        "/usr/local/bin/sshd-vsock",
        NULL,
};

const char *const distro_vendor_units[] = {
        "/usr/local/lib/systemd/system",
        "/usr/lib/systemd/system",
        "/lib/systemd/system", /* Debian 11 and 12 before the merge of /usr */
        NULL,
};

const char *const distro_tcp_units[N_TCP_UNITS] = {
        [TCP_SSH_SERVICE] = "ssh.service",
        [TCP_SSH_SOCKET] = "ssh.socket",
        [TCP_SSHD_SERVICE] = "sshd.service",
        [TCP_SSHD_SOCKET] = "sshd.socket",
};

const struct tcp_pair distro_tcp_pairs[N_TCP_PAIRS] = {
        { TCP_SSH_SERVICE, TCP_SSH_SOCKET },
        { TCP_SSHD_SERVICE, TCP_SSHD_SOCKET },
};

bool distro_has_marker(const char *text, size_t len)
{
        return len >= strlen(FILE_MARKER) && memcmp(text, FILE_MARKER, strlen(FILE_MARKER)) == 0;
}

bool distro_is_common_dropin(const char *path)
{
        const char *lib = strstr(path, "/lib/systemd/system/");

        return lib && (lib == path || lib == path + strlen("/usr")) &&
               (strstr(lib, "/service.d/") || strstr(lib, "/socket.d/"));
}

size_t distro_tcp_unit(const char *name)
{
        size_t i = 0;

        while (i < N_TCP_UNITS && strcmp(distro_tcp_units[i], name) != 0)
                i++;
        return i;
}

const char *distro_service_of(const char *socket)
{
        for (size_t k = 0; k < N_TCP_PAIRS; k++)
                if (strcmp(distro_tcp_units[distro_tcp_pairs[k].socket], socket) == 0)
                        return distro_tcp_units[distro_tcp_pairs[k].service];
        return NULL;
}

const char *distro_socket_of(const char *service)
{
        for (size_t k = 0; k < N_TCP_PAIRS; k++)
                if (strcmp(distro_tcp_units[distro_tcp_pairs[k].service], service) == 0)
                        return distro_tcp_units[distro_tcp_pairs[k].socket];
        return NULL;
}

const char *const distro_host_keys[] = {
        "/etc/ssh/ssh_host_rsa_key",
        "/etc/ssh/ssh_host_ecdsa_key",
        "/etc/ssh/ssh_host_ed25519_key",
        NULL,
};

const struct sshd_environment distro_environments[N_SSHD_ENVIRONMENTS] = {
        { "/etc/default/ssh", "$SSHD_OPTS", "SSHD_OPTS=" },   /* Debian, Ubuntu */
        { "/etc/sysconfig/sshd", "$OPTIONS", "OPTIONS=" },    /* Fedora, RHEL */
        { "/etc/sysconfig/ssh", "$SSHD_OPTS", "SSHD_OPTS=" }, /* openSUSE */
        /* RHEL 8 passes its crypto policy on the command line; RHEL 9 has a file of that name in
         * sshd_config's own format. */
        { "/etc/crypto-policies/back-ends/opensshserver.config", "$CRYPTO_POLICY",
          "CRYPTO_POLICY=" },
};

#define ANYWHERE (BIT(N_VIRTS) - 1)

/* Which transport to load where. Two rules of the kernel decide (net/vmw_vsock/af_vsock.c,
 * vsock_core_register): only one guest-to-host transport can be registered, the first wins and the
 * next module fails with EBUSY, which leaves systemd-modules-load failed; and loading
 * vsock_loopback early brings the vsock core in, after which the alias net-pf-40 no longer loads
 * hv_sock on the first socket(). So hv_sock is always named in an image (it steps back with ENODEV
 * where there is no Hyper-V), while virtio's transport is named only once a system is known not to
 * be on Hyper-V or VMware; in a fresh image udev brings it by its modalias. */
const struct transport distro_transports[N_MODULES] = {
        [MODULE_LOOPBACK] = { "vsock_loopback", ANYWHERE },
        [MODULE_HYPERV] = { "hv_sock", BIT(VIRT_UNKNOWN) | BIT(VIRT_MICROSOFT) | BIT(VIRT_WSL) },
        [MODULE_VMCI] = { "vmw_vsock_vmci_transport", BIT(VIRT_VMWARE) },
        [MODULE_VIRTIO] = { "vmw_vsock_virtio_transport", BIT(VIRT_OTHER) },
};

/* Names: systemd's src/basic/virt.c, virtualization_table. Containers that are not WSL have no
 * kernel of their own; their modules are the host's business. */
enum virt virt_from_systemd(const char *name)
{
        static const struct {
                const char *name;
                enum virt virt;
        } table[] = {
                { "", VIRT_NONE },
                { "none", VIRT_NONE },
                { "microsoft", VIRT_MICROSOFT },
                { "wsl", VIRT_WSL },
                { "vmware", VIRT_VMWARE },
                { "systemd-nspawn", VIRT_CONTAINER },
                { "lxc", VIRT_CONTAINER },
                { "lxc-libvirt", VIRT_CONTAINER },
                { "docker", VIRT_CONTAINER },
                { "podman", VIRT_CONTAINER },
                { "rkt", VIRT_CONTAINER },
                { "openvz", VIRT_CONTAINER },
                { "proot", VIRT_CONTAINER },
                { "pouch", VIRT_CONTAINER },
                { "container-other", VIRT_CONTAINER },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (strcmp(table[i].name, name) == 0)
                        return table[i].virt;
        return VIRT_OTHER;
}
