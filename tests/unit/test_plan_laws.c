/* SPDX-License-Identifier: MIT
 *
 * test_plan_laws.c: what holds of every plan, on random systems and configurations: nobody is
 * locked out by any prefix of it, a second run has nothing to do, a run that was killed is finished
 * by the next, and removal gives every byte back.
 */
#include "world.h"

#define ROUNDS 400

/* ---- random systems -------------------------------------------------------------------------- */

static uint32_t seed;

static uint32_t pick(uint32_t below)
{
        seed = seed * 1664525U + 1013904223U;
        return (seed >> 8) % below;
}

static struct config random_config(void)
{
        static const char *const ports[] = { "", "", "port: 2222\n", "port: 4294967294\n" };
        static const char *const tcp[] = { "", "disable_tcp: true\n", "disable_tcp: true\n",
                                           "listen_address: 127.0.0.1\n",
                                           "listen_address: ['::1', '10.0.0.1:2200']\n" };
        static const char *const hush[] = { "", "hushlogin: true\n", "hushlogin: [root, twin]\n",
                                            "hushlogin: [admin]\n" };
        static const char *const hosts[] = { "", "", "hosts_entry: false\n",
                                             "hosts_entry: 10.0.0.1\n" };
        AUTO_BUF b = BUF_INIT;

        buf_addf(&b, "%s%s%s%s", ports[pick(ELEMENTSOF(ports))], tcp[pick(ELEMENTSOF(tcp))],
                 hush[pick(ELEMENTSOF(hush))], hosts[pick(ELEMENTSOF(hosts))]);
        return sample_config(buf_str(&b));
}

/* A unit that is masked by somebody else may not run; one that is not there cannot. */
static void random_tcp(struct world *w, size_t i)
{
        struct tcp_unit *t = &w->base.tcp[i];
        char path[128];

        t->vendor = pick(3) > 0;
        t->enabled = t->vendor && pick(2);
        t->active = w->base.live && t->vendor && pick(2);
        if (!t->vendor || pick(6))
                return;
        (void)snprintf(path, sizeof(path), UNITS "%s", distro_tcp_units[i]);
        (void)world_put(w, path, OBSERVED_LINK, "/dev/null", 9);
        t->active = false;
}

static void random_files(struct world *w)
{
        static const char *const hosts[] = { "127.0.0.1 localhost\n", "",
                                             "::1 localhost\n10.0.0.1 UNKNOWN\n",
                                             "127.0.0.1\tlocalhost\n127.0.0.1\tUNKNOWN" };
        static const char *const sshd[] = { "Port 22\n", "ListenAddress 0.0.0.0\n", "",
                                            ("#ListenAddress ::\nListenAddress ::\n"
                                             "Match User x\n  X11Forwarding no") };

        if (pick(5))
                world_put_text(w, PATH_HOSTS, hosts[pick(ELEMENTSOF(hosts))]);
        for (size_t i = 0; i < w->base.sshd_files.n; i++)
                world_put_text(w, w->base.sshd_files.list[i],
                               strncmp(w->base.sshd_files.list[i], "/etc/", 5) != 0
                                       ? sshd[0] /* any other is in the way of closing */
                                       : sshd[pick(ELEMENTSOF(sshd))]);
        if (pick(4) == 0)
                world_put_text(w, "/root/.hushlogin", "");
}

static struct world random_world(void)
{
        static char files[][64] = { PATH_SSHD_CONFIG, "/etc/ssh/sshd_config.d/50-cloud-init.conf",
                                    PATH_SSHD_CONFIG_VENDOR };
        static char *names[] = { files[0], files[1], files[2] };
        static const unsigned versions[] = { 0, 247, 252, 257, 262 };
        struct world w = { .base = sample_facts(), .no_home = pick(3) == 0 };
        struct facts *f = &w.base;

        f->live = pick(4) > 0;
        f->virt = f->live ? (enum virt)(1 + pick(N_VIRTS - 1)) : VIRT_UNKNOWN;
        f->modules = pick(1u << N_MODULES);
        f->systemd_version = versions[pick(ELEMENTSOF(versions))];
        f->environments = pick(1u << N_SSHD_ENVIRONMENTS);
        f->dropins = pick(2);
        f->sshd_config = true;
        f->sshd_files.list = names;
        f->sshd_files.n = 1 + pick(3);
        f->n_host_keys = pick(3);
        for (size_t i = 0; i < N_TCP_UNITS; i++)
                random_tcp(&w, i);
        random_files(&w);
        return w;
}

/* ---- the safety property --------------------------------------------------------------------- */

static bool is_ours(const struct world *w, const char *path)
{
        const struct entry *e = world_entry(w, path);

        return e && e->o.type == OBSERVED_FILE &&
               strncmp(e->o.data, FILE_MARKER, strlen(FILE_MARKER)) == 0;
}

/* All that a connection needs is there, now and after a boot. */
static bool listener_is_whole(const struct world *w)
{
        return w->base.generated_listener ||
               (is_ours(w, UNITS UNIT_KEYGEN) && is_ours(w, UNITS UNIT_TEMPLATE) &&
                is_ours(w, UNITS UNIT_SOCKET) &&
                world_has(w, UNITS "sockets.target.wants/" UNIT_SOCKET));
}

/* Whether TCP is closed in any way that was not there in `before`. */
static bool tcp_is_closed(const struct world *before, const struct world *w)
{
        for (size_t i = 0; i < N_TCP_UNITS; i++)
                if (world_is_masked(w, distro_tcp_units[i]) &&
                    !world_is_masked(before, distro_tcp_units[i]))
                        return true;
        return false;
}

/* A mask of ours that has no record would be foreign from then on, and stay for good. */
static bool masks_are_recorded(const struct world *before, const struct world *w)
{
        struct facts f = world_facts(w);

        for (size_t i = 0; i < N_TCP_UNITS; i++)
                if (f.tcp[i].masked && !f.tcp[i].ours &&
                    !world_is_masked(before, distro_tcp_units[i]))
                        return false;
        return true;
}

static bool is_tcp_unit(const char *name)
{
        for (size_t i = 0; i < N_TCP_UNITS; i++)
                if (strcmp(name, distro_tcp_units[i]) == 0)
                        return true;
        return false;
}

static void expect_order(const struct plan *p)
{
        for (size_t k = 0; k < p->n; k++) {
                const struct op *op = &p->ops[k];

                assert_true(k == 0 || p->ops[k - 1].phase <= op->phase);
                if (op->kind == OP_LINK && strcmp(op->content, "/dev/null") == 0)
                        assert_int_equal(op->phase, PHASE_CLOSE);
                /* before the proof a TCP unit stops only to start anew */
                if (op->kind == OP_STOP && is_tcp_unit(op->name) && op->phase != PHASE_CLOSE) {
                        assert_true(k + 1 < p->n);
                        assert_int_equal(p->ops[k + 1].kind, OP_RESTART);
                }
                /* the socket of the door goes only where something else answers */
                if (op->kind == OP_STOP && strcmp(op->name, UNIT_SOCKET) == 0)
                        assert_true(op->phase == PHASE_CLOSE);
        }
}

/* Runs the plan, looking around after every operation. `before` is how the system was before we
 * ever came. */
static void run_safely(struct world *w, const struct world *before, const struct plan *p)
{
        for (size_t k = 0; k < p->n; k++) {
                world_run(w, &p->ops[k]);
                if (tcp_is_closed(before, w) && !listener_is_whole(w))
                        fail_msg("seed %u: locked out after %s", seed, p->ops[k].name);
                if (!masks_are_recorded(before, w))
                        fail_msg("seed %u: mask without record after %s", seed, p->ops[k].name);
        }
}

static void expect_nothing_to_do(const struct world *w, const struct config *c)
{
        AUTO(planning_free) struct planning again = { 0 };
        AUTO_BUF b = BUF_INIT;

        plan_world(w, c, &again);
        describe(&again.p, &b);
        if (again.p.n > 0 || again.p.n_conflicts > 0)
                fail_msg("seed %u: there is still to do: %s", seed, buf_str(&b));
}

/* The files alone; `path` tells of a difference. */
static const char *difference(const struct world *a, const struct world *b)
{
        for (size_t i = 0; i < a->n; i++) {
                const struct observed *o = &a->entries[i].o;
                const struct entry *e = world_entry(b, a->entries[i].path);

                if (!e || e->o.type != o->type || e->o.len != o->len || e->o.uid != o->uid ||
                    memcmp(e->o.data, o->data, o->len) != 0)
                        return a->entries[i].path;
        }
        for (size_t i = 0; i < b->n; i++)
                if (!world_has(a, b->entries[i].path))
                        return b->entries[i].path;
        return NULL;
}

/* As 0.1.0 left a system: one preset for all that it had masked, too. */
static void join_presets(struct world *w)
{
        AUTO_BUF b = BUF_INIT;

        if (!is_ours(w, PATH_PRESET))
                return;
        buf_adds(&b, world_entry(w, PATH_PRESET)->o.data);
        for (size_t i = 0; i < N_TCP_UNITS; i++) {
                if (!world_has(w, record_of(distro_tcp_units[i])))
                        continue;
                buf_addf(&b, "disable %s\n", distro_tcp_units[i]);
                world_remove(w, record_of(distro_tcp_units[i]));
        }
        world_put_text(w, PATH_PRESET, buf_str(&b));
}

/* ---- the laws -------------------------------------------------------------------------------- */

/* Through some configurations, then to nothing of ours. */
static void test_there_and_back(void **state)
{
        size_t closed = 0, operations = 0;

        (void)state;
        for (uint32_t round = 0; round < ROUNDS; round++) {
                AUTO(world_free) struct world before = { 0 };
                AUTO(world_free) struct world w = { 0 };

                seed = round;
                before = random_world();
                w = world_copy(&before);
                for (unsigned step = 0; step < 4; step++) {
                        AUTO(config_free) struct config c = random_config();
                        const struct config *towards = step < 3 ? &c : NULL;
                        AUTO(planning_free) struct planning plan = { 0 };

                        if (round % 2)
                                join_presets(&w);
                        plan_world(&w, towards, &plan);
                        assert_int_equal(plan.p.n_conflicts, 0);
                        expect_order(&plan.p);
                        run_safely(&w, &before, &plan.p);
                        expect_nothing_to_do(&w, towards);
                        closed += tcp_is_closed(&before, &w);
                        operations += plan.p.n;
                }
                if (difference(&before, &w) && world_has(&before, PATH_HOSTS))
                        fail_msg("round %u: %s is not what it was", round, difference(&before, &w));
                users_free(&before.base.users);
        }
        /* or the laws were about nothing */
        assert_true(closed > ROUNDS / 4 && operations > 20 * ROUNDS);
}

static void run_all(struct world *w, const struct plan *p)
{
        for (size_t k = 0; k < p->n; k++)
                world_run(w, &p->ops[k]);
}

/* Killed after each operation, towards each configuration and to nothing. */
static void test_killed_anywhere(void **state)
{
        (void)state;
        for (uint32_t round = 0; round < ROUNDS / 8; round++) {
                AUTO(world_free) struct world w = { 0 };
                AUTO(world_free) struct world done = { 0 };
                struct config first, second;
                AUTO(planning_free) struct planning one = { 0 };
                AUTO(planning_free) struct planning two = { 0 };
                const struct config *towards;

                seed = round;
                w = random_world();
                first = random_config();
                second = random_config();
                towards = round % 3 ? &second : NULL;
                plan_world(&w, &first, &one);
                run_all(&w, &one.p);
                if (round % 2)
                        join_presets(&w);
                plan_world(&w, towards, &two);
                done = world_copy(&w);
                run_all(&done, &two.p);
                for (size_t k = 0; k < two.p.n; k++) {
                        AUTO(world_free) struct world killed = world_copy(&w);
                        AUTO(planning_free) struct planning rest = { 0 };

                        for (size_t i = 0; i < k; i++)
                                world_run(&killed, &two.p.ops[i]);
                        plan_world(&killed, towards, &rest);
                        assert_int_equal(rest.p.n_conflicts, 0);
                        run_all(&killed, &rest.p);
                        expect_nothing_to_do(&killed, towards);
                        if (difference(&done, &killed))
                                fail_msg("round %u, killed before %s: %s differs", round,
                                         two.p.ops[k].name, difference(&done, &killed));
                }
                config_free(&first);
                config_free(&second);
                users_free(&w.base.users);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_there_and_back),
                cmocka_unit_test(test_killed_anywhere),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
