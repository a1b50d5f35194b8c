/* SPDX-License-Identifier: MIT
 *
 * status-text.c: see status-text.h. Words only: what was seen is in the run.
 */
#include "cli/status-text.h"

#include "core/util/printable.h"
#include "core/util/words.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A line that holds text from outside: a newline among them is none of ours. */
static void add_line(struct buf *out, const char *fmt, ...) PRINTF(2, 3);
static void add_line(struct buf *out, const char *fmt, ...)
{
        AUTO_FREE char *text = NULL;
        va_list ap;

        va_start(ap, fmt);
        if (vasprintf(&text, fmt, ap) < 0)
                text = NULL;
        va_end(ap);
        if (text)
                printable_line(out, text, strlen(text));
        else
                out->error = -ENOMEM;
        buf_adds(out, "\n");
}

/* A row that is about a running system keeps its place where there is none. */
static void add_image(struct buf *out, const char *row)
{
        buf_addf(out, "%s not checked: this is an image\n", row);
}

static void add_listener(const struct run *r, struct buf *out)
{
        const struct unit_state *s = &r->listener_state;
        struct buf *b = out;

        if (!r->systemd) {
                add_image(b, "vsock  ");
                return;
        }
        if (!s->loaded && !s->active) {
                buf_addf(b, "vsock   none: %s is %s\n", r->listener,
                         s->masked     ? "masked"
                         : s->rejected ? "refused by systemd"
                                       : "not installed");
                return;
        }
        buf_addf(b, "vsock   %s on port %u (%s)\n",
                 run_is_listening(r) ? "listening" : "not listening", r->config.port, s->fragment);
        if (s->active && !run_is_listening(r))
                add_line(out, "        listening on %s instead", s->listen);
        buf_addf(b, "        %u open now, %u accepted, %u refused\n", s->connections, s->accepted,
                 s->refused);
}

static void add_drop_ins(const struct run *r, struct buf *out)
{
        for (size_t i = 0; i < r->drop_ins.settings.n; i++)
                add_line(out, "        changed by %s: %s", r->drop_ins.paths.list[i],
                         r->drop_ins.settings.list[i]);
}

static void add_not_verified(const struct run *r, const struct cause_row *row, struct buf *out)
{
        buf_addf(out, "verify  failed: %s; fix: ", row->what);
        run_add_fix(r, run_verdict_fix(r), out);
        buf_adds(out, "\n");
}

static void add_verification(const struct run *r, struct buf *out)
{
        const struct verdict *v = &r->verdict;

        if (!r->verified)
                add_image(out, "verify ");
        else if (v->cause == CAUSE_NONE)
                buf_addf(out, "verify  %s, just now\n", v->ident);
        else if (v->cause == CAUSE_NO_LOOPBACK)
                buf_adds(out, "verify  not possible without vsock_loopback, which \"sshd-vsock "
                              "verify\" loads where there is one\n");
        else
                add_not_verified(r, &causes[v->cause], out);
}

static void add_host(const struct run *r, struct buf *out)
{
        if (!r->verified)
                add_image(out, "host   ");
        else if (!r->host_transport.reachable)
                buf_addf(out, "host    none is known to come in over vsock: %s\n",
                         r->host_transport.reason);
        else if (r->host_transport.assumed)
                buf_addf(out, "host    taken from host_transport: assume, though %s\n",
                         r->host_transport.reason);
        else if (r->host_transport.cid)
                buf_addf(out, "host    reaches this machine as CID %u\n", r->host_transport.cid);
        else
                buf_adds(out, "host    reaches this machine by its VM id\n");
}

static void add_logins(const struct run *r, struct buf *out)
{
        const struct logins *l = &r->who.logins;
        const char *word = "logins  ";

        if (r->facts.anybody) {
                buf_adds(out, "logins  for root to see\n");
                return;
        }
        if (!r->verified) {
                add_image(out, "logins ");
                return;
        }
        if (r->verdict.cause != CAUSE_NONE) {
                buf_adds(out, "logins  not checked: no SSH server was seen to answer\n");
                return;
        }
        if (r->config.require == REQUIRE_UNCHECKED) {
                buf_adds(out, "logins  not checked (require_login: unchecked)\n");
                return;
        }
        if (!r->who.known)
                add_line(out, "%s%s", word, r->who.error.text);
        else if (!r->who.enough)
                add_line(out, "%snot enough for require_login%s%s", word,
                         l->obstacle[0] ? ": " : "", l->obstacle);
        if (!r->who.enough)
                word = "        ";
        for (size_t i = 0; i < l->n; i++) {
                const struct login *a = &l->list[i];

                if (a->n_keys == 0 && !a->password && a->admission == ADMISSION_NO &&
                    r->config.require != REQUIRE_USERS)
                        continue;
                add_line(out, "%s%s: %s%s%s%s", word, a->user.name, admission_word(a->admission),
                         a->reason[0] ? " (" : "", a->reason, a->reason[0] ? ")" : "");
                word = "        ";
        }
}

/* A socket unit that runs may listen on vsock alone. */
static const char *open_word(const struct tcp_unit *t)
{
        if (t->streams.n_ports == 0 && t->streams.others.len > 0)
                return "active, not on TCP";
        return t->masked ? "open, though masked" : "open";
}

static void add_tcp(const struct run *r, struct buf *out)
{
        const char *word = "tcp     ";

        for (size_t i = 0; i < N_TCP_UNITS; i++) {
                const struct tcp_unit *t = &r->facts.tcp[i];

                if (!facts_has_unit(t))
                        continue;
                buf_addf(out, "%s%s: %s\n", word, distro_tcp_units[i],
                         t->active ? open_word(t)
                         : t->ours && rivals_mask(&r->facts, distro_tcp_units[i])
                                 ? "masked by sshd-vsock, for the vsock port"
                         : t->ours    ? "closed (masked by sshd-vsock)"
                         : t->masked  ? "closed (not masked by sshd-vsock)"
                         : t->failed  ? "failed"
                         : t->enabled ? "enabled"
                                      : "not in use");
                word = "        ";
        }
        if (word[0] == 't')
                buf_adds(out, "tcp     no unit of sshd listens on TCP here\n");
}

/* What sshd would listen on by itself, a TCP socket unit having addresses of its own; and what
 * listens in reality, by whichever unit or hand. */
static void add_listeners(const struct run *r, struct buf *out)
{
        if (!r->systemd) {
                add_image(out, "        sshd_config:");
                add_image(out, "        listening:");
                return;
        }
        if (r->facts.anybody) {
                buf_adds(out, "        sshd_config: for root to see\n"
                              "        listening: for root to see\n");
                return;
        }
        add_line(out, "        sshd_config: %s", buf_str(&r->tcp.configured));
        if (!r->tcp.known)
                buf_adds(out, "        listening: not known\n");
        else if (r->tcp.listeners.n == 0)
                buf_adds(out, "        listening: no sshd\n");
        for (size_t i = 0; i < r->tcp.listeners.n; i++) {
                AUTO_BUF text = BUF_INIT;

                listener_describe(&r->tcp.listeners.list[i], NULL, &text);
                add_line(out, "        listening: %s", buf_str(&text));
        }
        if (r->tcp.missing.len > 0)
                buf_addf(out, "        not listening: %s\n", buf_str(&r->tcp.missing));
}

static void add_hosts(const struct run *r, struct buf *out)
{
        if (r->hosts.address)
                buf_addf(out, "hosts   UNKNOWN is %s%s%s\n", r->hosts.address,
                         r->hosts.state == HOSTS_OURS ? "" : ", not by sshd-vsock",
                         r->hosts.bypassed
                                 ? "; not used: /etc/nsswitch.conf has no \"files\" before "
                                   "DNS"
                                 : "");
        else
                buf_adds(out, "hosts   UNKNOWN is not in /etc/hosts\n");
}

static void add_hushlogin(const struct run *r, struct buf *out)
{
        AUTO_BUF gone = BUF_INIT, homeless = BUF_INIT;
        unsigned n = 0;

        buf_adds(out, "hush    ");
        for (size_t k = 0; k < r->desired.n; k++) {
                const struct item *i = &r->desired.items[k];

                if (i->kind == ITEM_FLAG && r->observed[k].type == OBSERVED_FILE)
                        buf_addf(out, "%s%s", n++ ? " " : "", i->path);
        }
        buf_adds(out, n ? "\n" : "none of those that hushlogin asks for\n");
        for (size_t k = 0; k < r->plan.n_skipped; k++)
                add_line(out, "        out of reach: %s (%s)", r->plan.skipped[k].path,
                         r->plan.skipped[k].reason);
        if (r->facts.users_unread && r->config.hushlogin != HUSHLOGIN_OFF)
                add_line(out, "        nobody knows whose: %s", r->facts.unread);
        else if (run_lacks_users(r, &gone))
                buf_addf(out, "        no such user: %s\n", buf_str(&gone));
        if (run_lacks_homes(r, &homeless))
                buf_addf(out, "        no home: %s\n", buf_str(&homeless));
}

bool status_lacks_hushlogin(const struct run *r)
{
        AUTO_BUF gone = BUF_INIT;

        return (r->facts.users_unread && r->config.hushlogin != HUSHLOGIN_OFF) ||
               run_lacks_users(r, &gone) || run_lacks_homes(r, &gone) || r->plan.n_skipped > 0;
}

/* Why some go without: one line of it. */
static void add_lacking(const struct run *r, struct buf *out)
{
        AUTO_BUF gone = BUF_INIT, homeless = BUF_INIT;
        const char *before = ": ";

        buf_adds(out, ".hushlogin files that apply cannot make");
        if (r->facts.users_unread || run_lacks_users(r, &gone)) {
                buf_addf(out, "%s%s%s", before,
                         r->facts.users_unread ? "nobody knows whose" : "no such user: ",
                         buf_str(&gone));
                before = "; ";
        }
        if (run_lacks_homes(r, &homeless)) {
                buf_addf(out, "%sno home: %s", before, buf_str(&homeless));
                before = "; ";
        }
        if (r->plan.n_skipped > 0)
                buf_addf(out, "%s%zu out of reach", before, r->plan.n_skipped);
        buf_adds(out, "\n");
}

void status_drift(const struct run *r, struct buf *out)
{
        bool deferred = r->root.image && !r->options.no_verify;

        for (size_t k = 0; k < r->plan.n_conflicts; k++) {
                AUTO_BUF reason = BUF_INIT;

                run_add_fix(r, r->plan.conflicts[k].reason, &reason);
                add_line(out, "%s %s", r->plan.conflicts[k].path, buf_str(&reason));
        }
        for (size_t k = 0; k < r->plan.n; k++) {
                const struct op *op = &r->plan.ops[k];

                op_describe(op, out);
                buf_adds(out, deferred && op->phase == PHASE_CLOSE ? " (left to the first boot)\n"
                                                                   : "\n");
        }
        buf_adds(out, buf_str(&r->tcp.drift));
        if (r->config_differs && !r->options.config)
                buf_adds(out, CONFIG_PATH_DEFAULT
                         " is not in force: another configuration came by --config\n");
        if (status_lacks_hushlogin(r))
                add_lacking(r, out);
}

static void add_drift(const struct run *r, struct buf *out)
{
        const char *word = "drift   ", *at = buf_str(&r->drift.lines);

        for (struct word line; word_next(&at, '\n', &line); word = "        ")
                buf_addf(out, "%s%.*s\n", word, (int)line.len, line.text);
        if (r->drift.lines.len == 0)
                buf_adds(out, "drift   none\n");
}

void status_text(const struct run *r, struct buf *out)
{
        add_listener(r, out);
        add_drop_ins(r, out);
        add_verification(r, out);
        add_host(r, out);
        add_logins(r, out);
        add_tcp(r, out);
        add_listeners(r, out);
        add_hosts(r, out);
        add_hushlogin(r, out);
        add_drift(r, out);
}
