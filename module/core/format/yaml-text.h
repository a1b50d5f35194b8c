/* SPDX-License-Identifier: MIT
 *
 * yaml-text.h: the bytes of a YAML file: which of them are allowed, and where each stands. A line
 * ends with LF or CR LF, as for every editor.
 */
#pragma once

#include "core/util/config-error.h"

struct yaml_text {
        const char *text; /* without a byte order mark */
        size_t len;
};

struct yaml_text yaml_text_of(const char *text, size_t len);

/* Faults for what must not be in a YAML file, each at its place: 0 or -EBADMSG. */
int yaml_text_check(const struct yaml_text *t, struct config_error *d) MUST_CHECK;

/* The byte at a place, or the end of its line; and the place of a byte. Both walk the text from its
 * beginning. */
size_t yaml_text_offset(const struct yaml_text *t, uint32_t line, uint32_t column);
struct mark yaml_text_mark(const struct yaml_text *t, size_t offset);
