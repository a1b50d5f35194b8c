/* SPDX-License-Identifier: MIT
 *
 * waiting.h: says what the program waits for, once that takes longer than a second. A child
 * says it, so that what waits need not know of it: it may wait for systemd, sshd or a dead disk.
 */
#pragma once

#include "host/log.h"

struct waiting {
        int fd; /* -1: nothing is to be said any more */
};

#define WAITING_INIT                                                                               \
        {                                                                                          \
                -1                                                                                 \
        }

/* "waiting for …", said in a second unless waiting_end() comes before. Without a child to say it
 * (no process, no descriptor) nothing is said. What `ret` held before is not ended. */
void waiting_begin(const struct log *l, struct waiting *ret, const char *fmt, ...) PRINTF(3, 4);

/* May be called twice. */
void waiting_end(struct waiting *w);

#define AUTO_WAITING AUTO(waiting_end) struct waiting
