/* SPDX-License-Identifier: MIT
 *
 * buf.c: see buf.h. Grows by doubling, so that rendering a file costs a handful of allocations.
 */
#include "core/util/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool reserve(struct buf *b, size_t more)
{
        size_t want, cap;
        char *data;

        if (b->error < 0)
                return false;
        if (__builtin_add_overflow(b->len, more, &want) ||
            __builtin_add_overflow(want, (size_t)1, &want)) {
                b->error = -ENOMEM;
                return false;
        }
        if (want <= b->cap)
                return true;

        cap = b->cap ? b->cap : 256;
        while (cap < want)
                cap = cap > SIZE_MAX / 2 ? want : cap * 2;

        data = realloc(b->data, cap);
        if (!data) {
                b->error = -ENOMEM;
                return false;
        }
        b->data = data;
        b->cap = cap;
        return true;
}

void buf_add(struct buf *b, const void *data, size_t len)
{
        if (!reserve(b, len))
                return;
        if (len > 0)
                memcpy(b->data + b->len, data, len);
        b->len += len;
        b->data[b->len] = '\0';
}

void buf_adds(struct buf *b, const char *s)
{
        buf_add(b, s, strlen(s));
}

void buf_add_word(struct buf *b, const char *word, size_t len)
{
        buf_adds(b, b->len ? " " : "");
        buf_add(b, word, len);
}

void buf_add_quoted(struct buf *b, const char *word)
{
        buf_adds(b, "'");
        for (; *word; word++)
                buf_add(b, *word == '\'' ? "'\\''" : word, *word == '\'' ? 4 : 1);
        buf_adds(b, "'");
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
        va_list ap;
        int n;

        va_start(ap, fmt);
        n = vsnprintf(NULL, 0, fmt, ap);
        va_end(ap);
        if (n < 0 || !reserve(b, (size_t)n)) {
                b->error = -ENOMEM;
                return;
        }

        va_start(ap, fmt);
        (void)vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
        va_end(ap);
        b->len += (size_t)n;
}

const char *buf_str(const struct buf *b)
{
        return b->data ? b->data : "";
}

int buf_take(struct buf *b, char **ret, size_t *ret_len)
{
        if (!reserve(b, 0))
                return b->error;
        b->data[b->len] = '\0';
        *ret = b->data;
        if (ret_len)
                *ret_len = b->len;
        *b = (struct buf)BUF_INIT;
        return 0;
}

void buf_free(struct buf *b)
{
        free(b->data);
        *b = (struct buf)BUF_INIT;
}
