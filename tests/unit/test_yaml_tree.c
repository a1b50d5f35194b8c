/* SPDX-License-Identifier: MIT
 *
 * test_yaml_tree.c: the shape of the tree, the place of each node, and what is left of a text that
 * cannot be read to its end.
 */
#include "core/format/yaml-tree.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* As text: scalars with their places, lists in [], mappings in {}. */
static void show(const struct yaml_tree *t, const struct node *n, struct buf *out)
{
        const struct node *child = yaml_tree_first(t, n);

        switch (n->kind) {
        case NODE_SCALAR:
                buf_adds(out, n->plain ? "" : "\"");
                buf_add(out, yaml_tree_text(t, n), n->len);
                buf_adds(out, n->plain ? "" : "\"");
                break;
        case NODE_REFUSED:
                buf_adds(out, "?");
                break;
        case NODE_LIST:
        case NODE_MAPPING:
                buf_adds(out, n->kind == NODE_LIST ? "[" : "{");
                for (; child; child = yaml_tree_next(t, child)) {
                        show(t, child, out);
                        buf_adds(out, yaml_tree_next(t, child) ? " " : "");
                }
                buf_adds(out, n->kind == NODE_LIST ? "]" : "}");
        }
        if (n->at.length == UINT32_MAX)
                buf_addf(out, "@%u:%u+", n->at.line, n->at.column);
        else
                buf_addf(out, "@%u:%u-%u", n->at.line, n->at.column, n->at.length);
}

static void expect(const char *text, size_t len, unsigned n_errors, const char *want)
{
        AUTO(config_error_free) struct config_error d = CONFIG_ERROR_INIT("f");
        AUTO(yaml_tree_free) struct yaml_tree t = { 0 };
        AUTO_BUF out = BUF_INIT;

        assert_int_equal(yaml_tree_parse(text, len, &d, &t), n_errors ? -EBADMSG : 0);
        if (yaml_tree_root(&t))
                show(&t, yaml_tree_root(&t), &out);
        assert_string_equal(buf_str(&out), want);
        assert_int_equal(d.n_errors, n_errors);
}

#define EXPECT(text, n_errors, want) expect(text, sizeof(text) - 1, n_errors, want)

static void test_nothing(void **state)
{
        (void)state;
        EXPECT("", 0, "");
        EXPECT("# comment\n", 0, "");
        EXPECT("---\n...\n", 0, "");
        EXPECT("\xef\xbb\xbf", 0, "");
        EXPECT("\"\"", 0, "\"\"@1:1-2");
}

static void test_shapes(void **state)
{
        (void)state;
        EXPECT("a: 1\nb: [x, 'y']\n", 0,
               "{a@1:1-1 1@1:4-1 b@2:1-1 [x@2:5-1 \"y\"@2:8-3]@2:4-8}@1:1-1");
        EXPECT("a:\n  - b\n  - c: d\n", 0,
               "{a@1:1-1 [b@2:5-1 {c@3:5-1 d@3:8-1}@3:5-1]@2:3-3}@1:1-1");
        EXPECT("{a: [1,\n2], b: }", 0, "{a@1:2-1 [1@1:6-1 2@2:1-1]@1:5+ b@2:5-1 @2:8-1}@1:1+");
}

static void test_places(void **state)
{
        (void)state;
        EXPECT("\xef\xbb\xbfk: \xc3\xa9\xc3\xa9\r\nl: m", 0,
               "{k@1:1-1 \xc3\xa9\xc3\xa9@1:4-2 l@2:1-1 m@2:4-1}@1:1-1");
        EXPECT("k: \"a\n b\"\n", 0, "{k@1:1-1 \"a b\"@1:4+}@1:1-1");
}

/* Refused, and read all the same. */
static void test_goes_on(void **state)
{
        (void)state;
        EXPECT("a: &x 1\nb: *x\nc: !t 2\n", 3,
               "{a@1:1-1 1@1:7-1 b@2:1-1 ?@2:4-2 c@3:1-1 2@3:7-1}@1:1-1");
        EXPECT("a: 1\na: 2\n", 1, "{a@1:1-1 1@1:4-1 a@2:1-1 2@2:4-1}@1:1-1");
        EXPECT("%YAML 1.1\n---\na: 1\n", 1, "{a@3:1-1 1@3:4-1}@3:1-1");
        EXPECT("a: 1\n---\nb: 2\n", 1, "{a@1:1-1 1@1:4-1}@1:1-1");
        EXPECT("? [x]\n: 1\n", 1, "{[x@1:4-1]@1:3-3 1@2:3-1}@1:1-5");
}

/* What was complete when reading ended stays; the entry in which it ended does not. */
static void test_unfinished(void **state)
{
        (void)state;
        EXPECT("a: 1\nb: [x, y\n", 1, "{a@1:1-1 1@1:4-1}@1:1-1");
        EXPECT("a: 1\nb: {x: [", 1, "{a@1:1-1 1@1:4-1}@1:1-1");
        EXPECT("a: [", 1, "{}@1:1-1");
        EXPECT("a: 1\n@", 1, "{a@1:1-1 1@1:4-1}@1:1-1");
        EXPECT("- a\n- [b,\n", 1, "[a@1:3-1 [b@2:4-1]@2:3-1]@1:1-1");
        EXPECT("\"a", 1, "");
}

static void test_characters(void **state)
{
        (void)state;
        EXPECT("a: 1\0", 1, "");
        EXPECT("a\xff: \xfe\nb: \xc0\x80\n", 2, ""); /* once per line */
        EXPECT("#\r#\n", 1, "");
        EXPECT("#\xc2\x85 #\n", 1, "");
        EXPECT("#\xe2\x80\xa8 #\n", 1, "");
        EXPECT("#\x7f\n#\xc2\x9f\n#\xef\xbf\xbf\n#\xef\xbb\xbf", 4, "");
        EXPECT("#\xf4\x90\x80\x80\n#\xed\xa0\x80\n#\xe0\x80\x80\n#\xf8\x88\x80\x80\x80\n", 4, "");
        EXPECT("  #\t\xf4\x8f\xbf\xbd \xc2\xa0\n", 0, "");
}

static void test_depth(void **state)
{
        char text[64];
        AUTO(config_error_free) struct config_error d = CONFIG_ERROR_INIT("f");

        (void)state;
        for (unsigned depth = YAMLTREE_DEPTH_MAX - 1; depth <= YAMLTREE_DEPTH_MAX + 1; depth++) {
                AUTO(yaml_tree_free) struct yaml_tree t = { 0 };

                memset(text, '[', depth);
                memset(text + depth, ']', depth);
                assert_int_equal(yaml_tree_parse(text, 2 * depth, &d, &t),
                                 depth > YAMLTREE_DEPTH_MAX ? -EBADMSG : 0);
        }
}

static void test_nodes(void **state)
{
        (void)state;
        for (unsigned n = YAMLTREE_NODES_MAX - 2; n <= YAMLTREE_NODES_MAX; n++) {
                AUTO(config_error_free) struct config_error d = CONFIG_ERROR_INIT("f");
                AUTO(yaml_tree_free) struct yaml_tree t = { 0 };
                AUTO_BUF text = BUF_INIT;

                buf_adds(&text, "[");
                for (unsigned i = 0; i < n; i++)
                        buf_adds(&text, "1,");
                buf_adds(&text, "]");
                assert_int_equal(yaml_tree_parse(text.data, text.len, &d, &t),
                                 n < YAMLTREE_NODES_MAX ? 0 : -EBADMSG);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nothing),    cmocka_unit_test(test_shapes),
                cmocka_unit_test(test_places),     cmocka_unit_test(test_goes_on),
                cmocka_unit_test(test_unfinished), cmocka_unit_test(test_characters),
                cmocka_unit_test(test_depth),      cmocka_unit_test(test_nodes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
