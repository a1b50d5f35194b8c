/* SPDX-License-Identifier: MIT
 *
 * test_host_key.c: keys that ssh-keygen made for this test, and what breaks them.
 */
#include "core/format/host-key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* clang-format off */
static const char ed25519[] =
        "-----BEGIN OPENSSH PRIVATE KEY-----\n"
        "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n"
        "QyNTUxOQAAACB1Fyfs3gMFQDNzgB+sTMWSSYRwr/ANg6xre9jXQh5bpgAAAIjHW9mTx1vZ\n"
        "kwAAAAtzc2gtZWQyNTUxOQAAACB1Fyfs3gMFQDNzgB+sTMWSSYRwr/ANg6xre9jXQh5bpg\n"
        "AAAEBGaL8jufknz00snck3QtWCEzewe86KU+o42mDITgt4UnUXJ+zeAwVAM3OAH6xMxZJJ\n"
        "hHCv8A2DrGt72NdCHlumAAAAAWMBAgME\n"
        "-----END OPENSSH PRIVATE KEY-----\n";
static const char ed25519_public[] =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUXJ+zeAwVAM3OAH6xMxZJJhHCv8A2DrG"
        "t72NdCHlum";
static const char ecdsa[] =
        "-----BEGIN OPENSSH PRIVATE KEY-----\n"
        "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAaAAAABNlY2RzYS\n"
        "1zaGEyLW5pc3RwMjU2AAAACG5pc3RwMjU2AAAAQQTT9/4m+AMwzDLejd7yocjqkqwlauLI\n"
        "mthstjQfjSfraYlh99QsV9zGOtxRQ1ZrJeeck40jPkG4wagW1+9UKOM4AAAAoEnAf89JwH\n"
        "/PAAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBNP3/ib4AzDMMt6N\n"
        "3vKhyOqSrCVq4sia2Gy2NB+NJ+tpiWH31CxX3MY63FFDVmsl55yTjSM+QbjBqBbX71Qo4z\n"
        "gAAAAhAPcBDPoeUyvmSbxqENDt3dZReyU3olnqDD6px8bGahr/AAAAAWMBAgMEBQY=\n"
        "-----END OPENSSH PRIVATE KEY-----\n";
static const char ecdsa_public[] =
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAA"
        "BBBNP3/ib4AzDMMt6N3vKhyOqSrCVq4sia2Gy2NB+NJ+tpiWH31CxX3MY63FFDVmsl55yT"
        "jSM+QbjBqBbX71Qo4zg=";
static const char with_passphrase[] =
        "-----BEGIN OPENSSH PRIVATE KEY-----\n"
        "b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABA09gIVUp\n"
        "HIEY35rPqwSp9jAAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIB+DuLw2oPeDRtEt\n"
        "HB9IVnHQx7sulDZvaGL7ujbo3Uf9AAAAkKIUdGqtTGSUQzERHtTrLbioxv9cBYE2K7LpkL\n"
        "KMvYWsH0OaxHqE29q9qzY9/nXWUaqsKbQ6HFex900BI+ggeXlj4AhKtPG7pUENpakmuWb2\n"
        "B6J+gvEYrQejhXIo+deH4m08at/rqzg+eeXFfqvi/QnpERQwSZfmNh1IkhjfkzglsF5F2V\n"
        "mhlcsVPzk6iYji0g==\n"
        "-----END OPENSSH PRIVATE KEY-----\n";
/* clang-format on */

static void expect(const char *text, const char *want)
{
        AUTO_BUF out = BUF_INIT;

        assert_true(host_key_is_private(text));
        assert_int_equal(host_key_public(text, strlen(text), &out), want != NULL);
        assert_string_equal(buf_str(&out), want ? want : "");
}

static void test_keys(void **state)
{
        (void)state;
        expect(ed25519, ed25519_public);
        expect(ecdsa, ecdsa_public);
        expect(with_passphrase, NULL); /* the public half is in clear, and sshd has none */
}

/* What is put in after so many bytes, where sshd takes the key all the same. */
static void test_what_sshd_would_not_load(void **state)
{
        static const struct {
                const char *more;
                size_t at;
                bool loads;
        } table[] = {
                { "", 0, true },        { "\xef\xbb\xbf", 0, false }, { "\n", 0, false },
                { " ", 35, false },     { "\r", 35, false },          { "\n", 36, true },
                { "\r", 106, true },    { " ", 106, true },           { "*", 106, false },
                { "AAAA", 106, false }, { "=", 106, false },          { "\r", 352, true },
                { "-", 352, false },    { "\r", 386, false },         { "\nmore\n", 387, true },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                AUTO_BUF text = BUF_INIT, out = BUF_INIT;

                buf_add(&text, ed25519, table[i].at);
                buf_adds(&text, table[i].more);
                buf_adds(&text, ed25519 + table[i].at);
                assert_int_equal(host_key_public(buf_str(&text), text.len, &out), table[i].loads);
                assert_string_equal(buf_str(&out), table[i].loads ? ed25519_public : "");
        }
}

static void test_others(void **state)
{
        AUTO_BUF out = BUF_INIT;

        (void)state;
        expect("-----BEGIN RSA PRIVATE KEY-----\nMIIG\n", NULL);
        expect("-----BEGIN OPENSSH PRIVATE KEY-----\n", NULL);
        expect("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA//////8=\n", NULL);
        assert_false(host_key_is_private(ed25519_public));
        assert_false(host_key_is_private(""));
        assert_false(host_key_public("", 0, &out));
}

/* Whatever is cut off, be it the last newline: no key. */
static void test_every_beginning(void **state)
{
        (void)state;
        for (size_t n = 0; n < strlen(ecdsa); n++) {
                AUTO_BUF out = BUF_INIT;

                assert_false(host_key_public(ecdsa, n, &out));
                assert_int_equal(out.len, 0);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_keys),
                cmocka_unit_test(test_what_sshd_would_not_load),
                cmocka_unit_test(test_others),
                cmocka_unit_test(test_every_beginning),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
