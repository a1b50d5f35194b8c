/* SPDX-License-Identifier: MIT
 *
 * base.h: what each file of the program may use: cleanup attributes, hand-over macros, compiler
 * hints, room in a growing list. No types of this project live here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define MUST_CHECK        __attribute__((warn_unused_result))

#define ELEMENTSOF(a) (sizeof(a) / sizeof((a)[0]))
#define BIT(n)        (1u << (n))

/* Hand an owned pointer or descriptor over: the variable forgets it, its cleanup does nothing. */
#define TAKE_PTR(p)                                                                                \
        ({                                                                                         \
                __typeof__(p) taken_ = (p);                                                        \
                (p) = NULL;                                                                        \
                taken_;                                                                            \
        })
#define TAKE_FD(fd)                                                                                \
        ({                                                                                         \
                int taken_ = (fd);                                                                 \
                (fd) = -1;                                                                         \
                taken_;                                                                            \
        })

/* The list with room for one behind the n that it has: for twice as many whenever those are a power
 * of two. NULL: there is no memory, and the list is as it was. */
static inline void *list_room(void *list, size_t n, size_t size)
{
        return n & (n - 1) ? list : reallocarray(list, n ? n * 2 : 1, size);
}

static inline void free_pointer(void *p)
{
        free(*(void **)p);
}

static inline void close_descriptor(const int *fd)
{
        if (*fd >= 0)
                (void)close(*fd);
}

#define AUTO_FREE     __attribute__((cleanup(free_pointer)))
#define AUTO_CLOSE    __attribute__((cleanup(close_descriptor)))
#define AUTO(cleaner) __attribute__((cleanup(cleaner)))
