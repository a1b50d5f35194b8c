/* SPDX-License-Identifier: MIT
 *
 * sshd-query.h: questions to the system's own sshd about its configuration. Live systems only;
 * changes nothing but that /run/sshd is made where an old sshd needs it to answer.
 */
#pragma once

#include "core/util/argv.h"
#include "core/util/buf.h"
#include "core/util/error.h"

/* The effective configuration of sshd's files as sshd prints it; where it needs the options that
 * its unit passes (host keys that stand there alone, before `-G`), with those. With `extra` (lines
 * of sshd_config, may be NULL) as it would be with those lines at the top of `config` (the main
 * file's text, then required). -EINVAL and sshd's own words in `error` when sshd refuses it. */
int sshd_effective(const char *sshd, const struct argv *options, const char *extra,
                   const char *config, struct buf *ret, struct error *error) MUST_CHECK;

/* What its unit would have it do, by these options of the unit. */
int sshd_effective_started(const char *sshd, const struct argv *options, struct buf *ret,
                           struct error *error) MUST_CHECK;

/* The same of its files as they are, for who only looks: /run/sshd is not made, so that an old sshd
 * may not answer. */
int sshd_effective_untouched(const char *sshd, const struct argv *options, struct buf *ret,
                             struct error *error) MUST_CHECK;

/* The effective configuration for one account, for a client without an address, with the options of
 * `server` (a whole command line, such as that of the vsock listener; its "-i" is left out). As
 * above. */
int sshd_effective_for(const struct argv *server, const char *user, struct buf *ret,
                       struct error *error) MUST_CHECK;
