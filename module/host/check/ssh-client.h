/* SPDX-License-Identifier: MIT
 *
 * ssh-client.h: the system's own ssh client and ssh-keygen, started for one question each. Live
 * systems only. It has no configuration, no agent, no known hosts, and asks nobody anything.
 */
#pragma once

#include "core/util/argv.h"
#include "core/util/buf.h"
#include "host/scratch.h"

/* Whether the system has both; NULL, or the path of what is missing. */
const char *ssh_client_missing(void);

/* Makes the key pair "key" and "key.pub" in the directory. `type` as for ssh-keygen -t. */
int ssh_client_keygen(const struct scratch *s, const char *type, struct error *error) MUST_CHECK;

/* How a connection comes about: through the vsock listener on `port`, or with `server` (a command
 * that speaks SSH on its standard input and output) where that is not NULL. */
struct ssh_client_target {
        uint32_t port;
        const struct argv *server;
};

/* Offers the public keys DIRECTORY/0.pub … of which `n` are there, without having their private
 * halves: what `ssh -v` printed goes to `said` (RFC 4252, section 7: the server says whether it
 * would take a key). Exit status of ssh, or −errno. */
int ssh_client_query(const struct scratch *s, const struct ssh_client_target *target,
                     const char *user, unsigned n, unsigned timeout, struct buf *said) MUST_CHECK;

/* Logs in with the key of ssh_client_keygen() and runs a command; what was printed goes to `said`.
 */
int ssh_client_login(const struct scratch *s, const struct ssh_client_target *target,
                     const char *user, const char *command, unsigned timeout,
                     struct buf *said) MUST_CHECK;
