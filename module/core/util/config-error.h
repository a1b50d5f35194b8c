/* SPDX-License-Identifier: MIT
 *
 * config-error.h: faults in the user's input, each tied to the place that caused it. Collects them
 * all and renders them; it never prints and never decides what a fault means for the run.
 */
#pragma once

#include "core/util/buf.h"

#define CONFIG_ERROR_SHOWN_MAX 20

/* A span of the input. line and column count from 1, column in code points (as libyaml does);
 * line 0 means the file as a whole. length is in code points, at least 1 when line > 0; what would
 * reach beyond the line is cut. */
struct mark {
        uint32_t line;
        uint32_t column;
        uint32_t length;
};

/* Where a fault stands in config_error.out. */
struct config_error_place {
        uint32_t line, column;
        size_t end;
};

struct config_error {
        const char *file; /* the name as the user gave it; not owned */
        const char *text; /* the input, for quoting; not owned; may be NULL */
        size_t text_len;
        struct buf out; /* rendered faults, in the order of their places in the file */
        unsigned n_errors;
        /* private: */
        struct config_error_place places[CONFIG_ERROR_SHOWN_MAX];
        unsigned last; /* the place that was recorded last: the one notes belong to */
};

#define CONFIG_ERROR_INIT(name)                                                                    \
        {                                                                                          \
                .file = (name)                                                                     \
        }

/* Records one fault as `file:line:column: error: …`, the line and a caret. Always -EBADMSG. After
 * CONFIG_ERROR_SHOWN_MAX faults further ones are counted, not rendered. What would disturb a
 * terminal is shown as '?', be it in the message, the line or the file's name. */
int config_error_add(struct config_error *d, struct mark at, const char *fmt, ...) PRINTF(3, 4);

/* The same, with "note:" and not counted: a second place that belongs to the fault before. */
void config_error_note(struct config_error *d, struct mark at, const char *fmt, ...) PRINTF(3, 4);

void config_error_free(struct config_error *d);
