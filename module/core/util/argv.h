/* SPDX-License-Identifier: MIT
 *
 * argv.h: a list of strings that ends with NULL, as execve(2) takes it. Pure.
 */
#pragma once

#include "core/util/base.h"

struct argv {
        char **list; /* NULL while empty; owned, and so is each string; of nobody else's making:
                        argv_add() knows by n what room it made */
        size_t n;
};

/* Appends a copy of `len` bytes. 0 or -ENOMEM. */
int argv_add(struct argv *w, const char *text, size_t len) MUST_CHECK;

/* The same of a whole string. */
int argv_adds(struct argv *w, const char *text) MUST_CHECK;

/* The same unless it is one of them, or there are `most` already. */
int argv_add_once(struct argv *w, const char *text, size_t most) MUST_CHECK;

/* Whether one of them is exactly that. */
bool argv_has(const struct argv *w, const char *text);

void argv_free(struct argv *w);
