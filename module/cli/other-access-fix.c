/* SPDX-License-Identifier: MIT
 *
 * other-access-fix.c: the part of other-access.h that says what would make another way in. Looks at
 * sshd's files; changes nothing.
 */
#include "cli/other-access-parts.h"

#include "cli/tcp-reality.h"
#include "core/format/sshd-config.h"
#include "core/plan/sshd-listen.h"

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
                if (other_access_lines(r, r->facts.sshd_files[i], &edit, &any))
                        return;
                if (edit.len > 0 && tcp_is_plain(buf_str(&path)))
                        buf_addf(&commands, "sed -i '%s' %s; ", buf_str(&edit), buf_str(&path));
        }
        buf_adds(out, buf_str(&commands));
}

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
