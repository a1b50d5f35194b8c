/* SPDX-License-Identifier: MIT
 *
 * test_ssh_banner.c: what OpenSSH servers send, every limit from both sides, and that no verdict
 * changes by what comes after it.
 */
#include "core/format/ssh-banner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/util/buf.h"
#include "full.h"

#define IDENT "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u7"

static void add_u32(struct buf *b, uint32_t n)
{
        unsigned char bytes[] = { (unsigned char)(n >> 24), (unsigned char)(n >> 16),
                                  (unsigned char)(n >> 8), (unsigned char)n };

        buf_add(b, bytes, sizeof(bytes));
}

/* A packet with `payload` bytes after the message byte, padded as RFC 4253 §6 wants it. */
static void add_packet(struct buf *b, unsigned char message, const struct buf *payload)
{
        size_t used = 4 + 1 + 1 + payload->len;
        unsigned char padding = (unsigned char)(8 - used % 8);

        if (padding < 4)
                padding = (unsigned char)(padding + 8);
        add_u32(b, (uint32_t)(1 + 1 + payload->len + padding));
        buf_add(b, &padding, 1);
        buf_add(b, &message, 1);
        buf_add(b, buf_str(payload), payload->len);
        buf_add(b, "\0\0\0\0\0\0\0\0\0\0\0", padding);
}

static void add_kexinit(struct buf *b)
{
        AUTO_BUF payload = BUF_INIT;

        buf_adds(&payload, "cookiecookiecook");
        for (unsigned i = 0; i < 10; i++) {
                add_u32(&payload, 4);
                buf_adds(&payload, "none");
        }
        buf_add(&payload, "\0\0\0\0\0", 5);
        add_packet(b, 20, &payload);
}

static void add_disconnect(struct buf *b, const char *error, size_t len)
{
        AUTO_BUF payload = BUF_INIT;

        add_u32(&payload, 2);
        add_u32(&payload, (uint32_t)len);
        buf_add(&payload, error, len);
        add_u32(&payload, 0);
        add_packet(b, 1, &payload);
}

static bool is_verdict(enum ssh_banner_state s)
{
        return s != SSH_BANNER_MORE && s != SSH_BANNER_IDENT;
}

/* Judges all of it, and each beginning: a verdict is final, and IDENT never becomes MORE. */
static enum ssh_banner_state judge(const void *data, size_t len, struct ssh_banner *ret)
{
        size_t step = len / 1000 + 1;
        struct ssh_banner b;

        ssh_banner_judge(data, len, ret);
        for (size_t n = 0; n < len; n += step) {
                ssh_banner_judge(data, n, &b);
                if (b.state == SSH_BANNER_IDENT)
                        assert_int_not_equal(ret->state, SSH_BANNER_MORE);
                if (b.state == SSH_BANNER_IDENT || is_verdict(b.state))
                        assert_string_equal(b.ident, ret->ident);
                if (is_verdict(b.state)) {
                        assert_int_equal(b.state, ret->state);
                        assert_string_equal(b.reason, ret->reason);
                }
        }
        return ret->state;
}

static void expect(const char *text, enum ssh_banner_state want, const char *ident,
                   const char *reason)
{
        struct ssh_banner b;

        if (judge(text, strlen(text), &b) != want)
                fail_msg("<%s>: %d, not %d", text, (int)b.state, (int)want);
        assert_string_equal(b.ident, ident);
        assert_string_equal(b.reason, reason);
}

static enum ssh_banner_state judge_after_ident(const struct buf *packet, struct ssh_banner *ret)
{
        AUTO_BUF all = BUF_INIT;

        buf_adds(&all, IDENT "\r\n");
        buf_add(&all, buf_str(packet), packet->len);
        return judge(all.data, all.len, ret);
}

static void test_ident(void **state)
{
        (void)state;
        expect("", SSH_BANNER_MORE, "", "");
        expect("SSH-2.0-OpenSSH", SSH_BANNER_MORE, "", "");
        expect(IDENT "\r", SSH_BANNER_MORE, "", "");
        expect(IDENT "\r\n", SSH_BANNER_IDENT, IDENT, "");
        expect(IDENT "\n", SSH_BANNER_IDENT, IDENT, "");
        expect(IDENT "\r\r\n", SSH_BANNER_IDENT, IDENT, "");
        expect("SSH-1.99-x\n", SSH_BANNER_IDENT, "SSH-1.99-x", "");
        expect("SSH-2.0-\xc3\xbc\033[2J\n", SSH_BANNER_IDENT, "SSH-2.0-???[2J", "");
}

static void test_version(void **state)
{
        (void)state;
        expect("SSH-1.5-old\r\n", SSH_BANNER_VERSION, "SSH-1.5-old", "");
        expect("SSH-3.0-new\r\n", SSH_BANNER_VERSION, "SSH-3.0-new", "");
        expect("SSH-2.01-x\r\n", SSH_BANNER_VERSION, "SSH-2.01-x", "");
        expect("SSH-12.0-x\r\n", SSH_BANNER_VERSION, "SSH-12.0-x", "");
}

static void test_not_ssh(void **state)
{
        (void)state;
        expect("SSH-2.0-\r\n", SSH_BANNER_NOT_SSH, "", "SSH-2.0-");
        expect("SSH-2.0\r\n", SSH_BANNER_NOT_SSH, "", "SSH-2.0");
        expect("SSH-2-x\r\n", SSH_BANNER_NOT_SSH, "", "SSH-2-x");
        expect("SSH-2.-x\r\n", SSH_BANNER_NOT_SSH, "", "SSH-2.-x");
        expect("SSH-.0-x\r\n", SSH_BANNER_NOT_SSH, "", "SSH-.0-x");
        expect("SSH-x\r\n", SSH_BANNER_NOT_SSH, "", "SSH-x");
        expect("hello\rworld\n", SSH_BANNER_NOT_SSH, "", "");
        expect("one\nSSH-2.0\rx", SSH_BANNER_NOT_SSH, "", "one");
}

static void test_nul(void **state)
{
        static const char text[] = "SSH-2.0-\0x\n";
        struct ssh_banner b;

        (void)state;
        assert_int_equal(judge(text, sizeof(text) - 1, &b), SSH_BANNER_NOT_SSH);
        assert_int_equal(judge("\0", 1, &b), SSH_BANNER_NOT_SSH);
}

static void test_lines_before(void **state)
{
        (void)state;
        expect("Welcome\r\n\r\nto gr\xc3\xbcn\n" IDENT "\r\n", SSH_BANNER_IDENT, IDENT, "");
        expect("Exceeded MaxStartups\r\n", SSH_BANNER_MORE, "", "Exceeded MaxStartups");
        expect("one\r\ntwo\x1b\r\n\r\n", SSH_BANNER_MORE, "", "two?");
        expect(" SSH-2.0-x\nssh-2.0-x\nSSH-\nSSH\n", SSH_BANNER_MORE, "", "SSH");
        expect("SSH-\n" IDENT "\n", SSH_BANNER_IDENT, IDENT, "");
}

static void test_limits(void **state)
{
        struct ssh_banner b;

        (void)state;
        /* identification: 253 characters and CR LF */
        for (size_t n = 252; n <= 254; n++) {
                AUTO_BUF text = BUF_INIT;

                buf_addf(&text, "SSH-2.0-%0*d\r\n", (int)(n - strlen("SSH-2.0-")), 0);
                assert_int_equal(judge(text.data, text.len, &b),
                                 n <= 253 ? SSH_BANNER_IDENT : SSH_BANNER_NOT_SSH);
                assert_int_equal(strlen(b.ident), n <= 253 ? n : 0);
        }
        /* a line before it: 8,192 */
        for (int n = 8191; n <= 8193; n++) {
                AUTO_BUF text = BUF_INIT;

                buf_addf(&text, "%0*d\n" IDENT "\n", n, 0);
                assert_int_equal(judge(text.data, text.len, &b),
                                 n <= 8192 ? SSH_BANNER_IDENT : SSH_BANNER_NOT_SSH);
        }
        /* 1,024 lines with it */
        for (unsigned n = 1022; n <= 1024; n++) {
                AUTO_BUF text = BUF_INIT;

                for (unsigned i = 0; i < n; i++)
                        buf_adds(&text, "x\n");
                buf_adds(&text, IDENT "\n");
                assert_int_equal(judge(text.data, text.len, &b),
                                 n <= 1023 ? SSH_BANNER_IDENT : SSH_BANNER_NOT_SSH);
        }
}

static void test_kexinit(void **state)
{
        AUTO_BUF packet = BUF_INIT;
        struct ssh_banner b;

        (void)state;
        add_kexinit(&packet);
        for (size_t n = 0; n <= packet.len; n++) {
                struct buf part = { .data = packet.data, .len = n };

                assert_int_equal(judge_after_ident(&part, &b),
                                 n < 6 ? SSH_BANNER_IDENT : SSH_BANNER_OK);
                assert_string_equal(b.ident, IDENT);
        }
        /* what follows a verdict is not looked at */
        buf_add(&packet, "\0\0\0\0garbage", 11);
        assert_int_equal(judge_after_ident(&packet, &b), SSH_BANNER_OK);
}

static void test_disconnect(void **state)
{
        char longest[300];
        struct ssh_banner b;

        (void)state;
        memset(longest, 'w', sizeof(longest));
        for (size_t len = 0; len <= sizeof(longest); len++) {
                AUTO_BUF packet = BUF_INIT;

                add_disconnect(&packet, longest, len);
                assert_int_equal(judge_after_ident(&packet, &b), SSH_BANNER_DISCONNECT);
                assert_int_equal(strlen(b.reason), len < 127 ? len : 127);
                packet.len = len < 127 ? 4 + 1 + 1 + 4 + 4 + len - 1 : 140;
                assert_int_equal(judge_after_ident(&packet, &b), SSH_BANNER_IDENT);
        }
        {
                AUTO_BUF packet = BUF_INIT;

                add_disconnect(&packet, "no\r\n\0\x9bway", 9);
                assert_int_equal(judge_after_ident(&packet, &b), SSH_BANNER_DISCONNECT);
                assert_string_equal(b.reason, "no????way");
                assert_string_equal(b.ident, IDENT);
        }
}

static void expect_packet(uint32_t length, unsigned char padding, unsigned char message,
                          enum ssh_banner_state want)
{
        AUTO_BUF packet = BUF_INIT;
        struct ssh_banner b;

        add_u32(&packet, length);
        buf_add(&packet, &padding, 1);
        buf_add(&packet, &message, 1);
        if (judge_after_ident(&packet, &b) != want)
                fail_msg("%u %u %u: %d", length, padding, message, (int)b.state);
}

static void test_packets(void **state)
{
        static const char *const text[] = { "Invalid SSH identification string.\r\n", "\r\n\r\n" };

        (void)state;
        expect_packet(76, 4, 20, SSH_BANNER_OK);
        expect_packet(76, 13, 20, SSH_BANNER_OK);
        expect_packet(34996, 4, 20, SSH_BANNER_OK);
        expect_packet(35004, 4, 20, SSH_BANNER_BAD_PACKET);
        expect_packet(76, 75, 20, SSH_BANNER_BAD_PACKET);
        expect_packet(76, 255, 20, SSH_BANNER_BAD_PACKET);
        expect_packet(0, 4, 20, SSH_BANNER_BAD_PACKET);
        expect_packet(4, 4, 1, SSH_BANNER_BAD_PACKET);
        expect_packet(UINT32_MAX, 4, 20, SSH_BANNER_BAD_PACKET);
        expect_packet(UINT32_MAX - 3, 4, 20, SSH_BANNER_BAD_PACKET);
        expect_packet(76, 4, 0, SSH_BANNER_BAD_PACKET);
        expect_packet(76, 4, 2, SSH_BANNER_BAD_PACKET);
        expect_packet(76, 4, 21, SSH_BANNER_BAD_PACKET);
        expect_packet(12, 4, 1, SSH_BANNER_BAD_PACKET); /* 7 bytes hold no description */
        expect_packet(20, 10, 1, SSH_BANNER_IDENT);

        {
                struct buf tiny = { .data = (char[]){ "\0\0\0\4" }, .len = 4 };
                struct ssh_banner b;

                /* no need to wait for more */
                assert_int_equal(judge_after_ident(&tiny, &b), SSH_BANNER_BAD_PACKET);
        }
        for (size_t i = 0; i < ELEMENTSOF(text); i++) {
                AUTO_BUF packet = BUF_INIT;
                struct ssh_banner b;

                buf_adds(&packet, text[i]);
                assert_int_equal(judge_after_ident(&packet, &b), SSH_BANNER_BAD_PACKET);
        }
}

/* The description may claim what the packet does not hold. */
static void test_disconnect_lies(void **state)
{
        static const uint32_t claims[] = { 4, 100, UINT32_MAX };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(claims); i++) {
                AUTO_BUF packet = BUF_INIT;
                struct ssh_banner b;

                add_u32(&packet, 20);
                buf_add(&packet, "\7\1\0\0\0\2", 6); /* payload 12: room for 3 */
                add_u32(&packet, claims[i]);
                buf_adds(&packet, "abcdefghijklmnop");
                assert_int_equal(judge_after_ident(&packet, &b), SSH_BANNER_BAD_PACKET);
                packet.data[13] = 3;
                packet.data[12] = packet.data[11] = packet.data[10] = 0;
                assert_int_equal(judge_after_ident(&packet, &b), SSH_BANNER_DISCONNECT);
                assert_string_equal(b.reason, "abc");
        }
}

/* Random streams near the grammar; judge() compares the beginnings. */
static void test_random(void **state)
{
        static const char *const parts[] = { "SSH-", "2.0", "-",          "1.99", "x",  "\r\n",
                                             "\n",   "\r",  IDENT "\r\n", "\x14", "\1", "\4" };
        uint32_t seed = 7;

        (void)state;
        for (unsigned round = 0; round < rounds(20000); round++) {
                AUTO_BUF text = BUF_INIT;
                struct ssh_banner b;

                for (unsigned i = 0; i < 12; i++) {
                        seed = seed * 1664525U + 1013904223U;
                        if ((seed >> 20) % 4 == 0)
                                buf_add(&text, "\0\0\0\0\0\0\0L", (seed >> 26) % 8 + 1);
                        else
                                buf_adds(&text, parts[(seed >> 8) % ELEMENTSOF(parts)]);
                }
                (void)judge(text.data, text.len, &b);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ident),        cmocka_unit_test(test_version),
                cmocka_unit_test(test_not_ssh),      cmocka_unit_test(test_nul),
                cmocka_unit_test(test_lines_before), cmocka_unit_test(test_limits),
                cmocka_unit_test(test_kexinit),      cmocka_unit_test(test_disconnect),
                cmocka_unit_test(test_packets),      cmocka_unit_test(test_disconnect_lies),
                cmocka_unit_test(test_random),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
