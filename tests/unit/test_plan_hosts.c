/* SPDX-License-Identifier: MIT
 *
 * test_plan_hosts.c: the hosts file, which is an extra: nothing about it blocks a plan.
 */
#include "core/format/hosts-file.h"
#include "world.h"

/* The extras: 'w' and 'u' as elsewhere, '!' a conflict that blocks nothing, '.' nothing. */
static char decide_hosts(bool wanted, struct observed o)
{
        struct item i = { .kind = ITEM_HOSTS, .wanted = wanted, .mode = 0644 };
        struct desired d = { .items = &i, .n = 1 };
        struct facts f = { 0 };
        struct plan p;
        char got;

        i.path = text(PATH_HOSTS);
        i.content = text("127.0.0.1");
        i.len = strlen(i.content);
        assert_int_equal(plan_make(&d, &o, &f, NULL, &p), 0);
        assert_int_equal(plan_blocked(&p), BLOCKS_NOTHING);
        got = p.n_conflicts ? '!' : !p.n ? '.' : p.ops[0].kind == OP_WRITE ? 'w' : 'u';
        if (got == 'w' && o.type == OBSERVED_NONE && o.data)
                assert_int_equal(memcmp(p.ops[0].content, o.data, o.len), 0);
        plan_free(&p);
        return got;
}

#define HOSTS_LINE "127.0.0.1 localhost UNKNOWN " HOSTS_MARKER "\n"

static struct observed hosts_file(const char *bytes)
{
        return (struct observed){ .type = OBSERVED_FILE,
                                  .data = text(bytes),
                                  .len = strlen(bytes) };
}

/* What was made of nothing goes again, the factory copy comes first, and nothing is an error. */
static void test_hosts_are_an_extra(void **state)
{
        struct observed unseen = { .type = OBSERVED_OTHER, .unseen = true, .what = "away" };
        struct observed link = { .type = OBSERVED_LINK, .data = text("/run/hosts"), .len = 10 };
        struct observed factory = { .type = OBSERVED_NONE,
                                    .data = text("127.0.0.1 localhost\n"),
                                    .len = 20 };

        (void)state;
        assert_int_equal(decide_hosts(false, hosts_file(HOSTS_CREATED HOSTS_LINE)), 'u');
        assert_int_equal(decide_hosts(false, hosts_file(HOSTS_LINE)), 'w');
        assert_int_equal(decide_hosts(false, hosts_file(HOSTS_CREATED "10.0.0.1 a\n" HOSTS_LINE)),
                         'w');
        assert_int_equal(decide_hosts(true, factory), 'w');
        assert_int_equal(decide_hosts(false, factory), '.');
        assert_int_equal(decide_hosts(true, unseen), '!');
        assert_int_equal(decide_hosts(false, unseen), '.');
        assert_int_equal(decide_hosts(true, link), '!');
        assert_int_equal(decide_hosts(false, link), '.');
        link.ours_behind = true;
        assert_int_equal(decide_hosts(false, link), '!');
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_hosts_are_an_extra) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
