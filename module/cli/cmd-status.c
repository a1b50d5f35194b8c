/* SPDX-License-Identifier: MIT
 *
 * cmd-status.c: one screen for a person: the vsock listener, its verification, TCP, the hosts
 * entry, hushlogin, and what drifted from the configuration. Reads; changes nothing.
 */
#include "cli/run.h"

#include "cli/drop-ins.h"
#include "cli/tcp-reality.h"
#include "core/plan/sshd-listen.h"
#include "core/util/printable.h"
#include "host/check/diagnose.h"
#include "host/sshd-query.h"

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

static void add_listener(struct run *r)
{
        const struct unit_state *s = &r->listener_state;
        struct buf *b = &r->text;

        if (!r->systemd) {
                buf_adds(b, "vsock   not checked: this is an image\n");
                return;
        }
        if (!s->loaded) {
                buf_addf(b, "vsock   none: %s is %s\n", r->listener,
                         s->masked ? "masked" : "not installed");
                return;
        }
        buf_addf(b, "vsock   %s on port %u (%s)\n", s->active ? "listening" : "not listening",
                 r->config.port, s->fragment);
        buf_addf(b, "        %u open now, %u accepted, %u refused\n", s->connections, s->accepted,
                 s->refused);
}

static void add_drop_ins(struct run *r)
{
        for (size_t i = 0; i < r->drop_ins.settings.n; i++)
                add_line(&r->text, "        changed by %s: %s", r->drop_ins.paths.list[i],
                         r->drop_ins.settings.list[i]);
}

static void add_not_verified(struct run *r, const struct cause_row *row)
{
        buf_addf(&r->text, "verify  failed: %s; fix: ", row->what);
        run_add_fix(r, run_verdict_fix(r), &r->text);
        buf_adds(&r->text, "\n");
}

static void add_verification(struct run *r)
{
        const struct verdict *v = &r->verdict;

        if (!r->verified) {
                buf_adds(&r->text, "verify  not checked: this is an image\n");
                return;
        }
        if (v->cause == CAUSE_NONE)
                buf_addf(&r->text, "verify  %s, just now\n", v->ident);
        else if (v->cause == CAUSE_NO_LOOPBACK)
                buf_adds(&r->text,
                         "verify  not possible without vsock_loopback, which \"sshd-vsock "
                         "verify\" loads where there is one\n");
        else
                add_not_verified(r, &causes[v->cause]);
        run_find_host_transport(r);
        if (!r->host_transport.reachable)
                buf_addf(&r->text, "host    no vsock transport leads to a host: %s\n",
                         r->host_transport.reason);
        else if (r->host_transport.assumed)
                buf_addf(&r->text, "host    taken from host_transport: assume, though %s\n",
                         r->host_transport.reason);
        else if (r->host_transport.cid)
                buf_addf(&r->text, "host    reaches this machine as CID %u\n",
                         r->host_transport.cid);
        else
                buf_adds(&r->text, "host    reaches this machine by its VM id\n");
}

static void add_logins(struct run *r)
{
        const struct logins *l = &r->who.logins;
        struct error error = { 0 };
        const char *word = "logins  ";

        if (r->facts.anybody) {
                buf_adds(&r->text, "logins  for root to see\n");
                return;
        }
        if (!r->verified || r->verdict.cause != CAUSE_NONE) {
                buf_addf(&r->text, "logins  not checked: %s\n",
                         r->verified ? "no SSH server was seen to answer" : "this is an image");
                return;
        }
        if (r->config.require == REQUIRE_UNCHECKED) {
                buf_adds(&r->text, "logins  not checked (require_login: unchecked)\n");
                return;
        }
        if (run_find_logins(r, &error) < 0)
                add_line(&r->text, "%s%s", word, error.text);
        else if (!r->who.enough)
                add_line(&r->text, "%snot enough for require_login%s%s", word,
                         l->obstacle[0] ? ": " : "", l->obstacle);
        if (!r->who.enough)
                word = "        ";
        for (size_t i = 0; i < l->n; i++) {
                const struct login *a = &l->list[i];

                if (a->n_keys == 0 && !a->password && a->admission == ADMISSION_NO &&
                    r->config.require != REQUIRE_USERS)
                        continue;
                add_line(&r->text, "%s%s: %s%s%s%s", word, a->user.name,
                         admission_word(a->admission), a->reason[0] ? " (" : "", a->reason,
                         a->reason[0] ? ")" : "");
                word = "        ";
        }
}

static void add_tcp(struct run *r)
{
        const char *word = "tcp     ";

        for (size_t i = 0; i < N_TCP_UNITS; i++) {
                const struct tcp_unit *t = &r->facts.tcp[i];

                if (!t->vendor && !t->foreign)
                        continue;
                buf_addf(&r->text, "%s%s: %s\n", word, distro_tcp_units[i],
                         t->ours      ? "closed (masked by sshd-vsock)"
                         : t->masked  ? "closed (not masked by sshd-vsock)"
                         : t->active  ? "open"
                         : t->enabled ? "enabled"
                                      : "not in use");
                word = "        ";
        }
        if (word[0] == 't')
                buf_adds(&r->text, "tcp     no unit of sshd listens on TCP here\n");
}

/* What sshd would listen on by itself; a TCP socket unit has addresses of its own. */
static void add_addresses(struct run *r)
{
        AUTO_BUF effective = BUF_INIT, addresses = BUF_INIT;
        struct error error = { 0 };

        if (!r->systemd || !r->facts.sshd)
                return;
        if (r->facts.anybody) {
                buf_adds(&r->text, "        sshd_config: for root to see\n");
                return;
        }
        if (sshd_effective_untouched(r->facts.sshd, &r->facts.sshd_options, &effective, &error) <
            0) {
                add_line(&r->text, "        sshd_config: %s", error.text);
                return;
        }
        listen_addresses(buf_str(&effective), &addresses);
        buf_addf(&r->text, "        sshd_config: %s\n", buf_str(&addresses));
}

/* What listens in reality, by whichever unit or hand. */
static void add_listeners(struct run *r)
{
        if (!r->systemd)
                return;
        if (r->facts.anybody) {
                buf_adds(&r->text, "        listening: for root to see\n");
                return;
        }
        tcp_look(r);
        if (r->tcp.known && r->tcp.listeners.n == 0)
                buf_adds(&r->text, "        listening: no sshd\n");
        for (size_t i = 0; i < r->tcp.listeners.n; i++) {
                AUTO_BUF text = BUF_INIT;

                listener_describe(&r->tcp.listeners.list[i], NULL, &text);
                add_line(&r->text, "        listening: %s", buf_str(&text));
        }
        if (r->tcp.missing.len > 0)
                buf_addf(&r->text, "        not listening: %s\n", buf_str(&r->tcp.missing));
}

static void look_at_hosts(struct run *r)
{
        AUTO_FREE char *text = NULL;
        size_t len = 0;

        r->hosts.known =
                rootfs_read(&r->root, PATH_HOSTS, ROOTFS_FILE_MAX, &text, &len, NULL) < 0 ||
                hosts_file_inspect(text, len, &r->hosts.state, &r->hosts.address) == 0;
}

static void add_hosts(struct run *r)
{
        look_at_hosts(r);
        if (r->hosts.address)
                buf_addf(&r->text, "hosts   UNKNOWN is %s%s\n", r->hosts.address,
                         r->hosts.state == HOSTS_OURS ? "" : ", not by sshd-vsock");
        else
                buf_adds(&r->text, "hosts   UNKNOWN is not in /etc/hosts\n");
}

/* Whether somebody goes without who is to have one. */
static bool add_hushlogin(struct run *r)
{
        AUTO_BUF gone = BUF_INIT;
        unsigned n = 0;

        buf_adds(&r->text, "hush    ");
        for (size_t k = 0; k < r->desired.n; k++) {
                const struct item *i = &r->desired.items[k];

                if (i->kind == ITEM_FLAG && r->observed[k].type == OBSERVED_FILE)
                        buf_addf(&r->text, "%s%s", n++ ? " " : "", i->path);
        }
        buf_adds(&r->text, n ? "\n" : "nobody\n");
        for (size_t k = 0; k < r->plan.n_skipped; k++)
                add_line(&r->text, "        out of reach: %s (%s)", r->plan.skipped[k].path,
                         r->plan.skipped[k].reason);
        if (r->facts.users_unread && r->config.hushlogin != HUSHLOGIN_OFF) {
                add_line(&r->text, "        %s%s", "nobody knows whose: ", r->facts.unread);
                return true;
        }
        if (!run_lacks_users(r, &gone))
                return r->plan.n_skipped > 0;
        buf_addf(&r->text, "        no such user: %s\n", buf_str(&gone));
        return true;
}

static void add_drift(struct run *r)
{
        const char *word = "drift   ";
        bool deferred = r->root.image && !r->options.no_verify;

        for (size_t k = 0; k < r->plan.n_conflicts; k++, word = "        ")
                add_line(&r->text, "%s%s %s", word, r->plan.conflicts[k].path,
                         r->plan.conflicts[k].reason);
        for (size_t k = 0; k < r->plan.n; k++, word = "        ") {
                const struct op *op = &r->plan.ops[k];

                buf_adds(&r->text, word);
                op_describe(op, &r->text);
                buf_adds(&r->text, deferred && op->phase == PHASE_CLOSE
                                           ? " (left to the first boot)\n"
                                           : "\n");
        }
        tcp_add_drift(r, &word);
        if (r->config_differs && !r->options.config) {
                buf_addf(&r->text, "%s%s is not in force: another configuration came by --config\n",
                         word, CONFIG_PATH_DEFAULT);
                word = "        ";
        }
        if (word[0] == 'd')
                buf_adds(&r->text, "drift   none\n");
}

int cmd_status(struct run *r)
{
        int status = run_begin_for_anybody(r);
        bool lacks;

        r->as_it_is = true;
        r->quietly = true;
        r->homes = HOMES_ASKED;
        if (status == EXIT_DONE)
                status = run_compare(r);
        if (status != EXIT_DONE)
                return status;

        if (r->root.image && run_report_program(r) < 0)
                return run_fail(r);
        if (r->systemd) {
                run_find_verdict(r, &r->verdict);
                r->verified = true;
        }
        if (drop_ins_find(r) < 0)
                return run_fail(r);
        add_listener(r);
        add_drop_ins(r);
        add_verification(r);
        add_logins(r);
        add_tcp(r);
        add_addresses(r);
        add_listeners(r);
        add_hosts(r);
        lacks = add_hushlogin(r);
        add_drift(r);
        run_report_hidden(r);
        if (r->config_differs && !r->options.config)
                return EXIT_CHANGES;
        if (run_has_changes(r) || lacks || r->plan.n_conflicts > 0 || tcp_has_drift(r))
                return EXIT_CHANGES;
        return !r->verified || r->verdict.cause == CAUSE_NONE ||
                               r->verdict.cause == CAUSE_NO_LOOPBACK
                       ? EXIT_DONE
                       : EXIT_CLOSED_NOTHING;
}
