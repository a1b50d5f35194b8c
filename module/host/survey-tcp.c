/* SPDX-License-Identifier: MIT
 *
 * survey-tcp.c: see survey-tcp.h. The kernel says on which addresses a unit's main process listens,
 * sshd itself what its configuration on disk says: where the two differ a reload failed, or a run
 * was killed before it.
 */
#include "host/survey-tcp.h"

#include "core/format/proc-text.h"
#include "core/plan/sshd-listen.h"
#include "host/proc.h"
#include "host/sock-diag.h"
#include "host/sshd-query.h"

#include <errno.h>
#include <string.h>

struct look {
        unsigned *inodes;
        struct buf addresses; /* one for each inode, separated by blanks */
        size_t n;
        pid_t pid; /* the process that is looked for */
        bool plain;
        struct buf mine; /* its addresses */
};

static void look_free(struct look *l)
{
        free(l->inodes);
        buf_free(&l->addresses);
        buf_free(&l->mine);
}

static int note_socket(unsigned inode, const char *address, void *userdata)
{
        struct look *l = userdata;
        unsigned *more = reallocarray(l->inodes, l->n + 1, sizeof(*more));

        if (!more)
                return -ENOMEM;
        l->inodes = more;
        more[l->n++] = inode;
        buf_addf(&l->addresses, "%s%s", l->addresses.len ? " " : "", address);
        return l->addresses.error;
}

static int match_socket(unsigned inode, void *userdata)
{
        struct look *l = userdata;
        const char *at = buf_str(&l->addresses);

        for (size_t i = 0; i < l->n; i++) {
                size_t len = strcspn(at, " ");

                if (l->inodes[i] == inode)
                        buf_addf(&l->mine, "%s%.*s", l->mine.len ? " " : "", (int)len, at);
                at += len + (at[len] == ' ');
        }
        return l->mine.error;
}

static int look_at_process(int process, pid_t pid, void *userdata)
{
        struct look *l = userdata;
        char title[256];
        int r;

        if (pid != l->pid)
                return 0;
        proc_read(process, "cmdline", title, sizeof(title));
        l->plain = process_is_plain_listener(title);
        r = proc_each_socket(process, match_socket, l);
        return r == -EACCES ? 0 : r;
}

static int look_at_service(struct look *l, struct tcp_unit *t, const char *sshd,
                           const struct argv *options, bool confined)
{
        AUTO_BUF effective = BUF_INIT;
        struct error error = { 0 };
        int r;

        l->pid = (pid_t)t->main_pid;
        l->plain = false;
        buf_free(&l->mine);
        r = proc_each(look_at_process, l);
        if (r < 0 || !l->plain || l->mine.len == 0 || !sshd)
                return r == -ENOMEM ? r : 0;
        if (!confined && listen_is_wide(buf_str(&l->mine)))
                return 0; /* nothing of ours, neither there nor here */
        r = sshd_effective_untouched(sshd, options, &effective, &error);
        if (r == 0)
                t->stale = listen_stale(buf_str(&l->mine), buf_str(&effective));
        else if (r == -EINVAL && !listen_is_wide(buf_str(&l->mine)))
                t->stale = STALE_CONFINED; /* it refuses its configuration, and so has an older */
        return r == -ENOMEM ? r : 0;
}

static int note_any(unsigned inode, const char *address, void *userdata)
{
        (void)inode;
        (void)address;
        *(bool *)userdata = true;
        return 1;
}

/* Whether nobody listens on the port of "vsock:CID:PORT", as far as the kernel tells. */
static bool is_deaf(const char *address, size_t len)
{
        const char *colon = memrchr(address, ':', len);
        bool heard = false;

        return sock_diag_vsock((uint32_t)strtoul(colon + 1, NULL, 10), note_any, &heard) >= 0 &&
               !heard;
}

/* Those that are TCP, and could be named the same by the kernel. */
static bool is_unbound(const char *wanted, const char *listening)
{
        for (const char *at = wanted; *at;) {
                size_t n = strcspn(at, " ");
                bool tcp = at[0] == '[' || (at[0] >= '0' && at[0] <= '9');

                if (tcp && !memchr(at, '%', n) && !listen_has(listening, at, n))
                        return true;
                at += n + (at[n] == ' ');
        }
        return false;
}

bool survey_is_closed(const char *streams)
{
        AUTO(look_free) struct look l = { 0 };

        if (sock_diag_tcp(note_socket, &l) == 0 && is_unbound(streams, buf_str(&l.addresses)))
                return true;
        for (const char *at = streams; (at = strstr(at, "vsock:"));) {
                const size_t n = strcspn(at, " ");

                if (is_deaf(at, n))
                        return true;
                at += n;
        }
        return false;
}

int survey_tcp(struct facts *f, bool confined)
{
        static const int pairs[][2] = { { TCP_SSH_SERVICE, TCP_SSH_SOCKET },
                                        { TCP_SSHD_SERVICE, TCP_SSHD_SOCKET } };
        AUTO(look_free) struct look l = { 0 };
        int r = sock_diag_tcp(note_socket, &l);

        if (r < 0)
                return r == -ENOMEM ? r : 0;
        for (size_t k = 0; r == 0 && k < ELEMENTSOF(pairs); k++) {
                struct tcp_unit *service = &f->tcp[pairs[k][0]], *socket = &f->tcp[pairs[k][1]];

                if (socket->active)
                        socket->unbound = is_unbound(socket->listen, buf_str(&l.addresses));
                else if (service->active && service->main_pid > 1)
                        r = look_at_service(&l, service, f->sshd, &f->sshd_options, confined);
        }
        return r;
}
