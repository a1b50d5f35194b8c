/* SPDX-License-Identifier: MIT
 *
 * login-trial.c: a login that goes the whole way, with a key that exists only for that: what
 * PAM, the account, the session and the shell have to say shows in nothing less. Part of
 * login-search.h. Runs the user's shell as that user, under a deadline, without a terminal.
 */
#include "host/check/login-search.h"

#include "core/format/sshd-dump.h"
#include "host/check/ssh-client.h"
#include "host/clock.h"
#include "host/orphans.h"
#include "host/sshd-query.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Whether the option for the trial's key has any effect: a Match block's own AuthorizedKeysFile
 * beats the command line (servconf.c, copy_set_server_options). */
static bool key_counts(const struct search *s, const struct argv *server, struct login *l)
{
        AUTO_BUF dump = BUF_INIT;
        char files[1024], ours[96];

        if (sshd_effective_for(server, l->user.name, &dump, NULL) < 0)
                return false;
        sshd_dump_get(buf_str(&dump), "authorizedkeysfile", files, sizeof(files));
        (void)snprintf(ours, sizeof(ours), "%s/key.pub", s->scratch.path);
        return strcmp(files, ours) == 0;
}

static void leave_untried(struct login *l, const char *what)
{
        l->admission = ADMISSION_UNTRIED;
        admission_because(l,
                          "set \"require_login: unchecked\" if you know that it works, or let "
                          "another account in",
                          "a trial login is not possible: %s", what);
}

static int make_key(struct search *s, const char *type, struct error *error)
{
        int r;

        if (strcmp(s->key_type, type) == 0)
                return 0;
        scratch_end(&s->scratch);
        r = scratch_make(&s->scratch, error);
        if (r == 0)
                r = ssh_client_keygen(&s->scratch, type, error);
        if (r == 0)
                (void)snprintf(s->key_type, sizeof(s->key_type), "%s", type);
        return r;
}

static void end_all(struct search *s, const struct login *l)
{
        char left[64] = "";
        unsigned n = orphans_end(left, sizeof(left));

        if (n > 1)
                (void)snprintf(s->left, sizeof(s->left), "%s's %s and %u more", l->user.name, left,
                               n - 1);
        else if (n > 0)
                (void)snprintf(s->left, sizeof(s->left), "%s's %s", l->user.name, left);
}

/* pam_nologin says what the file says, which may be nothing; root passes. */
static void explain(const struct search *s, const char *said, struct login *l)
{
        static const char *const files[] = { "/run/nologin", "/etc/nologin" };

        admission_explain(said, l);
        if (l->user.uid == 0 || !strstr(l->reason, "by PAM account configuration"))
                return;
        for (size_t i = 0; i < ELEMENTSOF(files); i++)
                if (rootfs_exists(s->in->root, files[i]) > 0) {
                        (void)snprintf(l->fix, sizeof(l->fix),
                                       "\"rm %s\", or see what else PAM's account rules have "
                                       "against %s: \"chage --list %s\", /etc/security/access.conf",
                                       files[i], l->user.name, l->user.name);
                        return;
                }
}

static int go_the_way(struct search *s, const struct argv *server, struct login *l)
{
        const struct ssh_client_target target = { .server = server };
        unsigned long long now = clock_now();
        char token[64], command[80];
        AUTO_BUF said = BUF_INIT;
        int r;

        /* only who runs the command takes the quotes away: a menu that prints its arguments does
         * not; what else is printed, before and behind, is the user's business */
        (void)snprintf(token, sizeof(token), "sshd-vsock-%llx", now);
        (void)snprintf(command, sizeof(command), "echo sshd-vsock-''%llx", now);
        l->admission = ADMISSION_NO;
        orphans_adopt();
        r = ssh_client_login(&s->scratch, &target, l->user.name, command, search_seconds(s), &said);
        end_all(s, l);
        if (r == 0 && strstr(buf_str(&said), token)) {
                l->admission = l->n_accepted > 0 ? ADMISSION_PROVEN : ADMISSION_PASSWORD;
                return 0;
        }
        if (r == -ETIMEDOUT)
                admission_because(l, "see what the account's shell does at a login",
                                  "the trial login did not end in time");
        else if (r >= 0 && r != 255 && !admission_was_refused_in_session(buf_str(&said)))
                admission_because(l, "see what the account's shell does with a command",
                                  "the account's shell ended with %d and did not run a command", r);
        else if (r >= 0)
                explain(s, buf_str(&said), l);
        return r == -ETIMEDOUT || r >= 0 ? 0 : r;
}

int search_try(struct search *s, const struct admission_rules *rules, struct login *l,
               struct error *error)
{
        AUTO(argv_free) struct argv server = { 0 };
        int r;

        if (rules->forced[0] || rules->methods[0]) {
                leave_untried(l, rules->forced[0] ? rules->forced : rules->methods);
                return 0;
        }
        r = make_key(s, rules->key_type, error);
        if (r == 0)
                r = search_make_server(s, true, &server);
        if (r < 0)
                return r;
        if (!key_counts(s, &server, l)) {
                leave_untried(l, "a Match block sets AuthorizedKeysFile for it");
                return 0;
        }
        return go_the_way(s, &server, l);
}
