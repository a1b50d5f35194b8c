/* SPDX-License-Identifier: MIT
 *
 * other-access-parts.h: between the files of other-access*.c only.
 */
#pragma once

#include "cli/other-access.h"

/* ListenAddress lines of others in a file of sshd's, as they are once ours are out: in `edit`,
 * "1s/^/#/;3s/^/#/" for each of them, and `any` true where there is one. Whether one of them leads
 * in. (other-access-fix.c) */
bool other_access_lines(struct run *r, const char *path, struct buf *edit, bool *any);

/* Whether the command that starts sshd, or the file that it names instead of sshd_config, has it
 * listen on loopback; what sshd_config says may add to that. (other-access-fix.c) */
bool other_access_options_confine(const struct sshd_settings *s);

/* The command by which the next boot starts the service, or who starts it `now`, when what is in
 * /run counts, too; its variables are replaced: sshd in front, then its options: 1; 0 where that is
 * no sshd's, or a mask is there that is not ours; −errno, said in `error` (NULL: nowhere), as by
 * the others that have one. (other-access-command.c) */
int other_access_words(const struct run *r, const char *service, bool now, struct argv *ret,
                       struct error *error);

/* What that says of an image's. Returns as above. (other-access-command.c) */
int other_access_command(const struct run *r, const char *service, struct sshd_settings *ret,
                         struct error *error);

/* The service that a socket unit starts after the next boot; whether that listens on TCP, and where
 * others can reach it. (other-access-command.c) */
int other_access_socket(const struct run *r, const char *socket, char *ret, size_t size,
                        struct error *error);

/* Whether it listens on an address that others can reach. (other-access.c) */
bool other_access_leads_in(const struct run *r, const struct tcp_listener *l);

/* Whether who listens on that address is heard on a network. (other-access-boot.c, as all below) */
bool other_access_has_network(const struct run *r, const char *host, bool v6_only);

/* Whether an address of the list ("ADDRESS:PORT", separated by blanks) is none of loopback; with
 * `on_network`, one at which others hear it. */
bool other_access_reaches(const struct run *r, const char *list, bool v6_only, bool on_network);

/* Whether the next boot starts the unit. */
bool other_access_starts(const struct run *r, const char *unit);

/* Whether a condition keeps the unit from starting, or what is behind it. Adds the paths that it is
 * about, those with "!" before them that must not be there. (other-access-condition.c) */
int other_access_is_barred(const struct run *r, const char *unit, struct argv *ret_paths,
                           struct error *error);

/* Whether sshd accepts its files as they are; what it makes of them then is in `effective`. No
 * where it does not say. */
bool other_access_sshd_starts(const struct run *r, struct buf *effective);

/* Whether that sshd listens where others can reach it once it is started anew. */
bool other_access_stays_outside(const struct run *r, const struct tcp_listener *l);

/* Whether that sshd listens after the next boot, too, and where others can reach it. */
bool other_access_lasts(const struct run *r, const struct tcp_listener *l);
