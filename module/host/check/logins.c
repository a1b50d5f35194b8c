/* SPDX-License-Identifier: MIT
 *
 * logins.c: see logins.h. Two passes: first the listener is asked which keys it would accept, which
 * runs nothing of any user's; then a login is tried for those who may get in. Goes through the
 * accounts, and knows of shadow whether each has a password; how each is asked is login-keys.c's
 * and login-trial.c's business.
 */
#include "host/check/login-search.h"

#include "core/format/authorized-keys.h"
#include "host/check/ssh-client.h"
#include "host/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define TOTAL_SECONDS 60
#define SHARES        6 /* an account's share is no less than the whole by that */
#define STEP_SECONDS                                                                               \
        20 /* at least, whatever verify_timeout is: a login starts a dozen processes               \
            */

unsigned search_seconds(const struct search *s)
{
        uint64_t now = clock_now();
        unsigned left = now < s->until ? (unsigned)((s->until - now) / 1000000u) : 0;
        unsigned each = s->in->config->verify_timeout;

        if (each < STEP_SECONDS)
                each = STEP_SECONDS;
        return left < each ? left : each;
}

/* There is room for all: see make_room(). */
static void add_account(struct logins *l, const struct user *u)
{
        l->list[l->n++] = (struct login){ .user = *u };
}

static int make_room(const struct logins_search *in, struct logins *l)
{
        size_t most = in->facts->users.n + in->config->n_logins;

        l->list = calloc(most ? most : 1, sizeof(*l->list));
        return l->list ? 0 : -ENOMEM;
}

/* Root first: where anybody may log in, root can repair the rest. */
static void add_everybody(const struct users *users, struct logins *l)
{
        for (unsigned pass = 0; pass < 2; pass++)
                for (size_t i = 0; i < users->n; i++)
                        if (user_can_login(&users->list[i]) &&
                            (users->list[i].uid == 0) == (pass == 0))
                                add_account(l, &users->list[i]);
}

static void add_named(const struct config *c, const struct users *users, struct logins *l)
{
        for (size_t i = 0; i < c->n_logins; i++) {
                const struct user *u = users_find(users, c->logins[i].name);
                struct user none = { .name = c->logins[i].name, .home = NULL };

                add_account(l, u ? u : &none);
                if (!u)
                        admission_because(&l->list[l->n - 1],
                                          "create it, or set \"require_login: unchecked\" if it "
                                          "comes out of a directory",
                                          "/etc/passwd has no such account");
        }
}

static bool may_get_in(const struct login *l)
{
        return l->n_accepted > 0 || l->password;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
        return a < b ? a : b;
}

/* How long the next of `n` accounts may take: a file system of its user's can answer as slowly as
 * he likes, key by key. Half of what is left is for logins; what the others leave of their share
 * is for those that come later. Root's files are nobody else's. */
static uint64_t share_of(const struct search *s, const struct login *l, size_t n)
{
        uint64_t now = clock_now(), left = s->deadline > now ? s->deadline - now : 0;
        uint64_t share = left / 2 / n, least = s->total / SHARES;

        if (l->user.uid == 0)
                return s->deadline;
        return earlier(s->deadline, now + (share > least ? share : least));
}

/* The first pass. Many accounts must not use up the time that a trial of the first takes: once
 * somebody may get in, half of it is all there is for the rest. */
static int look_at_all(struct search *s, struct logins *l, struct admission_rules *rules)
{
        uint64_t now = clock_now(), half = now + (s->deadline > now ? s->deadline - now : 0) / 2;
        bool someone = false;
        int r = 0;

        for (size_t i = 0; r == 0 && i < l->n && clock_now() < s->deadline; i++) {
                if (!l->list[i].user.home || (someone && clock_now() > half))
                        continue;
                s->until = share_of(s, &l->list[i], l->n - i);
                if (someone)
                        s->until = earlier(s->until, half);
                r = search_look(s, &l->list[i], &rules[i]);
                someone = someone || may_get_in(&l->list[i]);
        }
        s->until = s->deadline;
        return r;
}

static int walk(struct search *s, struct logins *l, struct error *error)
{
        struct admission_rules *rules = calloc(l->n ? l->n : 1, sizeof(*rules));
        bool any = s->in->config->require != REQUIRE_USERS, in = false;
        int r = rules ? look_at_all(s, l, rules) : -ENOMEM;

        for (size_t i = 0; r == 0 && i < l->n && search_seconds(s) > 0 && !(any && in); i++) {
                if (!may_get_in(&l->list[i]))
                        continue;
                r = search_try(s, &rules[i], &l->list[i], error);
                in = l->list[i].admission >= ADMISSION_PASSWORD;
        }
        free(rules);
        return r;
}

/* As many bytes as there are, at most `max`; where they were is known, so that nothing is left. */
static size_t read_all(int fd, char *text, size_t max)
{
        size_t len = 0;

        while (len < max) {
                ssize_t n = TEMP_FAILURE_RETRY(read(fd, text + len, max - len));

                if (n <= 0)
                        return n < 0 ? 0 : len;
                len += (size_t)n;
        }
        return len;
}

/* Before any child takes on a user's ids: such a process is in that user's hands, and so is what
 * its memory still has of shadow. No password is known to be set where it cannot be read. */
static int note_passwords(const struct rootfs *root, struct logins *l)
{
        AUTO_CLOSE int fd = -1;
        struct stat st;
        size_t len;
        char *text;

        if (rootfs_open_file(root, "/etc/shadow", &fd, &st) < 0 || st.st_size <= 0 ||
            (uint64_t)st.st_size > ROOTFS_FILE_MAX)
                return 0;
        text = malloc((size_t)st.st_size);
        if (!text)
                return -ENOMEM;
        len = read_all(fd, text, (size_t)st.st_size);
        for (size_t i = 0; i < l->n; i++)
                l->list[i].has_password = shadow_has_password(text, len, l->list[i].user.name);
        explicit_bzero(text, (size_t)st.st_size);
        free(text);
        return 0;
}

static int begin(struct search *s, struct error *error)
{
        unsigned twice = 2 * s->in->config->verify_timeout;
        int r = search_find_server(s, error);

        s->began = clock_realtime();
        twice = twice > TOTAL_SECONDS ? twice : TOTAL_SECONDS;
        s->total = UINT64_C(1000000) * twice;
        s->deadline = s->until = clock_deadline(twice);
        return r == 0 ? scratch_make(&s->scratch, error) : r;
}

int logins_find(const struct logins_search *in, struct logins *ret, struct error *error)
{
        struct search s = { .in = in };
        const char *missing = ssh_client_missing();
        int r;

        *ret = (struct logins){ .no_client = missing != NULL };
        if (missing) {
                (void)snprintf(ret->obstacle, sizeof(ret->obstacle), "there is no %s to ask with",
                               missing);
                return 0;
        }
        r = begin(&s, error);
        if (r == -ENOTSUP) {
                (void)snprintf(ret->obstacle, sizeof(ret->obstacle), "%.255s", error->text);
                r = 0;
        } else if (r == 0) {
                r = make_room(in, ret);
                if (r == 0 && in->config->require == REQUIRE_USERS)
                        add_named(in->config, &in->facts->users, ret);
                else if (r == 0)
                        add_everybody(&in->facts->users, ret);
                if (r == 0)
                        r = note_passwords(in->root, ret);
                if (r == 0)
                        r = walk(&s, ret, error);
        }
        for (size_t i = 0; i < ret->n; i++)
                ret->unseen += ret->list[i].user.home && !ret->list[i].looked;
        (void)snprintf(ret->left, sizeof(ret->left), "%s", s.left);
        scratch_end(&s.scratch);
        argv_free(&s.server);
        return r < 0 ? error_set(error, r, "cannot find out who can log in") : 0;
}
