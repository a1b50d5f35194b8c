/* SPDX-License-Identifier: MIT
 *
 * survey-tcp.c: see survey-tcp.h. The kernel says on which addresses a unit's main process listens,
 * sshd itself what its configuration on disk says: where the two differ a reload failed, or a run
 * was killed before it.
 */
#include "host/survey-tcp.h"

#include "core/format/proc-text.h"
#include "core/plan/sshd-listen.h"
#include "core/util/words.h"
#include "host/proc.h"
#include "host/sock-diag.h"
#include "host/sshd-query.h"
#include "host/tcp-listeners.h"

#include <errno.h>
#include <string.h>

static int look_at_service(const struct tcp_sockets *listening, struct tcp_unit *t,
                           const char *sshd, const struct argv *options, bool confined)
{
        AUTO_CLOSE int process = proc_open((pid_t)t->main_pid);
        AUTO_BUF mine = BUF_INIT, effective = BUF_INIT, told = BUF_INIT;
        char title[256] = "";
        int r;

        if (process >= 0)
                proc_read(process, "cmdline", title, sizeof(title));
        process_listen_options(title, &told);
        if (!process_is_plain_listener(title, options) || told.len > 0)
                return 0; /* no reload moves one that its options tell where to listen */
        r = tcp_listeners_addresses(listening, process, &mine);
        if (r < 0 || mine.len == 0 || !sshd)
                return r == -ENOMEM ? r : 0;
        if (!confined && listen_is_wide(buf_str(&mine)))
                return 0; /* nothing of ours, neither there nor here */
        r = sshd_effective_untouched(sshd, options, &effective, NULL);
        if (r == 0)
                t->stale = listen_stale(buf_str(&mine), buf_str(&effective));
        else if (r == -EINVAL && !listen_is_wide(buf_str(&mine)))
                t->stale = STALE_CONFINED; /* it refuses its configuration, and so has an older */
        return r == -ENOMEM ? r : 0;
}

static int note_any(unsigned inode, void *userdata)
{
        (void)inode;
        *(bool *)userdata = true;
        return 1;
}

/* Whether nobody listens on the port of "vsock:CID:PORT", as far as the kernel tells. */
static bool is_deaf(const struct word *address)
{
        const char *colon = memrchr(address->text, ':', address->len);
        bool heard = false;

        return sock_diag_vsock((uint32_t)strtoul(colon + 1, NULL, 10), note_any, &heard) >= 0 &&
               !heard;
}

/* Those that are TCP, and could be named the same by the kernel. */
static bool is_unbound(const char *wanted, const struct tcp_sockets *listening)
{
        for (struct word w; word_next(&wanted, ' ', &w);) {
                size_t i = 0;

                if ((w.text[0] != '[' && (w.text[0] < '0' || w.text[0] > '9')) ||
                    memchr(w.text, '%', w.len))
                        continue;
                while (i < listening->n && !word_is(&w, listening->list[i].address))
                        i++;
                if (i == listening->n)
                        return true;
        }
        return false;
}

bool survey_is_closed(const char *streams)
{
        AUTO(tcp_sockets_free) struct tcp_sockets listening = { 0 };

        if (sock_diag_tcp(&listening) == 0 && is_unbound(streams, &listening))
                return true;
        for (struct word w; word_next(&streams, ' ', &w);)
                if (w.len > 6 && memcmp(w.text, "vsock:", 6) == 0 && is_deaf(&w))
                        return true;
        return false;
}

int survey_tcp(struct facts *f, bool confined)
{
        AUTO(tcp_sockets_free) struct tcp_sockets listening = { 0 };
        int r = sock_diag_tcp(&listening);

        if (r < 0)
                return r == -ENOMEM ? r : 0;
        for (size_t k = 0; r == 0 && k < N_TCP_PAIRS; k++) {
                struct tcp_unit *service = &f->tcp[distro_tcp_pairs[k].service];
                struct tcp_unit *socket = &f->tcp[distro_tcp_pairs[k].socket];

                if (socket->active)
                        socket->unbound = is_unbound(socket->listen, &listening);
                else if (service->active && service->main_pid > 1)
                        r = look_at_service(&listening, service, f->sshd, &f->sshd_options,
                                            confined);
        }
        return r;
}
