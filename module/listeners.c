/* SPDX-License-Identifier: MIT
 *
 * listeners.c: see listeners.h. The kernel says which sockets listen, /proc whose they are, systemd
 * which unit that is; only together do they tell a listener from a session, and a name to act on.
 */
#include "listeners.h"

#include "proc.h"
#include "procwords.h"
#include "sockdiag.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct tcp_socket {
        unsigned inode;
        char address[64];
};

struct search {
        struct tcp_socket *sockets;
        size_t n;
        struct listeners found;
        struct buf addresses; /* of the process that is looked at */
};

static int add_socket(unsigned inode, const char *address, void *userdata)
{
        struct search *s = userdata;
        struct tcp_socket *sockets = reallocarray(s->sockets, s->n + 1, sizeof(*sockets));

        if (!sockets)
                return -ENOMEM;
        s->sockets = sockets;
        sockets[s->n].inode = inode;
        (void)snprintf(sockets[s->n].address, sizeof(sockets->address), "%s", address);
        s->n++;
        return 0;
}

static void add_address(struct buf *b, const char *address, size_t len)
{
        buf_adds(b, b->len ? " " : "");
        buf_add(b, address, len);
}

/* Takes the addresses over. */
static int add_listener(struct listeners *l, struct buf *addresses, pid_t pid, const char *unit)
{
        struct tcp_listener *list;

        if (addresses->error < 0)
                return addresses->error;
        list = reallocarray(l->list, l->n + 1, sizeof(*list));
        if (!list)
                return -ENOMEM;
        l->list = list;
        list += l->n++;
        *list = (struct tcp_listener){ .addresses = *addresses, .pid = pid };
        *addresses = (struct buf)BUF_INIT;
        (void)snprintf(list->unit, sizeof(list->unit), "%s", unit);
        return 0;
}

static int match_socket(unsigned inode, void *userdata)
{
        struct search *s = userdata;

        for (size_t i = 0; i < s->n; i++)
                if (s->sockets[i].inode == inode)
                        add_address(&s->addresses, s->sockets[i].address,
                                    strlen(s->sockets[i].address));
        return 0;
}

static int look_at_process(int process, pid_t pid, void *userdata)
{
        struct search *s = userdata;
        char exe[4096], title[256], cgroup[4096], unit[256];
        int r;

        proc_exe(process, exe, sizeof(exe));
        proc_read(process, "cmdline", title, sizeof(title));
        if (!process_is_sshd_listener(exe, title))
                return 0;
        r = proc_each_socket(process, match_socket, s);
        if (r < 0 || s->addresses.len == 0)
                return r;
        proc_read(process, "cgroup", cgroup, sizeof(cgroup));
        process_unit(cgroup, unit, sizeof(unit));
        return add_listener(&s->found, &s->addresses, pid, unit);
}

/* Those of a socket unit that are TCP: a path, "@name" and "vsock:" begin otherwise. */
static int look_at_unit(const struct socket_unit *unit, void *userdata)
{
        struct search *s = userdata;
        AUTO_BUF addresses = BUF_INIT;

        if (!program_is_sshd(unit->program))
                return 0;
        for (const char *at = unit->streams; *at;) {
                size_t n = strcspn(at, " ");

                if (at[0] == '[' || (at[0] >= '0' && at[0] <= '9'))
                        add_address(&addresses, at, n);
                at += n + (at[n] == ' ');
        }
        return addresses.len ? add_listener(&s->found, &addresses, 1, unit->name) : 0;
}

/* What keeps a unit from listening, now and later, by where its file is. */
static const char *command_of(const struct unit_state *s)
{
        static const struct {
                const char *folder, *command;
        } table[] = {
                { "/run/systemd/transient/", "stop" },      /* systemd-run: gone with that */
                { "/run/systemd/generator", "mask --now" }, /* systemd.ssh_listen= */
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (strncmp(s->fragment, table[i].folder, strlen(table[i].folder)) == 0)
                        return table[i].command;
        return "disable --now";
}

/* A unit's main process ends with the unit. Whatever else is in its cgroup was started by hand or
 * by a script: cloud-init's unit must not be disabled for an sshd that its runcmd left behind. */
static void find_fix(struct manager *m, struct tcp_listener *l)
{
        const char *quote = strchr(l->unit, '\\') ? "'" : ""; /* systemd's own escapes: \x2d */
        size_t len = strlen(l->unit);
        bool lasting = len > 6 && strcmp(l->unit + len - 6, ".scope") != 0;
        struct unit_state s = { 0 };
        struct why why = { 0 };

        if (lasting && manager_unit(m, l->unit, &s, &why) == 0 &&
            (l->pid == 1 || s.main_pid == (uint32_t)l->pid))
                (void)snprintf(l->fix, sizeof(l->fix), "systemctl %s %s%s%s", command_of(&s), quote,
                               l->unit, quote);
        else if (lasting)
                (void)snprintf(l->fix, sizeof(l->fix),
                               "kill %d, and see to it that %s does not start it again",
                               (int)l->pid, l->unit);
        else
                (void)snprintf(l->fix, sizeof(l->fix), "kill %d", (int)l->pid);
}

int listeners_find(struct manager *m, struct listeners *ret, struct why *why)
{
        struct search s = { 0 };
        int r = sockdiag_tcp(add_socket, &s);

        if (r == -ENOENT)
                (void)why_say(why, r,
                              "cannot see who listens on TCP: the kernel does not tell "
                              "(CONFIG_INET_DIAG)");
        if (r == 0)
                r = proc_each(look_at_process, &s);
        if (r == 0)
                r = manager_each_socket(m, look_at_unit, &s, why);
        free(s.sockets);
        buf_free(&s.addresses);
        if (r < 0) {
                listeners_free(&s.found);
                return why_set(why, r, "cannot see who listens on TCP");
        }
        for (size_t i = 0; i < s.found.n; i++)
                find_fix(m, &s.found.list[i]);
        *ret = s.found;
        return 0;
}

void listeners_free(struct listeners *l)
{
        for (size_t i = 0; i < l->n; i++)
                buf_free(&l->list[i].addresses);
        free(l->list);
        *l = (struct listeners){ 0 };
}

void listener_describe(const struct tcp_listener *l, struct buf *out)
{
        buf_addf(out, "%s (", buf_str(&l->addresses));
        if (l->unit[0])
                buf_addf(out, "%s, ", l->unit);
        if (l->pid == 1)
                buf_adds(out, "systemd)");
        else
                buf_addf(out, "process %d)", (int)l->pid);
}
