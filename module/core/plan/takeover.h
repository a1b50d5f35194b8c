/* SPDX-License-Identifier: MIT
 *
 * takeover.h: whether a unit that an administrator wrote by hand does what ours of the same name
 * does, and nothing more that would be lost if ours took its place. Pure.
 */
#pragma once

#include "core/util/buf.h"

enum takeover {
        TAKEOVER_SOCKET,   /* listens on the vsock port, a process for each connection */
        TAKEOVER_TEMPLATE, /* sshd -i on such a connection */
};

/* Whether systemd takes the word for a yes. */
bool takeover_is_yes(const char *value);

/* Whether a template with that text, whatever else it does, has the system's sshd serve each
 * connection. No where there is no telling. */
bool takeover_starts_sshd(const char *text, size_t len);

/* 1: it does, in whatever order, spacing and comments. 0: it does not, and `different` says what
 * is, setting by setting; or there is no telling. -ENOMEM. */
int takeover_is_alike(enum takeover kind, const char *text, size_t len, unsigned port,
                      struct buf *different) MUST_CHECK;
