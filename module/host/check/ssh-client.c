/* SPDX-License-Identifier: MIT
 *
 * ssh-client.c: see ssh-client.h. The way over vsock is this program itself as ProxyCommand, which
 * hands ssh the connected socket (proxy.h): the only opener of AF_VSOCK stays the only one.
 */
#include "host/check/ssh-client.h"

#include "core/format/exec-start.h"
#include "host/check/proxy.h"
#include "host/spawn.h"

#include <errno.h>
#include <stdio.h>

#define SSH            "/usr/bin/ssh"
#define SSH_KEYGEN     "/usr/bin/ssh-keygen"
#define KEYGEN_TIMEOUT 30 /* seconds; RSA on a slow machine */

const char *ssh_client_missing(void)
{
        if (access(SSH, X_OK) < 0)
                return SSH;
        return access(SSH_KEYGEN, X_OK) < 0 ? SSH_KEYGEN : NULL;
}

int ssh_client_keygen(const struct scratch *s, const char *type, struct error *error)
{
        AUTO_BUF said = BUF_INIT;
        char key[96];
        const char *const argv[] = { SSH_KEYGEN, "-q",         "-t", type, "-N", "",
                                     "-C",       "sshd-vsock", "-f", key,  NULL };
        int r;

        (void)snprintf(key, sizeof(key), "%s/key", s->path);
        r = spawn_wait(argv, -1, -1, KEYGEN_TIMEOUT, &said);
        if (r == 0) {
                /* read with the user's rights, whatever our umask is */
                r = scratch_publish(s, "key.pub");
                return r < 0 ? error_set(error, r, "cannot publish %s.pub", key) : 0;
        }
        return error_say(error, r < 0 ? r : -EIO, "cannot make a key for a trial login: %s",
                         buf_str(&said));
}

static int add_all(struct argv *w, const char *const *list)
{
        int r = 0;

        for (size_t i = 0; r == 0 && list[i]; i++)
                r = argv_adds(w, list[i]);
        return r;
}

/* One option, made of two parts. */
static int add_option(struct argv *w, const char *name, const char *value)
{
        AUTO_BUF b = BUF_INIT;
        int r = argv_adds(w, "-o");

        buf_addf(&b, "%s%s", name, value);
        if (r == 0)
                r = b.error;
        return r == 0 ? argv_adds(w, buf_str(&b)) : r;
}

static int add_proxy_command(struct argv *w, const struct ssh_client_target *target)
{
        AUTO_BUF command = BUF_INIT;

        if (!target->server) {
                buf_addf(&command, "/proc/%ld/exe " PROXY_WORD " %u", (long)getpid(), target->port);
                if (add_option(w, "ProxyUseFdpass=", "yes") < 0)
                        return -ENOMEM;
        }
        for (size_t i = 0; target->server && i < target->server->n; i++) {
                buf_adds(&command, i ? " " : "");
                command_quote(target->server->list[i], &command);
        }
        return command.error < 0 ? command.error
                                 : add_option(w, "ProxyCommand=", buf_str(&command));
}

static int begin(struct argv *w, const struct ssh_client_target *target, const char *user)
{
        static const char *const options[] = { SSH,
                                               "-F",
                                               "none",
                                               "-T",
                                               "-oBatchMode=yes",
                                               "-oIdentitiesOnly=yes",
                                               "-oIdentityAgent=none",
                                               "-oPreferredAuthentications=publickey",
                                               "-oPubkeyAuthentication=yes",
                                               "-oStrictHostKeyChecking=no",
                                               "-oUserKnownHostsFile=/dev/null",
                                               "-oGlobalKnownHostsFile=/dev/null",
                                               "-oUpdateHostKeys=no",
                                               "-oControlPath=none",
                                               "-oClearAllForwardings=yes",
                                               "-oEscapeChar=none",
                                               "-l",
                                               NULL };
        int r = add_all(w, options);

        if (r == 0)
                r = argv_adds(w, user);
        return r == 0 ? add_proxy_command(w, target) : r;
}

static int run(struct argv *w, int error, unsigned timeout, struct buf *said)
{
        if (error < 0)
                return error;
        return spawn_wait((const char *const *)w->list, -1, -1, timeout, said);
}

int ssh_client_query(const struct scratch *s, const struct ssh_client_target *target,
                     const char *user, unsigned n, unsigned timeout, struct buf *said)
{
        AUTO(argv_free) struct argv w = { 0 };
        int r = begin(&w, target, user);

        for (unsigned i = 0; r == 0 && i < n; i++) {
                char file[96];

                (void)snprintf(file, sizeof(file), "%s/%u.pub", s->path, i);
                r = add_option(&w, "IdentityFile=", file);
        }
        if (r == 0)
                r = add_all(&w, (const char *const[]){ "-v", "--", "vsock", "true", NULL });
        return run(&w, r, timeout, said);
}

int ssh_client_login(const struct scratch *s, const struct ssh_client_target *target,
                     const char *user, const char *command, unsigned timeout, struct buf *said)
{
        AUTO(argv_free) struct argv w = { 0 };
        char file[96];
        int r = begin(&w, target, user);

        (void)snprintf(file, sizeof(file), "%s/key", s->path);
        if (r == 0)
                r = add_option(&w, "IdentityFile=", file);
        if (r == 0)
                r = add_all(&w, (const char *const[]){ "--", "vsock", command, NULL });
        return run(&w, r, timeout, said);
}
