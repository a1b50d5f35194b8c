/* SPDX-License-Identifier: MIT
 *
 * report.c: see report.h. Reads the run as the verbs left it; a part that a verb did not come to is
 * null. Keys never go away or change their meaning: what is new gets a new key.
 */
#include "report.h"

#include "json.h"

#include <errno.h>
#include <string.h>

/* Each part of the text as an element of the array that is open. */
static void add_words(struct json *j, const char *text, const char *separator)
{
        while (*text) {
                size_t n = strcspn(text, separator);

                json_bytes(j, NULL, text, n);
                text += n + (text[n] != '\0');
        }
}

static void add_error_words(struct json *j, const char *cause, const char *what, const char *fix)
{
        json_open(j, "error", '{');
        json_string(j, "cause", cause);
        json_string(j, "what", what);
        json_string(j, "fix", fix && fix[0] ? fix : NULL);
        json_close(j, '}');
}

/* The row of a cause whose words were said; details may follow them in parentheses. */
static const char *cause_of(const char *what)
{
        for (size_t i = 0; i < N_CAUSES; i++) {
                size_t n = strlen(causes[i].what);

                if (strncmp(causes[i].what, what, n) == 0 &&
                    (what[n] == '\0' || strncmp(what + n, " (", 2) == 0))
                        return causes[i].id;
        }
        return NULL;
}

/* Every status that is a failure has its one error, wherever the run keeps it. What is wrong with
 * the door comes before the failed job by which it showed. */
static void add_error(struct json *j, const struct run *r, int status)
{
        const struct cause_row *row = &causes[r->verdict.cause];
        AUTO_BUF text = BUF_INIT;

        if (status == EXIT_DONE || status == EXIT_CHANGES) {
                json_null(j, "error");
        } else if (r->plan.n_conflicts > 0) {
                buf_addf(&text, "%s%s %s", r->root.path, r->plan.conflicts[0].path,
                         r->plan.conflicts[0].reason);
                add_error_words(j, "conflict", buf_str(&text), NULL);
        } else if (r->faults.len > 0) {
                add_error_words(j, "configuration", "the configuration has faults",
                                "mend what \"faults\" names");
        } else if (r->verified && r->verdict.cause != CAUSE_NONE) {
                add_error_words(j, row->id, row->what, row->fix);
        } else if (r->why.text[0]) {
                add_error_words(j, cause_of(r->why.text), r->why.text, r->why.fix);
        } else if (status == EXIT_CLOSED_NOTHING) {
                row = &causes[CAUSE_NO_WAY_TO_HOST];
                add_error_words(j, row->id, row->what, row->fix);
        } else {
                add_error_words(j, NULL, "see the messages on standard error", NULL);
        }
}

static const char *const phases[] = {
        [PHASE_OPEN] = "open",
        [PHASE_ACTIVATE] = "activate",
        [PHASE_CLOSE] = "close",
};

static void add_operation(struct json *j, const struct run *r, size_t at)
{
        const struct op *op = &r->plan.ops[at];
        AUTO_BUF text = BUF_INIT;

        json_open(j, NULL, '{');
        json_string(j, "phase", phases[op->phase]);
        json_string(j, "kind", op_kind_name(op->kind));
        json_string(j, "name", op->name);
        plan_print_op(&r->plan, at, &text);
        json_bytes(j, "text", buf_str(&text), text.len);
        if (text.error < 0)
                j->out.error = text.error;
        json_bool(j, "done", op->done);
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
                add_operation(j, r, k);
        json_close(j, ']');
        json_open(j, "conflicts", '[');
        for (size_t k = 0; k < r->plan.n_conflicts; k++)
                add_path(j, r->plan.conflicts[k].path, r->plan.conflicts[k].reason);
        json_close(j, ']');
        json_open(j, "skipped", '[');
        for (size_t k = 0; k < r->plan.n_skipped; k++)
                add_path(j, r->plan.skipped[k].path, r->plan.skipped[k].reason);
        json_close(j, ']');
}

static void add_verdict(struct json *j, const struct run *r)
{
        const struct verdict *v = &r->verdict;
        bool answers = v->cause == CAUSE_NONE;

        if (!r->verified) {
                json_null(j, "verification");
                return;
        }
        json_open(j, "verification", '{');
        json_bool(j, "answers", answers);
        json_string(j, "cause", answers ? NULL : causes[v->cause].id);
        json_string(j, "what", answers ? NULL : causes[v->cause].what);
        json_string(j, "fix", answers ? NULL : causes[v->cause].fix);
        json_string(j, "detail", v->detail[0] ? v->detail : NULL);
        json_string(j, "banner", v->ident[0] ? v->ident : NULL);
        json_close(j, '}');
}

static void add_host(struct json *j, const struct run *r)
{
        if (!r->way.known) {
                json_null(j, "host");
                return;
        }
        json_open(j, "host", '{');
        json_bool(j, "reachable", r->way.reachable);
        if (r->way.cid)
                json_number(j, "cid", r->way.cid);
        else
                json_null(j, "cid");
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

/* What listens in reality, as it is when the run ends. */
static void add_listeners(struct json *j, const struct run *r)
{
        if (!r->tcp.known) {
                json_null(j, "listeners");
                return;
        }
        json_open(j, "listeners", '[');
        for (size_t i = 0; i < r->tcp.listeners.n; i++) {
                const struct tcp_listener *l = &r->tcp.listeners.list[i];

                json_open(j, NULL, '{');
                json_open(j, "addresses", '[');
                add_words(j, buf_str(&l->addresses), " ");
                json_close(j, ']');
                json_number(j, "pid", (uint64_t)l->pid);
                json_string(j, "unit", l->unit[0] ? l->unit : NULL);
                json_string(j, "fix", l->fix);
                json_close(j, '}');
        }
        json_close(j, ']');
}

/* The system as it was found: after a verb that changes it that would be out of date. */
static void add_found(struct json *j, const struct run *r, bool found)
{
        if (found && r->objects) {
                add_door(j, r);
                add_tcp(j, r);
                json_open(j, "hushlogin", '[');
                for (size_t k = 0; k < r->desired.n; k++)
                        if (r->desired.items[k].kind == ITEM_FLAG &&
                            r->objects[k].type == OBJECT_FILE)
                                json_string(j, NULL, r->desired.items[k].path);
                json_close(j, ']');
        } else {
                json_null(j, "door");
                json_null(j, "tcp");
                json_null(j, "hushlogin");
        }
        if (!r->hosts.known) {
                json_null(j, "hosts_entry");
                return;
        }
        json_open(j, "hosts_entry", '{');
        json_string(j, "address", r->hosts.address);
        json_bool(j, "ours", r->hosts.state == HOSTS_OURS);
        json_close(j, '}');
}

static void add_way(struct json *j, const struct client *c, enum client_way way)
{
        AUTO_BUF host = BUF_INIT, stanza = BUF_INIT;

        client_host(c, way, &host);
        client_stanza(c, way, &stanza);
        json_open(j, NULL, '{');
        json_string(j, "id", client_way_id(way));
        json_string(j, "about", client_way_about(way));
        json_string(j, "host", buf_str(&host));
        json_string(j, "ssh_config", buf_str(&stanza));
        json_close(j, '}');
        if (host.error < 0 || stanza.error < 0)
                j->out.error = -ENOMEM;
}

static void add_client(struct json *j, const struct run *r)
{
        const struct client *c = &r->client_side.client;
        AUTO_BUF guid = BUF_INIT, key = BUF_INIT, alias = BUF_INIT;

        if (!r->client_side.known) {
                json_null(j, "client");
                return;
        }
        client_guid(c->port, &guid);
        client_registry_key(c, &key);
        buf_addf(&alias, "%s.vsock", c->name);
        json_open(j, "client", '{');
        json_string(j, "name", c->name);
        json_string(j, "host_key_alias", buf_str(&alias));
        json_number(j, "port", c->port);
        json_string(j, "guid", buf_str(&guid));
        json_string(j, "registry_key", client_is_registered(c) ? buf_str(&key) : NULL);
        json_open(j, "ways", '[');
        for (unsigned way = 0; way < N_WAYS; way++)
                if (client_has_way(c, way))
                        add_way(j, c, way);
        json_close(j, ']');
        json_open(j, "known_hosts", '[');
        add_words(j, buf_str(&r->client_side.known_hosts), "\n");
        json_close(j, ']');
        json_close(j, '}');
        if (guid.error < 0 || key.error < 0 || alias.error < 0)
                j->out.error = -ENOMEM;
}

void report_json(const struct run *r, const char *verb, int status, struct buf *out)
{
        struct json j = { .out = BUF_INIT };
        bool changing = verb && (strcmp(verb, "apply") == 0 || strcmp(verb, "remove") == 0);

        json_open(&j, NULL, '{');
        json_string(&j, "version", PROGRAM_VERSION);
        json_string(&j, "verb", verb);
        json_string(&j, "root", r->root.image ? r->root.path : NULL);
        json_number(&j, "exit", (uint64_t)status);
        add_error(&j, r, status);
        json_string(&j, "faults", r->faults.len ? buf_str(&r->faults) : NULL);
        add_operations(&j, r);
        add_verdict(&j, r);
        add_host(&j, r);
        add_found(&j, r, !changing);
        add_listeners(&j, r);
        add_client(&j, r);
        json_string(&j, "text", r->text.len ? buf_str(&r->text) : NULL);
        json_close(&j, '}');
        buf_adds(&j.out, "\n");
        buf_add(out, buf_str(&j.out), j.out.len);
        if (j.out.error < 0)
                out->error = j.out.error;
        buf_free(&j.out);
}
