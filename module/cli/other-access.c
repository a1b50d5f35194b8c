/* SPDX-License-Identifier: MIT
 *
 * other-access.c: see other-access.h. A unit that is enabled, or that systemd calls active while it
 * fails again and again, is no way in; one that the kernel shows listening is.
 */
#include "cli/other-access-parts.h"

#include "cli/handover.h"
#include "core/plan/sshd-listen.h"

#include <string.h>

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

bool other_access_gives_socket_back(struct run *r)
{
        for (size_t k = 0; k < r->plan.n; k++)
                if (r->plan.ops[k].kind == OP_WRITE && r->plan.ops[k].phase == PHASE_CLOSE &&
                    (r->plan.ops[k].item->flags & ITEM_SOCKET))
                        return true;
        return false;
}
