/* SPDX-License-Identifier: MIT
 *
 * other-access.h: what leads into this system besides our vsock listener, for whoever wants to take
 * that out; and what would make such a way. Looks; changes nothing.
 */
#pragma once

#include "cli/run.h"

/* Whether another machine gets to an sshd that really listens, and that the next boot starts: on
 * TCP, on an address of this machine that is not loopback; or on vsock, through a socket unit of
 * systemd's that is not ours to remove, nor its template; or whether one will, that gets its port
 * back when ours goes. */
bool other_access_is_open(struct run *r);

/* The same without what only will: that has to answer, when it has its port. */
bool other_access_is_open_now(struct run *r);

/* Whether an administrator's own socket unit, whose place ours took, listens on vsock again once
 * the plan is carried out, and its template starts sshd. */
bool other_access_gives_socket_back(const struct run *r);

/* The same, but for our vsock listener, whether it stays or not. */
bool other_access_than_ours(struct run *r);

/* As other_access_is_open(), of an image: whether its boot starts an sshd that listens on TCP: a
 * unit that is there and not masked (by others), wanted by a target that the default target leads
 * to. 0 or −errno with run.error. */
int other_access_will_open(struct run *r, bool *ret) MUST_CHECK;

/* Whether one listens that the next boot does not start. After any of the above. */
bool other_access_ends(struct run *r);

/* Whether one listens where others could connect, if this machine had a network. After any of the
 * above. */
bool other_access_lacks_network(const struct run *r);

/* The commands that make another way in, ending with `remove`. */
void other_access_fix(struct run *r, struct buf *out);
