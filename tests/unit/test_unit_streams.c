/* SPDX-License-Identifier: MIT */
#include "sample.h"

#include "core/format/unit-streams.h"

#include <errno.h>
#include <unistd.h>

/* Reads files, NULL at their end; what came of it as "PORT PORT | line line". */
static void check(const char *const *files, const char *expected)
{
        AUTO(unit_streams_free) struct unit_streams s = { 0 };
        AUTO_BUF b = BUF_INIT;

        for (; *files; files++)
                assert_int_equal(unit_streams_read(&s, *files, strlen(*files)), 0);
        for (size_t i = 0; i < s.n_ports; i++)
                buf_addf(&b, "%u ", s.ports[i]);
        buf_addf(&b, "| %s", buf_str(&s.others));
        assert_string_equal(buf_str(&b), expected);
}

#define CHECK(expected, ...) check((const char *const[]){ __VA_ARGS__, NULL }, expected)
#define ONE(value)           "[Socket]\nListenStream=" value "\n"

static void test_ports(void **state)
{
        (void)state;
        CHECK("22 | ", ONE("22"));
        CHECK("2222 | ", ONE("0.0.0.0:2222"));
        CHECK("2222 | ", ONE("[::]:2222"));
        CHECK("65535 | ", ONE("[fe80::1%%eth0]:65535"));
        CHECK("22 | ", ONE("[fe80::1]:22%%eth0"));
        CHECK("22 2222 | ", ONE("0.0.0.0:22"), ONE("[::]:22"), ONE("2222"), ONE("22"));
}

static void test_others(void **state)
{
        (void)state;
        CHECK("22 | ListenStream=vsock::22\n", ONE("22"), ONE("vsock::22"));
        CHECK("| ListenStream=vsock:2:1022\n", ONE("vsock:2:1022"));
        CHECK("| ListenStream=/run/ssh 22\n", ONE("/run/ssh 22"));
        CHECK("| ListenStream=@abstract\n", ONE("@abstract"));
        CHECK("| ListenStream=%t/x\n", ONE("%t/x"));
        CHECK("| ListenStream=/run/x\nListenStream=/run/x2\n", ONE("/run/x"), ONE("/run/x2"),
              ONE("/run/x"));
        CHECK("22 | ListenFIFO=/run/f\nListenSequentialPacket=vsock::5\n",
              "[Socket]\nListenFIFO=/run/f\nListenStream=22\nListenSequentialPacket=vsock::5\n");
}

/* A line of a million lines takes no more time than as many lines; else this would not end. */
static void test_continued_for_long(void **state)
{
        AUTO(unit_streams_free) struct unit_streams s = { 0 };
        AUTO_BUF text = BUF_INIT;

        (void)state;
        buf_adds(&text, "[Socket]\nListenStream=22\nDescription=");
        for (size_t i = 0; i < 1000000; i++)
                buf_adds(&text, "a\\\n");
        buf_adds(&text, "\nListenStream=2222\n");
        alarm(10);
        assert_int_equal(unit_streams_read(&s, buf_str(&text), text.len), 0);
        alarm(0);
        assert_int_equal(s.n_ports, 2);
}

/* Each is compared with those before it, and what is repeated counts as well. */
static void test_too_many(void **state)
{
        AUTO(unit_streams_free) struct unit_streams s = { 0 };
        AUTO_BUF text = BUF_INIT;

        (void)state;
        buf_adds(&text, "[Socket]\n");
        for (unsigned i = 0; i < 1024; i++)
                buf_adds(&text, "ListenFIFO=/run/f\nListenStream=22\n");
        assert_int_equal(unit_streams_read(&s, buf_str(&text), text.len), 0);
        buf_adds(&text, "ListenStream=\nListenFIFO=/run/f\n");
        assert_int_equal(unit_streams_read(&s, buf_str(&text), text.len), -E2BIG);
        unit_streams_free(&s);
        assert_int_equal(unit_streams_read(&s, buf_str(&text), text.len), 0);
        assert_string_equal(buf_str(&s.others), "ListenFIFO=/run/f\n");
        assert_int_equal(unit_streams_read(&s, buf_str(&text), text.len), -E2BIG);
}

/* What nobody can tell is repeated nowhere: it could open a port. */
static void test_unknown(void **state)
{
        (void)state;
        CHECK("| ", ONE("%i"));
        CHECK("| ", ONE("%H:22"));
        CHECK("| ", ONE("host:22"));
        CHECK("| ", ONE("0"));
        CHECK("| ", ONE("65536"));
        CHECK("| ", ONE("4294967318"));
        CHECK("| ", ONE("22x"));
        CHECK("| ", ONE("[::]22"));
        CHECK("| ", ONE("[::1:22"));
        CHECK("| ", ONE("%"));
        CHECK("| ", "");
}

/* An empty one takes away all, of whatever kind. */
static void test_reset(void **state)
{
        (void)state;
        CHECK("2222 | ", ONE("22"), ONE("/run/x"), "[Socket]\nListenStream=\nListenStream=2222\n");
        CHECK("| ListenStream=vsock::1\n", ONE("22"), "[Socket]\nListenStream = \t\n",
              ONE("vsock::1"));
        CHECK("| ", ONE("22"), ONE("@x"), "[Socket]\nListenDatagram=\n");
        CHECK("22 | ", ONE("22"), "ListenStream=\n", "[Unit]\nListenStream=\n");
}

static void test_lines(void **state)
{
        (void)state;
        CHECK("22 | ", "\xef\xbb\xbf[Socket]\r\nListenStream=22\r\n");
        CHECK("22 | ", "  [Socket]  \n\t ListenStream \t=\t 22 \t");
        CHECK("22 | ", "[Socket]\n#ListenStream=1\n ; x\\\nListenStream=22\n");
        CHECK("22 | ", "[Socket]\nListenStream=\\\n# in between\n   22\n");
        CHECK("22 | ", "[Socket]\r\nListenStream=\\\r\n22\r\n");
        CHECK("22 | ", "[Socket]\nDescription=x \\\nListenStream=23\nListenStream=22");
        CHECK("22 | ", "[Socket]\nExec=x\\\\\nListenStream=22");
        CHECK("22 | ", "[Unit]\nListenStream=1\n[Socket]\nlistenstream=2\nListenStreams=3\n"
                       "ListenStream\n=4\nListenStream=22\n[Install]\nListenStream=5\n");
        CHECK("22 | ", "[Socket]\nListenStream=22\\");
}

static void test_outside(void **state)
{
        static const struct {
                const char *text;
                bool outside;
        } table[] = {
                { ONE("22"), true },
                { ONE("127"), true },
                { ONE("[::]:22"), true },
                { ONE("10.0.0.1:22"), true },
                { ONE("127.0.0.1:22"), false },
                { ONE("[::1]:22"), false },
                { ONE("[::ffff:127.0.0.1]:22"), false },
                { ONE("vsock::22"), false },
                { ONE("127.0.0.1:22") "ListenStream=22\n", true },
                { ONE("22") "ListenStream=\nListenStream=127.0.0.2:22\n", false },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                AUTO(unit_streams_free) struct unit_streams s = { 0 };

                assert_int_equal(unit_streams_read(&s, table[i].text, strlen(table[i].text)), 0);
                assert_int_equal(s.outside, table[i].outside);
        }
}

/* More than there is room for are not kept, and do no harm. */
static void test_many(void **state)
{
        AUTO(unit_streams_free) struct unit_streams s = { 0 };
        AUTO_BUF b = BUF_INIT;

        (void)state;
        buf_adds(&b, "[Socket]\n");
        for (unsigned i = 1; i < 100; i++)
                buf_addf(&b, "ListenStream=%u\n", i);
        assert_int_equal(unit_streams_read(&s, buf_str(&b), b.len), 0);
        assert_int_equal(s.n_ports, ELEMENTSOF(s.ports));
        assert_int_equal(s.ports[15], 16);
        assert_int_equal(unit_streams_read(&s, "[Socket]\0ListenStream=\0\0", 24), 0);
        assert_int_equal(s.n_ports, 0);
}

/* In any form that systemd takes, and only those. */
static void test_vsock(void **state)
{
        static const char *const ours[] = { "vsock::22",      "vsock:4294967295:22",
                                            "vsock:3:22",     "vsock-stream::0x16",
                                            "vsock::026",     "vsock::+22",
                                            "vsock::0b10110", "vsock-stream:1:0o26" };
        static const char *const others[] = { "",           "22",          "vsock:22",
                                              "vsock::2",   "vsock::222",  "vsock::22x",
                                              "vsock::-22", "vsock:: 22",  "vsock-dgram::22",
                                              "/vsock::22", "vsock::22:1", "vsock::" };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(ours); i++)
                assert_true(unit_stream_is_vsock(ours[i], 22));
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                assert_false(unit_stream_is_vsock(others[i], 22));
        assert_true(unit_stream_is_vsock("vsock::4294967294", 4294967294));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ports),
                cmocka_unit_test(test_others),
                cmocka_unit_test(test_continued_for_long),
                cmocka_unit_test(test_too_many),
                cmocka_unit_test(test_unknown),
                cmocka_unit_test(test_reset),
                cmocka_unit_test(test_lines),
                cmocka_unit_test(test_many),
                cmocka_unit_test(test_vsock),
                cmocka_unit_test(test_outside),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
