/* SPDX-License-Identifier: MIT
 *
 * test_schema.c: the walk by a table of its own, so that it is known to work for any table.
 */
#include "core/format/schema.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct target {
        bool flag;
        uint32_t number;
        bool choice;
        unsigned n_items;
        char last[32];
};

static bool is_word(const char *text)
{
        return strchr("abcdefghijklmnopqrstuvwxyz0123456789", text[0]) != NULL;
}

static int add_word(const struct value *v, void *userdata)
{
        struct target *t = userdata;
        const char *text;
        int r = schema_text(v, "a word", is_word, &text);

        if (r < 0)
                return r;
        if (strcmp(text, "memory") == 0)
                return -ENOMEM;
        t->n_items++;
        (void)snprintf(t->last, sizeof(t->last), "%s", text);
        return 0;
}

static int read_words(const struct value *v, void *target)
{
        if (v->node->kind != NODE_LIST)
                return schema_wrong_type(v, "a list");
        return schema_list(v, add_word, target);
}

static const struct field fields[] = {
        { "flag", FIELD_BOOL, offsetof(struct target, flag), .min = 0 },
        { "number", FIELD_UINT, offsetof(struct target, number), .min = 5, .max = UINT32_MAX },
        { "choice", FIELD_CHOICE, offsetof(struct target, choice), .words = { "left", "right" } },
        { "words", FIELD_OTHER, .read = read_words },
};

static int read_text(const char *text, struct config_error *d, struct target *ret)
{
        AUTO(yaml_tree_free) struct yaml_tree t = { 0 };

        assert_int_equal(yaml_tree_parse(text, strlen(text), d, &t), 0);
        return schema_read(&t, fields, ELEMENTSOF(fields), ret, d);
}

static struct target accept(const char *text)
{
        AUTO(config_error_free) struct config_error d = CONFIG_ERROR_INIT("f");
        struct target t = { .number = 7 };

        assert_int_equal(read_text(text, &d, &t), 0);
        assert_int_equal(d.n_errors, 0);
        return t;
}

/* Every fault of the text, without the places. */
static void refuse(const char *text, const char *want)
{
        AUTO(config_error_free) struct config_error d = CONFIG_ERROR_INIT("f");
        struct target t = { 0 };

        assert_int_equal(read_text(text, &d, &t), -EBADMSG);
        if (!strstr(buf_str(&d.out), want))
                fail_msg("%s\nis not in\n%s", want, buf_str(&d.out));
}

static void test_values(void **state)
{
        struct target t;

        (void)state;
        t = accept("flag: true\nnumber: 4294967295\nwords: [a, '1', \"no\"]\n");
        assert_true(t.flag);
        assert_int_equal(t.number, UINT32_MAX);
        assert_int_equal(t.n_items, 3);
        assert_string_equal(t.last, "no");
        t = accept("");
        assert_int_equal(t.number, 7);
        t = accept("number: 5");
        assert_int_equal(t.number, 5);
}

static void test_numbers(void **state)
{
        (void)state;
        refuse("number: 4\n", "f:1:9: error: number: 4 is out of range (5 to 4294967295)\n");
        refuse("number: 4294967296\n", "number: 4294967296 is out of range");
        refuse("number: 18446744073709551621\n", "out of range"); /* 5, modulo 2^64 */
        refuse("number: -7\n", "number: -7 is out of range");
        refuse("number: 07\n", "has a leading zero");
        refuse("number: '7'\n", "this is text in quotes");
        refuse("number: 7x\n", "a number is wanted, not \"7x\"");
        refuse("number: +7\n", "a number is wanted, not \"+7\"");
        refuse("number:\n  - 7\n", "a number is wanted, this is a list");
        refuse("number:\n", "a number is wanted, there is nothing");
        refuse("number: -x\n", "a number is wanted, not \"-x\"");
}

static void test_bools(void **state)
{
        (void)state;
        refuse("flag: yes\n", "f:1:7: error: flag: true or false is wanted, not \"yes\"");
        refuse("flag: True\n", "not \"True\"");
        refuse("flag: 'true'\n", "this is text in quotes");
        refuse("flag: {}\n", "this is a mapping");
}

static void test_choices(void **state)
{
        (void)state;
        assert_true(accept("choice: right\n").choice);
        assert_true(accept("choice: 'right'\n").choice);
        assert_false(accept("choice: left\n").choice);
        refuse("choice: up\n", "f:1:9: error: choice: left or right is wanted, not \"up\"");
        refuse("choice: true\n", "choice: left or right is wanted, not \"true\"");
        refuse("choice: Right\n", "not \"Right\"");
        refuse("choice:\n", "there is nothing");
        refuse("choice: \"\"\n", "choice: left or right is wanted, ");
        refuse("choice: [left]\n", "this is a list");
}

static void test_keys(void **state)
{
        (void)state;
        refuse("falg: true\n", "f:1:1: error: unknown key \"falg\"; did you mean \"flag\"?\n");
        refuse("FLAG: true\n", "did you mean \"flag\"?");
        refuse("flags: true\n", "did you mean \"flag\"?");
        refuse("numbr: 7\n", "did you mean \"number\"?");
        refuse("zzzz: 7\n", "error: unknown key \"zzzz\"\n");
        refuse("a: 1\n", "error: unknown key \"a\"\n");
        refuse("\"flag\\0\": true\n", "error: unknown key \"flag\"\n");
        refuse("- 1\n", "\"key: value\" lines are wanted");
}

/* A path for each, and the items behind a bad one are looked at too. */
static void test_lists(void **state)
{
        (void)state;
        refuse("words: [a, yes, b, []]\n", "f:1:12: error: words[1]: \"yes\" needs quotes");
        refuse("words: [a, yes, b, []]\n", "error: words[3]: a word is wanted, this is a list\n");
        refuse("words: [-.5]\n", "words[0]: a word is wanted, not \"-.5\"");
        refuse("words: [\"a\\0\"]\n", "words[0]: a word is wanted, this holds a NUL");
        refuse("words: x\n", "words: a list is wanted, not \"x\"");
}

static void test_memory(void **state)
{
        AUTO(config_error_free) struct config_error d = CONFIG_ERROR_INIT("f");
        struct target t = { 0 };

        (void)state;
        assert_int_equal(read_text("words: [memory, yes]\nx: 1\n", &d, &t), -ENOMEM);
        assert_int_equal(d.n_errors, 0);
}

static void test_find(void **state)
{
        AUTO(config_error_free) struct config_error d = CONFIG_ERROR_INIT("f");
        AUTO(yaml_tree_free) struct yaml_tree t = { 0 };
        const char text[] = "a: flag\nflag: 1\n";
        struct mark key = { 0 };
        const struct node *n;

        (void)state;
        assert_int_equal(yaml_tree_parse(text, strlen(text), &d, &t), 0);
        n = schema_find(&t, "flag", &key);
        assert_non_null(n);
        assert_true(yaml_tree_is(&t, n, "1"));
        assert_int_equal(key.line, 2);
        assert_null(schema_find(&t, "1", NULL));
}

static void test_ambiguous(void **state)
{
        static const char *const yes[] = {
                "",     "~",     "null",    "NULL", "true",  "False", "yes", "No",
                "on",   "OFF",   "<<",      "=",    "0",     "12",    "-12", "+1",
                "0x1F", "0o17",  "0b10",    "017",  "1.5",   "1.",    ".5",  "-1.5",
                "1e3",  "1.e-3", "1.5E+10", ".inf", "-.INF", ".nan",  "089",
        };
        static const char *const no[] = {
                "root",      "y",
                "n",         "_1",
                "1a",        "1password",
                "127.0.0.1", "::1",
                "1::2",      "1:60",
                "1:2:a",     "0:1:2",
                "0xg",       "0x",
                ".",         "..",
                "-",         "+",
                "-.",        "e3",
                "1e",        "1e+",
                "e",         ".e3",
                "truex",     "nu",
                "1.2.3",     "1:",
                "2024-1-31", "2024-01-3x",
                "._1",       "12:34:56:789",
                "inf",       "nan",
                "infinity",  "0b10::1",
                "1_000",     "1:30",
                "9:59",      "2024-01-31",
                "1:2:3.5",   "1:2:3:4:5:6:7:8",
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(yes); i++)
                if (!schema_is_ambiguous(yes[i]))
                        fail_msg("%s is not text", yes[i]);
        for (size_t i = 0; i < ELEMENTSOF(no); i++)
                if (schema_is_ambiguous(no[i]))
                        fail_msg("%s is text", no[i]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_values),    cmocka_unit_test(test_numbers),
                cmocka_unit_test(test_bools),     cmocka_unit_test(test_choices),
                cmocka_unit_test(test_keys),      cmocka_unit_test(test_lists),
                cmocka_unit_test(test_memory),    cmocka_unit_test(test_find),
                cmocka_unit_test(test_ambiguous),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
