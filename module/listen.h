/* SPDX-License-Identifier: MIT
 *
 * listen.h: whether sshd's effective configuration (`sshd -G` or `-T`) listens on the wanted
 * addresses and no others. Pure.
 */
#pragma once

#include "config.h"

/* Compares; addresses that sshd would listen on beyond the wanted ones go to `extra`, wanted ones
 * that are missing to `missing`, as "ADDRESS:PORT", separated by blanks. Both empty: exact. */
void listen_compare(const struct config *c, const char *effective, struct buf *extra,
                    struct buf *missing);

/* The addresses of an effective configuration, separated by blanks. */
void listen_addresses(const char *effective, struct buf *out);
