/* SPDX-License-Identifier: MIT
 *
 * yamltree.h: YAML as a small tree in which each node knows its place. Only what a configuration
 * needs: one document, bounded in size and depth, no anchors, aliases, tags or directives.
 */
#pragma once

#include "core/util/diag.h"

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
        uint32_t first_child, next; /* indexes into yamltree.nodes; 0: none */
        size_t text, len;           /* a scalar's, in yamltree.text */
        struct mark at;
};

struct yamltree {
        struct node *nodes; /* nodes[0] is a place holder; the root is nodes[1] when n > 1 */
        uint32_t n, cap;
        struct buf text; /* of all scalars, each followed by a NUL */
};

/* Records all that is wrong in `d`. 0; -EBADMSG, and the tree then holds what could be read,
 * without the entry of the root in which reading ended; or -ENOMEM. The tree is to be freed in any
 * case. */
int yamltree_parse(const char *text, size_t len, struct diag *d, struct yamltree *ret) MUST_CHECK;

/* NULL when there is no document, or an empty one. */
const struct node *yamltree_root(const struct yamltree *t);
const struct node *yamltree_first(const struct yamltree *t, const struct node *n);
const struct node *yamltree_next(const struct yamltree *t, const struct node *n);

/* A scalar's text. Followed by a NUL, but may hold others: node.len counts. */
const char *yamltree_text(const struct yamltree *t, const struct node *n);
bool yamltree_is(const struct yamltree *t, const struct node *n, const char *text);

void yamltree_free(struct yamltree *t);
