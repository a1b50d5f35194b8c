/* SPDX-License-Identifier: MIT
 *
 * messages-logins.c: who gets in through the vsock listener, in words; see messages.h. Words only:
 * who it is was found by logins.c, and whether it is enough by admission.c.
 */
#include "cli/messages.h"
#include "core/plan/causes.h"

#define LINES_MAX 10

static void message_in(const struct run *r, const struct login *l)
{
        if (l->admission == ADMISSION_PROVEN)
                log_line(&r->log, LOG_LEVEL_STEP,
                         "%s can log in over vsock: its key %s is accepted, and a trial login "
                         "succeeded",
                         l->user.name, l->key);
        else
                log_line(&r->log, LOG_LEVEL_STEP,
                         "%s can log in over vsock: its password is allowed, and a trial login "
                         "succeeded",
                         l->user.name);
}

/* Who has a key or a password may well get in over TCP now. */
static bool has_credentials(const struct login *l)
{
        return l->n_keys > 0 || l->password;
}

static void message_out(const struct run *r, enum log_level level, const struct login *l,
                        bool closing)
{
        const char *how =
                l->admission == ADMISSION_UNTRIED ? "was not shown to log in" : "cannot log in";

        log_line(&r->log, level, "%s %s over vsock%s: %s; fix: %s", l->user.name, how,
                 closing && has_credentials(l) ? ", and over TCP no longer once it closes" : "",
                 l->reason, l->fix);
}

/* With nobody in, each account's obstacle is an error; else only those matter that had a way. */
static void message_accounts(const struct run *r, bool enough, bool closing)
{
        const struct logins *l = &r->who.logins;
        size_t lines = 0;

        for (size_t i = 0; i < l->n; i++) {
                const struct login *a = &l->list[i];
                bool matters = !enough || has_credentials(a) || a->admission == ADMISSION_UNTRIED;

                if (a->admission >= ADMISSION_PASSWORD)
                        message_in(r, a);
                else if (a->reason[0] && (!matters || lines++ < LINES_MAX))
                        message_out(r,
                                    !matters ? LOG_LEVEL_DETAIL
                                    : enough ? LOG_LEVEL_WARN
                                             : LOG_LEVEL_ERROR,
                                    a, closing);
        }
        if (lines > LINES_MAX)
                log_line(&r->log, LOG_LEVEL_WARN, "and %zu more accounts cannot log in",
                         lines - LINES_MAX);
        if (l->left[0])
                log_line(&r->log, LOG_LEVEL_WARN,
                         "a trial login left what cannot be ended: %s; it goes on until the next "
                         "boot",
                         l->left);
        if (l->unseen > 0)
                log_line(&r->log, LOG_LEVEL_WARN, "%zu accounts were not looked at: time was up",
                         l->unseen);
}

static int message_nobody(const struct run *r)
{
        const struct cause_row *row = &causes[CAUSE_NO_LOGIN];

        log_event(&r->log, LOG_EVENT_FAILED, LOG_LEVEL_ERROR, row->id, "%s%s%s; fix: %s", row->what,
                  r->who.logins.obstacle[0] ? ": " : "", r->who.logins.obstacle, run_login_fix(r));
        return EXIT_CLOSED_NOTHING;
}

int message_logins(const struct run *r, bool closing)
{
        if (r->config.require == REQUIRE_UNCHECKED) {
                log_line(&r->log, LOG_LEVEL_WARN,
                         "who can log in is not checked (require_login: unchecked)");
                return EXIT_DONE;
        }
        message_accounts(r, r->who.enough, closing);
        return r->who.enough ? EXIT_DONE : message_nobody(r);
}
