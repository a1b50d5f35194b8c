/* SPDX-License-Identifier: MIT
 *
 * sshd-config.h: what this program must know of sshd_config(5): which files it includes, where
 * ListenAddress and Port stand, and our own marked block. It scans, and edits only our block and
 * our comment marks; it does not judge other options. Pure: bytes in, values out.
 */
#pragma once

#include "core/util/buf.h"

#define SSHD_CONFIG_BEGIN "# BEGIN sshd-vsock (do not edit: sshd-vsock apply writes this block)"
#define SSHD_CONFIG_END   "# END sshd-vsock"
/* In front of a foreign line that was commented out; the original follows, byte for byte. */
#define SSHD_CONFIG_STRAY "#sshd-vsock# "

enum sshd_config_kind {
        SSHD_CONFIG_INCLUDE,
        SSHD_CONFIG_LISTEN_ADDRESS,
        SSHD_CONFIG_PORT,
        SSHD_CONFIG_ADDRESS_FAMILY,
        SSHD_CONFIG_HOST_KEY,
};

struct sshd_config_item {
        enum sshd_config_kind kind;
        uint32_t line;  /* from 1 */
        bool in_match;  /* after a Match line of this file, which holds for some only, to the next
                           one */
        bool ours;      /* inside our marked block */
        char *argument; /* unquoted, not empty; a line with several Include patterns gives several
                           items, one with another keyword gives its first (an address without its
                           rdomain) */
};

struct sshd_config {
        struct sshd_config_item *items;
        size_t n;
};

/* Finds the items in file order. Follows OpenSSH's servconf.c and misc.c: keywords are
 * case-insensitive, separated from arguments by blanks and at most one '='; '#' starts a comment at
 * the line's beginning, and before an argument (argv_split); quotes as there. A line that sshd
 * refuses for its quotes or a missing argument gives no item. A NUL ends its line (for sshd the
 * next line follows at once). 0 or -ENOMEM. */
int sshd_config_scan(const char *text, size_t len, struct sshd_config *ret) MUST_CHECK;
void sshd_config_free(struct sshd_config *c);

/* Whether an Include outside of any Match block covers the absolute, plain `path` of a file with
 * its pattern, which is absolute or relative to /etc/ssh (fnmatch with FNM_PATHNAME and FNM_PERIOD
 * is what glob(3) does). False when out of memory. */
bool sshd_config_includes(const struct sshd_config *c, const char *path);

/* The text with our block (begin line, `body`, end line) at its very top, replacing each earlier
 * block of ours wherever it stands; with body NULL, without. A block is an end line and the nearest
 * begin line before it: where one of the two was lost, the lines around are kept. `body` holds
 * neither of the two lines; a missing final newline is added. Edit then NULL-edit gives the
 * original bytes back, if they held no block. */
void sshd_config_set_block(const char *text, size_t len, const char *body, struct buf *out);

/* The text with every line commented out with SSHD_CONFIG_STRAY that `c`, scanned from this text,
 * says is a ListenAddress, unless it is already; and the text with every such mark at the beginning
 * of a line taken away. The second undoes the first, byte for byte. */
void sshd_config_comment_strays(const char *text, size_t len, const struct sshd_config *c,
                                struct buf *out);
void sshd_config_uncomment(const char *text, size_t len, struct buf *out);
