/* SPDX-License-Identifier: MIT
 *
 * test_transitions.c: from every configuration to every other, through every prefix of every plan,
 * whatever is wrong with the door: who reaches sshd over TCP, now and after a boot? Never anybody
 * who neither could before nor should in the end; and nobody loses his way in while nothing is
 * proven.
 */
#include "full.h"
#include "model.h"

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
        if (m->v->live && !s->shut && !clients_now(m) && !m->listener[0])
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
        if (m->w.units.socket.active && !m->listener[0])
                (void)snprintf(m->listener, sizeof(m->listener), "%s", m->w.units.socket.listen);
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
        s->shut = !s->now && !m->listener[0];
        s->what = "nothing";
}

static void expect_end(const struct step *s, const struct model *m)
{
        unsigned now = clients_now(m), boot = clients_after_boot(m);
        bool listener = targets[s->to].yaml != NULL;

        if (s->condition == GOOD && ((m->v->live && now != s->wanted) || boot != s->wanted))
                fail_step(s, "not what is wanted", now);
        if (m->v->live && listener && !m->listener[0])
                fail_step(s, "no door", 0);
}

/* ---- what was walked already ------------------------------------------------------------------
 */

/* What follows from a state is always the same, and many a run leaves one that another has left:
 * each is walked from once. */
static uint64_t walked[1 << 15];

static bool is_new(const struct model *m, int question)
{
        uint64_t key = mix(model_hash(m), &question, sizeof(question)) | 1;
        size_t i = key % ELEMENTSOF(walked);

        for (size_t n = 0; walked[i] != key; n++, i = (i + 1) % ELEMENTSOF(walked)) {
                assert_true(n < ELEMENTSOF(walked) / 2);
                if (walked[i] == 0) {
                        walked[i] = key;
                        return true;
                }
        }
        return false;
}

/* ... and a second run does nothing, or what was held back again. */
static void expect_done(struct step *s, struct model *m)
{
        AUTO(planning_free) struct planning again = { 0 };
        struct step same = *s;

        if (!is_new(m, (int)(1 + s->to * N_CONDITIONS + s->condition)))
                return;
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
        AUTO(planning_free) struct planning plan = { 0 };

        begin(&s, &m);
        (void)walk(&m, &s, &plan, SIZE_MAX);
        expect_end(&s, &m);
        return m;
}

static void walk_pair(const struct variant *v, enum condition condition, size_t from, size_t to,
                      const struct model *start)
{
        AUTO(model_free) struct model m = model_copy(start);
        AUTO(planning_free) struct planning plan = { 0 };
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
 * boot would, or to one that somebody chose meanwhile. In every run each next configuration meets
 * one of the conditions, and the next kill another one. */
static void walk_killed(const struct variant *v, size_t from, size_t to, const struct model *start)
{
        for (size_t k = 0;; k++) {
                AUTO(model_free) struct model killed = model_copy(start);
                AUTO(planning_free) struct planning plan = { 0 };
                struct step s = { v, GOOD, from, to, 0, 0, 0, false, "" };

                begin(&s, &killed);
                if (walk(&killed, &s, &plan, k))
                        return;
                if (!is_new(&killed, 0))
                        continue;
                for (size_t next = 0; next < ELEMENTSOF(targets); next++)
                        for (enum condition c = GOOD; c <= DEAD_LISTENER; c++)
                                if (is_full() || c == (k + next) % (DEAD_LISTENER + 1))
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
