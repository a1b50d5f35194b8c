/* SPDX-License-Identifier: MIT
 *
 * sshd-dump.h: what sshd says of its own effective configuration (`sshd -T`), keyword by keyword.
 * Keywords are lower case up to 10.3 and mixed case from 10.4 on. Pure.
 */
#pragma once

#include "core/util/base.h"

/* The next line of the dump that starts with the keyword: its arguments, not terminated, or NULL at
 * the end. `*at` begins at the dump's start. */
const char *sshd_dump_next(const char **at, const char *keyword, size_t *ret_len);

/* The first value of the keyword, "" where there is none or it is longer. */
void sshd_dump_get(const char *dump, const char *keyword, char *value, size_t size);

/* Whether the first value is that, in any case. */
bool sshd_dump_is(const char *dump, const char *keyword, const char *value);
