/* SPDX-License-Identifier: MIT
 *
 * verify.h: whether the vsock listener answers, seen with one's own eyes: a connection, the SSH
 * identification, the first key-exchange packet. Changes nothing, but for the module it may load.
 */
#pragma once

#include "core/plan/causes.h"

struct verdict {
        uint32_t port;
        const char *unit; /* the socket unit that was meant; NULL: ours */
        uint64_t began;   /* realtime, in microseconds; 0: nobody connected */
        enum cause
                cause; /* CAUSE_NONE: the vsock listener answers; CAUSE_NO_LOOPBACK: cannot tell */
        char ident[256];   /* the server's identification, once it came */
        char detail[256];  /* what was seen, beyond the cause's own words */
        char fix[448];     /* more to the point than the cause's own; "": that one */
        bool refused;      /* the socket unit was seen to refuse it, for a limit of its own */
        bool sshd_answers; /* with CAUSE_NO_LOOPBACK: `sshd -i` on a socket pair does */
};

/* Loads vsock_loopback where it is a module. */
void verify_load_loopback(unsigned timeout);

/* Whether that would load it; it is not loaded. */
bool verify_may_load_loopback(unsigned timeout);

/* Through the kernel's vsock loopback, all within `timeout` seconds. Always gives a verdict. */
void verify_listener(uint32_t port, unsigned timeout, struct verdict *ret);

/* Where there is no loopback: `sshd -i` on a socket pair, which tells whether the vsock listener's
 * far end works. */
void verify_sshd(const char *sshd, unsigned timeout, struct verdict *ret);
