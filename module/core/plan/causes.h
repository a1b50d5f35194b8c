/* SPDX-License-Identifier: MIT
 *
 * causes.h: why a vsock listener does not answer, one row per known symptom, each with its fix; the
 * same table serves messages and the manual's troubleshooting section. Pure.
 */
#pragma once

#include "core/util/argv.h"
#include "core/util/buf.h"
#include "core/util/error.h"

enum cause {
        CAUSE_NONE, /* the vsock listener answers */
        CAUSE_NOT_BOOTED,
        CAUSE_CHROOT,
        CAUSE_NOT_ROOT,
        CAUSE_NO_SSHD,
        CAUSE_UNIT_MASKED,
        CAUSE_UNIT_MISSING,
        CAUSE_UNIT_REJECTED,
        CAUSE_TEMPLATE_MISSING,
        CAUSE_TEMPLATE_MASKED,
        CAUSE_TRIGGER_LIMIT,
        CAUSE_PORT_TAKEN,
        CAUSE_SOCKET_FAILED,
        CAUSE_SOCKET_INACTIVE,
        CAUSE_NO_AF_VSOCK,
        CAUSE_NO_LOOPBACK,
        CAUSE_NO_LISTENER,
        CAUSE_SHARE_FULL,
        CAUSE_CONNECT,
        CAUSE_TIMEOUT,
        CAUSE_NO_HOST_KEYS,
        CAUSE_NO_PRIVSEP,
        CAUSE_NO_PRIVSEP_USER,
        CAUSE_BAD_SSHD_CONFIG,
        CAUSE_CLOSED,
        CAUSE_NOT_SSH,
        CAUSE_SSH_VERSION,
        CAUSE_NO_KEX,
        CAUSE_SELINUX,
        CAUSE_SELINUX_KEYS,
        CAUSE_SELINUX_FILE,
        CAUSE_SELINUX_RULE,
        CAUSE_SELINUX_UNIT,
        CAUSE_APPARMOR,
        CAUSE_NO_UNKNOWN,
        CAUSE_NO_WAY_TO_HOST,
        CAUSE_TCP_OPEN,
        CAUSE_TCP_DOWN,
        CAUSE_NO_LOGIN,
        N_CAUSES,
};

struct cause_row {
        const char *id;   /* stable word for machines: "no-host-keys" */
        const char *what; /* one sentence without a full stop */
        const char *fix;
};

extern const struct cause_row causes[N_CAUSES];

/* Says the cause in an error, with `detail` ("" for none) behind it and the table's fix where none
 * was said. Returns `error`. */
int cause_set(struct error *e, enum cause cause, const char *detail, int error);

/* As many of the paths as go into `most` bytes, whole, and how many there are besides. */
void cause_files(const struct argv *paths, size_t most, struct buf *out);

/* A line that sshd or systemd wrote to the journal for a connection or the socket, to the cause it
 * is known for; CAUSE_NONE when it says nothing. The second: the same for lines of the kernel and
 * its audit, where a denial may be behind what sshd says of itself. */
enum cause cause_from_journal(const char *line);
enum cause cause_from_kernel(const char *line);

/* Whether a line that belongs to that cause says where it is: the file and line, the key. */
bool cause_names_place(enum cause cause, const char *line);

/* How much a line that names no cause tells of the vsock listener's end; 0: nothing. `systemd`: it
 * is the manager's, not sshd's. Priorities are syslog's. */
unsigned cause_weight(const char *line, unsigned priority, bool systemd);
