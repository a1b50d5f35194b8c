/* SPDX-License-Identifier: MIT
 *
 * sshd-listen.h: whether sshd listens on the wanted addresses and no others: by its effective
 * configuration (`sshd -G` or `-T`), and by what the kernel shows. Pure.
 */
#pragma once

#include "core/plan/config.h"
#include "core/plan/facts.h"

/* Compares; addresses that sshd would listen on beyond the wanted ones go to `extra`, wanted ones
 * that are missing to `missing`, as "ADDRESS:PORT", separated by blanks. Both empty: exact. */
void listen_compare(const struct config *c, const char *effective, struct buf *extra,
                    struct buf *missing);

/* Whether the blank-separated list has an address for all of a family. */
bool listen_is_wide(const char *list);

/* Beside each other: where an sshd listens ("ADDRESS:PORT", separated by blanks), and what its
 * configuration on disk says. */
enum stale listen_stale(const char *listening, const char *effective);

/* The addresses of an effective configuration, separated by blanks. */
void listen_addresses(const char *effective, struct buf *out);

/* What the kernel shows, "ADDRESS:PORT" separated by blanks, beside what is wanted. Each sshd and
 * each socket unit has ports of its own, so that an address without a port is wanted on any; a
 * wildcard is wanted with all that it covers. Appends what is open beyond the wanted. */
void listen_beyond(const struct config *c, const char *real, struct buf *beyond);

/* The first wanted address that sshd refuses for its AddressFamily (4, 6; 0: any); NULL: none. */
const struct listen_address *listen_refused(const struct config *c, int family);

/* A drop-in that systemd reads behind ours, and that adds TCP addresses to a socket unit which a
 * boot starts; NULL: there is none. */
const char *listen_late(const struct facts *f);

/* What has an image's sshd listen on more than the wanted addresses whatever its files say that we
 * write: the options of its unit, or a drop-in behind ours. Appends the first; nothing: none. */
void listen_overruled(const struct config *c, const struct facts *f, struct buf *out);

/* Whether a listener is there for the wanted address, itself or a wildcard. */
bool listen_heard(const struct listen_address *l, const char *real);

/* The address as the configuration has it: "10.0.0.1", "[::1]:22". */
void listen_name(const struct listen_address *l, struct buf *out);

/* The IP address of "ADDRESS:PORT", without brackets or scope, in `host`; false for anything else.
 * ret_port may be NULL. */
bool listen_split(const char *word, size_t len, char *host, size_t size, unsigned *ret_port);

/* The host of a ListenAddress line's argument, without brackets or scope, in `host`; "" where sshd
 * refuses it. */
void listen_host(const char *argument, char *host, size_t size);

/* The hosts of such lines that are names, and in no line of /etc/hosts: each once, separated by
 * blanks. */
void listen_names(const struct argv *lines, const char *hosts, struct buf *out);

/* As many of a list as a person reads: "0.0.0.0:22 [::]:22 and 29992 more". */
void listen_few(const char *list, struct buf *out);
