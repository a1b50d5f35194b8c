/* SPDX-License-Identifier: MIT
 *
 * listeners.h: which sshd listens on TCP in reality, whatever unit or hand started it. Looks, and
 * changes nothing.
 */
#pragma once

#include "buf.h"
#include "manager.h"

#include <sys/types.h>

struct tcp_listener {
        struct buf addresses; /* separated by blanks: "0.0.0.0:22 [::]:22" */
        pid_t pid;            /* 1: systemd, which starts an sshd for each connection */
        char unit[256];       /* "": none that can be told */
        char fix[320];        /* the command that ends it */
};

struct listeners {
        struct tcp_listener *list;
        size_t n;
};

/* Every sshd that waits for connections on TCP, and every socket unit that starts one; sessions,
 * which listen for `ssh -R`, are none. Of this network namespace; what runs where /proc does not
 * show it (another WSL distribution) is not found. */
int listeners_find(struct manager *m, struct listeners *ret, struct why *why) MUST_CHECK;
void listeners_free(struct listeners *l);

/* "0.0.0.0:22 [::]:22 (ssh.service, process 312)" */
void listener_describe(const struct tcp_listener *l, struct buf *out);
