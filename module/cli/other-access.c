/* SPDX-License-Identifier: MIT
 *
 * other-access.c: see other-access.h. A unit that is enabled, or that systemd calls active while it
 * fails again and again, is no way in; one that the kernel shows listening is.
 */
#include "cli/other-access.h"

#include "cli/handover.h"
#include "cli/tcp-reality.h"
#include "core/format/sshd-config.h"
#include "core/plan/sshd-listen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TARGETS_MAX 64

/* Any address of the list that others can reach. */
static bool leads_in(const char *list)
{
        char host[64];

        for (size_t n; *list; list += n + (list[n] == ' ')) {
                n = strcspn(list, " ");
                if (listen_split(list, n, host, sizeof(host), NULL) && listen_is_outside(host) &&
                    tcp_listeners_is_here(host))
                        return true;
        }
        return false;
}

static bool takes_socket(const struct run *r)
{
        for (size_t k = 0; k < r->plan.n; k++)
                if (r->plan.ops[k].kind == OP_UNLINK && (r->plan.ops[k].item->flags & ITEM_SOCKET))
                        return true;
        return false;
}

static bool is_open(struct run *r, const char *but)
{
        run_find_listeners(r);
        for (size_t i = 0; i < r->tcp.listeners.n; i++)
                if (leads_in(buf_str(&r->tcp.listeners.list[i].addresses)))
                        return true;
        return tcp_listeners_serve_vsock(r->systemd, but);
}

bool other_access_is_open(struct run *r)
{
        return handover_gives_back(r) || is_open(r, takes_socket(r) ? UNIT_SOCKET : NULL);
}

bool other_access_than_ours(struct run *r)
{
        return is_open(r, UNIT_SOCKET);
}

/* ---- an image ----------------------------------------------------------------------------------
 */

struct boot {
        struct run *r;
        char *targets[TARGETS_MAX]; /* reached */
        size_t n;
        bool started[N_TCP_UNITS];
        int error;
};

static void reach(struct boot *b, const char *name, size_t len)
{
        char *copy;

        for (size_t i = 0; i < N_TCP_UNITS; i++)
                if (strlen(distro_tcp_units[i]) == len &&
                    memcmp(distro_tcp_units[i], name, len) == 0)
                        b->started[i] = true;
        if (len < 8 || memcmp(name + len - 7, ".target", 7) != 0 || b->n == TARGETS_MAX)
                return;
        for (size_t i = 0; i < b->n; i++)
                if (strlen(b->targets[i]) == len && memcmp(b->targets[i], name, len) == 0)
                        return;
        copy = strndup(name, len);
        if (copy)
                b->targets[b->n++] = copy;
        else
                b->error = -ENOMEM;
}

static int reach_link(int dir, const char *name, void *userdata)
{
        (void)dir;
        reach(userdata, name, strlen(name));
        return 0;
}

/* "Wants=a.target b.service" and its kin. */
static void reach_words(struct boot *b, const char *text)
{
        static const char *const keys[] = { "Wants=", "Requires=", "BindsTo=", "Upholds=" };

        for (size_t len; *text; text += len + (text[len] == '\n')) {
                len = strcspn(text, "\n");
                for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                        size_t n = strlen(keys[i]);

                        if (strncmp(text, keys[i], n) != 0)
                                continue;
                        while (n < len) {
                                size_t word = strcspn(text + n, " \t\n");

                                reach(b, text + n, word);
                                n += word + strspn(text + n + word, " \t");
                        }
                }
        }
}

static void note_error(struct boot *b, int r, const char *path)
{
        if (r < 0 && b->error == 0)
                b->error = error_set(&b->r->error, r, "cannot look at %s%s", b->r->root.path, path);
}

static void look_at_target_in(struct boot *b, const char *directory, const char *name, bool *found)
{
        static const char *const ends[] = { "wants", "requires" };
        struct observed o = { 0 };
        char path[512];
        int r;

        (void)snprintf(path, sizeof(path), "%.128s/%.256s", directory, name);
        r = *found ? 0 : rootfs_look(&b->r->root, path, ROOTFS_FILE_MAX, &o);
        note_error(b, r, path);
        if (o.type == OBSERVED_LINK)
                reach(b, basename(o.data), strlen(basename(o.data)));
        else if (o.type == OBSERVED_FILE)
                reach_words(b, o.data);
        *found = *found || o.type == OBSERVED_LINK || o.type == OBSERVED_FILE;
        observed_free(&o);
        for (size_t i = 0; i < ELEMENTSOF(ends); i++) {
                (void)snprintf(path, sizeof(path), "%.128s/%.256s.%s", directory, name, ends[i]);
                note_error(b, rootfs_list(&b->r->root, path, reach_link, b), path);
        }
}

/* What systemd's own targets want, where the tree has no file for one; and what every service wants
 * by default (DefaultDependencies=), whichever target it is in. */
static void reach_usual(struct boot *b, const char *name, bool found)
{
        static const struct {
                const char *target, *wants;
                bool always;
        } table[] = {
                { "default.target", "graphical.target", false },
                { "graphical.target", "multi-user.target", false },
                { "multi-user.target", "basic.target", true },
                { "basic.target", "sysinit.target", true },
                { "basic.target", "sockets.target", true },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (strcmp(table[i].target, name) == 0 && (!found || table[i].always))
                        reach(b, table[i].wants, strlen(table[i].wants));
}

static void look_at_target(struct boot *b, const char *name)
{
        bool found = false;

        look_at_target_in(b, SYSTEM_UNIT_DIR, name, &found);
        for (size_t i = 0; distro_vendor_units[i]; i++)
                look_at_target_in(b, distro_vendor_units[i], name, &found);
        reach_usual(b, name, found);
}

/* ListenAddress lines of others, as they are once ours are out: in `edit`, "1s/^/#/;3s/^/#/" for
 * each of a file. Whether one of them leads in. */
static bool look_at_lines(struct run *r, const char *path, struct buf *edit, bool *any)
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
                if (!listen_split(argument, strlen(argument), host, sizeof(host), NULL))
                        (void)snprintf(host, sizeof(host), "%s", argument);
                *any = true;
                buf_addf(edit, "%s%us/^/#/", edit->len ? ";" : "", c.items[i].line);
                leads = leads ||
                        (listen_is_outside(host) && (r->root.image || tcp_listeners_is_here(host)));
        }
        return leads;
}

/* The commands that take such lines out, where none of them leads in. */
static void add_lines_fix(struct run *r, struct buf *out)
{
        AUTO_BUF commands = BUF_INIT;
        bool any = false;

        for (size_t i = 0; i < r->facts.n_sshd_files; i++) {
                AUTO_BUF edit = BUF_INIT, path = BUF_INIT;

                buf_addf(&path, "%s%s", r->root.path, r->facts.sshd_files[i]);
                if (look_at_lines(r, r->facts.sshd_files[i], &edit, &any))
                        return;
                if (edit.len > 0 && tcp_is_plain(buf_str(&path)))
                        buf_addf(&commands, "sed -i '%s' %s; ", buf_str(&edit), buf_str(&path));
        }
        buf_adds(out, buf_str(&commands));
}

static bool lines_lead_in(struct run *r)
{
        bool any = false;

        for (size_t i = 0; i < r->facts.n_sshd_files; i++) {
                AUTO_BUF edit = BUF_INIT;

                if (look_at_lines(r, r->facts.sshd_files[i], &edit, &any))
                        return true;
        }
        return !any;
}

/* A file behind the name, and no mask but ours, which goes. An enablement link alone is none, nor
 * is the vendor's file where a link that leads nowhere stands before it. */
static bool is_there(const struct run *r, size_t unit)
{
        const struct tcp_unit *t = &r->facts.tcp[unit];
        char path[128];

        (void)snprintf(path, sizeof(path), SYSTEM_UNIT_DIR "/%s", distro_tcp_units[unit]);
        if (t->masked || rootfs_exists(&r->root, path) <= 0)
                return t->vendor && (!t->masked || t->ours);
        return rootfs_is_file(&r->root, path, false) > 0;
}

/* An administrator's own socket unit, whose place ours took, listens on vsock again. */
static bool gives_socket_back(const struct run *r)
{
        for (size_t k = 0; k < r->plan.n; k++)
                if (r->plan.ops[k].kind == OP_WRITE && r->plan.ops[k].phase == PHASE_CLOSE &&
                    (r->plan.ops[k].item->flags & ITEM_SOCKET))
                        return true;
        return false;
}

int other_access_will_open(struct run *r, bool *ret)
{
        struct boot b = { .r = r };

        *ret = false;
        reach(&b, "default.target", strlen("default.target"));
        for (size_t i = 0; i < b.n; i++)
                look_at_target(&b, b.targets[i]);
        for (size_t i = 0; i < N_TCP_UNITS; i++)
                *ret = *ret || (b.started[i] && is_there(r, i));
        for (size_t i = 0; i < b.n; i++)
                free(b.targets[i]);
        *ret = (*ret && r->facts.sshd && lines_lead_in(r)) || gives_socket_back(r) ||
               handover_gives_back(r);
        return b.error < 0 ? error_set(&r->error, b.error, "cannot see what %s starts at its boot",
                                       r->root.path)
                           : 0;
}

/* ---- what would make one -----------------------------------------------------------------------
 */

/* One that is enabled rather than one that is only there. */
static int best_unit(const struct run *r)
{
        int best = -1;

        for (int i = 0; i < N_TCP_UNITS; i++) {
                const struct tcp_unit *t = &r->facts.tcp[i];

                if ((t->vendor || t->foreign) &&
                    (best < 0 || (t->enabled && !r->facts.tcp[best].enabled)))
                        best = i;
        }
        return best;
}

void other_access_fix(struct run *r, struct buf *out)
{
        int best = best_unit(r);
        const char *unit = best < 0 ? NULL : distro_tcp_units[best];
        AUTO_BUF root = BUF_INIT;

        if (r->root.image)
                buf_addf(&root, "--root=%s ", r->root.path);
        if (unit && r->facts.tcp[best].masked && !r->facts.tcp[best].ours)
                buf_addf(out, "systemctl %sunmask %s; ", buf_str(&root), unit);
        if (unit) {
                add_lines_fix(r, out);
                buf_addf(out, "systemctl %senable %s; ", buf_str(&root), unit);
        }
        if (unit && !r->root.image)
                buf_addf(out, "systemctl reset-failed %s; systemctl restart %s; ", unit, unit);
        if (!unit)
                buf_adds(out, "install openssh-server, which brings a unit that listens on TCP; ");
        buf_addf(out, "sshd-vsock %sremove", buf_str(&root));
}
