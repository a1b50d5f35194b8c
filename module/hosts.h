/* SPDX-License-Identifier: MIT
 *
 * hosts.h: the one entry in a hosts(5) file that is ours. Old bytes in, new bytes out; every byte
 * that is not ours is kept as it was. Pure.
 */
#pragma once

#include "buf.h"

/* Ends each line of ours; the line is `ADDRESS UNKNOWN HOSTS_MARKER`. */
#define HOSTS_MARKER "# sshd-vsock"
#define HOSTS_NAME   "UNKNOWN"

enum hosts_state {
        HOSTS_ABSENT,  /* no line maps UNKNOWN */
        HOSTS_OURS,    /* a marked line of ours does */
        HOSTS_FOREIGN, /* only lines without our marker do (cloud-init strips comments) */
};

/* Which lines map the name UNKNOWN (case-insensitive, any column after the address; comments do
 * not count), and through *ret_address (optional, malloc'd, NULL when absent) to what. 0/-ENOMEM */
int hosts_inspect(const char *text, size_t len, enum hosts_state *ret,
                  char **ret_address) MUST_CHECK;

/* The file with UNKNOWN mapped to `address` (an IP literal), or, with NULL, with our lines taken
 * out. Rules: a foreign line that already maps UNKNOWN to the wanted address means nothing is to
 * be added (and no line of ours is needed beside it; one of ours that is there stays). Our line
 * goes right after the last line that maps `localhost` at the beginning of the file's block of
 * loopback lines — that is after the first line whose address is loopback v4 and names localhost,
 * else after the first that names localhost, else at the end: before it, getnameinfo(127.0.0.1)
 * would answer UNKNOWN. A missing final newline is supplied for our line and taken away again when
 * our line is removed, so that remove gives back the bytes that were there. CRLF files keep CRLF.
 * Duplicates of ours are reduced to one; a line of ours with another address is replaced in place.
 * hosts_edit(hosts_edit(x)) = hosts_edit(x), and edit then NULL-edit gives x back for every x that
 * holds no line of ours. A NULL `text` with len 0 is a file that does not exist. */
void hosts_edit(const char *text, size_t len, const char *address, struct buf *out);
