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

#include <string.h>

/* sshd has a socket for each family, systemd one for both. */
static bool is_outside(const struct run *r, const struct tcp_listener *l, bool on_network)
{
        return other_access_reaches(r, buf_str(&l->addresses), l->pid != 1, on_network);
}

bool other_access_leads_in(const struct run *r, const struct tcp_listener *l)
{
        return is_outside(r, l, true);
}

bool other_access_lacks_network(const struct run *r)
{
        bool network = other_access_has_network(r, "::", false);

        for (size_t i = 0; i < r->tcp.listeners.n; i++) {
                const struct tcp_listener *l = &r->tcp.listeners.list[i];

                if (!is_outside(r, l, true) && is_outside(r, l, false) &&
                    (!network || listen_is_wide(buf_str(&l->addresses))))
                        return true;
        }
        return false;
}

/* What the plan does with the unit file; NULL: nothing. */
static const struct op *op_on(const struct run *r, const char *path)
{
        return PLAN_FIRST(&r->plan, .kinds = ~BIT(OP_LABEL), .name = path);
}

/* A socket unit whose template goes with ours listens on, and starts nothing. Another's template
 * may be a link to ours. What gets the port back has to answer (handover.h): that is none of this.
 */
static bool serves_on(void *userdata, const char *socket, const char *service, const char *path)
{
        const struct run *r = userdata;
        AUTO_FREE char *real = NULL;
        const struct op *op;

        (void)service;
        if (handover_is_due(r, socket) || rootfs_real_path(&r->root, path, &real) < 0 ||
            !other_access_starts(r, socket) ||
            (r->facts.virt != VIRT_WSL && !systemd_socket_is_of_boot(r->systemd, socket)))
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
                if (other_access_leads_in(r, &r->tcp.listeners.list[i]) &&
                    other_access_lasts(r, &r->tcp.listeners.list[i]))
                        return true;
        return tcp_listeners_serve_vsock(r->systemd, &(struct vsock_wanted){ but, serves_on, r });
}

/* One of our name that is not ours to remove counts. */
bool other_access_is_open_now(struct run *r)
{
        const struct op *op = op_on(r, SYSTEM_UNIT_DIR "/" UNIT_SOCKET);

        return is_open(r, op && op->phase == PHASE_CLOSE ? UNIT_SOCKET : NULL);
}

bool other_access_is_open(struct run *r)
{
        return handover_gives_back(r) ||
               (other_access_gives_socket_back(r) && other_access_starts(r, UNIT_SOCKET)) ||
               other_access_is_open_now(r);
}

bool other_access_ends(struct run *r)
{
        for (size_t i = 0; i < r->tcp.listeners.n; i++)
                if (other_access_leads_in(r, &r->tcp.listeners.list[i]))
                        return !other_access_lasts(r, &r->tcp.listeners.list[i]);
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
