/* SPDX-License-Identifier: MIT
 *
 * listen.h: whether sshd's effective configuration (`sshd -G` or `-T`) listens on the wanted
 * addresses and no others. Pure.
 */
#pragma once

#include "config.h"
#include "facts.h"

/* Compares; addresses that sshd would listen on beyond the wanted ones go to `extra`, wanted ones
 * that are missing to `missing`, as "ADDRESS:PORT", separated by blanks. Both empty: exact. */
void listen_compare(const struct config *c, const char *effective, struct buf *extra,
                    struct buf *missing);

/* Whether the address stands in the blank-separated list; whether that has one for all addresses of
 * a family. */
bool listen_has(const char *list, const char *address, size_t len);
bool listen_is_wide(const char *list);

/* Beside each other: where an sshd listens ("ADDRESS:PORT", separated by blanks), and what its
 * configuration on disk says. */
enum stale listen_stale(const char *listening, const char *effective);

/* The addresses of an effective configuration, separated by blanks. */
void listen_addresses(const char *effective, struct buf *out);
