/* SPDX-License-Identifier: MIT
 *
 * diagnose.c: see diagnose.h. Goes along the chain from the kernel to sshd and stops at the first
 * link that is broken; what the journal names beats what was guessed from outside.
 */
#include "diagnose.h"

#include "journal.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define JOURNAL_SECONDS 120
#define JOURNAL_TRIES   10 /* of 100 ms: journald is a process of its own and may lag */

static enum cause ask_journal(struct verdict *v)
{
        const struct timespec pause = { .tv_nsec = 100 * 1000 * 1000 };
        char line[sizeof(v->detail)];
        enum cause cause;

        for (unsigned i = 0;; i++) {
                cause = journal_cause(JOURNAL_SECONDS, line, sizeof(line));
                if (cause != CAUSE_NONE || i == JOURNAL_TRIES)
                        break;
                (void)nanosleep(&pause, NULL);
        }
        if (line[0])
                (void)snprintf(v->detail, sizeof(v->detail), "the journal: %.240s", line);
        return cause;
}

static enum cause of_socket(const struct unit_state *s, struct verdict *v)
{
        enum cause cause;

        if (s->masked)
                return CAUSE_UNIT_MASKED;
        if (!s->loaded)
                return CAUSE_UNIT_MISSING;
        if (strcmp(s->result, "trigger-limit-hit") == 0)
                return CAUSE_TRIGGER_LIMIT;
        if (s->failed) {
                cause = ask_journal(v);
                return cause != CAUSE_NONE ? cause : CAUSE_SOCKET_FAILED;
        }
        return s->active ? CAUSE_NONE : CAUSE_SOCKET_INACTIVE;
}

/* Any instance tells whether the template is there; it is loaded, not started. */
static enum cause of_template(struct manager *m)
{
        struct unit_state s;
        struct why why = { 0 };

        if (manager_unit(m, "sshd-vsock@verify.service", &s, &why) < 0)
                return CAUSE_NONE;
        if (s.masked)
                return CAUSE_TEMPLATE_MASKED;
        return s.loaded ? CAUSE_NONE : CAUSE_TEMPLATE_MISSING;
}

void diagnose(struct manager *m, struct verdict *v)
{
        struct unit_state s;
        struct why why = { 0 };
        enum cause cause = CAUSE_NONE;

        if (v->cause == CAUSE_NONE || v->cause == CAUSE_NO_AF_VSOCK ||
            v->cause == CAUSE_NO_LOOPBACK)
                return;
        if (m && manager_unit(m, "sshd-vsock.socket", &s, &why) == 0)
                cause = of_socket(&s, v);
        if (cause == CAUSE_NONE && m && v->cause != CAUSE_NOT_SSH)
                cause = of_template(m);
        if (cause == CAUSE_NONE && v->cause != CAUSE_NOT_SSH && v->cause != CAUSE_NO_LISTENER)
                cause = ask_journal(v);
        if (cause != CAUSE_NONE)
                v->cause = cause;
}
