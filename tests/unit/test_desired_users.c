/* SPDX-License-Identifier: MIT
 *
 * test_desired_users.c: whose .hushlogin is wanted, and whose home is looked at.
 */
#include "items.h"

static void test_hushlogin(void **state)
{
        (void)state;
        {
                AUTO(made_free) struct made m = make("hushlogin: true\n", sample_facts());

                expect_items(&m, LISTENER("o", "+") PROVISION("o", "+") MODULES("o", "+")
                                         HOSTS("o", "+") HUSH("+", "+", "+") LISTEN("o", "-")
                                                 SOCKET_DROPINS("o", "-", "-") PRESET("o", "+"));
                assert_int_equal(find(&m, "/home/admin/.hushlogin")->uid, 1000);
        }
        {
                AUTO(made_free) struct made m = make("hushlogin: [twin, sshd]\n", sample_facts());

                assert_false(find(&m, PATH_SKEL_HUSH)->wanted);
                assert_false(find(&m, "/root/.hushlogin")->wanted);
                /* named is wanted, whether or not he can log in */
                assert_true(find(&m, "/run/sshd/.hushlogin")->wanted);
                /* a shared home is one path, and belongs to the one who wants it */
                assert_true(find(&m, "/home/admin/.hushlogin")->wanted);
                assert_int_equal(find(&m, "/home/admin/.hushlogin")->uid, 1001);
        }
        {
                AUTO(made_free) struct made m = make("hushlogin: [admin]\n", sample_facts());

                /* he who does not want it does not take it from him who does */
                assert_true(find(&m, "/home/admin/.hushlogin")->wanted);
                assert_int_equal(find(&m, "/home/admin/.hushlogin")->uid, 1000);
        }
}

/* Only what writes looks at the homes of those who do not want it. */
static void test_homes_that_are_looked_at(void **state)
{
        struct facts f = sample_facts(), none = sample_facts();

        (void)state;
        f.homes = HOMES_ASKED;
        none.homes = HOMES_NONE;
        {
                AUTO(made_free) struct made m = make("hushlogin: [admin]\n", f);
                AUTO(made_free) struct made n = make("hushlogin: [admin]\n", none);

                assert_true(find(&m, "/home/admin/.hushlogin")->wanted);
                assert_int_equal(find(&m, "/home/admin/.hushlogin")->phase, PHASE_EXTRAS);
                assert_null(find(&m, "/root/.hushlogin"));
                assert_null(find(&n, "/home/admin/.hushlogin"));
        }
}

/* A home in / has no double slash, which would be another path for the same file. */
static void test_home_is_root(void **state)
{
        struct facts f = sample_facts();

        (void)state;
        users_free(&f.users);
        assert_int_equal(users_parse("x:x:0:0::/:/bin/sh\n", 19, &f.users), 0);
        {
                AUTO(made_free) struct made m = make("hushlogin: [x]\n", f);

                assert_true(find(&m, "/.hushlogin")->wanted);
        }
}

/* No path can be made of one that is empty: it would be the root directory's. */
static void test_home_is_empty(void **state)
{
        static const char *const configs[] = { "hushlogin: [x]\n", "hushlogin: true\n", "{}\n" };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(configs); i++) {
                struct facts f = sample_facts();

                users_free(&f.users);
                assert_int_equal(users_parse("x:x:0:0:::/bin/sh\n", 18, &f.users), 0);
                {
                        AUTO(made_free) struct made m = make(configs[i], f);

                        assert_null(find(&m, "/.hushlogin"));
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_hushlogin),
                cmocka_unit_test(test_homes_that_are_looked_at),
                cmocka_unit_test(test_home_is_root),
                cmocka_unit_test(test_home_is_empty),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
