/* SPDX-License-Identifier: MIT
 *
 * other-access.c: see other-access.h. A unit that is enabled, or that systemd calls active while it
 * fails again and again, is no way in; one that the kernel shows listening is, where the next boot
 * starts it as well.
 */
#include "cli/other-access-parts.h"

#include "cli/handover.h"
#include "core/plan/sshd-listen.h"
#include "core/plan/takeover.h"
#include "core/util/words.h"

#include <string.h>

bool other_access_leads_in(const char *list)
{
        char host[64];

        for (struct word w; word_next(&list, ' ', &w);)
                if (listen_split(w.text, w.len, host, sizeof(host), NULL) &&
                    listen_is_outside(host) && tcp_listeners_is_here(host))
                        return true;
        return false;
}

static bool takes_socket(const struct run *r)
{
        for (size_t k = 0; k < r->plan.n; k++)
                if (r->plan.ops[k].kind == OP_UNLINK && (r->plan.ops[k].item->flags & ITEM_SOCKET))
                        return true;
        return false;
}

/* What the plan does with the unit file; NULL: nothing. */
static const struct op *op_on(const struct run *r, const char *path)
{
        for (size_t k = 0; k < r->plan.n; k++)
                if (r->plan.ops[k].item && r->plan.ops[k].kind != OP_LABEL &&
                    strcmp(r->plan.ops[k].name, path) == 0)
                        return &r->plan.ops[k];
        return NULL;
}

/* Whether the next boot starts it, too. Who has a WSL distribution has a shell in it, and may start
 * sshd from there: "command=" in wsl.conf(5) starts no unit by its links. */
static bool lasts(const struct run *r, const char *unit)
{
        return r->facts.virt == VIRT_WSL || systemd_boot_starts(r->systemd, unit, true);
}

/* Whether that sshd listens after the next boot, too. What somebody started in a unit's cgroup does
 * not come with that unit. */
static bool listener_lasts(const struct run *r, const struct tcp_listener *l)
{
        return r->facts.virt == VIRT_WSL || (l->owned && lasts(r, l->unit));
}

/* A socket unit whose template goes with ours listens on, and starts nothing. Another's template
 * may be a link to ours. */
static bool serves_on(void *userdata, const char *socket, const char *service, const char *path)
{
        const struct run *r = userdata;
        AUTO_FREE char *real = NULL;
        const struct op *op;

        (void)service;
        if (rootfs_real_path(&r->root, path, &real) < 0 || !lasts(r, socket))
                return false;
        op = op_on(r, real);
        if (op && op->kind == OP_WRITE)
                return takeover_starts_sshd(op->content, op->len);
        return !op || op->kind != OP_UNLINK;
}

static bool is_open(struct run *r, const char *but)
{
        run_find_listeners(r);
        for (size_t i = 0; i < r->tcp.listeners.n; i++)
                if (other_access_leads_in(buf_str(&r->tcp.listeners.list[i].addresses)) &&
                    listener_lasts(r, &r->tcp.listeners.list[i]))
                        return true;
        return tcp_listeners_serve_vsock(r->systemd, &(struct vsock_wanted){ but, serves_on, r });
}

bool other_access_is_open_now(struct run *r)
{
        return is_open(r, takes_socket(r) ? UNIT_SOCKET : NULL);
}

bool other_access_is_open(struct run *r)
{
        return handover_gives_back(r) || other_access_is_open_now(r);
}

bool other_access_ends(struct run *r)
{
        for (size_t i = 0; i < r->tcp.listeners.n; i++)
                if (other_access_leads_in(buf_str(&r->tcp.listeners.list[i].addresses)))
                        return !listener_lasts(r, &r->tcp.listeners.list[i]);
        return false;
}

bool other_access_than_ours(struct run *r)
{
        return is_open(r, UNIT_SOCKET);
}

/* Of an image, as it will be. */
static bool has_template(const struct run *r)
{
        static const char path[] = SYSTEM_UNIT_DIR "/" UNIT_TEMPLATE;
        const struct op *op = op_on(r, path);
        AUTO_FREE char *text = NULL;
        size_t len;

        if (op)
                return op->kind == OP_WRITE && takeover_starts_sshd(op->content, op->len);
        return rootfs_read(&r->root, path, ROOTFS_FILE_MAX, &text, &len, NULL) == 0 &&
               takeover_starts_sshd(text, len);
}

bool other_access_gives_socket_back(const struct run *r)
{
        const struct op *op = op_on(r, SYSTEM_UNIT_DIR "/" UNIT_SOCKET);

        return op && op->kind == OP_WRITE && op->phase == PHASE_CLOSE && has_template(r);
}
