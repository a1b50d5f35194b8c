/* SPDX-License-Identifier: MIT
 *
 * tcp-listeners.c: see tcp-listeners.h. The kernel says which sockets listen, /proc whose they are,
 * systemd which unit that is; only together do they tell a listener from a session, and a name to
 * act on.
 */
#include "host/tcp-listeners.h"

#include "core/format/proc-text.h"
#include "core/plan/sshd-listen.h"
#include "core/util/words.h"
#include "host/port-owner.h"
#include "host/proc.h"
#include "host/sock-diag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct search {
        struct tcp_sockets sockets;
        struct systemd *systemd;
        struct buf held; /* addresses of process 1's */
        struct tcp_listeners found;
};

/* Takes the addresses over. */
static int add_listener(struct tcp_listeners *l, struct buf *addresses, pid_t pid, const char *unit)
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

struct match {
        const struct tcp_sockets *listening;
        struct buf *addresses;
};

static int match_socket(unsigned inode, void *userdata)
{
        const struct match *m = userdata;
        const char *address = tcp_sockets_address(m->listening, inode);

        if (address)
                buf_add_word(m->addresses, address, strlen(address));
        return m->addresses->error;
}

int tcp_listeners_addresses(const struct tcp_sockets *listening, int process, struct buf *ret)
{
        int r = proc_each_socket(process, match_socket, &(struct match){ listening, ret });

        return r == -EACCES ? 0 : r;
}

static int look_at_process(int process, pid_t pid, void *userdata)
{
        struct search *s = userdata;
        AUTO_BUF addresses = BUF_INIT;
        char exe[4096], title[sizeof(s->found.list->title)], text[4096], unit[256];
        int r;

        /* root's alone: whoever reads another's command line waits for his memory, which a file
         * system of his own can hold for ever */
        proc_exe(process, exe, sizeof(exe));
        if (!program_is_sshd(exe))
                return 0;
        proc_read(process, "status", text, sizeof(text));
        if (!process_is_root(text))
                return 0;
        proc_read(process, "cmdline", title, sizeof(title));
        if (!process_is_sshd_listener(exe, title))
                return 0;
        r = tcp_listeners_addresses(&s->sockets, process, &addresses);
        if (r < 0 || addresses.len == 0)
                return r;
        proc_read(process, "cgroup", text, sizeof(text));
        process_unit(text, unit, sizeof(unit));
        r = add_listener(&s->found, &addresses, pid, unit);
        if (r == 0)
                (void)snprintf(s->found.list[s->found.n - 1].title, sizeof(title), "%s", title);
        return r;
}

/* Where process 1 may not be looked at, whatever listens may be its own. */
static int find_held(struct search *s)
{
        AUTO_CLOSE int process = proc_open(1);
        struct match m = { &s->sockets, &s->held };
        int r = process < 0 ? -EACCES : proc_each_socket(process, match_socket, &m);

        for (size_t i = 0; r == -EACCES && i < s->sockets.n; i++)
                buf_add_word(&s->held, s->sockets.list[i].address,
                             strlen(s->sockets.list[i].address));
        return r == -EACCES ? s->held.error : r;
}

/* systemd calls a socket listening that it has no descriptor of any more, and another may have the
 * address by then, so the kernel is asked, which names no scope. */
static bool is_real(const struct search *s, const char *address, size_t len)
{
        const char *scope = memchr(address, '%', len), *held = buf_str(&s->held);
        size_t n = scope ? (size_t)(scope - address) : len;

        for (struct word w; word_next(&held, ' ', &w);)
                if (w.len >= n && memcmp(w.text, address, n) == 0 && (scope || w.len == n))
                        return true;
        return false;
}

static bool starts_sshd(struct systemd *m, const char *socket)
{
        char program[256];

        systemd_socket_program(m, socket, program, sizeof(program));
        return program_is_sshd(program);
}

/* Those of a socket unit that are TCP: a path, "@name" and "vsock:" begin otherwise. */
static int look_at_unit(const struct socket_unit *unit, void *userdata)
{
        struct search *s = userdata;
        AUTO_BUF addresses = BUF_INIT;
        const char *at = unit->streams;
        int r;

        for (struct word w; word_next(&at, ' ', &w);)
                if ((w.text[0] == '[' || (w.text[0] >= '0' && w.text[0] <= '9')) &&
                    is_real(s, w.text, w.len))
                        buf_add_word(&addresses, w.text, w.len);
        if (addresses.len == 0 || !starts_sshd(s->systemd, unit->name))
                return 0;
        r = add_listener(&s->found, &addresses, 1, unit->name);
        if (r == 0)
                s->found.list[s->found.n - 1].vsock = strstr(unit->streams, "vsock:") != NULL;
        return r;
}

/* What keeps a unit from listening, now and later, by where its file is. */
static const char *command_of(struct systemd *m, const char *unit, const struct unit_state *s)
{
        static const struct {
                const char *directory, *command;
        } table[] = {
                { "/run/systemd/transient/", "stop" },      /* systemd-run: gone with that */
                { "/run/systemd/generator", "mask --now" }, /* systemd.ssh_listen= */
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (strncmp(s->fragment, table[i].directory, strlen(table[i].directory)) == 0)
                        return table[i].command;
        return systemd_verb_to_end(m, unit, s);
}

/* A unit's main process ends with the unit. Whatever else is in its cgroup was started by hand or
 * by a script: cloud-init's unit must not be disabled for an sshd that its runcmd left behind. */
static void find_fix(struct systemd *m, struct tcp_listener *l)
{
        const char *quote = strchr(l->unit, '\\') ? "'" : ""; /* systemd's own escapes: \x2d */
        bool lasting = l->unit[0] && !text_ends(l->unit, ".scope");
        struct unit_state s = { 0 };

        l->owned = lasting && systemd_unit(m, l->unit, &s, NULL) == 0 &&
                   (l->pid == 1 || s.main_pid == (uint32_t)l->pid);
        if (l->owned)
                (void)snprintf(l->fix, sizeof(l->fix), "systemctl %s %s%s%s",
                               command_of(m, l->unit, &s), quote, l->unit, quote);
        else if (lasting)
                (void)snprintf(l->fix, sizeof(l->fix),
                               "\"kill %d\", and see to it that %s does not start it again",
                               (int)l->pid, l->unit);
        else
                (void)snprintf(l->fix, sizeof(l->fix), "kill %d", (int)l->pid);
}

int tcp_listeners_find(struct systemd *m, struct tcp_listeners *ret, struct error *error)
{
        struct search s = { .systemd = m };
        int r = sock_diag_tcp(&s.sockets);

        if (r == -ENOENT)
                (void)error_say(error, r,
                                "cannot see who listens on TCP: the kernel does not tell "
                                "(CONFIG_INET_DIAG)");
        if (r == 0)
                r = proc_each(look_at_process, &s);
        if (r == 0)
                r = find_held(&s);
        if (r == 0)
                r = systemd_each_socket(m, look_at_unit, &s, error);
        tcp_sockets_free(&s.sockets);
        buf_free(&s.held);
        if (r < 0) {
                tcp_listeners_free(&s.found);
                return error_set(error, r, "cannot see who listens on TCP");
        }
        for (size_t i = 0; i < s.found.n; i++)
                find_fix(m, &s.found.list[i]);
        *ret = s.found;
        return 0;
}

void tcp_listeners_free(struct tcp_listeners *l)
{
        for (size_t i = 0; i < l->n; i++) {
                buf_free(&l->list[i].addresses);
                buf_free(&l->list[i].beyond);
                buf_free(&l->list[i].cure);
        }
        free(l->list);
        *l = (struct tcp_listeners){ 0 };
}

void listener_describe(const struct tcp_listener *l, const struct buf *addresses, struct buf *out)
{
        listen_few(buf_str(addresses ? addresses : &l->addresses), out);
        buf_adds(out, " (");
        if (l->unit[0])
                buf_addf(out, "%s, ", l->unit);
        if (l->pid == 1)
                buf_adds(out, "systemd)");
        else
                buf_addf(out, "process %d)", (int)l->pid);
}

/* Nothing is sent; what cannot be tried is taken for here. */
bool tcp_listeners_is_here(const char *host)
{
        struct sockaddr_in v4 = { .sin_family = AF_INET };
        struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
        bool ipv6 = strchr(host, ':') != NULL;
        AUTO_CLOSE int fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        if (inet_pton(ipv6 ? AF_INET6 : AF_INET, host,
                      ipv6 ? (void *)&v6.sin6_addr : (void *)&v4.sin_addr) != 1 ||
            fd < 0)
                return true;
        return bind(fd, ipv6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4,
                    ipv6 ? sizeof(v6) : sizeof(v4)) == 0 ||
               errno != EADDRNOTAVAIL;
}

struct vsock_search {
        struct systemd *systemd;
        const struct vsock_wanted *wanted;
};

static bool counts(const struct vsock_search *s, const char *socket)
{
        char service[256] = "";
        struct unit_state state = { 0 };

        return systemd_socket_service(s->systemd, socket, service, sizeof(service), NULL) == 0 &&
               systemd_unit(s->systemd, service, &state, NULL) == 0 &&
               s->wanted->counts(s->wanted->userdata, socket, service, state.fragment);
}

static int find_vsock(const struct socket_unit *unit, void *userdata)
{
        const struct vsock_search *s = userdata;
        const char *at = strstr(unit->streams, "vsock:");
        char text[96];

        if (!at || (s->wanted->but && strcmp(unit->name, s->wanted->but) == 0) ||
            !starts_sshd(s->systemd, unit->name) || !counts(s, unit->name))
                return 0;
        at = memrchr(at, ':', strcspn(at, " "));
        return port_owner_find((uint32_t)strtoul(at + 1, NULL, 10), text, sizeof(text)) ==
               PORT_OWNER_SYSTEMD;
}

bool tcp_listeners_serve_vsock(struct systemd *m, const struct vsock_wanted *wanted)
{
        return systemd_each_socket(m, find_vsock, &(struct vsock_search){ m, wanted }, NULL) > 0;
}
