/* SPDX-License-Identifier: MIT
 *
 * diag.h: faults in the user's input, each tied to the place that caused it. Collects them all
 * and renders them; it never prints and never decides what a fault means for the run.
 */
#pragma once

#include "core/util/buf.h"

#define DIAG_SHOWN_MAX 20

/* A span of the input. line and column count from 1, column in code points (as libyaml does);
 * line 0 means the file as a whole. length is in code points, at least 1 when line > 0; what would
 * reach beyond the line is cut. */
struct mark {
        uint32_t line;
        uint32_t column;
        uint32_t length;
};

/* Where a fault stands in diag.out. */
struct diag_place {
        uint32_t line, column;
        size_t end;
};

struct diag {
        const char *file; /* the name as the user gave it; not owned */
        const char *text; /* the input, for quoting; not owned; may be NULL */
        size_t text_len;
        struct buf out; /* rendered faults, in the order of their places in the file */
        unsigned n_errors;
        /* private: */
        struct diag_place places[DIAG_SHOWN_MAX];
        unsigned last; /* the place that was recorded last: the one notes belong to */
};

#define DIAG_INIT(name)                                                                            \
        {                                                                                          \
                .file = (name)                                                                     \
        }

/* Records one fault as `file:line:column: error: …`, the line and a caret. Always -EBADMSG. After
 * DIAG_SHOWN_MAX faults further ones are counted, not rendered. What would disturb a terminal is
 * shown as '?', be it in the message, the line or the file's name. */
int diag_error(struct diag *d, struct mark at, const char *fmt, ...) PRINTF(3, 4);

/* The same, with "note:" and not counted: a second place that belongs to the fault before. */
void diag_note(struct diag *d, struct mark at, const char *fmt, ...) PRINTF(3, 4);

void diag_free(struct diag *d);
