/* SPDX-License-Identifier: MIT
 *
 * world.h: a system in memory: files, systemd's view of our units, TCP units that run. It shows
 * itself as facts and objects the way survey.c would, and does what a plan's operations say the way
 * apply.c would.
 */
#pragma once

#include "core/plan/plan.h"
#include "core/plan/render.h"
#include "sample.h"

#define WORLD_MAX 64
#define UNITS     SYSTEM_UNIT_DIR "/"

struct entry {
        char *path;
        struct observed o;
};

struct world {
        struct entry entries[WORLD_MAX];
        size_t n;
        struct facts base; /* what no operation changes */
        struct units units;
        bool no_home; /* /home/admin is not there */
};

/* A Debian 12 that runs, with nothing of ours. The caller frees base.users. */
static inline struct world live_world(void)
{
        struct world w = { .base = sample_facts() };

        w.base.live = true;
        w.base.virt = VIRT_OTHER;
        w.base.tcp[TCP_SSH_SERVICE].active = true;
        return w;
}

static inline void world_free(struct world *w)
{
        for (size_t i = 0; i < w->n; i++) {
                observed_free(&w->entries[i].o);
                free(w->entries[i].path);
        }
        w->n = 0;
}

static inline struct observed copy_object(const struct observed *o)
{
        struct observed copy = *o;

        copy.data = o->data ? malloc(o->len + 1) : NULL;
        if (o->data)
                memcpy(copy.data, o->data, o->len + 1);
        return copy;
}

static inline struct world world_copy(const struct world *w)
{
        struct world copy = *w;

        for (size_t i = 0; i < w->n; i++)
                copy.entries[i] =
                        (struct entry){ strdup(w->entries[i].path), copy_object(&w->entries[i].o) };
        return copy;
}

static inline struct entry *world_entry(const struct world *w, const char *path)
{
        for (size_t i = 0; i < w->n; i++)
                if (strcmp(w->entries[i].path, path) == 0)
                        return (struct entry *)(uintptr_t)&w->entries[i];
        return NULL;
}

static inline bool world_has(const struct world *w, const char *path)
{
        return world_entry(w, path) != NULL;
}

static inline void world_remove(struct world *w, const char *path)
{
        struct entry *e = world_entry(w, path);

        if (!e)
                return;
        observed_free(&e->o);
        free(e->path);
        *e = w->entries[--w->n];
}

static inline struct observed *world_put(struct world *w, const char *path, enum observed_type type,
                                         const char *data, size_t len)
{
        struct entry *e;

        world_remove(w, path);
        assert_true(w->n < WORLD_MAX);
        e = &w->entries[w->n++];
        e->path = strdup(path);
        e->o = (struct observed){ .type = type, .len = len, .mode = 0644 };
        e->o.data = malloc(len + 1);
        memcpy(e->o.data, data, len);
        e->o.data[len] = '\0';
        return &e->o;
}

static inline void world_put_text(struct world *w, const char *path, const char *content)
{
        (void)world_put(w, path, OBSERVED_FILE, content, strlen(content));
}

static inline bool world_is_masked(const struct world *w, const char *unit)
{
        const struct entry *e;
        char path[128];

        (void)snprintf(path, sizeof(path), UNITS "%s", unit);
        e = world_entry(w, path);
        return e && e->o.type == OBSERVED_LINK && strcmp(e->o.data, "/dev/null") == 0;
}

static inline unsigned world_joint(const struct world *w)
{
        const struct entry *preset = world_entry(w, PATH_PRESET);

        return preset ? preset_closed(preset->o.data, preset->o.len) : 0;
}

/* What survey.c would find; borrows from the world. */
static inline struct facts world_facts(const struct world *w)
{
        struct facts f = w->base;

        f.joint_preset = world_joint(w);
        for (size_t i = 0; i < N_TCP_UNITS; i++) {
                f.tcp[i].masked = world_is_masked(w, distro_tcp_units[i]);
                f.tcp[i].recorded = (f.joint_preset & (1u << i)) ||
                                    world_has(w, record_of(distro_tcp_units[i]));
                f.tcp[i].ours = f.tcp[i].masked && f.tcp[i].recorded;
        }
        return f;
}

static inline struct observed *world_observe(const struct world *w, const struct desired *d)
{
        struct observed *observed = calloc(d->n, sizeof(*observed));

        for (size_t i = 0; i < d->n; i++) {
                const char *path = d->items[i].path;
                const struct entry *e = world_entry(w, path);

                if (e)
                        observed[i] = copy_object(&e->o);
                else if (w->no_home && strncmp(path, "/home/", 6) == 0)
                        observed[i] =
                                (struct observed){ .type = OBSERVED_NO_DIRECTORY, .what = "gone" };
        }
        return observed;
}

static inline struct unit_state *world_unit(struct world *w, const char *unit)
{
        if (strcmp(unit, UNIT_SOCKET) == 0)
                return &w->units.socket;
        if (strcmp(unit, UNIT_KEYGEN) == 0)
                return &w->units.keygen;
        if (strcmp(unit, UNIT_HOSTKEYS) == 0)
                return &w->units.hostkeys;
        if (strcmp(unit, UNIT_CREDENTIAL) == 0)
                return &w->units.credential;
        return strcmp(unit, UNIT_PROVISION) == 0 ? &w->units.provision : NULL;
}

static inline void world_touch(struct world *w, const struct op *op)
{
        struct unit_state *u = world_unit(w, basename(op->name));

        if (u && u->loaded && (op->item->flags & ITEM_UNIT))
                u->needs_reload = true;
}

/* What systemd then has as the socket's address. */
static inline void world_read_listen(struct world *w, const char *path)
{
        const struct entry *e = world_entry(w, path);
        const char *at = e ? strstr(e->o.data, "\nListenStream=") : NULL;

        w->units.socket.listen[0] = '\0';
        if (at && sscanf(at, "\nListenStream=%511[^\n]", w->units.socket.listen) != 1)
                fail_msg("an empty ListenStream=");
}

/* … and of a TCP socket's, which is everywhere without a drop-in of ours. */
static inline void world_read_dropin(struct world *w, size_t unit)
{
        struct tcp_unit *t = &w->base.tcp[unit];
        AUTO_BUF b = BUF_INIT;
        const struct entry *e;
        char path[128];

        (void)snprintf(path, sizeof(path), UNITS "%s.d/" SOCKET_DROPIN, distro_tcp_units[unit]);
        e = world_entry(w, path);
        t->dropin = e != NULL;
        t->needs_reload = false;
        for (const char *at = e ? e->o.data : ""; (at = strstr(at, "ListenStream="));) {
                at += strlen("ListenStream=");
                if (*at != '\n')
                        buf_addf(&b, "%s%.*s", b.len ? " " : "", (int)strcspn(at, "\n"), at);
        }
        (void)snprintf(t->listen, sizeof(t->listen), "%s", e ? buf_str(&b) : "[::]:22");
}

static inline void world_reload(struct world *w)
{
        static const char *const names[] = { UNIT_SOCKET, UNIT_KEYGEN, UNIT_PROVISION };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                struct unit_state *u = world_unit(w, names[i]);
                char path[128];

                (void)snprintf(path, sizeof(path), UNITS "%s", names[i]);
                u->loaded = world_has(w, path);
                u->needs_reload = false;
                (void)snprintf(u->fragment, sizeof(u->fragment), "%s", u->loaded ? path : "");
                if (u == &w->units.socket)
                        world_read_listen(w, path);
        }
        world_read_dropin(w, TCP_SSH_SOCKET);
        world_read_dropin(w, TCP_SSHD_SOCKET);
}

/* A job; systemd refuses to start what it does not know or what is masked. */
static inline void world_job(struct world *w, const struct op *op)
{
        struct unit_state *ours = world_unit(w, op->name);
        bool starts = op->kind != OP_STOP;

        if (ours) {
                assert_true(!starts || ours->loaded);
                assert_true(!starts || !ours->needs_reload);
                /* keys are made by a run that ends, not by one that stays */
                ours->active = starts && ours != &w->units.keygen;
                if (starts && ours == &w->units.keygen)
                        w->base.n_host_keys = 3;
                return;
        }
        for (size_t i = 0; i < N_TCP_UNITS; i++)
                if (strcmp(op->name, distro_tcp_units[i]) == 0) {
                        assert_true(!starts || !world_is_masked(w, op->name));
                        assert_true(op->kind != OP_REFRESH || w->base.tcp[i].active);
                        w->base.tcp[i].active = starts;
                        return;
                }
        fail_msg("no such unit: %s", op->name);
}

static inline void world_run(struct world *w, const struct op *op)
{
        struct observed *o;

        switch (op->kind) {
        case OP_WRITE:
                o = world_put(w, op->name, OBSERVED_FILE, op->content, op->len);
                o->mode = op->mode;
                o->uid = op->uid;
                o->gid = op->gid;
                world_touch(w, op);
                return;
        case OP_LINK:
                (void)world_put(w, op->name, OBSERVED_LINK, op->content, op->len);
                return;
        case OP_UNLINK:
                world_touch(w, op);
                world_remove(w, op->name);
                return;
        case OP_MODULE:
                for (size_t i = 0; i < N_MODULES; i++)
                        if (strcmp(distro_transports[i].module, op->name) == 0)
                                w->base.loaded |= 1u << i;
                return;
        case OP_RELOAD:
                world_reload(w);
                return;
        default:
                world_job(w, op);
        }
}

/* All that a plan is made of and borrows from. */
struct planning {
        struct facts f;
        struct desired d;
        struct observed *observed;
        struct units units;
        struct plan p;
};

static inline void planning_free(struct planning *p)
{
        plan_free(&p->p);
        for (size_t i = 0; p->observed && i < p->d.n; i++)
                observed_free(&p->observed[i]);
        free(p->observed);
        desired_free(&p->d);
}

/* Towards the configuration, or with NULL towards nothing of ours. The plan borrows from *ret, so
 * that is where it has to stay. */
static inline void plan_world(const struct world *w, const struct config *c, struct planning *ret)
{
        *ret = (struct planning){ .f = world_facts(w), .units = w->units };
        assert_int_equal(c ? desired_make(c, &ret->f, &ret->d) : desired_none(&ret->f, &ret->d), 0);
        ret->observed = world_observe(w, &ret->d);
        assert_int_equal(plan_make(&ret->d, ret->observed, &ret->f,
                                   w->base.live ? &ret->units : NULL, &ret->p),
                         0);
}

/* The operations of the plan, one a line, as a user sees them while they run. */
static inline void describe(const struct plan *p, struct buf *out)
{
        for (size_t k = 0; k < p->n; k++) {
                buf_addf(out, "%c ", "oac"[p->ops[k].phase]);
                op_describe(&p->ops[k], out);
                buf_adds(out, "\n");
        }
}

/* A live Debian 12 on which `yaml` was applied and runs. */
static inline struct world settled_world(const char *yaml)
{
        AUTO(config_free) struct config c = sample_config(yaml);
        AUTO(planning_free) struct planning plan = { 0 };
        struct world w = live_world();

        plan_world(&w, &c, &plan);
        for (size_t k = 0; k < plan.p.n; k++)
                world_run(&w, &plan.p.ops[k]);
        return w;
}

/* What the change to `yaml` needs besides the files; NULL: to remove everything. The world goes. */
static inline void expect_units(struct world *w, const char *yaml, const char *want)
{
        struct config c = sample_config(yaml ? yaml : "");
        AUTO(planning_free) struct planning plan = { 0 };
        AUTO_BUF b = BUF_INIT;

        plan_world(w, yaml ? &c : NULL, &plan);
        for (size_t k = 0; k < plan.p.n; k++) {
                if (plan.p.ops[k].item)
                        continue;
                buf_addf(&b, "%c ", "oac"[plan.p.ops[k].phase]);
                op_describe(&plan.p.ops[k], &b);
                buf_adds(&b, "\n");
        }
        config_free(&c);
        users_free(&w->base.users);
        world_free(w);
        assert_string_equal(buf_str(&b), want);
}

#define RELOAD         "a systemctl daemon-reload\n"
#define START_SOCKET   "a systemctl start sshd-vsock.socket\n"
#define RESTART_SOCKET "a systemctl restart sshd-vsock.socket\n"
