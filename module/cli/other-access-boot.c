/* SPDX-License-Identifier: MIT
 *
 * other-access-boot.c: the part of other-access.h that is about what the next boot makes of an sshd
 * that listens now: whether that starts it, and where it listens then. Looks; changes nothing.
 */
#include "cli/other-access-parts.h"

#include "core/plan/sshd-listen.h"
#include "core/util/ip-address.h"
#include "core/util/words.h"
#include "host/net-addresses.h"
#include "host/sshd-query.h"

#include <errno.h>
#include <string.h>

/* Who has a WSL distribution has a shell in it, and may start sshd from there: "command=" in
 * wsl.conf(5) starts no unit by its links. A mask stops nothing that runs. */
bool other_access_starts(const struct run *r, const char *unit)
{
        AUTO(argv_free) struct argv bars = { 0 };
        struct unit_state s = { 0 };

        return r->facts.virt == VIRT_WSL ||
               (systemd_unit(r->systemd, unit, &s, NULL) == 0 && !s.masked &&
                systemd_boot_starts(r->systemd, unit, true) &&
                other_access_is_barred(r, unit, &bars, NULL) == 0);
}

/* A container has none of the machine's cards, and WSL's owner has a shell in any case. */
bool other_access_has_network(const struct run *r, const char *host, bool v6_only)
{
        const bool inside = r->facts.virt == VIRT_CONTAINER || r->facts.virt == VIRT_WSL;

        return net_leads_to(host, v6_only, inside ? NULL : &r->root);
}

bool other_access_reaches(const struct run *r, const char *list, bool v6_only, bool on_network)
{
        char host[64];

        for (struct word w; word_next(&list, ' ', &w);)
                if (listen_split(w.text, w.len, host, sizeof(host), NULL) && ip_is_outside(host) &&
                    (!on_network || other_access_has_network(r, host, v6_only)))
                        return true;
        return false;
}

static int read_streams(const struct run *r, const char *path, struct unit_streams *streams)
{
        AUTO_FREE char *text = NULL;
        size_t len = 0;

        return systemd_file_lasts(path) &&
                               rootfs_read(&r->root, path, ROOTFS_FILE_MAX, &text, &len, NULL) == 0
                       ? unit_streams_read(streams, text, len)
                       : 0;
}

/* By the files that systemd has read, as they are, but for those that are gone then. */
static bool socket_leads_in(const struct run *r, const char *socket)
{
        AUTO(unit_streams_free) struct unit_streams streams = { 0 };
        AUTO_BUF files = BUF_INIT;
        int rc = systemd_unit_files(r->systemd, socket, &files, NULL);
        const char *at = buf_str(&files);

        for (struct word path; rc >= 0 && word_next(&at, '\n', &path);) {
                AUTO_FREE char *name = strndup(path.text, path.len);

                rc = name ? read_streams(r, name, &streams) : -ENOMEM;
        }
        return rc >= 0 && streams.outside;
}

/* What another's socket unit starts only that knows. */
static bool has_service(const struct run *r, const char *socket)
{
        AUTO(argv_free) struct argv words = { 0 };
        char service[256];

        if (!distro_is_tcp_unit(socket))
                return true;
        (void)other_access_socket(r, socket, service, sizeof(service), NULL);
        return other_access_words(r, service, false, &words, NULL) > 0;
}

bool other_access_sshd_starts(const struct run *r, struct buf *effective)
{
        return !r->facts.sshd ||
               sshd_effective_started(r->facts.sshd, &r->facts.sshd_options, effective, NULL) == 0;
}

/* By the files of the unit and of sshd as they are, which is what the next start goes by. What
 * another program makes of them only that knows. */
static bool service_leads_in(const struct run *r, const char *service)
{
        AUTO(argv_free) struct argv words = { 0 };
        AUTO_BUF effective = BUF_INIT, addresses = BUF_INIT;
        int rc = other_access_words(r, service, false, &words, NULL);

        if (rc <= 0)
                return rc == 0;
        /* a name alone systemd looks up, as we did */
        if (sshd_effective_started(words.list[0][0] == '/' ? words.list[0] : r->facts.sshd,
                                   &(struct argv){ .list = words.list + 1, .n = words.n - 1 },
                                   &effective, NULL) < 0)
                return false;
        listen_addresses(buf_str(&effective), &addresses);
        return other_access_reaches(r, buf_str(&addresses), true, true);
}

/* A listener goes by what its files were when it started, and one behind a socket by what they are
 * at each connection: what they are now is read by the next one. A service that its socket starts
 * listens where that does; a unit of somebody else's reads what only that knows. */
bool other_access_stays_outside(const struct run *r, const struct tcp_listener *l)
{
        AUTO_BUF effective = BUF_INIT;
        const bool ours = distro_is_tcp_unit(l->unit);
        const char *socket = l->pid == 1 ? l->unit : distro_socket_of(l->unit);

        if (!r->facts.sshd)
                return true;
        if (l->pid != 1 && ours && (!socket || systemd_boot_starts(r->systemd, l->unit, false)))
                return service_leads_in(r, l->unit);
        if (ours && !other_access_sshd_starts(r, &effective))
                return false;
        return !socket || (socket_leads_in(r, socket) && has_service(r, socket));
}

/* Nor does what somebody started in a unit's cgroup come with that unit. */
bool other_access_lasts(const struct run *r, const struct tcp_listener *l)
{
        if (r->facts.virt == VIRT_WSL)
                return true;
        return l->owned && other_access_starts(r, l->unit) && other_access_stays_outside(r, l);
}
