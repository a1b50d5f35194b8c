/* SPDX-License-Identifier: MIT
 *
 * udiff.h: a unified diff of two texts, as `diff -u` prints it. Pure.
 */
#pragma once

#include "buf.h"

struct udiff_side {
        const char *label; /* after "--- " / "+++ " */
        const char *text;  /* NULL: the file does not exist (label is then /dev/null's) */
        size_t len;
};

/* Appends the diff, with 3 lines of context and "\ No newline at end of file" where it is so;
 * nothing when the two are equal. Bytes that would disturb a terminal (controls but tab, and
 * invalid UTF-8) are shown as \xNN. Texts of more than 2,000 changed lines are shown as one
 * replacement instead of a minimal diff. `diff`/`patch` accept the output for clean texts. */
void udiff(const struct udiff_side *from, const struct udiff_side *to, struct buf *out);
