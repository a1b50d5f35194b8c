/* SPDX-License-Identifier: MIT
 *
 * test_sshd_listen.c: sshd's dumps, as 8.4 to 10.4 print them, against what is wanted.
 */
#include "core/plan/sshd-listen.h"
#include "core/util/ip-address.h"
#include "sample.h"

static void expect(const char *yaml, const char *dump, const char *extra, const char *missing)
{
        AUTO(config_free) struct config c = sample_config(yaml);
        AUTO_BUF more = BUF_INIT, less = BUF_INIT;

        listen_compare(&c, dump, &more, &less);
        assert_int_equal(more.error, 0);
        assert_int_equal(less.error, 0);
        assert_string_equal(buf_str(&more), extra);
        assert_string_equal(buf_str(&less), missing);
}

#define HEAD "port 22\naddressfamily any\n"
#define TAIL "usepam yes\nlogingracetime 120\n"

static void test_exact(void **state)
{
        (void)state;
        expect("listen_address: 127.0.0.1", HEAD "listenaddress 127.0.0.1:22\n" TAIL, "", "");
        expect("listen_address: '::1'", HEAD "listenaddress [::1]:22\n" TAIL, "", "");
        expect("listen_address: ['[::1]:2200', '127.0.0.1:2200']",
               HEAD "listenaddress 127.0.0.1:2200\nlistenaddress [::1]:2200\n" TAIL, "", "");
}

/* 10.4 prints keywords as the manual has them. */
static void test_mixed_case(void **state)
{
        (void)state;
        expect("listen_address: 127.0.0.1", "Port 22\nListenAddress 127.0.0.1:22\nUsePAM yes\n", "",
               "");
        expect("listen_address: 127.0.0.1", "Port 22\nListenAddress [::]:22\nUsePAM yes\n",
               "[::]:22", "127.0.0.1:22");
}

static void test_everywhere(void **state)
{
        (void)state;
        expect("listen_address: 127.0.0.1",
               HEAD "listenaddress [::]:22\nlistenaddress 0.0.0.0:22\n" TAIL, "[::]:22 0.0.0.0:22",
               "127.0.0.1:22");
}

static void test_extra(void **state)
{
        (void)state;
        expect("listen_address: 127.0.0.1",
               HEAD "listenaddress 127.0.0.1:22\nlistenaddress 10.0.0.1:22\n" TAIL, "10.0.0.1:22",
               "");
        /* the start of one, the end of another */
        expect("listen_address: 127.0.0.1",
               HEAD "listenaddress 127.0.0.1:2\nlistenaddress 127.0.0.1:222\n" TAIL,
               "127.0.0.1:2 127.0.0.1:222", "127.0.0.1:22");
}

static void test_missing(void **state)
{
        (void)state;
        expect("listen_address: [127.0.0.1, '::1', '10.0.0.1:1']",
               HEAD "listenaddress [::1]:22\n" TAIL, "", "127.0.0.1:22 10.0.0.1:1");
        expect("listen_address: 127.0.0.1", HEAD, "", "127.0.0.1:22");
}

/* Without a port of its own an address takes each Port. */
static void test_ports(void **state)
{
        static const char ports[] = "port 22\nport 2022\n";
        AUTO_BUF dump = BUF_INIT;

        (void)state;
        buf_addf(&dump, "%slistenaddress 127.0.0.1:22\n", ports);
        expect("listen_address: 127.0.0.1", buf_str(&dump), "", "127.0.0.1:2022");
        buf_adds(&dump, "listenaddress 127.0.0.1:2022\n");
        expect("listen_address: 127.0.0.1", buf_str(&dump), "", "");
        expect("listen_address: ['127.0.0.1:22']", buf_str(&dump), "127.0.0.1:2022", "");
}

/* Keywords that begin like those looked for, values that look like keywords, a last line without
 * its newline. */
static void test_other_lines(void **state)
{
        (void)state;
        expect("listen_address: 127.0.0.1",
               "portforwarding 99\nport 22\nlistenaddresses x\nbanner listenaddress 1.2.3.4:5\n"
               "listenaddress\nlistenaddress 127.0.0.1:22",
               "", "");
        expect("", "port 22\n\n\n", "", "");
        expect("", "", "", "");
}

static void test_addresses(void **state)
{
        AUTO_BUF b = BUF_INIT;

        (void)state;
        listen_addresses("port 22\nListenAddress [::]:22\nlistenaddress 0.0.0.0:22\nusepam yes\n",
                         &b);
        assert_string_equal(buf_str(&b), "[::]:22 0.0.0.0:22");
}

static void expect_real(const char *yaml, const char *real, const char *beyond, const char *unheard)
{
        AUTO(config_free) struct config c = sample_config(yaml);
        AUTO_BUF more = BUF_INIT, less = BUF_INIT;

        listen_beyond(&c, real, &more);
        for (size_t i = 0; i < c.n_listen; i++)
                if (!listen_heard(&c.listen[i], real)) {
                        buf_adds(&less, less.len ? " " : "");
                        listen_name(&c.listen[i], &less);
                }
        assert_string_equal(buf_str(&more), beyond);
        assert_string_equal(buf_str(&less), unheard);
}

/* What the kernel shows. */
static void test_real(void **state)
{
        (void)state;
        expect_real("listen_address: 127.0.0.1", "127.0.0.1:22", "", "");
        expect_real("listen_address: 127.0.0.1", "0.0.0.0:22 [::]:22", "0.0.0.0:22 [::]:22", "");
        expect_real("listen_address: 127.0.0.1", "", "", "127.0.0.1");
        expect_real("listen_address: 127.0.0.1", "127.0.0.2:22", "127.0.0.2:22", "127.0.0.1");
        expect_real("listen_address: 127.0.0.1", "127.0.0.1:22 10.0.0.1:22 [::1]:22",
                    "10.0.0.1:22 [::1]:22", "");
        expect_real("listen_address: ['::1', 10.0.0.1]", "[::1]:22", "", "10.0.0.1");
        /* each sshd and each socket unit has ports of its own, but for those that are named */
        expect_real("listen_address: 127.0.0.1", "127.0.0.1:2222", "", "");
        expect_real("listen_address: '127.0.0.1:22'", "127.0.0.1:2222", "127.0.0.1:2222",
                    "127.0.0.1:22");
        expect_real("listen_address: '[::1]:2200'", "[::1]:2200 [::1]:22", "[::1]:22", "");
        /* a wildcard takes in all of its family, and no more */
        expect_real("listen_address: 0.0.0.0", "127.0.0.1:22 10.0.0.1:22", "", "0.0.0.0");
        expect_real("listen_address: 0.0.0.0", "0.0.0.0:22 [::]:22", "[::]:22", "");
        expect_real("listen_address: '::'", "[::1]:22 127.0.0.1:22", "127.0.0.1:22", "::");
        expect_real("listen_address: 'fd80::1'", "[fd80::1%eth0]:22", "", "");
        /* what cannot be read is wanted by nobody */
        expect_real("listen_address: 127.0.0.1", "127.0.0.1:22 x 127.0.0.1 127.0.0.1:1x [::1:22",
                    "x 127.0.0.1 127.0.0.1:1x [::1:22", "");
}

static void test_family(void **state)
{
        AUTO(config_free)
        struct config c = sample_config("listen_address: ['::1', 127.0.0.1]");

        (void)state;
        assert_null(listen_refused(&c, 0));
        assert_string_equal(listen_refused(&c, 4)->address, "::1");
        assert_string_equal(listen_refused(&c, 6)->address, "127.0.0.1");
}

static void test_split(void **state)
{
        char host[40];
        unsigned port;

        (void)state;
        assert_true(listen_split("[::1]:65535 more", 11, host, sizeof(host), &port));
        assert_string_equal(host, "::1");
        assert_int_equal(port, 65535);
        assert_true(listen_split("10.0.0.1:22", 11, host, sizeof(host), NULL));
        assert_string_equal(host, "10.0.0.1");
        assert_false(listen_split("10.0.0.1:65536", 14, host, sizeof(host), &port));
        assert_false(listen_split("10.0.0.1:99999999999", 20, host, sizeof(host), &port));
        assert_false(listen_split("10.0.0.1:", 9, host, sizeof(host), &port));
        assert_false(listen_split(":22", 3, host, sizeof(host), &port));
        assert_false(listen_split("", 0, host, sizeof(host), &port));
        assert_false(listen_split("10.0.0.1:22", 11, host, 8, &port));
}

static void test_outside(void **state)
{
        static const char *const inside[] = {
                "127.0.0.1",     "127.1.2.3",       "127.1",
                "::1",           "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1",
                "::FFFF:7f00:1", "localhost",       "ip6-localhost",
                "web1",
        };
        static const char *const outside[] = { "0.0.0.0",    "::",      "10.127.0.1",
                                               "12.7.0.1",   "fe80::1", "::ffff:10.0.0.1",
                                               "::127.0.0.1" };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(inside); i++)
                assert_false(ip_is_outside(inside[i]));
        for (size_t i = 0; i < ELEMENTSOF(outside); i++)
                assert_true(ip_is_outside(outside[i]));
}

/* As ListenAddress has it. */
static void test_written(void **state)
{
        static const struct {
                const char *argument, *host;
        } table[] = {
                { "127.0.0.1", "127.0.0.1" },
                { "127.0.0.1:2222", "127.0.0.1" },
                { "::1", "::1" },
                { "fe80::1%eth0", "fe80::1" },
                { "[::1]", "::1" },
                { "[::1]:2222", "::1" },
                { "[10.0.0.1]:2222", "10.0.0.1" },
                { "localhost", "localhost" },
                { "localhost:22", "localhost" },
                { "[::1", "" }, /* sshd ends with each of these */
                { "[::1]x", "" },
                { "127.0.0.1/8", "" },
        };
        char host[64];

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                listen_host(table[i].argument, host, sizeof(host));
                assert_string_equal(host, table[i].host);
        }
        listen_host("10.0.0.1", host, 4);
        assert_string_equal(host, "");
}

/* A stranger's thousand sockets must not be a thousand words. */
static void test_few(void **state)
{
        AUTO_BUF list = BUF_INIT, out = BUF_INIT;

        (void)state;
        listen_few("0.0.0.0:22 [::]:22", &out);
        assert_string_equal(buf_str(&out), "0.0.0.0:22 [::]:22");
        for (unsigned i = 0; i < 30000; i++)
                buf_addf(&list, "%s127.0.0.1:%u", i ? " " : "", i);
        buf_free(&out);
        listen_few(buf_str(&list), &out);
        assert_true(out.len < 200);
        assert_non_null(strstr(buf_str(&out), "127.0.0.1:7 and 29992 more"));
}

/* Where an sshd listens beside what its configuration says. */
static void test_stale(void **state)
{
        static const char everywhere[] = "listenaddress [::]:22\nlistenaddress 0.0.0.0:22\n";
        static const char loop[] = "port 22\nListenAddress 127.0.0.1:22\n";

        (void)state;
        assert_int_equal(listen_stale("0.0.0.0:22 [::]:22", everywhere), STALE_NOT);
        assert_int_equal(listen_stale("0.0.0.0:22", everywhere), STALE_NOT); /* no IPv6 here */
        assert_int_equal(listen_stale("127.0.0.1:22", loop), STALE_NOT);
        assert_int_equal(listen_stale("0.0.0.0:22 [::]:22", loop), STALE);
        assert_int_equal(listen_stale("127.0.0.1:22", everywhere), STALE_CONFINED);
        assert_int_equal(listen_stale("127.0.0.1:22", ""), STALE_NOT);
        assert_false(listen_is_wide("127.0.0.1:22 10.0.0.0:22 [::1]:22"));
        assert_true(listen_is_wide("127.0.0.1:22 [::]:22"));
}

static void test_names(void **state)
{
        static const char hosts[] = "127.0.0.1 localhost box # gone.example\n10.0.0.1\tA.example\n";
        static const char *const words[] = {
                "10.0.0.1",   "[::1]:22",  "127.1", "a.example:22",    "fe80::1%eth0", "localhost",
                "box",        "b.example", "*",     "gone.example:22", "0.0.0.0",      "b.example",
                "[c.example]"
        };
        AUTO(argv_free) struct argv list = { 0 };
        AUTO_BUF out = BUF_INIT, bare = BUF_INIT;

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                assert_int_equal(argv_adds(&list, words[i]), 0);
        listen_names(&list, hosts, &out);
        assert_string_equal(buf_str(&out), "b.example gone.example c.example");
        listen_names(&list, "", &bare);
        assert_string_equal(buf_str(&bare), "a.example box b.example gone.example c.example");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_addresses),  cmocka_unit_test(test_exact),
                cmocka_unit_test(test_mixed_case), cmocka_unit_test(test_everywhere),
                cmocka_unit_test(test_extra),      cmocka_unit_test(test_missing),
                cmocka_unit_test(test_ports),      cmocka_unit_test(test_other_lines),
                cmocka_unit_test(test_real),       cmocka_unit_test(test_split),
                cmocka_unit_test(test_outside),    cmocka_unit_test(test_few),
                cmocka_unit_test(test_family),     cmocka_unit_test(test_stale),
                cmocka_unit_test(test_written),    cmocka_unit_test(test_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
