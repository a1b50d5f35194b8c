/* SPDX-License-Identifier: MIT
 *
 * test_client_options.c: nothing that a user says of the other side becomes another word or another
 * setting of ssh_config; and names that tell machines apart.
 */
#include "core/plan/client-options.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum word { NAME, USER, IDENTITY, JUMP, KIND, N_WORDS };

static int take(enum word word, const char *text, struct client *c, struct error *error)
{
        const struct client_request q = { .name = word == NAME ? text : NULL,
                                          .user = word == USER ? text : NULL,
                                          .identity = word == IDENTITY ? text : NULL,
                                          .jump = word == JUMP ? text : NULL,
                                          .kind = word == KIND ? text : NULL };

        return client_take_request(&q, c, error);
}

static void test_taken(void **state)
{
        static const struct {
                enum word word;
                const char *text;
        } table[] = {
                { NAME, "web1" },
                { NAME, "Web-1.example_x" },
                { NAME, "1" },
                { USER, "root" },
                { USER, "j.doe-2@example.org" },
                { USER, "DOM\\alice" },
                { IDENTITY, "~/.ssh/id_ed25519" },
                { IDENTITY, "C:/Users/J Doe/.ssh/it's #1" },
                { IDENTITY, "%d/.ssh/%n-100%%-${USER}" },
                { IDENTITY, "/home/j\303\266rg/key" },
                { JUMP, "hyp" },
                { JUMP, "root@10.0.0.1" },
                { JUMP, "ssh://me@hyp.example:2222" },
                { JUMP, "fe80::1" },
                { JUMP, "me@fe80::1" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                struct client c = { .port = 22 };
                struct error error = { 0 };

                assert_int_equal(take(table[i].word, table[i].text, &c, &error), 0);
                assert_ptr_equal(table[i].word == NAME       ? c.name
                                 : table[i].word == USER     ? c.user
                                 : table[i].word == IDENTITY ? c.identity
                                                             : c.jump,
                                 table[i].text);
                assert_false(c.asked);
                assert_int_equal(c.port, 22);
        }
}

/* Each of these would have been another word, setting, pattern, option or token. */
static void test_refused(void **state)
{
        static const char *const nowhere[] = {
                "",     "a\nProxyCommand x", "a\rb",   "a\tb",  "a\"b", "a\\",
                "\x7f", "a\x1b[31m",         "a\\\"b", "a\\\\b"
        };
        static const char *const in_words[] = { "a b", "a*",  "a?",  "!a", "a,b", "a'b",
                                                "-oX", "a;b", "a|b", "$a", "`a`", "a#",
                                                "%h",  "a&b", "(a)", "~a", ".a",  "a<b" };
        static const char *const identities[] = { "%", "a%z", "a%", "100%", "${HOME", "a\\b" };
        static const char *const jumps[] = { "hyp:22", "me@",       "me@hyp:22",
                                             "ssh://", "ssh://me@", ":22" };
        static const char *const users[] = { "\\a", "a\\", "a\\b\\c", "a\\-b" };
        struct error error = { 0 };

        (void)state;
        for (unsigned word = 0; word < N_WORDS; word++) {
                struct client c = { 0 };

                for (size_t i = 0; i < ELEMENTSOF(nowhere); i++)
                        assert_int_equal(take(word, nowhere[i], &c, &error), -EINVAL);
                for (size_t i = 0; word != IDENTITY && i < ELEMENTSOF(in_words); i++)
                        assert_int_equal(take(word, in_words[i], &c, &error), -EINVAL);
                assert_false(c.name || c.user || c.identity || c.jump || c.asked);
        }
        for (size_t i = 0; i < ELEMENTSOF(jumps); i++)
                assert_int_equal(take(JUMP, jumps[i], &(struct client){ 0 }, &error), -EINVAL);
        for (size_t i = 0; i < ELEMENTSOF(identities); i++)
                assert_int_equal(take(IDENTITY, identities[i], &(struct client){ 0 }, &error),
                                 -EINVAL);
        for (size_t i = 0; i < ELEMENTSOF(users); i++)
                assert_int_equal(take(USER, users[i], &(struct client){ 0 }, &error), -EINVAL);
}

static void test_lengths(void **state)
{
        static const struct {
                enum word word;
                size_t most;
        } table[] = {
                { NAME, CLIENT_NAME_MAX - 1 }, { USER, 255 }, { IDENTITY, 255 }, { JUMP, 255 }
        };
        struct error error = { 0 };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                struct client c = { 0 };
                char text[300];

                memset(text, 'a', sizeof(text));
                text[table[i].most] = '\0';
                assert_int_equal(take(table[i].word, text, &c, &error), 0);
                text[table[i].most] = 'a';
                text[table[i].most + 1] = '\0';
                assert_int_equal(take(table[i].word, text, &c, &error), -EINVAL);
        }
}

#define ID "0cb41c0b-fd26-4a41-8370-dccb048E216e"

static void test_kinds(void **state)
{
        static const struct {
                const char *text;
                enum client_route route;
                const char *address; /* "-": refused */
        } table[] = {
                { "linux", ROUTE_LINUX, NULL },
                { "systemd", ROUTE_SYSTEMD, NULL },
                { "socat", ROUTE_SOCAT, NULL },
                { "mux", ROUTE_MUX, NULL },
                { "unix", ROUTE_UNIX, NULL },
                { "hvc", ROUTE_HVC, NULL },
                { "winsocat", ROUTE_WINSOCAT, NULL },
                { "wsl", ROUTE_WSL, NULL },
                { "linux:3", ROUTE_LINUX, "3" },
                { "systemd:4294967294", ROUTE_SYSTEMD, "4294967294" },
                { "socat:42", ROUTE_SOCAT, "42" },
                { "mux:/run/v.sock", ROUTE_MUX, "/run/v.sock" },
                { "unix:/run/a@b/v_1+2.sock", ROUTE_UNIX, "/run/a@b/v_1+2.sock" },
                { "hvc:Mint-22", ROUTE_HVC, "Mint-22" },
                { "hvc:" ID, ROUTE_HVC, ID },
                { "winsocat:" ID, ROUTE_WINSOCAT, ID },
                { "wsl:Ubuntu-24.04", ROUTE_WSL, "Ubuntu-24.04" },
                { "socat:", 0, "-" },
                { "socat:2", 0, "-" },
                { "socat:-1", 0, "-" },
                { "socat:4294967295", 0, "-" },
                { "socat:4294967299", 0, "-" },
                { "socat:99999999999999999999", 0, "-" },
                { "socat:0x10", 0, "-" },
                { "unix:run/v", 0, "-" },
                { "unix:/run/a b", 0, "-" },
                { "unix:/run/a,b", 0, "-" },
                { "unix:/run/a:b", 0, "-" },
                { "unix:/run/%h", 0, "-" },
                { "hvc:my vm", 0, "-" },
                { "hvc:-x", 0, "-" },
                { "winsocat:mint", 0, "-" },
                { "winsocat:" ID "0", 0, "-" },
                { "winsocat:0cb41c0bxfd26-4a41-8370-dccb048E216e", 0, "-" },
                { "wsl:a b", 0, "-" },
                { "Linux", 0, "-" },
                { "linuxlinuxlinuxlinux", 0, "-" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                struct client c = { 0 };
                struct error error = { 0 };
                bool refused = table[i].address && table[i].address[0] == '-';
                int r = take(KIND, table[i].text, &c, &error);

                assert_int_equal(r, refused ? -EINVAL : 0);
                assert_true(refused == (error.text[0] != '\0'));
                if (refused)
                        continue;
                assert_true(c.asked && c.route == table[i].route);
                if (table[i].address)
                        assert_string_equal(c.address, table[i].address);
                else
                        assert_null(c.address);
        }
}

static void test_did_you_mean(void **state)
{
        struct client c = { 0 };
        struct error error = { 0 }, other = { 0 };

        (void)state;
        assert_int_equal(take(KIND, "systmd:3", &c, &error), -EINVAL);
        assert_string_equal(error.text, "--for names no kind of host (linux, systemd, socat, mux, "
                                        "unix, hvc, winsocat, wsl); did you mean \"systemd\"?");
        assert_int_equal(take(KIND, "mainframe", &c, &other), -EINVAL);
        assert_string_equal(other.text, "--for names no kind of host (linux, systemd, socat, mux, "
                                        "unix, hvc, winsocat, wsl)");
}

/* hvc knows no machine of WSL's; what works on the host alone has no way from elsewhere. */
static void test_fit(void **state)
{
        static const bool jumps[N_ROUTES] = { [ROUTE_SOCAT] = true,
                                              [ROUTE_UNIX] = true,
                                              [ROUTE_HVC] = true,
                                              [ROUTE_WINSOCAT] = true };

        (void)state;
        for (unsigned i = 0; i < N_VIRTS * N_ROUTES * 2; i++) {
                const struct client c = { .virt = i % N_VIRTS,
                                          .asked = true,
                                          .route = i / N_VIRTS % N_ROUTES,
                                          .jump = i / N_VIRTS < N_ROUTES ? "hyp" : NULL };
                struct error error = { 0 };
                bool wrong =
                        (c.route == ROUTE_HVC && c.virt == VIRT_WSL) || (c.jump && !jumps[c.route]);

                assert_int_equal(client_check_fit(&c, &error), wrong ? -EINVAL : 0);
                assert_true(wrong == (error.text[0] != '\0'));
        }
        for (unsigned virt = 0; virt < N_VIRTS; virt++) {
                const struct client c = { .virt = virt, .jump = "hyp" };
                struct error error = { 0 };

                assert_int_equal(client_check_fit(&c, &error), virt == VIRT_WSL ? -EINVAL : 0);
        }
}

static void test_default_names(void **state)
{
        static const char id[] = "0123456789abcdef0123456789abcdef\n";
        static const struct {
                const char *host, *id, *want;
        } table[] = {
                { "web1\n", id, "web1" },
                { "Box-1.example\n", NULL, "Box-1.example" },
                { "localhosts\n", NULL, "localhosts" },
                { "web1 # of the farm\n", id, "web1" },
                { "# my host\n\n \t# and\n  web1 \n", id, "web1" },
                { "localhost\n", id, "guest-" },
                { "localhost.localdomain\n", id, "guest-" },
                { "# nobody\n", id, "guest-" },
                { "-x\n", id, "guest-" },
                { "", id, "guest-" },
                { NULL, id, "guest-" },
                { NULL, NULL, "guest" },
                { "localhost\n", "", "guest" },
                { "localhost", "uninitialized\n", "guest" },
        };
        char other[CLIENT_NAME_MAX];

        (void)state;
        (void)client_default_name(NULL, "0123456789abcdef0123456789abcdee\n", other);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                char name[CLIENT_NAME_MAX];
                struct error error = { 0 };

                assert_int_equal(client_default_name(table[i].host, table[i].id, name),
                                 strncmp(table[i].want, "guest", 5) != 0);
                if (strcmp(table[i].want, "guest-") != 0) {
                        assert_string_equal(name, table[i].want);
                        continue;
                }
                assert_memory_equal(name, "guest-", 6);
                assert_int_equal(strspn(name + 6, "0123456789abcdef"), 12);
                assert_int_equal(strlen(name), 18);
                assert_string_not_equal(name, other);
                assert_null(strstr(id, name + 6)); /* no part of the id itself */
                assert_int_equal(take(NAME, name, &(struct client){ 0 }, &error), 0);
        }
}

/* In each run and each version of the program: known_hosts of others have it. */
static void test_made_name_stays(void **state)
{
        char one[CLIENT_NAME_MAX], two[CLIENT_NAME_MAX];

        (void)state;
        (void)client_default_name(NULL, "0123456789abcdef0123456789abcdef\n", one);
        (void)client_default_name(NULL, "0123456789abcdef0123456789abcdef", two);
        assert_string_equal(one, two);
        assert_string_equal(one, "guest-7c9731f0fe07");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_taken),         cmocka_unit_test(test_refused),
                cmocka_unit_test(test_lengths),       cmocka_unit_test(test_kinds),
                cmocka_unit_test(test_did_you_mean),  cmocka_unit_test(test_fit),
                cmocka_unit_test(test_default_names), cmocka_unit_test(test_made_name_stays),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
