/* SPDX-License-Identifier: MIT
 *
 * yamltext.h: the bytes of a YAML file: which of them are allowed, and where each stands. A line
 * ends with LF or CR LF, as for every editor.
 */
#pragma once

#include "core/util/diag.h"

struct yamltext {
        const char *text; /* without a byte order mark */
        size_t len;
};

struct yamltext yamltext_of(const char *text, size_t len);

/* Faults for what must not be in a YAML file, each at its place: 0 or -EBADMSG. */
int yamltext_check(const struct yamltext *t, struct diag *d) MUST_CHECK;

/* The byte at a place, or the end of its line; and the place of a byte. Both walk the text from its
 * beginning. */
size_t yamltext_offset(const struct yamltext *t, uint32_t line, uint32_t column);
struct mark yamltext_mark(const struct yamltext *t, size_t offset);
