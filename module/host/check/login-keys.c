/* SPDX-License-Identifier: MIT
 *
 * login-keys.c: the keys of one account, and which of them the vsock listener says it would accept.
 * Part of login-search.h. Reads users' files through user-file.c only, and takes no more than keys
 * from them.
 */
#include "host/check/login-search.h"

#include "core/format/authorized-keys.h"
#include "host/check/diagnose.h"
#include "host/check/ssh-client.h"
#include "host/clock.h"
#include "host/sshd-query.h"
#include "host/user-file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define KEYS_MAX      100  /* of an account; the field has a handful */
#define LINES_MAX     1000 /* of a file; each is compared with those before it */
#define BATCH_MAX     5    /* keys a connection: MaxAuthTries is 6 by default */
#define EXPLAINED_MAX 5    /* accounts whose refusal is looked into */
#define READ_SECONDS  2    /* for a file: more is no disk, and there may be many */

/* The keys of an account, out of all its files; one after the other they go into DIRECTORY/N.pub, N
 * modulo the batch. */
struct keys {
        struct buf lines;  /* "TYPE BLOB\n" each */
        struct buf forced; /* those that run nothing but a command of their own; begins with \n */
        bool authority;
        bool strange; /* of no type that sshd takes */
};

/* The first line that names a key is the one that counts. */
static bool is_forced(const struct keys *k, const struct key_line *line)
{
        AUTO_BUF want = BUF_INIT;

        buf_addf(&want, "\n%.*s %.*s\n", (int)line->type_len, line->type, (int)line->blob_len,
                 line->blob);
        return want.error < 0 || strstr(buf_str(&k->forced), buf_str(&want));
}

static void add_key(const struct key_line *line, struct login *l, struct keys *k)
{
        struct buf *to = line->forced ? &k->forced : &k->lines;

        if (is_forced(k, line))
                return;
        if (line->forced && k->forced.len == 0)
                buf_adds(to, "\n");
        buf_addf(to, "%.*s %.*s\n", (int)line->type_len, line->type, (int)line->blob_len,
                 line->blob);
        l->n_keys += !line->forced;
}

static unsigned read_seconds(const struct search *s)
{
        unsigned left = search_seconds(s);

        return left > READ_SECONDS ? READ_SECONDS : left > 0 ? left : 1;
}

static void read_keys_of(const struct search *s, const struct user *u, const char *path,
                         struct login *l, struct keys *k)
{
        AUTO_FREE char *text = NULL;
        struct key_line line;
        const char *at;
        size_t len, n;
        int r = user_file_read(u, path, read_seconds(s), LOGIN_FILE_MAX, &text, &len);

        if (r == -ETIMEDOUT)
                admission_because(l, "see why that file system does not answer",
                                  "%.160s cannot be read in time", path);
        else if (r == -EBADF)
                admission_because(l, "put a file there", "%.160s is no regular file", path);
        else if (r < 0 && r != -ENOENT && r != -ENOTDIR)
                admission_because(l, "let the account read it", "%.160s: %s", path, strerror(-r));
        if (r < 0)
                return;
        for (at = text, n = 0; n < LINES_MAX && authorized_keys_next(&at, &line); n++) {
                k->authority = k->authority || line.authority;
                if (!line.authority && l->n_keys < KEYS_MAX)
                        add_key(&line, l, k);
        }
}

static void read_keys(const struct search *s, const struct admission_rules *rules, struct login *l,
                      struct keys *k)
{
        for (const char *at = rules->key_files; *at;) {
                AUTO_BUF path = BUF_INIT;
                size_t n;

                at += strspn(at, " ");
                n = strcspn(at, " ");
                if (!(n == 4 && strncmp(at, "none", 4) == 0) &&
                    authorized_keys_path(at, n, &l->user, &path) && path.error == 0)
                        read_keys_of(s, &l->user, buf_str(&path), l, k);
                at += n;
        }
}

/* Asks for up to `most` keys from *at on. A listener whose connections are all taken is asked again
 * until time is up. */
static int ask(const struct search *s, const struct ssh_client_target *target, const char **at,
               unsigned most, struct login *l, struct buf *said)
{
        unsigned n = 0;
        int r = 0;

        for (; r == 0 && **at && n < most; n++) {
                size_t len = strcspn(*at, "\n") + 1;
                char name[16];

                (void)snprintf(name, sizeof(name), "%u.pub", n);
                r = scratch_write(&s->scratch, name, *at, len);
                *at += len;
        }
        while (r >= 0 && search_seconds(s) > 0) {
                buf_free(said);
                r = ssh_client_query(&s->scratch, target, l->user.name, n, search_seconds(s), said);
                if (r < 0 || admission_was_asked(buf_str(said)))
                        return r;
                clock_pause(300);
        }
        return r < 0 ? r : -ETIMEDOUT;
}

/* SELinux or AppArmor keep a key from the listener. */
static bool blame_denial(const struct search *s, struct login *l)
{
        char line[200];
        enum cause cause = diagnose_denial(s->began, line, sizeof(line));

        if (cause == CAUSE_NONE)
                return false;
        admission_because(l, causes[cause].fix, "%s (the journal: %s)", causes[cause].what, line);
        return true;
}

/* What sshd says to itself when it refuses goes to the journal: the same server, started here, says
 * it to us. */
static void explain_refusal(struct search *s, const struct keys *k, unsigned most, struct login *l)
{
        AUTO(argv_free) struct argv server = { 0 };
        const struct ssh_client_target target = { .server = &server };
        const char *at = buf_str(&k->lines);
        AUTO_BUF said = BUF_INIT;

        if (k->strange)
                admission_because(l, "give it a key of a type that PubkeyAcceptedAlgorithms has",
                                  "PubkeyAcceptedAlgorithms has no type of its keys");
        if (!k->strange && blame_denial(s, l))
                return;
        if (k->strange || s->explained++ >= EXPLAINED_MAX ||
            search_make_server(s, false, &server) < 0 || ask(s, &target, &at, most, l, &said) < 0)
                return;
        if (admission_accepted(buf_str(&said), s->scratch.path, l->key, sizeof(l->key)) != 0)
                admission_because(
                        l,
                        "see \"systemctl cat sshd-vsock@.service\" for ProtectHome= and the "
                        "like of the unit that serves the port",
                        "the listener refuses its keys, and the same sshd started here "
                        "takes them: the unit keeps it from them");
        l->key[0] = '\0';
        admission_explain(buf_str(&said), l);
}

static int ask_for_keys(struct search *s, const struct admission_rules *rules, const struct keys *k,
                        struct login *l)
{
        const struct ssh_client_target target = { .port = s->in->config->port };
        unsigned most = rules->tries > BATCH_MAX ? BATCH_MAX
                        : rules->tries > 1       ? rules->tries - 1
                                                 : 1;
        const char *at = buf_str(&k->lines);

        if (k->lines.error < 0)
                return k->lines.error;
        while (*at && l->n_accepted == 0) {
                AUTO_BUF said = BUF_INIT;
                uint64_t accepted;
                int r = ask(s, &target, &at, most, l, &said);

                if (r == -ETIMEDOUT)
                        admission_because(
                                l, "raise verify_timeout, or see \"journalctl -u 'sshd-vsock@*'\"",
                                "the listener did not say in time whether it accepts a key");
                if (r < 0)
                        return r == -ETIMEDOUT ? 0 : r;
                accepted =
                        admission_accepted(buf_str(&said), s->scratch.path, l->key, sizeof(l->key));
                l->n_accepted += (unsigned)__builtin_popcountll(accepted);
        }
        if (l->n_accepted == 0)
                explain_refusal(s, k, most, l);
        return 0;
}

/* Nobody's way in, and why. */
static void judge_absence(const struct admission_rules *rules, const struct keys *k,
                          struct login *l)
{
        if (l->n_accepted > 0 || l->password) {
                l->admission = ADMISSION_ACCEPTED;
                return;
        }
        if (rules->elsewhere || k->authority) {
                l->admission = ADMISSION_UNTRIED;
                admission_because(
                        l, "set \"require_login: unchecked\" if you know that it works",
                        "certificates, or keys that a command finds: not to be tried from inside");
        }
        if (k->forced.len > 0)
                admission_because(l,
                                  "put a key without command= into its authorized_keys, or let "
                                  "another account in",
                                  "its keys run nothing but a command of their own (command=)");
        admission_because(l,
                          "put a public key into its authorized_keys, or set a password that sshd "
                          "may ask for",
                          rules->keys
                                  ? "it has no key, and no password that is set and allowed"
                                  : "PubkeyAuthentication is off, and it has no password that is "
                                    "set and allowed");
}

int search_look(struct search *s, struct login *l, struct admission_rules *rules)
{
        AUTO_BUF dump = BUF_INIT;
        struct keys k = { .lines = BUF_INIT, .forced = BUF_INIT };
        struct error error = { 0 };
        int r = sshd_effective_for(&s->server, l->user.name, &dump, &error);

        if (r == -EINVAL)
                admission_because(l, "run \"sshd -t\" and correct the line it names", "%s",
                                  error.text);
        if (r == -ETIMEDOUT)
                admission_because(l,
                                  "see why \"id\" takes so long for that account (a "
                                  "directory service that does not answer?)",
                                  "sshd did not say in time what it allows the account");
        if (r < 0)
                return r == -EINVAL || r == -ETIMEDOUT ? 0 : r;
        admission_rules_read(buf_str(&dump), l->user.uid, rules);
        l->password = rules->passwords && l->has_password;
        if (rules->keys)
                read_keys(s, rules, l, &k);
        k.strange = !admission_takes_any(buf_str(&dump), buf_str(&k.lines));
        if (l->n_keys > 0)
                r = ask_for_keys(s, rules, &k, l);
        judge_absence(rules, &k, l);
        buf_free(&k.lines);
        buf_free(&k.forced);
        l->looked = true;
        return r;
}
