/* SPDX-License-Identifier: MIT
 *
 * report.c: see report.h. Reads the run as the verbs left it; a part that a verb did not come to is
 * null. Keys never go away or change their meaning: what is new gets a new key.
 */
#include "cli/report.h"

#include "core/util/json.h"

#include <string.h>

static const char *text_or_null(const char *text)
{
        return text[0] ? text : NULL;
}

/* What to do about a cause, with the command that applies this run's configuration. */
static void add_fix(struct json *j, const struct run *r, const char *fix)
{
        AUTO_BUF text = BUF_INIT;

        if (!fix || !fix[0]) {
                json_null(j, "fix");
                return;
        }
        run_add_fix(r, fix, &text);
        json_buf(j, "fix", &text);
}

static void add_error_words(struct json *j, const struct run *r, const char *cause,
                            const char *what, const char *fix)
{
        json_open(j, "error", '{');
        json_string(j, "cause", cause);
        json_string(j, "what", what);
        add_fix(j, r, fix);
        json_close(j, '}');
}

/* The conflict that ended the run; NULL where something else did, as always in a verb that looks at
 * what is in force. */
static const struct conflict *conflict_of(const struct run *r, int status)
{
        enum blocks blocked = plan_blocked(&r->plan);

        if (r->as_it_is || blocked == BLOCKS_NOTHING ||
            (blocked == BLOCKS_CLOSE && (status != EXIT_WORLD || r->error.text[0])))
                return NULL;
        for (size_t k = 0; k < r->plan.n_conflicts; k++)
                if (r->plan.conflicts[k].blocks == blocked)
                        return &r->plan.conflicts[k];
        return NULL;
}

/* Its reason ends with the fix, where there is one. */
static void add_conflict_error(struct json *j, const struct run *r, const struct conflict *c)
{
        static const char mark[] = "; fix: ";
        const char *fix = strstr(c->reason, mark);
        AUTO_BUF text = BUF_INIT;

        buf_addf(&text, "%s%s ", r->root.path, c->path);
        buf_add(&text, c->reason, fix ? (size_t)(fix - c->reason) : strlen(c->reason));
        add_error_words(j, r, "conflict", buf_str(&text), fix ? fix + strlen(mark) : NULL);
}

static void add_run_error(struct json *j, const struct run *r)
{
        add_error_words(j, r, r->error.cause ? causes[r->error.cause].id : NULL, r->error.text,
                        r->error.fix);
}

/* Every status that is a failure has its one error, wherever the run keeps it. What is wrong with
 * the vsock listener comes before the failed job by which it showed; what has a cause of its own,
 * as TCP that stays open, before who gets in, which was asked for its fix. */
static void add_error(struct json *j, const struct run *r, int status)
{
        const struct cause_row *row = &causes[r->verdict.cause];
        const struct conflict *conflict = conflict_of(r, status);

        if (status == EXIT_DONE || status == EXIT_CHANGES) {
                json_null(j, "error");
        } else if (conflict) {
                add_conflict_error(j, r, conflict);
        } else if (r->faults.len > 0) {
                add_error_words(j, r, "configuration", "the configuration has faults",
                                "correct what \"faults\" names");
        } else if (status == EXIT_WORLD && r->error.cause) {
                add_run_error(j, r);
        } else if (r->verified && r->verdict.cause != CAUSE_NONE) {
                add_error_words(j, r, row->id, row->what, run_verdict_fix(r));
        } else if (r->who.known && !r->who.enough) {
                row = &causes[CAUSE_NO_LOGIN];
                add_error_words(j, r, row->id, row->what, run_login_fix(r));
        } else if (r->error.text[0]) {
                add_run_error(j, r);
        } else if (status == EXIT_CLOSED_NOTHING) {
                row = &causes[CAUSE_NO_WAY_TO_HOST];
                add_error_words(j, r, row->id, row->what,
                                r->host_transport.known ? r->host_transport.fix : row->fix);
        } else {
                add_error_words(j, r, NULL, "see the messages on standard error", NULL);
        }
}

static const char *const phases[] = {
        [PHASE_OPEN] = "open",
        [PHASE_ACTIVATE] = "activate",
        [PHASE_CLOSE] = "close",
        [PHASE_EXTRAS] = "extras",
};

static void add_operation(struct json *j, const struct op *op)
{
        AUTO_BUF text = BUF_INIT;

        json_open(j, NULL, '{');
        json_string(j, "phase", phases[op->phase]);
        json_string(j, "kind", op_kind_name(op->kind));
        json_string(j, "name", op->name);
        plan_print_op(op, &text);
        json_buf(j, "text", &text);
        json_bool(j, "done", op->done);
        json_close(j, '}');
}

static void add_configuration(struct json *j, const struct run *r)
{
        static const char *const sources[] = {
                [CONFIG_DEFAULTS] = "defaults",     [CONFIG_FILE] = "file",
                [CONFIG_NAMED] = "named",           [CONFIG_CARRIED] = "carried",
                [CONFIG_CREDENTIAL] = "credential",
        };

        if (!json_open_if(j, "configuration", '{', r->config.verify_timeout && !r->config_hidden))
                return;
        json_string(j, "source", sources[r->source]);
        json_bool(j, "differs", r->config_differs);
        json_close(j, '}');
}

static void add_path(struct json *j, const char *path, const char *reason)
{
        json_open(j, NULL, '{');
        json_string(j, "path", path);
        json_string(j, "reason", reason);
        json_close(j, '}');
}

static void add_operations(struct json *j, const struct run *r)
{
        json_open(j, "operations", '[');
        for (size_t k = 0; k < r->plan.n; k++)
                add_operation(j, &r->plan.ops[k]);
        json_close(j, ']');
        json_open(j, "conflicts", '[');
        for (size_t k = 0; k < r->plan.n_conflicts; k++) {
                AUTO_BUF reason = BUF_INIT;

                run_add_fix(r, r->plan.conflicts[k].reason, &reason);
                add_path(j, r->plan.conflicts[k].path, buf_str(&reason));
        }
        json_close(j, ']');
        json_open(j, "skipped", '[');
        for (size_t k = 0; k < r->plan.n_skipped; k++)
                add_path(j, r->plan.skipped[k].path, r->plan.skipped[k].reason);
        json_close(j, ']');
        json_open(j, "hidden", '[');
        for (size_t k = 0; r->observed && k < r->desired.n; k++)
                if (r->observed[k].hidden)
                        json_string(j, NULL, r->desired.items[k].path);
        json_close(j, ']');
}

static void add_verdict(struct json *j, const struct run *r)
{
        const struct verdict *v = &r->verdict;
        bool answers = v->cause == CAUSE_NONE;

        if (!json_open_if(j, "verification", '{', r->verified))
                return;
        json_bool(j, "answers", answers);
        json_string(j, "cause", answers ? NULL : causes[v->cause].id);
        json_string(j, "what", answers ? NULL : causes[v->cause].what);
        add_fix(j, r, answers ? NULL : run_verdict_fix(r));
        json_string(j, "detail", text_or_null(v->detail));
        json_string(j, "banner", text_or_null(v->ident));
        json_close(j, '}');
}

static void add_account(struct json *j, const struct login *l)
{
        json_open(j, NULL, '{');
        json_string(j, "user", l->user.name);
        json_string(j, "admission", admission_word(l->admission));
        json_number(j, "keys", l->n_keys);
        json_bool(j, "password", l->password);
        json_string(j, "key", text_or_null(l->key));
        json_string(j, "reason", text_or_null(l->reason));
        json_string(j, "fix", text_or_null(l->fix));
        json_close(j, '}');
}

static void add_logins(struct json *j, const struct run *r)
{
        const struct logins *l = &r->who.logins;

        if (!json_open_if(j, "logins", '{', r->who.known))
                return;
        json_bool(j, "enough", r->who.enough);
        json_string(j, "obstacle", text_or_null(l->obstacle));
        json_number(j, "unseen", l->unseen);
        json_open(j, "accounts", '[');
        for (size_t i = 0; i < l->n; i++)
                add_account(j, &l->list[i]);
        json_close(j, ']');
        json_close(j, '}');
}

static void add_host(struct json *j, const struct run *r)
{
        json_string(j, "host_reason", text_or_null(r->host_transport.reason));
        if (!r->host_transport.known) {
                json_null(j, "host_assumed");
                json_null(j, "host");
                return;
        }
        json_bool(j, "host_assumed", r->host_transport.assumed);
        json_open(j, "host", '{');
        json_bool(j, "reachable", r->host_transport.reachable);
        if (r->host_transport.cid)
                json_number(j, "cid", r->host_transport.cid);
        else
                json_null(j, "cid");
        json_close(j, '}');
}

static void add_listener(struct json *j, const struct run *r)
{
        const struct unit_state *s = &r->listener_state;

        if (!json_open_if(j, "door", '{', r->systemd))
                return;
        json_number(j, "port", r->config.port);
        json_string(j, "unit", text_or_null(s->fragment));
        json_bool(j, "listening", run_is_listening(r));
        json_number(j, "accepted", s->accepted);
        json_number(j, "connections", s->connections);
        json_number(j, "refused", s->refused);
        json_close(j, '}');
}

static void add_tcp(struct json *j, const struct run *r)
{
        json_open(j, "tcp", '[');
        for (size_t i = 0; i < N_TCP_UNITS; i++) {
                const struct tcp_unit *t = &r->facts.tcp[i];

                if (!facts_has_unit(t))
                        continue;
                json_open(j, NULL, '{');
                json_string(j, "unit", distro_tcp_units[i]);
                json_bool(j, "active", t->active);
                json_bool(j, "enabled", t->enabled);
                json_bool(j, "masked", t->masked);
                json_bool(j, "masked_by_us", t->ours);
                json_close(j, '}');
        }
        json_close(j, ']');
}

/* What to do about one, where it is open beyond the wanted: what the text says; and where that was
 * not asked, since the plan is about its unit or the run ended before, another run. */
static void add_listener_fix(struct json *j, const struct run *r, const struct tcp_listener *l)
{
        add_fix(j, r,
                l->beyond.len == 0 ? NULL
                : l->cure.len > 0  ? buf_str(&l->cure)
                                   : "sshd-vsock apply");
}

/* What listens in reality, as it is when the run ends. */
static void add_listeners(struct json *j, const struct run *r)
{
        if (!json_open_if(j, "listeners", '[', r->tcp.known))
                return;
        for (size_t i = 0; i < r->tcp.listeners.n; i++) {
                const struct tcp_listener *l = &r->tcp.listeners.list[i];

                json_open(j, NULL, '{');
                json_words(j, "addresses", buf_str(&l->addresses), ' ');
                json_number(j, "pid", (uint64_t)l->pid);
                json_string(j, "unit", text_or_null(l->unit));
                add_listener_fix(j, r, l);
                json_close(j, '}');
        }
        json_close(j, ']');
}

static void add_drop_ins(struct json *j, const struct run *r)
{
        if (!json_open_if(j, "drop_ins", '[', r->drop_ins.known))
                return;
        for (size_t i = 0; i < r->drop_ins.settings.n; i++) {
                json_open(j, NULL, '{');
                json_string(j, "path", r->drop_ins.paths.list[i]);
                json_words(j, "settings", r->drop_ins.settings.list[i], ' ');
                json_close(j, '}');
        }
        json_close(j, ']');
}

/* The system as it was found: after a verb that changes it that would be out of date. */
static void add_found(struct json *j, const struct run *r, bool found)
{
        if (found && r->observed) {
                add_listener(j, r);
                add_tcp(j, r);
                json_open(j, "hushlogin", '[');
                for (size_t k = 0; k < r->desired.n; k++)
                        if (r->desired.items[k].kind == ITEM_FLAG &&
                            r->observed[k].type == OBSERVED_FILE)
                                json_string(j, NULL, r->desired.items[k].path);
                json_close(j, ']');
        } else {
                json_null(j, "door");
                json_null(j, "tcp");
                json_null(j, "hushlogin");
        }
        if (!json_open_if(j, "hosts_entry", '{', r->hosts.known))
                return;
        json_string(j, "address", r->hosts.address);
        json_bool(j, "ours", r->hosts.state == HOSTS_OURS);
        json_bool(j, "used", !r->hosts.bypassed);
        json_close(j, '}');
}

void report_json(const struct run *r, const char *verb, int status, struct buf *out)
{
        struct json j = { .out = BUF_INIT };
        bool changing = verb && (strcmp(verb, "apply") == 0 || strcmp(verb, "remove") == 0);

        json_open(&j, NULL, '{');
        json_string(&j, "version", PROGRAM_VERSION);
        json_string(&j, "verb", verb);
        json_string(&j, "root", r->root.image ? r->options.root : NULL);
        json_number(&j, "exit", (uint64_t)status);
        add_error(&j, r, status);
        json_string(&j, "faults", r->faults.len ? buf_str(&r->faults) : NULL);
        add_configuration(&j, r);
        add_operations(&j, r);
        add_verdict(&j, r);
        add_logins(&j, r);
        add_host(&j, r);
        add_found(&j, r, !changing);
        add_listeners(&j, r);
        add_drop_ins(&j, r);
        if (r->drift.known)
                json_words(&j, "drift", buf_str(&r->drift.lines), '\n');
        else
                json_null(&j, "drift");
        report_client(&j, r);
        json_string(&j, "text", r->text.len ? buf_str(&r->text) : NULL);
        json_close(&j, '}');
        buf_adds(&j.out, "\n");
        buf_add(out, buf_str(&j.out), j.out.len);
        if (j.out.error < 0)
                out->error = j.out.error;
        buf_free(&j.out);
}
