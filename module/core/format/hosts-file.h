/* SPDX-License-Identifier: MIT
 *
 * hosts-file.h: the one entry in a hosts(5) file that is ours. Old bytes in, new bytes out; every
 * byte that is not ours is kept as it was. Pure.
 */
#pragma once

#include "core/util/buf.h"

/* Ends each line of ours; the line is `ADDRESS UNKNOWN HOSTS_MARKER`, or `ADDRESS localhost UNKNOWN
 * HOSTS_MARKER` where no other line before it names 127.0.0.1, or ::1: it would be called UNKNOWN,
 * also where nss-myhostname called it localhost. */
#define HOSTS_MARKER "# sshd-vsock"
#define HOSTS_NAME   "UNKNOWN"

/* The first line of a file that there was not before. */
#define HOSTS_CREATED "# Made by sshd-vsock; its remove takes the file away if nothing is added.\n"

enum hosts_state {
        HOSTS_ABSENT,  /* no line maps UNKNOWN */
        HOSTS_OURS,    /* a marked line of ours does */
        HOSTS_FOREIGN, /* only lines without our marker do (cloud-init strips comments) */
};

/* Which lines map the name UNKNOWN (case-insensitive, any column after the address; comments and
 * lines without a valid address do not count), and through *ret_address (optional, malloc'd, NULL
 * when absent) to what: the address of our first line, else of the first foreign one. 0/-ENOMEM */
int hosts_file_inspect(const char *text, size_t len, enum hosts_state *ret,
                       char **ret_address) MUST_CHECK;

/* The file with UNKNOWN mapped to `address` (an IP literal), or, with NULL, with our lines taken
 * out. Addresses are compared by value, not as text.
 *
 * A line is ours when it maps UNKNOWN and nothing else, but for a localhost before it, and its
 * comment is our marker, whatever blanks it has: cloud-init's HostsConf writes it anew as
 * `ADDRESS<TAB>UNKNOWN# sshd-vsock`. Anything more on it is somebody's, and makes the line foreign.
 *
 * A foreign line that already maps UNKNOWN to the wanted address means nothing is to be added (and
 * no line of ours is needed beside it; one of ours that is there stays). A line of ours with
 * another address is replaced in place; duplicates of ours are reduced to the first.
 *
 * A new line goes right after the first line of loopback v4 (127/8) that names localhost, else
 * after the first that names localhost, else at the end; and in no case before the first line of
 * the very address: from before it, getnameinfo(127.0.0.1) would answer UNKNOWN. It takes the line
 * end of the line it follows, so CRLF files keep CRLF. After a last line without a newline, one is
 * supplied between the two and our line has none: by that, removal gives back the bytes that were
 * there.
 *
 * hosts_file_edit(hosts_file_edit(x)) = hosts_file_edit(x), and edit then NULL-edit gives x back
 * for every x that holds no line of ours. A NULL `text` with len 0 is a file that does not exist:
 * it begins with HOSTS_CREATED then, and when all that is ours is taken out of such a file nothing
 * is left. */
void hosts_file_edit(const char *text, size_t len, const char *address, struct buf *out);

/* Whether the file begins as one that hosts_file_edit() made of nothing. */
bool hosts_file_is_created(const char *text, size_t len);
