/* SPDX-License-Identifier: MIT
 *
 * run-extras.c: what a run says besides, and what is no error of its own: extras, the hosts entry
 * and .hushlogin files, that are out of reach; a program in an image that could not run there.
 * Reads; changes nothing.
 */
#include "cli/run.h"

#include "host/program-file.h"

#include <errno.h>
#include <string.h>

/* As many as a person reads; --json has them all. */
void run_report_skipped(const struct run *r)
{
        const struct plan *p = &r->plan;
        const size_t most = 5;
        AUTO_BUF text = BUF_INIT;

        for (size_t i = 0; i < p->n_skipped && i < most; i++)
                buf_addf(&text, "%s%s%s (%s)", i ? ", " : "", r->root.path, p->skipped[i].path,
                         p->skipped[i].reason);
        if (p->n_skipped > most)
                buf_addf(&text, ", and %zu more", p->n_skipped - most);
        if (r->facts.users_unread || (r->facts.sshd_unread && !r->facts.anybody))
                log_line(&r->log, LOG_LEVEL_WARN, "%s: what depends on it is left as it is%s",
                         r->facts.unread,
                         r->facts.users_unread ? ", .hushlogin files among that" : "");
        if (p->n_skipped > 0)
                log_line(&r->log, LOG_LEVEL_WARN, "hushlogin: out of reach, and left out: %s",
                         buf_str(&text));
        buf_free(&text);
        if (run_lacks_users(r, &text))
                log_line(&r->log, LOG_LEVEL_WARN,
                         "hushlogin: there is no such user: %s; fix: take the name out of the list "
                         "or make the user",
                         buf_str(&text));
        buf_free(&text);
        if (run_lacks_homes(r, &text))
                log_line(&r->log, LOG_LEVEL_WARN,
                         "hushlogin: this user has no home: %s; fix: take the name out of the list "
                         "or give the user a home",
                         buf_str(&text));
}

void run_report_hidden(const struct run *r)
{
        const size_t most = 5;
        AUTO_BUF text = BUF_INIT;
        size_t n = 0;

        if (!r->facts.anybody)
                return;
        if (r->facts.sshd_unread)
                buf_adds(&text, ", sshd's configuration");
        for (size_t k = 0; k < r->desired.n; k++)
                if (r->observed[k].hidden && ++n <= most)
                        buf_addf(&text, ", %s", r->desired.items[k].path);
        if (n > most)
                buf_addf(&text, ", and %zu more", n - most);
        if (text.len > 0)
                log_line(&r->log, LOG_LEVEL_STEP, "left out, for root to see: %s",
                         buf_str(&text) + 2);
}

/* The names under `hushlogin` of no user, or of users without a home. */
static bool add_named(const struct run *r, bool homeless, struct buf *out)
{
        const struct config *c = &r->config;
        size_t n = 0;

        if (r->facts.users_unread || c->hushlogin != HUSHLOGIN_USERS)
                return false;
        for (size_t i = 0; i < c->n_users; i++) {
                const struct user *u = users_find(&r->facts.users, c->users[i].name);

                if (homeless ? u && !u->home[0] : !u)
                        buf_addf(out, "%s%s", n++ ? ", " : "", c->users[i].name);
        }
        return n > 0;
}

bool run_lacks_users(const struct run *r, struct buf *out)
{
        return add_named(r, false, out);
}

bool run_lacks_homes(const struct run *r, struct buf *out)
{
        return add_named(r, true, out);
}

void run_add_unseen(const struct run *r, struct buf *out)
{
        if (r->facts.users_unread)
                buf_addf(out, "the .hushlogin of users (%s)", r->facts.unread);
        for (size_t k = 0; k < r->desired.n; k++)
                if (r->observed[k].unseen)
                        buf_addf(out, "%s%s%s (%s)", out->len ? ", " : "", r->root.path,
                                 r->desired.items[k].path, r->observed[k].what);
}

/* A copy that stands where one is looked for, and is not taken. */
static const char *refused_program(const struct run *r, const char **ret_reason)
{
        for (size_t i = 0; distro_program[i]; i++) {
                int found = rootfs_is_file(&r->root, distro_program[i], false);

                *ret_reason = "not root's alone";
                if (found > 0 && rootfs_is_file(&r->root, distro_program[i], true) == 0)
                        *ret_reason = "not executable";
                if (found > 0)
                        return distro_program[i];
        }
        return NULL;
}

int run_report_program(struct run *r)
{
        static const char result[] = "its first boot can neither verify nor close anything";
        char reason[256];
        const char *path, *flaw;

        if (r->facts.program) {
                if (program_file_judge(&r->root, r->facts.program, reason, sizeof(reason)) < 0)
                        return error_set(&r->error, -ENOMEM, "%s", r->facts.program);
                if (reason[0])
                        log_line(&r->log, LOG_LEVEL_WARN,
                                 "the image cannot run its %s: %s; %s; fix: install a build for "
                                 "this image",
                                 r->facts.program, reason, result);
                return 0;
        }
        path = refused_program(r, &flaw);
        if (path)
                log_line(&r->log, LOG_LEVEL_WARN,
                         "the image's %s is %s, and is not used: %s; fix: install it as root's, "
                         "mode 0755",
                         path, flaw, result);
        else
                log_line(&r->log, LOG_LEVEL_WARN,
                         "the image has no sshd-vsock of its own: %s; fix: install it as %s",
                         result, distro_program[0]);
        return 0;
}
