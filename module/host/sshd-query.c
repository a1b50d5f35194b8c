/* SPDX-License-Identifier: MIT
 *
 * sshd-query.c: see sshd-query.h. `-G` (OpenSSH 9.3) needs no host keys; older ones are asked with
 * `-T`. A candidate configuration is handed over as standard input, so that nothing has to be
 * written before it is known to be good.
 */
#include "host/sshd-query.h"

#include "host/spawn.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define TIMEOUT 20 /* seconds; a ListenAddress that is a name costs DNS */

static int candidate(const char *extra, const char *config, int *ret)
{
        AUTO_CLOSE int fd = memfd_create("sshd_config", MFD_CLOEXEC);
        AUTO_BUF text = BUF_INIT;

        if (fd < 0)
                return -errno;
        buf_addf(&text, "%s\n%s", extra, config);
        if (text.error < 0)
                return text.error;
        if (write(fd, text.data, text.len) != (ssize_t)text.len || lseek(fd, 0, SEEK_SET) < 0)
                return -EIO;
        *ret = TAKE_FD(fd);
        return 0;
}

static const char *last_line(struct buf *b)
{
        char *last;

        while (b->len > 0 && (b->data[b->len - 1] == '\n' || b->data[b->len - 1] == '\r'))
                b->data[--b->len] = '\0';
        last = b->len > 0 ? strrchr(b->data, '\n') : NULL;
        return last ? last + 1 : buf_str(b);
}

static const char lacks_privsep[] = "Missing privilege separation directory: ";

/* Up to 9.2 a dump needs the privilege separation directory, which is gone while no unit of sshd
 * runs: /run/sshd comes and goes with them. Makes it as they do; whether it was that. */
static bool made_privsep(struct buf *said)
{
        char *path = strstr(buf_str(said), lacks_privsep);

        if (!path)
                return false;
        path += strlen(lacks_privsep);
        path[strcspn(path, "\r\n")] = '\0';
        return strncmp(path, "/run/", 5) == 0 && mkdir(path, 0755) == 0;
}

static int dump(const char *const argv[], int in, bool makes, struct buf *ret)
{
        int r;

        do {
                buf_free(ret);
                if (in >= 0 && lseek(in, 0, SEEK_SET) < 0)
                        return -errno;
                r = spawn_wait(argv, in, -1, TIMEOUT, ret);
        } while (r > 0 && makes && made_privsep(ret));
        return r;
}

struct question {
        const char *sshd;
        int candidate; /* a file to read instead of its own; -1: none */
        bool makes;    /* the privilege separation directory */
};

/* One dump, "-G" or "-T". The last -f counts: a candidate goes before what a unit names. No
 * options: NULL. */
static int dump_as(const struct question *q, const char *how, const struct argv *options,
                   struct buf *ret)
{
        AUTO(argv_free) struct argv argv = { 0 };
        int r = argv_adds(&argv, q->sshd);

        if (r == 0)
                r = argv_adds(&argv, how);
        for (size_t i = 0; r == 0 && options && i < options->n; i++)
                r = argv_adds(&argv, options->list[i]);
        if (r == 0 && q->candidate >= 0)
                r = argv_adds(&argv, "-f");
        if (r == 0 && q->candidate >= 0)
                r = argv_adds(&argv, "/dev/stdin");
        return r == 0 ? dump((const char *const *)argv.list, q->candidate, q->makes, ret) : r;
}

static int ask(const struct question *q, const struct argv *options, struct buf *ret,
               struct error *error)
{
        int r = dump_as(q, "-G", options, ret);

        if (r > 0 && strstr(buf_str(ret), "-- G")) /* 9.2 and older do not know it */
                r = dump_as(q, "-T", options, ret);
        if (r < 0)
                return error_set(error, r, "cannot run %s", q->sshd);
        if (r == 0)
                return 0;
        if (!q->makes && strstr(buf_str(ret), lacks_privsep))
                return error_say(error, -ENOENT, "%s says nothing without /run/sshd", q->sshd);
        error_fix(error, "correct the line that sshd names, in sshd_config or a file it includes");
        return error_say(error, -EINVAL, "%s refuses the configuration: %s", q->sshd,
                         last_line(ret));
}

static int answer(const struct question *q, const struct argv *options, struct buf *ret,
                  struct error *error)
{
        struct error first = { 0 };
        int r = ask(q, NULL, ret, &first);

        if (r == -EINVAL && options->n > 0 && ask(q, options, ret, NULL) == 0)
                return ret->error;
        if (r < 0 && error)
                *error = first;
        return r < 0 ? r : ret->error;
}

int sshd_effective(const char *sshd, const struct argv *options, const char *extra,
                   const char *config, struct buf *ret, struct error *error)
{
        AUTO_CLOSE int in = -1;
        int r = extra ? candidate(extra, config, &in) : 0;

        if (r < 0)
                return error_set(error, r, "cannot hand a configuration to sshd");
        return answer(&(struct question){ sshd, in, true }, options, ret, error);
}

int sshd_effective_started(const char *sshd, const struct argv *options, struct buf *ret,
                           struct error *error)
{
        return ask(&(struct question){ sshd, -1, true }, options, ret, error);
}

int sshd_effective_untouched(const char *sshd, const struct argv *options, struct buf *ret,
                             struct error *error)
{
        return answer(&(struct question){ sshd, -1, false }, options, ret, error);
}

/* As sshd itself sees a client whose socket has no address: canohost.c, get_socket_address(), and
 * port 65535 (packet.c, ssh_remote_port). */
int sshd_effective_for(const struct argv *server, const char *user, struct buf *ret,
                       struct error *error)
{
        AUTO(argv_free) struct argv w = { 0 };
        AUTO_BUF spec = BUF_INIT;
        int r;

        buf_addf(&spec, "user=%s,host=UNKNOWN,addr=UNKNOWN,laddr=UNKNOWN,lport=65535", user);
        r = spec.error < 0 ? spec.error : argv_adds(&w, server->list[0]);
        for (size_t i = 0; r == 0 && i < 3; i++)
                r = argv_adds(&w, (const char *const[]){ "-T", "-C", buf_str(&spec) }[i]);
        for (size_t i = 1; r == 0 && i < server->n; i++)
                if (strcmp(server->list[i], "-i") != 0)
                        r = argv_adds(&w, server->list[i]);
        if (r == 0)
                r = dump((const char *const *)w.list, -1, true, ret);
        if (r < 0)
                return error_set(error, r, "cannot run %s", server->list[0]);
        return r == 0 ? ret->error
                      : error_say(error, -EINVAL, "%s refuses the configuration: %s",
                                  server->list[0], last_line(ret));
}
