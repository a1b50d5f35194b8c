/* SPDX-License-Identifier: MIT
 *
 * ssh-banner.h: what an SSH server says first: the identification line (RFC 4253 §4.2) and the
 * first binary packet (§6), which must be SSH_MSG_KEXINIT (§7.1). Pure: all that came so far goes
 * in, a verdict comes out; no sockets, no clock.
 */
#pragma once

#include "core/util/base.h"

enum ssh_banner_state {
        SSH_BANNER_MORE,    /* the identification line is not complete */
        SSH_BANNER_IDENT,   /* ident is there; now send ours and read on */
        SSH_BANNER_OK,      /* SSH_MSG_KEXINIT seen */
        SSH_BANNER_NOT_SSH, /* garbage where the identification line should be: NUL, a lone CR, or
                           past the limits below */
        SSH_BANNER_VERSION, /* an SSH server, but neither 2.0 nor 1.99 */
        SSH_BANNER_BAD_PACKET, /* ident fine, the packet after it is not a KEXINIT of a sane size */
        SSH_BANNER_DISCONNECT, /* ident fine, the server sent SSH_MSG_DISCONNECT: `reason` says why
                                */
};

/* RFC 4253 §4.2: 255 bytes with CR LF for the identification; OpenSSH's limits for what may come
 * before (kex.c: the identification is one of the first 1,024 lines, each of at most 8,192 bytes);
 * §6.1: packets up to 35,000 bytes. */
#define SSH_BANNER_IDENT_MAX  255
#define SSH_BANNER_LINES_MAX  1024
#define SSH_BANNER_LINE_MAX   8192
#define SSH_BANNER_PACKET_MAX 35000
#define SSH_BANNER_REASON_MAX 127

struct ssh_banner {
        enum ssh_banner_state state;
        /* Both are printable ASCII, other bytes as '?'. `ident` is without CR LF, and set from
         * SSH_BANNER_IDENT on and with SSH_BANNER_VERSION. `reason` is the description of a
         * disconnect; until the identification comes, the beginning of the last line that was not
         * empty
         * ("Exceeded MaxStartups" and the like: sshd refuses so); "" otherwise. */
        char ident[SSH_BANNER_IDENT_MAX + 1];
        char reason[SSH_BANNER_REASON_MAX + 1];
};

/* Judges the first `len` bytes of the stream. Bytes beyond a verdict are ignored: SSH_BANNER_OK and
 * the faults are final, and SSH_BANNER_IDENT never becomes SSH_BANNER_MORE. */
void ssh_banner_judge(const void *data, size_t len, struct ssh_banner *ret);
