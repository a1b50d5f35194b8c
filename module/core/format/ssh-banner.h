/* SPDX-License-Identifier: MIT
 *
 * ssh-banner.h: what an SSH server says first: the identification line (RFC 4253 §4.2) and the
 * first binary packet (§6), which must be SSH_MSG_KEXINIT (§7.1). Incremental and pure: bytes are
 * fed in as they come, a verdict comes out; no sockets, no clock.
 */
#pragma once

#include "core/util/base.h"

enum ssh_banner_state {
        SSH_BANNER_MORE,    /* the identification line is not complete */
        SSH_BANNER_IDENT,   /* ident is there; now send ours and feed on */
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
        /* private: */
        char line[SSH_BANNER_LINE_MAX];
        size_t line_len;
        bool after_cr;
        unsigned n_lines;
        unsigned char packet[4 + 1 + 1 + 4 + 4 + SSH_BANNER_REASON_MAX]; /* up to the description */
        size_t packet_len;
};

void ssh_banner_init(struct ssh_banner *b);

/* Consumes up to `len` bytes; may be called with any split of the stream. Returns the state after
 * them. Once the state is SSH_BANNER_OK or a fault, further bytes are ignored. Stops consuming at
 * SSH_BANNER_IDENT only in the sense that it reports it: bytes after the line in the same call are
 * taken as the packet's (so one call may go from MORE to OK). */
enum ssh_banner_state ssh_banner_feed(struct ssh_banner *b, const void *data, size_t len);
