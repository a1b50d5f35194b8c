/* SPDX-License-Identifier: MIT
 *
 * words.h: the words of a list, or the lines of a text, one after the other. Pure.
 */
#pragma once

#include "core/util/base.h"

#include <string.h>

struct word {
        const char *text; /* not terminated */
        size_t len;
};

/* The next one of those that the character separates, be it empty; false at the end. */
static inline bool word_next(const char **at, char separator, struct word *ret)
{
        const char *end = strchrnul(*at, separator);

        if (**at == '\0')
                return false;
        *ret = (struct word){ *at, (size_t)(end - *at) };
        *at = end + (*end != '\0');
        return true;
}

/* The same of lines that may hold NUL, up to `end`. */
static inline bool line_next(const char **at, const char *end, struct word *ret)
{
        const char *newline = *at < end ? memchr(*at, '\n', (size_t)(end - *at)) : NULL;

        if (*at >= end)
                return false;
        *ret = (struct word){ *at, (size_t)((newline ? newline : end) - *at) };
        *at += ret->len + (newline != NULL);
        return true;
}

static inline bool word_is(const struct word *w, const char *text)
{
        return w->len == strlen(text) && memcmp(w->text, text, w->len) == 0;
}

static inline bool text_ends(const char *text, const char *end)
{
        size_t len = strlen(text), n = strlen(end);

        return len >= n && strcmp(text + len - n, end) == 0;
}

/* Whether it stands in the list that blanks separate. */
static inline bool word_is_in(const char *list, const char *word, size_t len)
{
        for (struct word w; word_next(&list, ' ', &w);)
                if (w.len == len && memcmp(w.text, word, len) == 0)
                        return true;
        return false;
}
