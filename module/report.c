/* SPDX-License-Identifier: MIT
 *
 * report.c: see report.h. Reads the run as the verbs left it; a part that a verb did not come to is
 * null.
 */
#include "report.h"

#include "json.h"

static void add_error(struct json *j, const struct run *r)
{
        if (!r->why.text[0]) {
                json_null(j, "error");
                return;
        }
        json_open(j, "error", '{');
        json_string(j, "what", r->why.text);
        json_string(j, "fix", r->why.fix[0] ? r->why.fix : NULL);
        json_close(j, '}');
}

static const char *const phases[] = {
        [PHASE_OPEN] = "open",
        [PHASE_ACTIVATE] = "activate",
        [PHASE_CLOSE] = "close",
};

static void add_operations(struct json *j, const struct run *r)
{
        json_open(j, "operations", '[');
        for (size_t k = 0; k < r->plan.n; k++) {
                const struct op *op = &r->plan.ops[k];

                json_open(j, NULL, '{');
                json_string(j, "phase", phases[op->phase]);
                json_string(j, "kind", op_kind_name(op->kind));
                json_string(j, "name", op->name);
                json_bool(j, "done", op->done);
                json_close(j, '}');
        }
        json_close(j, ']');
        json_open(j, "conflicts", '[');
        for (size_t k = 0; k < r->plan.n_conflicts; k++) {
                json_open(j, NULL, '{');
                json_string(j, "path", r->plan.conflicts[k].path);
                json_string(j, "reason", r->plan.conflicts[k].reason);
                json_close(j, '}');
        }
        json_close(j, ']');
}

static void add_verdict(struct json *j, const struct run *r)
{
        const struct verdict *v = &r->verdict;

        if (!r->verified) {
                json_null(j, "verification");
                return;
        }
        json_open(j, "verification", '{');
        json_bool(j, "answers", v->cause == CAUSE_NONE);
        json_string(j, "cause", v->cause == CAUSE_NONE ? NULL : causes[v->cause].id);
        json_string(j, "what", v->cause == CAUSE_NONE ? NULL : causes[v->cause].what);
        json_string(j, "fix", v->cause == CAUSE_NONE ? NULL : causes[v->cause].fix);
        json_string(j, "detail", v->detail[0] ? v->detail : NULL);
        json_string(j, "banner", v->ident[0] ? v->ident : NULL);
        json_close(j, '}');
}

static void add_door(struct json *j, const struct run *r)
{
        const struct unit_state *s = &r->units.socket;

        if (!r->manager) {
                json_null(j, "door");
                return;
        }
        json_open(j, "door", '{');
        json_number(j, "port", r->config.port);
        json_string(j, "unit", s->fragment[0] ? s->fragment : NULL);
        json_bool(j, "listening", s->active);
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

                if (!t->vendor && !t->foreign)
                        continue;
                json_open(j, NULL, '{');
                json_string(j, "unit", layout_tcp_units[i]);
                json_bool(j, "active", t->active);
                json_bool(j, "enabled", t->enabled);
                json_bool(j, "masked", t->masked);
                json_bool(j, "masked_by_us", t->ours);
                json_close(j, '}');
        }
        json_close(j, ']');
}

void report_json(const struct run *r, const char *verb, int status, struct buf *out)
{
        struct json j = { .out = BUF_INIT };

        json_open(&j, NULL, '{');
        json_string(&j, "version", PROGRAM_VERSION);
        json_string(&j, "verb", verb);
        json_string(&j, "root", r->root.image ? r->root.path : NULL);
        json_number(&j, "exit", (uint64_t)status);
        add_error(&j, r);
        json_string(&j, "faults", r->faults.len ? buf_str(&r->faults) : NULL);
        add_operations(&j, r);
        add_verdict(&j, r);
        add_door(&j, r);
        add_tcp(&j, r);
        json_string(&j, "text", r->text.len ? buf_str(&r->text) : NULL);
        json_close(&j, '}');
        buf_adds(&j.out, "\n");
        buf_add(out, buf_str(&j.out), j.out.len);
        if (j.out.error < 0)
                out->error = j.out.error;
        buf_free(&j.out);
}
