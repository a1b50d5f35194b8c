/* SPDX-License-Identifier: MIT
 *
 * test_transitions.c: from every configuration to every other, through every prefix of every plan,
 * whatever is wrong with the door: who reaches sshd over TCP, now and after a boot? Never anybody
 * who neither could before nor should in the end; and nobody loses his way in while nothing is
 * proven.
 */
#include "world.h"

#include "sshdconf.h"

#define STRAY_FILE "/etc/ssh/sshd_config.d/50-cloud-init.conf"

/* Who reaches sshd: sets of clients, by the address they come to. */
enum {
        LOOP = 1,   /* 127.0.0.1 */
        OTHER = 2,  /* 10.0.0.1 */
        STRAY = 4,  /* 10.0.0.5, where the administrator's own ListenAddress is */
        ALL = 0xff, /* and everybody else */
};

static const struct {
        const char *yaml; /* NULL: remove */
        unsigned wanted;  /* ALL: whatever the system has by itself */
} targets[] = {
        { "", ALL },
        { "listen_address: 127.0.0.1\n", LOOP },
        { "listen_address: 10.0.0.1\n", OTHER },
        { "disable_tcp: true\n", 0 },
        { "port: 2222\n", ALL },
        { "port: 2222\ndisable_tcp: true\n", 0 },
        { NULL, ALL },
};

/* What is wrong; all but the first keep CLOSE from running. */
enum condition { GOOD, DEAD_DOOR, NOBODY_ADMITTED, NO_HOST, OWN_UNIT, N_CONDITIONS };

struct variant {
        const char *name;
        bool live, socket, dropins;
        const char *main, *included;
        unsigned bare; /* who reaches sshd by what the system has itself */
};

static const struct variant variants[] = {
        { "service", true, false, true, "Port 22\n", "UsePAM yes\n", ALL },
        { "strays", true, false, true, "Port 22\n", "ListenAddress 10.0.0.5\n", STRAY },
        { "stray in main", true, false, true, "ListenAddress 10.0.0.5\n", "UsePAM yes\n", STRAY },
        { "block", true, false, false, "UsePAM yes\n", "ListenAddress 10.0.0.5\n", STRAY },
        { "block and stray", true, false, false, "ListenAddress 10.0.0.5\n", "", STRAY },
        { "socket", true, true, true, "Port 22\n", "UsePAM yes\n", ALL },
        { "image", false, false, true, "Port 22\n", "ListenAddress 10.0.0.5\n", STRAY },
        { "image with socket", false, true, true, "Port 22\n", "", ALL },
};

struct model {
        struct world w;
        const struct variant *v;
        unsigned listens[N_TCP_UNITS]; /* what each took when it started */
        unsigned loaded[N_TCP_UNITS];  /* sockets: what systemd has read */
        char door[512];                /* where the door's socket is bound; "": nowhere */
};

static void model_free(struct model *m)
{
        world_free(&m->w);
}

static struct model model_copy(const struct model *m)
{
        struct model copy = *m;

        copy.w = world_copy(&m->w);
        return copy;
}

/* ---- what the files say ---------------------------------------------------------------------- */

static unsigned clients_of(const char *address)
{
        if (strncmp(address, "127.0.0.1", 9) == 0)
                return LOOP;
        if (strncmp(address, "10.0.0.1", 8) == 0)
                return OTHER;
        return strncmp(address, "10.0.0.5", 8) == 0 ? STRAY : ALL;
}

static unsigned file_clients(const struct model *m, const char *path)
{
        AUTO(sshdconf_free) struct sshdconf c = { 0 };
        const struct entry *e = world_entry(&m->w, path);
        unsigned clients = 0;

        if (!e)
                return 0;
        assert_int_equal(sshdconf_scan(e->o.data, e->o.len, &c), 0);
        for (size_t i = 0; i < c.n; i++)
                if (c.items[i].kind == SSHDCONF_LISTEN_ADDRESS)
                        clients |= clients_of(c.items[i].argument);
        return clients;
}

/* sshd adds all addresses up, and listens everywhere where there are none. */
static unsigned service_clients(const struct model *m)
{
        unsigned clients = file_clients(m, PATH_SSHD_CONFIG) | file_clients(m, STRAY_FILE) |
                           (m->v->dropins ? file_clients(m, PATH_SSHD_DROPIN) : 0);

        return clients ? clients : ALL;
}

static unsigned socket_clients(const struct model *m, size_t unit)
{
        const struct entry *e;
        unsigned clients = 0;
        char path[128];

        (void)snprintf(path, sizeof(path), UNITS "%s.d/" SOCKET_DROPIN, layout_tcp_units[unit]);
        e = world_entry(&m->w, path);
        if (!e)
                return ALL;
        for (const char *at = e->o.data; (at = strstr(at, "ListenStream="));) {
                at += strlen("ListenStream=");
                if (*at != '\n')
                        clients |= clients_of(at);
        }
        return clients;
}

static bool is_socket(size_t unit)
{
        return unit == TCP_SSH_SOCKET || unit == TCP_SSHD_SOCKET;
}

/* ---- who gets in ----------------------------------------------------------------------------- */

static unsigned clients_now(const struct model *m)
{
        unsigned clients = 0;

        for (size_t i = 0; i < N_TCP_UNITS; i++)
                clients |= m->w.base.tcp[i].active ? m->listens[i] : 0;
        return clients;
}

static unsigned clients_after_boot(const struct model *m)
{
        unsigned clients = 0;

        for (size_t i = 0; i < N_TCP_UNITS; i++)
                if (m->w.base.tcp[i].enabled && !world_is_masked(&m->w, layout_tcp_units[i]))
                        clients |= is_socket(i) ? socket_clients(m, i) : service_clients(m);
        return clients;
}

/* ---- running --------------------------------------------------------------------------------- */

static size_t unit_of(const char *name)
{
        for (size_t i = 0; i < N_TCP_UNITS; i++)
                if (strcmp(name, layout_tcp_units[i]) == 0)
                        return i;
        return N_TCP_UNITS;
}

/* A service that a socket started has that one's descriptors, and no others. */
static unsigned start_clients(const struct model *m, size_t unit)
{
        if (is_socket(unit))
                return m->loaded[unit];
        return m->w.base.tcp[unit == TCP_SSH_SERVICE ? TCP_SSH_SOCKET : TCP_SSHD_SOCKET].active
                       ? 0
                       : service_clients(m);
}

/* Of a socket whose addresses changed a reload closes those that are gone. */
static void model_reload(struct model *m)
{
        for (size_t i = 0; i < N_TCP_UNITS; i++) {
                if (!is_socket(i))
                        continue;
                m->loaded[i] = socket_clients(m, i);
                if (m->loaded[i] != m->listens[i])
                        m->listens[i] = 0;
        }
        if (strcmp(m->door, m->w.units.socket.listen) != 0)
                m->door[0] = '\0';
}

/* What the survey finds of it. */
static void model_observe(struct model *m)
{
        for (size_t i = 0; i < N_TCP_UNITS; i++) {
                struct tcp_unit *t = &m->w.base.tcp[i];
                unsigned said = is_socket(i) ? m->loaded[i] : service_clients(m);
                unsigned takes = m->listens[i];
                bool fed = !is_socket(i) && m->w.base.tcp[TCP_SSH_SOCKET].active;
                bool elsewhere = (takes & ~said) || (takes != ALL && said == ALL);

                t->needs_reload = is_socket(i) && m->loaded[i] != socket_clients(m, i);
                t->unbound = is_socket(i) && t->active && takes == 0;
                t->stale = STALE_NOT;
                if (!is_socket(i) && t->active && !fed && elsewhere)
                        t->stale = takes != ALL && (said & ~takes) ? STALE_CONFINED : STALE;
        }
}

static void model_run(struct model *m, const struct op *op)
{
        size_t unit = op->item ? N_TCP_UNITS : unit_of(op->name);

        world_run(&m->w, op);
        if (op->kind == OP_RELOAD)
                model_reload(m);
        else if (unit < N_TCP_UNITS)
                m->listens[unit] = op->kind == OP_STOP ? 0 : start_clients(m, unit);
        else if (!op->item && strcmp(op->name, UNIT_SOCKET) == 0)
                (void)snprintf(m->door, sizeof(m->door), "%s",
                               op->kind == OP_STOP ? "" : m->w.units.socket.listen);
        model_observe(m);
}

static struct model model_make(const struct variant *v, enum condition condition)
{
        static char files[][64] = { PATH_SSHD_CONFIG, STRAY_FILE };
        static char *names[] = { files[0], files[1] };
        struct model m = { .v = v };
        struct tcp_unit *service = &m.w.base.tcp[TCP_SSH_SERVICE];
        struct tcp_unit *socket = &m.w.base.tcp[TCP_SSH_SOCKET];

        m.w.base = sample_facts();
        users_free(&m.w.base.users);
        m.w.base.live = v->live;
        m.w.base.virt = v->live ? VIRT_OTHER : VIRT_UNKNOWN;
        m.w.base.dropins = v->dropins;
        m.w.base.sshd_files = names;
        m.w.base.n_sshd_files = ELEMENTSOF(names);
        world_put_text(&m.w, PATH_SSHD_CONFIG, v->main);
        world_put_text(&m.w, STRAY_FILE, v->included);
        *service = *socket = (struct tcp_unit){ .vendor = true };
        (v->socket ? socket : service)->enabled = true;
        if (v->live) {
                socket->active = v->socket;
                service->active = true;
                m.listens[TCP_SSH_SOCKET] = m.loaded[TCP_SSH_SOCKET] = v->socket ? ALL : 0;
                m.listens[TCP_SSH_SERVICE] = v->socket ? 0 : service_clients(&m);
        }
        if (condition == OWN_UNIT) {
                world_put_text(&m.w, UNITS "ssh.service", "[Service]\n");
                service->foreign = true;
        }
        return m;
}

/* ---- the laws -------------------------------------------------------------------------------- */

struct step {
        const struct variant *v;
        enum condition condition;
        size_t from, to;
        unsigned now, boot; /* who got in before */
        unsigned wanted;
        bool shut;        /* nobody got in before, by no door */
        const char *what; /* happened last */
};

static void fail_step(const struct step *s, const char *law, unsigned clients)
{
        fail_msg("%s, condition %d, from \"%s\" to \"%s\", after %s: %s (%x; before %x, after a "
                 "boot %x, wanted %x)",
                 s->v->name, (int)s->condition,
                 targets[s->from].yaml ? targets[s->from].yaml : "nothing",
                 targets[s->to].yaml ? targets[s->to].yaml : "nothing", s->what, law, clients,
                 s->now, s->boot, s->wanted);
}

static void expect_no_wider(const struct step *s, const struct model *m)
{
        unsigned now = clients_now(m), boot = clients_after_boot(m);

        /* a socket that has to restart takes what a boot would: an earlier run opened it so */
        if (now & ~(s->now | s->boot | s->wanted))
                fail_step(s, "wider than before and wanted", now);
        if (boot & ~(s->now | s->boot | s->wanted))
                fail_step(s, "wider than before and wanted, after a boot", boot);
}

/* Before the proof nothing is taken away that is wanted, and never all. */
static void expect_no_narrower(const struct step *s, const struct model *m)
{
        unsigned now = clients_now(m), boot = clients_after_boot(m);

        if ((s->now & s->wanted & ~now) || (s->now && !now))
                fail_step(s, "somebody is locked out", now);
        if ((s->boot & s->wanted & ~boot) || (s->boot && !boot))
                fail_step(s, "somebody is locked out, after a boot", boot);
}

/* Where TCP lets nobody in the door is the only one, and stays. */
static void expect_some_way(const struct step *s, const struct model *m)
{
        if (m->v->live && !s->shut && !clients_now(m) && !m->door[0])
                fail_step(s, "nobody gets in", 0);
}

/* A reload, and the stops and restarts that it is for: no state to stay in. */
static bool goes_on(const struct plan *p, size_t k)
{
        const struct op *op = &p->ops[k], *next = op + 1;

        if (k + 1 == p->n || op->item || next->item || next->phase != op->phase)
                return false;
        if (next->kind == OP_STOP)
                return goes_on(p, k + 1);
        return next->kind == OP_RESTART &&
               (op->kind == OP_RELOAD || op->kind == OP_STOP || op->kind == OP_RESTART);
}

/* The proof does so where nobody listens: a run was killed between a reload and its restart. */
static void revive(struct model *m)
{
        if (m->w.units.socket.active && !m->door[0])
                (void)snprintf(m->door, sizeof(m->door), "%s", m->w.units.socket.listen);
}

static bool may_close(const struct step *s, const struct model *m, const struct plan *p)
{
        if (plan_blocked(p) != BLOCKS_NOTHING)
                return false;
        if (!targets[s->to].yaml)
                return !m->v->live || clients_now(m);
        return s->condition == GOOD || s->condition == OWN_UNIT;
}

/* At most `limit` operations: less is a run that is killed. False where it was. */
static bool walk(struct model *m, struct step *s, struct planning *plan, size_t limit)
{
        AUTO(config_free) struct config c = { 0 };
        const struct plan *p = &plan->p;

        if (targets[s->to].yaml)
                c = sample_config(targets[s->to].yaml);
        plan_world(&m->w, targets[s->to].yaml ? &c : NULL, plan);
        for (size_t k = 0; k < p->n; k++) {
                bool closes = p->ops[k].phase == PHASE_CLOSE;

                if (k == limit)
                        return false;
                if (closes && (k == 0 || p->ops[k - 1].phase != PHASE_CLOSE)) {
                        revive(m);
                        if (!may_close(s, m, p))
                                return true;
                }
                s->what = p->ops[k].name;
                model_run(m, &p->ops[k]);
                if (goes_on(p, k))
                        continue;
                expect_no_wider(s, m);
                expect_some_way(s, m);
                if (!closes)
                        expect_no_narrower(s, m);
        }
        if (limit == SIZE_MAX && targets[s->to].yaml)
                revive(m);
        return limit > p->n;
}

static void begin(struct step *s, const struct model *m)
{
        s->now = clients_now(m);
        s->boot = clients_after_boot(m);
        s->wanted = targets[s->to].wanted == ALL ? m->v->bare : targets[s->to].wanted;
        s->shut = !s->now && !m->door[0];
        s->what = "nothing";
}

static void expect_end(const struct step *s, const struct model *m)
{
        unsigned now = clients_now(m), boot = clients_after_boot(m);
        bool door = targets[s->to].yaml != NULL;

        if (s->condition == GOOD && ((m->v->live && now != s->wanted) || boot != s->wanted))
                fail_step(s, "not what is wanted", now);
        if (m->v->live && door && !m->door[0])
                fail_step(s, "no door", 0);
}

/* ... and a second run does nothing, or what was held back again. */
static void expect_done(struct step *s, struct model *m)
{
        AUTO(planning_free) struct planning again;
        struct step same = *s;

        begin(&same, m);
        (void)walk(m, &same, &again, SIZE_MAX);
        if (clients_now(m) != same.now || clients_after_boot(m) != same.boot)
                fail_step(&same, "a second run changes something", clients_now(m));
        for (size_t k = 0; k < again.p.n; k++)
                if (again.p.ops[k].phase != PHASE_CLOSE || s->condition == GOOD)
                        fail_step(&same, again.p.ops[k].name, 0);
}

static struct model settled(const struct variant *v, enum condition condition, size_t at)
{
        struct model m = model_make(v, condition);
        struct step s = { v, condition == OWN_UNIT ? OWN_UNIT : GOOD, at, at, 0, 0, 0, false, "" };
        AUTO(planning_free) struct planning plan;

        begin(&s, &m);
        (void)walk(&m, &s, &plan, SIZE_MAX);
        expect_end(&s, &m);
        return m;
}

static void walk_pair(const struct variant *v, enum condition condition, size_t from, size_t to,
                      const struct model *start)
{
        AUTO(model_free) struct model m = model_copy(start);
        AUTO(planning_free) struct planning plan;
        struct step s = { v, condition, from, to, 0, 0, 0, false, "" };

        begin(&s, &m);
        (void)walk(&m, &s, &plan, SIZE_MAX);
        expect_end(&s, &m);
        expect_done(&s, &m);
}

/* Each pair, whatever is wrong. */
static void test_every_pair(void **state)
{
        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(variants); i++)
                for (enum condition c = GOOD; c < N_CONDITIONS; c++)
                        for (size_t from = 0; from < ELEMENTSOF(targets); from++) {
                                AUTO(model_free)
                                struct model m = settled(&variants[i], c, from);

                                for (size_t to = 0; to < ELEMENTSOF(targets); to++)
                                        walk_pair(&variants[i], c, from, to, &m);
                        }
}

/* Killed before each operation, and then on to each configuration: to the same one, as the next
 * boot would, or to one that somebody chose meanwhile. */
static void walk_killed(const struct variant *v, size_t from, size_t to, const struct model *start)
{
        for (size_t k = 0;; k++) {
                AUTO(model_free) struct model killed = model_copy(start);
                AUTO(planning_free) struct planning plan;
                struct step s = { v, GOOD, from, to, 0, 0, 0, false, "" };

                begin(&s, &killed);
                if (walk(&killed, &s, &plan, k))
                        return;
                for (size_t next = 0; next < ELEMENTSOF(targets); next++)
                        for (enum condition c = GOOD; c <= DEAD_DOOR; c++)
                                walk_pair(v, c, from, next, &killed);
        }
}

static void test_killed_on_the_way(void **state)
{
        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(variants); i++)
                for (size_t from = 0; from < ELEMENTSOF(targets); from++) {
                        AUTO(model_free) struct model m = settled(&variants[i], GOOD, from);

                        for (size_t to = 0; to < ELEMENTSOF(targets); to++)
                                walk_killed(&variants[i], from, to, &m);
                }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_pair),
                cmocka_unit_test(test_killed_on_the_way),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
