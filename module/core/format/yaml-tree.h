/* SPDX-License-Identifier: MIT
 *
 * yaml-tree.h: YAML as a small tree in which each node knows its place. Only what a configuration
 * needs: one document, bounded in size and depth, no anchors, aliases, tags or directives.
 */
#pragma once

#include "core/util/config-error.h"

#define YAMLTREE_DEPTH_MAX 16
#define YAMLTREE_NODES_MAX 4096

enum node_kind {
        NODE_SCALAR,
        NODE_LIST,
        NODE_MAPPING, /* its children are key, value, key, value … */
        NODE_REFUSED, /* a fault about it is recorded; say nothing more */
};

struct node {
        enum node_kind kind;
        bool plain; /* a scalar without quotes, on which YAML's guessing of types would work */
        uint32_t first_child, next; /* indexes into yaml_tree.nodes; 0: none */
        size_t text, len;           /* a scalar's, in yaml_tree.text */
        struct mark at;
};

struct yaml_tree {
        struct node *nodes; /* nodes[0] is a place holder; the root is nodes[1] when n > 1 */
        uint32_t n;
        struct buf text; /* of all scalars, each followed by a NUL */
};

/* Records all that is wrong in `d`. 0; -EBADMSG, and the tree then holds what could be read,
 * without the entry of the root in which reading ended; or -ENOMEM. The tree is to be freed in any
 * case. */
int yaml_tree_parse(const char *text, size_t len, struct config_error *d,
                    struct yaml_tree *ret) MUST_CHECK;

/* NULL when there is no document, or an empty one. */
const struct node *yaml_tree_root(const struct yaml_tree *t);
const struct node *yaml_tree_first(const struct yaml_tree *t, const struct node *n);
const struct node *yaml_tree_next(const struct yaml_tree *t, const struct node *n);

/* A scalar's text. Followed by a NUL, but may hold others: node.len counts. */
const char *yaml_tree_text(const struct yaml_tree *t, const struct node *n);
bool yaml_tree_is(const struct yaml_tree *t, const struct node *n, const char *text);

void yaml_tree_free(struct yaml_tree *t);
