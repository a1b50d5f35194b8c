/* SPDX-License-Identifier: MIT
 *
 * tcp-listeners.h: which sshd listens on TCP in reality, whatever unit or hand started it. Looks,
 * and changes nothing.
 */
#pragma once

#include "core/util/buf.h"
#include "host/sock-diag.h"
#include "host/systemd.h"

#include <sys/types.h>

struct tcp_listener {
        struct buf addresses; /* separated by blanks: "0.0.0.0:22 [::]:22" */
        pid_t pid;            /* 1: systemd, which starts an sshd for each connection */
        char unit[256];       /* "": none that can be told */
        bool owned;           /* it ends with that unit */
        bool vsock;           /* … and so does what the unit has on vsock */
        char title[512];      /* of the process, with the words it was started with */
        char fix[320];        /* the command that ends it */
        struct buf beyond;    /* those of its addresses that nobody wants; for the user of this, */
        struct buf cure;      /* … and what to do about them, once that was asked */
};

struct tcp_listeners {
        struct tcp_listener *list;
        size_t n;
};

/* Every sshd of root's that waits for connections on TCP, and every socket unit that starts one, as
 * far as the kernel knows of it; sessions, which listen for `ssh -R`, are none, and neither is what
 * other users call sshd. Of this network namespace; what runs where /proc does not show it (another
 * WSL distribution) is not found. */
int tcp_listeners_find(struct systemd *m, struct tcp_listeners *ret,
                       struct error *error) MUST_CHECK;
void tcp_listeners_free(struct tcp_listeners *l);

/* The addresses on which the process of that directory in /proc listens, by blanks; none where that
 * is not to be seen. 0 or −errno. */
int tcp_listeners_addresses(const struct tcp_sockets *listening, int process,
                            struct buf *ret) MUST_CHECK;

/* "0.0.0.0:22 [::]:22 (ssh.service, process 312)"; with the addresses given, or all of its own. */
void listener_describe(const struct tcp_listener *l, const struct buf *addresses, struct buf *out);

/* Whether the address is one of this machine's: with FreeBind= systemd listens on any. */
bool tcp_listeners_is_here(const char *host);

/* Which socket units with vsock count. */
struct vsock_wanted {
        const char *but; /* not this one; NULL: any */
        /* whether one counts whose connections that service serves, by the unit file of that path
         */
        bool (*counts)(void *userdata, const char *socket, const char *service, const char *path);
        void *userdata;
};

/* Whether one of them has sshd serve vsock, and systemd really listens there. */
bool tcp_listeners_serve_vsock(struct systemd *m, const struct vsock_wanted *wanted);
