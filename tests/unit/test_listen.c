/* SPDX-License-Identifier: MIT
 *
 * test_listen.c: sshd's dumps, as 8.4 to 10.4 print them, against what is wanted.
 */
#include "listen.h"
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

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_stale),       cmocka_unit_test(test_addresses),
                cmocka_unit_test(test_exact),       cmocka_unit_test(test_mixed_case),
                cmocka_unit_test(test_everywhere),  cmocka_unit_test(test_extra),
                cmocka_unit_test(test_missing),     cmocka_unit_test(test_ports),
                cmocka_unit_test(test_other_lines),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
