/* SPDX-License-Identifier: MIT
 *
 * sshdconf.h: what this program must know of sshd_config(5): which files it includes, where
 * ListenAddress and Port stand, and our own marked block. It scans, and edits only our block and
 * our comment marks; it does not judge other options. Pure: bytes in, values out.
 */
#pragma once

#include "core/util/buf.h"

#define SSHDCONF_BEGIN "# BEGIN sshd-vsock (do not edit: sshd-vsock apply writes this block)"
#define SSHDCONF_END   "# END sshd-vsock"
/* In front of a foreign line that was commented out; the original follows, byte for byte. */
#define SSHDCONF_STRAY "#sshd-vsock# "

enum sshdconf_kind {
        SSHDCONF_INCLUDE,
        SSHDCONF_LISTEN_ADDRESS,
        SSHDCONF_PORT,
        SSHDCONF_ADDRESS_FAMILY,
        SSHDCONF_HOST_KEY,
};

struct sshdconf_item {
        enum sshdconf_kind kind;
        uint32_t line;  /* from 1 */
        bool in_match;  /* after a Match line of this file: such a block ends with the file */
        bool ours;      /* inside our marked block */
        char *argument; /* unquoted, not empty; a line with several Include patterns gives several
                           items, one with another keyword gives its first (an address without its
                           rdomain) */
};

struct sshdconf {
        struct sshdconf_item *items;
        size_t n;
};

/* Finds the items in file order. Follows OpenSSH's servconf.c and misc.c: keywords are
 * case-insensitive, separated from arguments by blanks and at most one '='; '#' starts a comment at
 * the line's beginning, and before an argument (argv_split); quotes as there. A line that sshd
 * refuses for its quotes or a missing argument gives no item. A NUL ends its line (for sshd the
 * next line follows at once). 0 or -ENOMEM. */
int sshdconf_scan(const char *text, size_t len, struct sshdconf *ret) MUST_CHECK;
void sshdconf_free(struct sshdconf *c);

/* Whether an Include outside of any Match block covers the absolute `path` of a file with its
 * pattern, which is absolute or relative to /etc/ssh (fnmatch with FNM_PATHNAME and FNM_PERIOD is
 * what glob(3) does). False when out of memory. */
bool sshdconf_includes(const struct sshdconf *c, const char *path);

/* The text with our block (begin line, `body`, end line) at its very top, replacing each earlier
 * block of ours wherever it stands; with body NULL, without. A block is an end line and the nearest
 * begin line before it: where one of the two was lost, the lines around are kept. `body` holds
 * neither of the two lines; a missing final newline is added. Edit then NULL-edit gives the
 * original bytes back, if they held no block. */
void sshdconf_set_block(const char *text, size_t len, const char *body, struct buf *out);

/* The text with line `line` (from 1) commented out with SSHDCONF_STRAY, unless it is already or
 * there is no such line; and the text with every such mark at the beginning of a line taken away.
 * The second undoes the first, for any number of lines, byte for byte. */
void sshdconf_comment_line(const char *text, size_t len, uint32_t line, struct buf *out);
/* The same for every line that `c`, scanned from this text, says is a ListenAddress. */
void sshdconf_comment_strays(const char *text, size_t len, const struct sshdconf *c,
                             struct buf *out);
void sshdconf_uncomment(const char *text, size_t len, struct buf *out);
