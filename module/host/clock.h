/* SPDX-License-Identifier: MIT
 *
 * clock.h: deadlines on the monotonic clock, the journal's time, and what this process took of the
 * processor's, in microseconds.
 */
#pragma once

#include "core/util/base.h"

#include <time.h>

static inline uint64_t clock_of(clockid_t id)
{
        struct timespec t;

        (void)clock_gettime(id, &t);
        return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static inline uint64_t clock_now(void)
{
        return clock_of(CLOCK_MONOTONIC);
}

/* The journal's time. */
static inline uint64_t clock_realtime(void)
{
        return clock_of(CLOCK_REALTIME);
}

static inline uint64_t clock_deadline(unsigned seconds)
{
        return clock_now() + (uint64_t)seconds * 1000000u;
}

static inline void clock_pause(unsigned milliseconds)
{
        const struct timespec t = { milliseconds / 1000, (long)(milliseconds % 1000) * 1000000 };

        (void)nanosleep(&t, NULL);
}

/* What is left of it for poll(2), in milliseconds, rounded up; 0 when it has passed. */
static inline int clock_poll_timeout(uint64_t deadline)
{
        uint64_t now = clock_now();

        if (now >= deadline)
                return 0;
        if (deadline - now > 1000000000u)
                return 1000000;
        return (int)((deadline - now + 999u) / 1000u);
}
