/* SPDX-License-Identifier: MIT
 *
 * buf.h: a growable byte string with a sticky error, so that renderers append without looking and
 * check once at the end. It allocates and copies; it does nothing else.
 */
#pragma once

#include "core/util/base.h"

struct buf {
        char *data; /* always followed by a NUL that `len` does not count; NULL while empty */
        size_t len;
        size_t cap;
        int error; /* 0, or -ENOMEM for good: later appends do nothing */
};

#define BUF_INIT                                                                                   \
        {                                                                                          \
                .data = NULL                                                                       \
        }
#define AUTO_BUF AUTO(buf_free) struct buf

/* Appends `len` bytes; a failure shows in buf.error. */
void buf_add(struct buf *b, const void *data, size_t len);
void buf_adds(struct buf *b, const char *s);
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);

/* … behind a blank, unless it is the first word of a list. */
void buf_add_word(struct buf *b, const char *word, size_t len);

/* … in quotes, as one word of a shell. */
void buf_add_quoted(struct buf *b, const char *word);

/* The bytes as a C string, never NULL; owned by the buffer. */
const char *buf_str(const struct buf *b);

/* Hands the bytes over (the caller frees them) and empties the buffer. On success *ret is never
 * NULL. Returns 0 or the buffer's error. */
int buf_take(struct buf *b, char **ret, size_t *ret_len) MUST_CHECK;

void buf_free(struct buf *b);
