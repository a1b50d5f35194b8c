/* SPDX-License-Identifier: MIT
 *
 * log.h: the program's voice on stderr: one line per message, with the journal's level prefix under
 * systemd, marks and colour on a terminal only. Used by the files of cli/, and below them by
 * waiting.c alone.
 */
#pragma once

#include "core/util/base.h"

enum log_level {
        LOG_LEVEL_ERROR,  /* <3> */
        LOG_LEVEL_WARN,   /* <4> */
        LOG_LEVEL_STEP,   /* <5> what was done; silent with -q */
        LOG_LEVEL_DETAIL, /* <6> only with -v */
};

/* What fleets may want to be told of. In the journal such a line carries MESSAGE_ID, and the row's
 * word of the table of causes as SSHD_VSOCK_CAUSE. The ids are documented in sshd-vsock(8) and
 * never change. */
enum log_event {
        LOG_EVENT_VERIFIED,   /* the vsock listener answers */
        LOG_EVENT_FAILED,     /* it does not, or cannot be asked */
        LOG_EVENT_TCP_CLOSED, /* closed, and the vsock listener verified again after it */
        LOG_EVENT_TCP_KEPT,   /* was to be closed, and was not */
        LOG_EVENT_TCP_OPEN,   /* an sshd listens where none is wanted */
        LOG_EVENT_TCP_DOWN,   /* none listens, though listen_address wants one to */
        LOG_EVENT_REMOVED,    /* what apply put in is out */
};

struct log {
        enum log_level max;
        bool journal; /* stderr is the journal */
        bool named;   /* which shows the program's name in front of each line already */
        bool colour;  /* stderr is a terminal and NO_COLOR is not set */
};

/* Whether it is a terminal that shows colours, and the user wants them (no-color.org). */
bool log_has_colours(int fd);

/* Looks at stderr and the environment. */
void log_init(struct log *l, enum log_level max);

void log_line(const struct log *l, enum log_level level, const char *fmt, ...) PRINTF(3, 4);

/* `cause` may be NULL. */
void log_event(const struct log *l, enum log_event event, enum log_level level, const char *cause,
               const char *fmt, ...) PRINTF(5, 6);
