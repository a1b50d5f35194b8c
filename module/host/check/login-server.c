/* SPDX-License-Identifier: MIT
 *
 * login-server.c: the command that the vsock listener starts for a connection, as systemd has it,
 * and as it can be started here. Part of login-search.h; asks systemd and sshd, starts no login.
 */
#include "host/check/login-search.h"

#include "core/format/authorized-keys.h"
#include "core/format/exec-start.h"
#include "core/format/proc-text.h"
#include "core/format/sshd-dump.h"
#include "core/util/words.h"
#include "host/clock.h"
#include "host/sshd-query.h"
#include "host/user-file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_SECONDS     2 /* for one file of one user */
#define LOOK_ALL_SECONDS 10

static int read_environment(const struct search *s, struct service_command *c)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < c->files.n; i++) {
                AUTO_FREE char *text = NULL;
                size_t len;

                if (rootfs_read(s->in->root, c->files.list[i], LOGIN_FILE_MAX, &text, &len, NULL) ==
                    0)
                        r = environment_parse(text, len, &c->env);
        }
        return r;
}

/* A name alone, which systemd looks up at each start: systemd-vmspawn's drop-in has it so. */
static int find_program(const struct search *s)
{
        char *path;

        if (strchr(s->server.list[0], '/') || !s->in->facts->sshd)
                return 0;
        path = strdup(s->in->facts->sshd);
        if (!path)
                return -ENOMEM;
        free(s->server.list[0]);
        s->server.list[0] = path;
        return 0;
}

int search_find_server(struct search *s, struct error *error)
{
        AUTO(service_command_free) struct service_command c = { 0 };
        char service[256], confined[64];
        int r = systemd_socket_service(s->in->systemd, s->in->socket, service, sizeof(service),
                                       error);

        if (r == 0)
                r = systemd_service_command(s->in->systemd, service, &c, error);
        if (r == 0)
                r = read_environment(s, &c);
        if (r == 0)
                r = command_expand(&c.argv, &c.env, &s->server);
        if (r < 0)
                return error_set(error, r, "cannot find what %s starts", s->in->socket);
        if (s->server.n == 0 || !program_is_sshd(s->server.list[0]) || !argv_has(&s->server, "-i"))
                return error_say(error, -ENOTSUP,
                                 "%s does not start \"sshd -i\" itself: no login can be tried",
                                 service);
        r = find_program(s);
        if (r == 0)
                r = systemd_service_confined(s->in->systemd, service, confined, sizeof(confined),
                                             error);
        if (r == 0 && confined[0])
                return error_say(
                        error, -ENOTSUP,
                        "%s has %s, which a trial login would not meet: it would show nothing",
                        service, confined);
        return r;
}

int search_make_server(const struct search *s, bool trial, struct argv *ret)
{
        AUTO_BUF keys = BUF_INIT;
        int r = argv_adds(ret, s->server.list[0]);
        const char *const front[] = { "-i", "-e",
                                      trial ? "-oLogLevel=VERBOSE" : "-oLogLevel=DEBUG1", NULL };

        for (size_t i = 0; r == 0 && front[i]; i++)
                r = argv_adds(ret, front[i]);
        buf_addf(&keys, "-oAuthorizedKeysFile=%s/key.pub", s->scratch.path);
        if (r == 0 && trial)
                r = keys.error < 0 ? keys.error : argv_adds(ret, buf_str(&keys));
        if (r == 0 && trial)
                r = argv_adds(ret, "-oPubkeyAuthentication=yes");
        for (size_t i = 1; r == 0 && i < s->server.n; i++)
                if (strcmp(s->server.list[i], "-i") != 0 && strcmp(s->server.list[i], "-q") != 0)
                        r = argv_adds(ret, s->server.list[i]);
        return r;
}

/* sshd's default names a second file, for protocol 2 of 2001, which systemd's units leave out; it
 * is missed only where somebody has it. */
static bool is_missed(const struct logins_search *in, const char *pattern, size_t len)
{
        const uint64_t deadline = clock_deadline(LOOK_ALL_SECONDS);

        if (len < 16 || strncmp(pattern + len - 16, "authorized_keys2", 16) != 0)
                return true;
        for (size_t i = 0; i < in->facts->users.n; i++) {
                const struct user *u = &in->facts->users.list[i];
                AUTO_FREE char *text = NULL;
                AUTO_BUF path = BUF_INIT;
                size_t size;

                if (clock_now() >= deadline)
                        return true; /* ours is written then, which has them all */
                if (user_can_login(u) && authorized_keys_path(pattern, len, u, &path) &&
                    path.error == 0 &&
                    user_file_read(u, buf_str(&path), LOOK_SECONDS, LOGIN_FILE_MAX, &text, &size) ==
                            0)
                        return true;
        }
        return false;
}

static int key_files(const struct argv *server, char *ret, size_t size)
{
        AUTO_BUF dump = BUF_INIT;
        int r = sshd_effective_for(server, "root", &dump, NULL);

        if (r == 0)
                sshd_dump_get(buf_str(&dump), "authorizedkeysfile", ret, size);
        return r;
}

/* Keys that the machine was booted with are accepted by some of systemd's templates, by most for
 * root alone (pull request 42359), and by none where they could be seen from here. */
bool logins_keys_count(const struct logins_search *in)
{
        AUTO(argv_free) struct argv plain = { 0 };
        struct search s = { .in = in };
        char wanted[1024], found[1024];
        bool all = false;

        if (search_find_server(&s, NULL) == 0 && s.server.n > 0 &&
            argv_adds(&plain, s.server.list[0]) == 0 &&
            key_files(&plain, wanted, sizeof(wanted)) == 0 &&
            key_files(&s.server, found, sizeof(found)) == 0) {
                all = !in->facts->key_credential;
                for (const char *at = wanted; all && *at;) {
                        size_t n;

                        at += strspn(at, " ");
                        n = strcspn(at, " ");
                        all = n == 0 || word_is_in(found, at, n) || !is_missed(in, at, n);
                        at += n;
                }
        }
        argv_free(&s.server);
        return all;
}
