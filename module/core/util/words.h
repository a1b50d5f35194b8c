/* SPDX-License-Identifier: MIT
 *
 * words.h: a list of strings that ends with NULL, as execve(2) takes it. Pure.
 */
#pragma once

#include "core/util/base.h"

struct words {
        char **list; /* NULL while empty; owned, and so is each string */
        size_t n;
};

/* Appends a copy of `len` bytes. 0 or -ENOMEM. */
int words_add(struct words *w, const char *text, size_t len) MUST_CHECK;

/* The same of a whole string. */
int words_adds(struct words *w, const char *text) MUST_CHECK;

/* Whether one of them is exactly that. */
bool words_has(const struct words *w, const char *text);

void words_free(struct words *w);
