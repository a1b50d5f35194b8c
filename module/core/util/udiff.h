/* SPDX-License-Identifier: MIT
 *
 * udiff.h: a unified diff of two texts, as `diff -u` prints it. Pure.
 */
#pragma once

#include "core/util/buf.h"

struct udiff_side {
        const char *label; /* after "--- " / "+++ " */
        const char *text;  /* NULL: the file does not exist; shown as /dev/null */
        size_t len;
};

/* A text with diffs in it, coloured for a terminal. */
void udiff_colour(const char *text, size_t len, struct buf *out);

/* Appends the diff, with 3 lines of context and "\ No newline at end of file" where it is so;
 * nothing when the two hold the same bytes (an empty file and none do). Bytes that would disturb a
 * terminal are shown as \xNN, in labels too: controls but tab (C1 and a CR before the newline
 * included), invalid UTF-8, and the characters that turn the direction of text. `patch` accepts the
 * output where there were none. Of more than about 2,000 lines on either side between the common
 * head and tail, all are shown as one replacement. Out of memory shows
 * in out->error. */
void udiff(const struct udiff_side *from, const struct udiff_side *to, struct buf *out);
