/* SPDX-License-Identifier: MIT
 *
 * full.h: how much of a sweep runs: all of it in `tests/run --full`, a part of it else. Asks the
 * environment, and nothing more.
 */
#pragma once

#include <stdbool.h>
#include <stdlib.h>

static inline bool is_full(void)
{
        return getenv("SSHD_VSOCK_FULL") != NULL;
}

static inline unsigned rounds(unsigned all)
{
        return is_full() ? all : all / 5;
}
