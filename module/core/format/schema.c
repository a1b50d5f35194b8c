/* SPDX-License-Identifier: MIT
 *
 * schema.c: see schema.h. Walks the tree by the table and says what does not fit, each fault at its
 * place and with its path. Types are those that YAML 1.1 and 1.2 agree on, but for dates and
 * numbers to the base of 60; what they would guess differently is refused. It knows no key by name
 * and keeps nothing.
 */
#include "core/format/schema.h"

#include "core/util/nearest.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- faults ---------------------------------------------------------------------------------- */

int schema_fault(const struct value *v, const char *fmt, ...)
{
        AUTO_FREE char *message = NULL;
        va_list ap;
        int n;

        va_start(ap, fmt);
        n = vasprintf(&message, fmt, ap);
        va_end(ap);
        if (n < 0) {
                message = NULL;
                v->d->out.error = -ENOMEM;
        }
        if (v->index < 0)
                return config_error_add(v->d, v->node->at, "%s: %s", v->key,
                                        message ? message : "");
        return config_error_add(v->d, v->node->at, "%s[%d]: %s", v->key, v->index,
                                message ? message : "");
}

int schema_wrong_type(const struct value *v, const char *wanted)
{
        const struct node *n = v->node;

        switch (n->kind) {
        case NODE_REFUSED: /* said already */
                return -EBADMSG;
        case NODE_LIST:
                return schema_fault(v, "%s is wanted, this is a list", wanted);
        case NODE_MAPPING:
                return schema_fault(v, "%s is wanted, this is a mapping", wanted);
        case NODE_SCALAR:
                break;
        }
        if (!n->plain)
                return schema_fault(v, "%s is wanted, this is text in quotes", wanted);
        if (n->len == 0)
                return schema_fault(v, "%s is wanted, there is nothing", wanted);
        return schema_fault(v, "%s is wanted, not \"%s\"", wanted, yaml_tree_text(v->tree, n));
}

/* NULL when none is near. */
static const char *nearest(const char *key, size_t len, const struct field *fields, size_t n)
{
        struct nearest near = { .word = key };

        if (strlen(key) != len)
                return NULL;
        for (size_t i = 0; i < n; i++)
                nearest_offer(&near, fields[i].key);
        return near.best;
}

/* ---- values ---------------------------------------------------------------------------------- */

bool schema_is_bool(const struct value *v)
{
        return v->node->plain &&
               (yaml_tree_is(v->tree, v->node, "true") || yaml_tree_is(v->tree, v->node, "false"));
}

int schema_bool(const struct value *v, bool *ret)
{
        if (!schema_is_bool(v))
                return schema_wrong_type(v, "true or false");
        *ret = yaml_tree_is(v->tree, v->node, "true");
        return 0;
}

static int read_uint(const struct value *v, uint32_t min, uint32_t max, uint32_t *ret)
{
        const char *text = v->node->kind == NODE_SCALAR ? yaml_tree_text(v->tree, v->node) : "";
        const char *digits = text + (text[0] == '-');
        size_t n = strspn(digits, "0123456789");
        uint64_t value = 0;

        if (v->node->kind != NODE_SCALAR || !v->node->plain || n == 0 ||
            (size_t)(digits - text) + n != v->node->len)
                return schema_wrong_type(v, "a number");
        if (digits[0] == '0' && n > 1)
                return schema_fault(v, "\"%s\" has a leading zero, which some read as octal", text);
        for (size_t i = 0; i < n && value <= UINT32_MAX; i++)
                value = value * 10 + (uint64_t)(digits[i] - '0');
        if (digits != text || value < min || value > max)
                return schema_fault(v, "%s is out of range (%u to %u)", text, min, max);
        *ret = (uint32_t)value;
        return 0;
}

/* By the rules of YAML 1.1 and those of 1.2 together, but for what nobody writes and libraries of
 * today take for text: 1_000, and 1:30 to the base of 60. */
static bool is_number(const char *s)
{
        char *end = NULL;

        s += *s == '-' || *s == '+';
        if (s[0] == '0' && s[1] && strchr("ob", s[1]) && s[2])
                return s[2 + strspn(s + 2, "01234567")] == '\0';
        if (!isdigit((unsigned char)*s) && *s != '.')
                return false;
        (void)strtod(s, &end);
        return end != s && *end == '\0';
}

bool schema_is_ambiguous(const char *text)
{
        static const char *const words[] = {
                "",   "~",   "null", "true", "false", "yes",   "no",
                "on", "off", "<<",   "=",    ".inf",  "-.inf", ".nan"
        };

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (strcasecmp(text, words[i]) == 0)
                        return true;
        return is_number(text);
}

int schema_text(const struct value *v, const char *wanted, bool (*valid)(const char *text),
                const char **ret)
{
        const char *text;

        if (v->node->kind != NODE_SCALAR || (v->node->plain && v->node->len == 0))
                return schema_wrong_type(v, wanted);
        text = yaml_tree_text(v->tree, v->node);
        if (strlen(text) != v->node->len)
                return schema_fault(v, "%s is wanted, this holds a NUL", wanted);
        if (v->node->plain && schema_is_ambiguous(text)) {
                if (!valid(text))
                        return schema_wrong_type(v, wanted);
                return schema_fault(v, "\"%s\" needs quotes: without, it is not text in YAML",
                                    text);
        }
        *ret = text;
        return 0;
}

size_t schema_count(const struct value *v)
{
        size_t n = 0;

        for (const struct node *i = yaml_tree_first(v->tree, v->node); i;
             i = yaml_tree_next(v->tree, i))
                n++;
        return n;
}

int schema_list(const struct value *v, int (*each)(const struct value *item, void *userdata),
                void *userdata)
{
        struct value item = *v;
        int first = 0, r;

        item.index = 0;
        for (item.node = yaml_tree_first(v->tree, v->node); item.node;
             item.node = yaml_tree_next(v->tree, item.node), item.index++) {
                r = each(&item, userdata);
                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        first = r;
        }
        return first;
}

/* ---- the walk -------------------------------------------------------------------------------- */

static bool is_never_valid(const char *text)
{
        (void)text;
        return false;
}

static int read_choice(const struct value *v, const char *const words[2], bool *ret)
{
        const char *text = "";
        char wanted[64];
        int r;

        (void)snprintf(wanted, sizeof(wanted), "%s or %s", words[0], words[1]);
        r = schema_text(v, wanted, is_never_valid, &text);
        if (r < 0)
                return r;
        if (strcmp(text, words[0]) != 0 && strcmp(text, words[1]) != 0)
                return schema_wrong_type(v, wanted);
        *ret = strcmp(text, words[1]) == 0;
        return 0;
}

static int read_field(const struct value *v, const struct field *f, void *target)
{
        char *member = (char *)target + f->offset;

        switch (f->kind) {
        case FIELD_BOOL:
                return schema_bool(v, (bool *)member);
        case FIELD_UINT:
                return read_uint(v, f->min, f->max, (uint32_t *)(void *)member);
        case FIELD_CHOICE:
                return read_choice(v, f->words, (bool *)member);
        case FIELD_OTHER:
                break;
        }
        return f->read(v, target);
}

static int unknown_key(const struct value *v, const struct node *key, const struct field *fields,
                       size_t n)
{
        const char *text = yaml_tree_text(v->tree, key);
        const char *near = nearest(text, key->len, fields, n);

        if (near)
                return config_error_add(v->d, key->at, "unknown key \"%s\"; did you mean \"%s\"?",
                                        text, near);
        return config_error_add(v->d, key->at, "unknown key \"%s\"", text);
}

static int read_pair(struct value *v, const struct node *key, const struct field *fields, size_t n,
                     void *target)
{
        if (key->kind != NODE_SCALAR) /* said already */
                return -EBADMSG;
        for (size_t i = 0; i < n; i++) {
                if (!yaml_tree_is(v->tree, key, fields[i].key))
                        continue;
                v->key = fields[i].key;
                return read_field(v, &fields[i], target);
        }
        return unknown_key(v, key, fields, n);
}

int schema_read(const struct yaml_tree *t, const struct field *fields, size_t n, void *target,
                struct config_error *d)
{
        const struct node *root = yaml_tree_root(t);
        struct value v = { .tree = t, .d = d, .index = -1 };
        int first = 0, r;

        if (!root)
                return 0;
        if (root->kind == NODE_REFUSED)
                return -EBADMSG;
        if (root->kind != NODE_MAPPING)
                return config_error_add(d, root->at, "\"key: value\" lines are wanted");
        for (const struct node *key = yaml_tree_first(t, root); key;
             key = yaml_tree_next(t, v.node)) {
                v.node = yaml_tree_next(t, key);
                r = read_pair(&v, key, fields, n, target);
                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        first = r;
        }
        return first;
}

const struct node *schema_find(const struct yaml_tree *t, const char *key, struct mark *ret_key)
{
        const struct node *root = yaml_tree_root(t), *value;

        if (!root || root->kind != NODE_MAPPING)
                return NULL;
        for (const struct node *k = yaml_tree_first(t, root); k; k = yaml_tree_next(t, value)) {
                value = yaml_tree_next(t, k);
                if (!yaml_tree_is(t, k, key))
                        continue;
                if (ret_key)
                        *ret_key = k->at;
                return value;
        }
        return NULL;
}
