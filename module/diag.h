/* SPDX-License-Identifier: MIT
 *
 * diag.h: faults in the user's input, each tied to the place that caused it. Collects them all
 * and renders them; it never prints and never decides what a fault means for the run.
 */
#pragma once

#include "buf.h"

/* A span of the input. line and column count from 1, column in code points (as libyaml does);
 * line 0 means the file as a whole. length is in code points, at least 1 when line > 0. */
struct mark {
        uint32_t line;
        uint32_t column;
        uint32_t length;
};

struct diag {
        const char *file; /* the name as the user gave it; not owned */
        const char *text; /* the input, for quoting; not owned; may be NULL */
        size_t text_len;
        struct buf out; /* rendered faults */
        unsigned n_errors;
};

#define DIAG_INIT(name)                                                                            \
        {                                                                                          \
                .file = (name)                                                                     \
        }

/* Records one fault as `file:line:column: error: …`, the line and a caret. Always -EBADMSG. After
 * 20 faults further ones are counted, not rendered. */
int diag_error(struct diag *d, struct mark at, const char *fmt, ...) PRINTF(3, 4);

/* The same, with "note:" and not counted: a second place that belongs to the fault before. */
void diag_note(struct diag *d, struct mark at, const char *fmt, ...) PRINTF(3, 4);

void diag_free(struct diag *d);
