/* SPDX-License-Identifier: MIT
 *
 * other-access-fix.c: the part of other-access.h that says what would make another way in. Looks at
 * sshd's files, and who listens; changes nothing.
 */
#include "cli/other-access-parts.h"

#include "cli/tcp-reality.h"
#include "core/format/sshd-config.h"
#include "core/plan/sshd-listen.h"
#include "core/util/ip-address.h"
#include "host/survey-read.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool other_access_lines(struct run *r, const char *path, struct buf *edit, bool *any)
{
        AUTO(sshd_config_free) struct sshd_config c = { 0 };
        AUTO_FREE char *text = NULL;
        AUTO_BUF plain = BUF_INIT;
        bool leads = false;
        size_t len;

        if (rootfs_read(&r->root, path, ROOTFS_FILE_MAX, &text, &len, NULL) < 0)
                return false;
        sshd_config_uncomment(text, len, &plain);
        if (sshd_config_scan(buf_str(&plain), plain.len, &c) < 0)
                return false;
        for (size_t i = 0; i < c.n; i++) {
                const char *argument = c.items[i].argument;
                char host[64];

                if (c.items[i].kind != SSHD_CONFIG_LISTEN_ADDRESS || c.items[i].ours)
                        continue;
                listen_host(argument, host, sizeof(host));
                *any = true;
                buf_addf(edit, "%s%us/^/#/", edit->len ? ";" : "", c.items[i].line);
                leads = leads ||
                        (ip_is_outside(host) && (r->root.image || tcp_listeners_is_here(host)));
        }
        return leads;
}

bool other_access_options_confine(const struct sshd_settings *s)
{
        char host[64];

        for (size_t i = 0; i < s->listen.n; i++) {
                listen_host(s->listen.list[i], host, sizeof(host));
                if (ip_is_outside(host))
                        return false;
        }
        return s->listen.n > 0;
}

/* Or is told to do nobody knows what. */
static bool command_confines(const struct run *r, const char *service)
{
        AUTO(sshd_settings_free) struct sshd_settings s = { 0 };

        return other_access_command(r, service, &s, NULL) <= 0 || other_access_options_confine(&s);
}

/* The commands that take such lines out, where none of them leads in. */
static void add_lines_fix(struct run *r, struct buf *out)
{
        AUTO_BUF commands = BUF_INIT;
        bool any = false;

        for (size_t i = 0; !r->facts.sshd_settings.config && i < r->facts.sshd_files.n; i++) {
                AUTO_BUF edit = BUF_INIT, path = BUF_INIT;

                buf_addf(&path, "%s%s", r->root.path, r->facts.sshd_files.list[i]);
                if (other_access_lines(r, r->facts.sshd_files.list[i], &edit, &any))
                        return;
                if (edit.len > 0 && tcp_is_plain(buf_str(&path)))
                        buf_addf(&commands, "sed -i '%s' %s; ", buf_str(&edit), buf_str(&path));
        }
        buf_adds(out, buf_str(&commands));
}

/* One that is enabled rather than one that only runs, that rather than one that is only there. */
static int rank(const struct tcp_unit *t)
{
        return !facts_has_unit(t) ? 0 : 1 + t->active + 2 * t->enabled;
}

static int best_unit(const struct run *r)
{
        int best = 0;

        for (int i = 1; i < N_TCP_UNITS; i++)
                if (rank(&r->facts.tcp[i]) > rank(&r->facts.tcp[best]))
                        best = i;
        return rank(&r->facts.tcp[best]) ? best : -1;
}

/* An sshd of another unit that leads in as it is, and starts at no boot: it has its port, which the
 * distribution's own would not get. */
static bool fix_other(struct run *r, struct buf *out)
{
        for (size_t i = 0; i < r->tcp.listeners.n; i++) {
                const struct tcp_listener *l = &r->tcp.listeners.list[i];
                struct unit_state s = { 0 };

                if (!l->owned || distro_is_tcp_unit(l->unit) || !tcp_is_plain(l->unit) ||
                    !other_access_leads_in(r, l) ||
                    systemd_unit(r->systemd, l->unit, &s, NULL) < 0 ||
                    strcmp(s.enabled, "disabled") != 0)
                        continue;
                buf_addf(out, "systemctl enable %s; ", l->unit);
                return true;
        }
        return false;
}

/* One that is started by hand has the port that the unit is to have. */
static void fix_strays(struct run *r, struct buf *out)
{
        for (size_t i = 0; i < r->tcp.listeners.n; i++) {
                const struct tcp_listener *l = &r->tcp.listeners.list[i];

                if (l->owned && strncmp(l->fix, "systemctl stop ", 15) == 0)
                        buf_addf(out, "%s; ", l->fix);
                else if (!l->owned)
                        buf_addf(out, "kill %d; ", (int)l->pid);
        }
}

/* An image's, which stays when lines of sshd's files are commented out. */
static bool image_confines(const struct run *r, int best, bool lines)
{
        const char *unit = distro_tcp_units[best];
        const struct tcp_unit *t = &r->facts.tcp[best];
        char behind[256];

        if (t->masked && !t->ours)
                return false; /* a mask says nothing */
        if (!distro_service_of(unit))
                return command_confines(r, unit);
        return other_access_socket(r, unit, behind, sizeof(behind), NULL) <= 0 && !lines;
}

/* A running system's, by its command as the next start has it; one that cannot be read says
 * nothing. */
static bool start_confines(const struct run *r, const char *unit)
{
        AUTO(sshd_settings_free) struct sshd_settings s = { 0 };

        return !distro_service_of(unit) && other_access_command(r, unit, &s, NULL) > 0 &&
               other_access_options_confine(&s);
}

/* One that listens on loopback alone, and not for a line of sshd's files: by its own, or by
 * options. */
static bool fix_address(struct run *r, int best, bool lines, struct buf *out)
{
        const char *unit = distro_tcp_units[best], *where = "loopback";
        const char *service = distro_service_of(unit); /* which keeps the socket from restarting */
        const struct tcp_unit *t = &r->facts.tcp[best];
        bool alone = t->streams.n_ports > 0 && !t->streams.outside && !lines;

        alone = r->root.image ? image_confines(r, best, lines) : alone || start_confines(r, unit);
        for (size_t i = 0; i < r->tcp.listeners.n; i++) {
                const struct tcp_listener *l = &r->tcp.listeners.list[i];

                if (strcmp(l->unit, unit) != 0)
                        continue;
                if (other_access_leads_in(r, l)) {
                        /* a line of sshd's files is commented out instead */
                        alone = alone || (!lines && !other_access_stays_outside(r, l));
                        continue;
                }
                alone = alone || (l->pid != 1 && !lines);
                where = buf_str(&l->addresses);
        }
        if (!alone)
                return false;
        buf_addf(out, "have %s listen on an address that others reach, not on %s alone", unit,
                 where);
        if (r->root.image)
                buf_adds(out, ", and run this again");
        else
                buf_addf(out,
                         " (see \"systemctl cat %s\"); then \"systemctl daemon-reload; systemctl "
                         "enable %s; %s%s%ssystemctl restart %s; sshd-vsock remove\"",
                         unit, unit, service ? "systemctl stop " : "", service ? service : "",
                         service ? "; " : "", unit);
        return true;
}

static void fix_by_rm(const char *root, const char *path, struct buf *out)
{
        buf_addf(out, "rm %s%s; ", root, path);
}

static void fix_bars(const struct run *r, const char *unit, struct buf *out)
{
        AUTO(argv_free) struct argv bars = { 0 };

        (void)other_access_is_barred(r, unit, &bars, NULL);
        for (size_t i = 0; i < bars.n; i++) {
                const char *bar = bars.list[i];
                AUTO_BUF path = BUF_INIT;

                buf_addf(&path, "%s%s", r->root.path, bar + strspn(bar, "! \t"));
                if (tcp_is_plain(buf_str(&path)) && bar[0] == '!')
                        fix_by_rm("", buf_str(&path), out);
                else if (tcp_is_plain(buf_str(&path)))
                        buf_addf(out, "touch %s; ", buf_str(&path));
        }
}

/* systemd does not start a socket unit without the service that it starts. */
static bool fix_behind(const struct run *r, int best, const char *root, struct buf *out)
{
        AUTO(argv_free) struct argv words = { 0 };
        const char *unit = distro_tcp_units[best];
        char behind[256];

        if (!distro_service_of(unit))
                return false;
        (void)other_access_socket(r, unit, behind, sizeof(behind), NULL);
        if (!tcp_is_plain(behind) || other_access_words(r, behind, false, &words, NULL) > 0)
                return false;
        buf_addf(out,
                 "have %s, which %s starts, start sshd (\"systemctl %sunmask %s\" where it is "
                 "masked), and run this again",
                 behind, unit, root, behind);
        return true;
}

/* What systemctl does not take away: masks outside of /etc, and what is in the way of a link. */
static int list_masks(const struct run *r, const char *unit, struct argv *ret)
{
        const char *target = distro_service_of(unit) ? "sockets" : "multi-user";
        struct facts f = r->facts; /* to be read */
        struct error unsaid = { 0 };
        struct survey s = { .root = &r->root, .facts = &f, .error = &unsaid };
        char path[256];
        int rc = 0;

        for (size_t i = 0; rc == 0 && distro_vendor_units[i]; i++) {
                (void)snprintf(path, sizeof(path), "%s/%s", distro_vendor_units[i], unit);
                if (survey_is_mask(&s, path) > 0)
                        rc = argv_adds(ret, path);
        }
        (void)snprintf(path, sizeof(path), SYSTEM_UNIT_DIR "/%s.target.wants/%s", target, unit);
        if (rc == 0 && survey_exists(&s, path) > 0 && survey_is_masked_want(&s, path) > 0)
                rc = argv_adds(ret, path);
        return rc;
}

static void fix_masks(const struct run *r, const char *unit, const char *root, struct buf *out)
{
        AUTO(argv_free) struct argv masks = { 0 };
        AUTO_FREE char *path = NULL;
        const struct tcp_unit *t = &r->facts.tcp[distro_tcp_unit(unit)];

        if (asprintf(&path, SYSTEM_UNIT_DIR "/%s", unit) < 0)
                path = NULL;
        if (t->masked && !t->ours && path && rootfs_exists(&r->root, path) > 0)
                buf_addf(out, "systemctl %sunmask %s; ", root, unit);
        if (list_masks(r, unit, &masks) < 0)
                out->error = -ENOMEM;
        for (size_t i = 0; i < masks.n; i++)
                fix_by_rm(r->root.path, masks.list[i], out);
}

static void fix_unit(struct run *r, int best, const char *root, const char *lines, struct buf *out)
{
        const char *unit = distro_tcp_units[best];
        const struct tcp_unit *t = &r->facts.tcp[best];

        fix_masks(r, unit, root, out);
        if (t->barred)
                buf_addf(out, "systemctl unmask --runtime %s; ", unit);
        fix_bars(r, unit, out);
        buf_adds(out, lines);
        if (!r->root.image)
                fix_strays(r, out);
        /* Where other units name sshd.service, and the link that makes it an alias comes back while
         * the unit runs, systemd 252 forgets that it does (both are deserialized into one). */
        if (t->active && !t->enabled)
                buf_addf(out, "systemctl stop %s; ", unit);
        buf_addf(out, "systemctl %senable %s; ", root, unit);
        if (!r->root.image)
                buf_addf(out, "systemctl reset-failed %s; systemctl restart %s; ", unit, unit);
}

/* An sshd that still runs would end by a restart. */
static bool fix_refused(struct run *r, int best, const char *lines, struct buf *out)
{
        AUTO_BUF effective = BUF_INIT, commands = BUF_INIT;

        if (r->root.image || other_access_sshd_starts(r, &effective))
                return false;
        fix_unit(r, best, "", lines, &commands);
        buf_addf(out, "correct what \"sshd -t\" names; then \"%ssshd-vsock remove\"",
                 buf_str(&commands));
        return true;
}

void other_access_fix(struct run *r, struct buf *out)
{
        const int best = best_unit(r);
        AUTO_BUF root = BUF_INIT, lines = BUF_INIT;

        if (!r->root.image && other_access_lacks_network(r)) {
                buf_adds(out,
                         "give a network card of this machine an address on which sshd listens "
                         "(\"ip address\" shows those it has); then \"sshd-vsock remove\"");
                return;
        }
        if (r->root.image)
                buf_addf(&root, "--root=%s ", run_root_name(r));
        if (best >= 0)
                add_lines_fix(r, &lines);
        if (!r->root.image && fix_other(r, out)) {
                buf_adds(out, "sshd-vsock remove");
        } else if (best < 0) {
                buf_addf(out,
                         "install the package openssh-server (openSUSE, Arch: openssh), which "
                         "brings a unit that listens on TCP, then \"sshd-vsock %sremove\"",
                         buf_str(&root));
        } else if (!fix_refused(r, best, buf_str(&lines), out) &&
                   !fix_behind(r, best, buf_str(&root), out) &&
                   !fix_address(r, best, lines.len > 0, out)) {
                fix_unit(r, best, buf_str(&root), buf_str(&lines), out);
                buf_addf(out, "sshd-vsock %sremove", buf_str(&root));
        }
}
