/* SPDX-License-Identifier: MIT
 *
 * schema.h: a mapping's keys as a table, one row per key, and the walk that fills a struct from a
 * YAML tree by it.
 */
#pragma once

#include "core/format/yaml-tree.h"

/* A value with what its faults need. */
struct value {
        const struct yaml_tree *tree;
        const struct node *node;
        struct config_error *d;
        const char *key;
        int index; /* in a list; -1: the key's own value */
};

enum field_kind { FIELD_BOOL, FIELD_UINT, FIELD_CHOICE, FIELD_OTHER };

struct field {
        const char *key;
        enum field_kind kind;
        size_t offset;     /* of a bool or uint32_t in the target */
        uint32_t min, max; /* FIELD_UINT */
        /* FIELD_CHOICE: a bool that has words of its own, first the one for false. */
        const char *words[2];
        /* FIELD_OTHER: reads into the target, whose former value it frees. 0, -EBADMSG with a
         * fault recorded, or -ENOMEM. */
        int (*read)(const struct value *v, void *target);
};

/* Fills `target` from the tree's root. Goes on after faults: 0, -EBADMSG or -ENOMEM. */
int schema_read(const struct yaml_tree *t, const struct field *fields, size_t n, void *target,
                struct config_error *d) MUST_CHECK;

/* The value of a key, or NULL; *ret_key (optional) is the place of the key. */
const struct node *schema_find(const struct yaml_tree *t, const char *key, struct mark *ret_key);

/* Records a fault at the value, with its path in front. Always -EBADMSG. */
int schema_fault(const struct value *v, const char *fmt, ...) PRINTF(2, 3);

/* The same for a value that is not of the wanted kind; says what it is instead. */
int schema_wrong_type(const struct value *v, const char *wanted);

/* 0 or -EBADMSG with a fault recorded. */
int schema_bool(const struct value *v, bool *ret) MUST_CHECK;

/* Whether it is plain `true` or `false`. */
bool schema_is_bool(const struct value *v);

/* Text: in quotes, or such that no YAML reader takes it for anything else; what is not, and would
 * be `valid` in quotes, is told so. The text is the tree's. */
int schema_text(const struct value *v, const char *wanted, bool (*valid)(const char *text),
                const char **ret) MUST_CHECK;

/* Calls `each` for every item; goes on after -EBADMSG. */
int schema_list(const struct value *v, int (*each)(const struct value *item, void *userdata),
                void *userdata) MUST_CHECK;
size_t schema_count(const struct value *v);

/* Whether some YAML reader takes it, without quotes, for a number, a date, a boolean or nothing. */
bool schema_is_ambiguous(const char *text);
