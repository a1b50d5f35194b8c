/* SPDX-License-Identifier: MIT
 *
 * test_plan_memory.c: each allocation on the way from facts to a printed plan fails once, and none
 * of them unnoticed.
 */
#include "world.h"

#include <errno.h>

static size_t allocations, failing; /* which one fails, from 1; 0: none */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);
int __wrap_asprintf(char **ret, const char *fmt, ...) PRINTF(2, 3);

static bool fails(void)
{
        return ++allocations == failing;
}

void *__wrap_malloc(size_t size)
{
        return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
        return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
        return fails() ? NULL : __real_realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
        return fails() ? NULL : __real_reallocarray(p, n, size);
}

char *__wrap_strdup(const char *s)
{
        return fails() ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t n)
{
        return fails() ? NULL : __real_strndup(s, n);
}

int __wrap_asprintf(char **ret, const char *fmt, ...)
{
        va_list ap;
        int n;

        if (fails())
                return -1;
        va_start(ap, fmt);
        n = vasprintf(ret, fmt, ap);
        va_end(ap);
        return n;
}

/* desired, plan and their words, with the n-th allocation failing; 0 or -ENOMEM, never a crash, and
 * the sanitizer counts what leaks. */
static int make_all(const struct config *c, const struct facts *f, const struct observed *observed,
                    const struct units *u, struct buf *out)
{
        struct desired d = { 0 };
        struct plan p = { 0 };
        int r = c ? desired_make(c, f, &d) : desired_none(f, &d);

        if (r == 0)
                r = plan_make(&d, observed, f, u, &p);
        if (r == 0) {
                plan_print(&p, CLOSING_VERIFIED, out);
                r = out->error;
        }
        plan_free(&p);
        desired_free(&d);
        return r;
}

static void sweep(const struct world *w, const struct config *c)
{
        AUTO(planning_free) struct planning plan = { 0 };
        AUTO_BUF want = BUF_INIT;
        size_t total;

        plan_world(w, c, &plan);
        allocations = 0;
        assert_int_equal(make_all(c, &plan.f, plan.observed, &plan.units, &want), 0);
        total = allocations;
        assert_true(total > 20);
        for (size_t n = 1; n <= total; n++) {
                AUTO_BUF out = BUF_INIT;
                int r;

                allocations = 0;
                failing = n;
                r = make_all(c, &plan.f, plan.observed, &plan.units, &out);
                failing = 0;
                if (r != -ENOMEM)
                        fail_msg("allocation %zu of %zu failed unnoticed: %d", n, total, r);
        }
}

static void test_memory(void **state)
{
        static const char *const configs[] = {
                "disable_tcp: true\nhushlogin: true\n",
                "listen_address: [127.0.0.1, '::1']\nhushlogin: [twin]\n",
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(configs); i++) {
                AUTO(config_free) struct config c = sample_config(configs[i]);
                char *files[] = { text(PATH_SSHD_CONFIG) };
                AUTO(world_free) struct world w = live_world();
                AUTO(planning_free) struct planning plan = { 0 };

                w.base.tcp[TCP_SSH_SOCKET].active = true;
                w.base.sshd_files.list = files;
                w.base.sshd_files.n = 1;
                w.base.dropins = false;
                world_put_text(&w, PATH_HOSTS, "127.0.0.1 localhost\n");
                world_put_text(&w, PATH_SSHD_CONFIG, "ListenAddress ::\nUsePAM yes\n");
                sweep(&w, &c);
                plan_world(&w, &c, &plan);
                for (size_t k = 0; k < plan.p.n; k++)
                        world_run(&w, &plan.p.ops[k]);
                sweep(&w, NULL);
                users_free(&w.base.users);
        }
}

/* Conflicts allocate too. */
static void test_memory_of_conflicts(void **state)
{
        AUTO(world_free) struct world w = live_world();
        AUTO(config_free) struct config c = sample_config("");

        (void)state;
        (void)world_put(&w, UNITS UNIT_SOCKET, OBSERVED_LINK, "/dev/null", 9);
        world_put_text(&w, UNITS UNIT_TEMPLATE, "[Service]\n");
        sweep(&w, &c);
        users_free(&w.base.users);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_memory),
                cmocka_unit_test(test_memory_of_conflicts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
