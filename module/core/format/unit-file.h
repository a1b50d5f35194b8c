/* SPDX-License-Identifier: MIT
 *
 * unit-file.h: the settings of a unit file, one after the other, as systemd reads its lines,
 * but for those that it passes over (X-…). What they mean is the caller's business. Pure.
 */
#pragma once

#include "core/util/buf.h"

/* .text and .len are the caller's, and outlast it; free it when done. */
struct unit_file {
        const char *text;
        size_t len;
        int error; /* 0, or -ENOMEM: then the reading ended before the text did */
        /* private: */
        size_t at;
        struct buf section, line;
};
#define AUTO_UNIT_FILE AUTO(unit_file_free) struct unit_file

/* The strings last until the next one. */
struct unit_setting {
        const char *section; /* "" before the first */
        const char *key;     /* "": a line that is no setting, and that line as value */
        const char *value;   /* without the blanks around */
};

/* The next setting; false at the end. */
bool unit_file_next(struct unit_file *f, struct unit_setting *ret);
void unit_file_free(struct unit_file *f);

/* Whether it is that key of that section. */
bool unit_setting_is(const struct unit_setting *s, const char *section, const char *key);
