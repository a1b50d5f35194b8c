/* SPDX-License-Identifier: MIT
 *
 * distro.h: where distributions put things, as tables: a new distribution is one row and its test.
 * Constants and what is looked up in them; the layouts they are from are in
 * tests/offline/layouts.py. Pure.
 */
#pragma once

#include "core/util/base.h"

#define SYSTEM_UNIT_DIR     "/etc/systemd/system"
#define GENERATOR_DIRECTORY "/run/systemd/generator" /* the beginning of all three */

#define UNIT_SOCKET     "sshd-vsock.socket"
#define UNIT_TEMPLATE   "sshd-vsock@.service"
#define UNIT_KEYGEN     "sshd-vsock-keygen.service"
#define UNIT_HOSTKEYS   "sshd-vsock-hostkeys.service"
#define UNIT_CREDENTIAL "sshd-vsock-credential.service"
#define UNIT_PROVISION  "sshd-vsock-provision.service"

#define PATH_PRESET             "/etc/systemd/system-preset/10-sshd-vsock.preset"
#define PRESET_DIR              "/etc/systemd/system-preset"
#define RECORD_PREFIX           "10-sshd-vsock-" /* of a masked unit's preset, in that directory */
#define RECORD_SUFFIX           ".preset"
#define PATH_MODULES_LOAD       "/etc/modules-load.d/sshd-vsock.conf"
#define PATH_HOSTS              "/etc/hosts"
#define PATH_SSHD_CONFIG        "/etc/ssh/sshd_config"
#define PATH_SSHD_CONFIG_VENDOR "/usr/etc/ssh/sshd_config"
#define SSHD_DROPIN_DIR         "/etc/ssh/sshd_config.d"
#define SSHD_DROPIN             "10-sshd-vsock.conf"
#define PATH_SSHD_DROPIN        SSHD_DROPIN_DIR "/" SSHD_DROPIN
#define PATH_SSHD_VSOCK         "/etc/ssh/sshd-vsock.conf"
#define PATH_SKEL_HUSH          "/etc/skel/.hushlogin"

/* The keys that a host hands to a machine with its boot (systemd-ssh-generator(8)), and what
 * UNIT_CREDENTIAL makes of them. */
#define CREDENTIAL_KEYS        "ssh.ephemeral-authorized_keys-all"
#define CREDENTIAL_DIRECTORY   "sshd-vsock" /* in /run */
#define CREDENTIAL_FILE        "/run/" CREDENTIAL_DIRECTORY "/authorized_keys"
#define CREDENTIAL_ENVIRONMENT "/run/" CREDENTIAL_DIRECTORY "/environment"
#define CREDENTIAL_OPTIONS     "SSHD_VSOCK_OPTIONS" /* its one variable */
#define CREDENTIAL_COMMAND     "/bin/cat " CREDENTIAL_FILE

/* How many connections each source, that is each vsock CID, may have at a time. */
#define CONNECTIONS_PER_CID 8

/* Drop-in of a TCP socket unit. Its name sorts behind "addresses.conf", which Ubuntu 22.10 leaves
 * in the same directory. */
#define SOCKET_DROPIN "zz-sshd-vsock.conf"

/* Behind the name of an administrator's own unit, whose place ours took: the copy that comes back.
 */
#define SAVED_SUFFIX ".sshd-vsock-saved"

/* First line of each file that is ours as a whole; whether it opens the text. */
#define FILE_MARKER "# Managed by sshd-vsock."
bool distro_has_marker(const char *text, size_t len);

/* Where sshd, and where this program, may live; NULL-terminated, in order of preference. */
extern const char *const distro_sshd[];
extern const char *const distro_program[];

/* The host keys of an sshd that is told of none (servconf.c); NULL-terminated. */
extern const char *const distro_host_keys[];

/* Directories of vendor units, highest precedence first; NULL-terminated. */
extern const char *const distro_vendor_units[];

/* Whether it is a drop-in by which a distribution tunes all units of a type at once (Fedora's
 * service.d/10-timeout-abort.conf). */
bool distro_is_common_dropin(const char *path);

/* Units through which an sshd listens on TCP. The templates of Accept=yes sockets need no row:
 * nothing starts them once their socket is masked. */
enum { TCP_SSH_SERVICE, TCP_SSH_SOCKET, TCP_SSHD_SERVICE, TCP_SSHD_SOCKET, N_TCP_UNITS };
extern const char *const distro_tcp_units[N_TCP_UNITS];

/* Its place among them; N_TCP_UNITS: it is none. */
size_t distro_tcp_unit(const char *name);

static inline bool distro_is_tcp_unit(const char *name)
{
        return distro_tcp_unit(name) < N_TCP_UNITS;
}

/* A service, and the socket unit that may have its addresses. */
struct tcp_pair {
        size_t service, socket;
};
enum { N_TCP_PAIRS = 2 };
extern const struct tcp_pair distro_tcp_pairs[N_TCP_PAIRS];

/* The service of such a socket unit; NULL: it is none. */
const char *distro_service_of(const char *socket);

/* The other way round. */
const char *distro_socket_of(const char *service);

/* Options that a distribution's own sshd unit passes: an EnvironmentFile and a variable of it. */
struct sshd_environment {
        const char *file;
        const char *variable;
        const char *must_contain; /* text without which the file is something else */
};
enum { N_SSHD_ENVIRONMENTS = 4 };
extern const struct sshd_environment distro_environments[N_SSHD_ENVIRONMENTS];

/* What the guest runs on, as far as it decides about a transport. */
enum virt {
        VIRT_UNKNOWN, /* an image: nobody knows where it will boot */
        VIRT_OTHER,
        VIRT_NONE,
        VIRT_CONTAINER,
        VIRT_MICROSOFT,
        VIRT_WSL,
        VIRT_VMWARE,
        N_VIRTS,
};

/* systemd's name for it (property Virtualization of the manager) to ours. */
enum virt virt_from_systemd(const char *name);

/* Transports. */
enum {
        MODULE_LOOPBACK,
        MODULE_HYPERV,
        MODULE_VMCI,
        MODULE_VIRTIO,
        N_MODULES,
};
struct transport {
        const char *module;
        unsigned where; /* bits 1 << VIRT_…: where to load it */
};
extern const struct transport distro_transports[N_MODULES];
