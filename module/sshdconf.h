/* SPDX-License-Identifier: MIT
 *
 * sshdconf.h: what this program must know of sshd_config(5): which files it includes, where
 * ListenAddress and Port stand, and our own marked block. It scans, and edits only our block and
 * our comment marks; it does not judge other options. Pure: bytes in, values out.
 */
#pragma once

#include "buf.h"

#include <netinet/in.h>

#define SSHDCONF_BEGIN "# BEGIN sshd-vsock (do not edit: sshd-vsock apply writes this block)"
#define SSHDCONF_END   "# END sshd-vsock"
/* In front of a foreign line that was commented out; the original follows, byte for byte. */
#define SSHDCONF_STRAY "#sshd-vsock# "

enum sshdconf_kind {
        SSHDCONF_INCLUDE,
        SSHDCONF_LISTEN_ADDRESS,
        SSHDCONF_PORT,
        SSHDCONF_ADDRESS_FAMILY,
};

struct sshdconf_item {
        enum sshdconf_kind kind;
        uint32_t line;  /* from 1 */
        bool in_match;  /* inside a Match block of this file */
        bool ours;      /* inside our marked block */
        char *argument; /* one argument, unquoted; a line with several Include patterns gives
                           several items */
};

struct sshdconf {
        struct sshdconf_item *items;
        size_t n;
};

/* Finds the items in file order. Follows OpenSSH's servconf.c and misc.c: keywords are
 * case-insensitive, separated from arguments by blanks and at most one '='; '#' starts a comment at
 * the line's beginning, and after an argument where OpenSSH's argv_split says so; quotes as there.
 * 0 or -ENOMEM. */
int sshdconf_scan(const char *text, size_t len, struct sshdconf *ret) MUST_CHECK;
void sshdconf_free(struct sshdconf *c);

/* Whether an Include outside of any Match block covers `DIR/NAME` with its pattern, where the
 * pattern is absolute or relative to /etc/ssh (fnmatch with FNM_PERIOD, as glob(3) does). */
bool sshdconf_includes(const struct sshdconf *c, const char *path);

/* The text with our block (begin line, `body`, end line) at its very top, replacing an earlier
 * block of ours; with body NULL, without it. edit then NULL-edit gives the original bytes back. */
void sshdconf_set_block(const char *text, size_t len, const char *body, struct buf *out);

/* The text with line `line` (from 1) commented out with SSHDCONF_STRAY; and the text with every
 * such mark taken away. The second undoes the first byte for byte. */
void sshdconf_comment_line(const char *text, size_t len, uint32_t line, struct buf *out);
void sshdconf_uncomment(const char *text, size_t len, struct buf *out);
