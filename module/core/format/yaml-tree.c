/* SPDX-License-Identifier: MIT
 *
 * yaml-tree.c: see yaml-tree.h. The only user of libyaml, and only of its event API: the document
 * API is quadratic on nested input and hides aliases. It refuses what a configuration must not hold
 * and goes on wherever what follows still has a meaning, so that one run names every fault. It
 * knows no key and no type, and reads nothing but the bytes it is given.
 */
#include "core/format/yaml-tree.h"

#include "core/format/yaml-text.h"

#include <errno.h>
#include <string.h>
#include <yaml.h>

/* A collection that is not closed yet. */
struct level {
        uint32_t node;
        uint32_t last; /* its last child; 0: none */
        uint32_t n_children;
        bool flow;
};

struct build {
        struct yaml_tree tree;
        struct config_error *d;
        struct yaml_text in;
        struct level open[YAMLTREE_DEPTH_MAX];
        unsigned depth;
        unsigned documents;
        bool done;
};

/* ---- places ---------------------------------------------------------------------------------- */

static struct mark span(const yaml_mark_t *from, const yaml_mark_t *to)
{
        struct mark m = { (uint32_t)from->line + 1, (uint32_t)from->column + 1, 1 };

        if (to->line > from->line)
                m.length = UINT32_MAX; /* to the end of its line */
        else if (to->column > from->column)
                m.length = (uint32_t)(to->column - from->column);
        return m;
}

/* libyaml finds out about a missing bracket on the line after the last; there is nothing to see
 * there, so the fault is shown at the end of the text. */
static struct mark place_of_problem(const struct build *b, const yaml_mark_t *at)
{
        struct mark m = span(at, at);
        size_t end = b->in.len;

        if (yaml_text_offset(&b->in, m.line, m.column) < b->in.len)
                return m;
        while (end > 0 && strchr(" \t\r\n", b->in.text[end - 1]) && b->in.text[end - 1])
                end--;
        return yaml_text_mark(&b->in, end);
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static int grow(struct yaml_tree *t)
{
        struct node *nodes = list_room(t->nodes, t->n, sizeof(*nodes));

        if (!nodes)
                return -ENOMEM;
        t->nodes = nodes;
        return 0;
}

/* The earlier children of an open mapping, of which `key` is the last. */
static void check_duplicate(struct build *b, uint32_t mapping, uint32_t key)
{
        const struct node *nodes = b->tree.nodes, *k = &nodes[key];

        if (k->kind != NODE_SCALAR)
                return;
        for (uint32_t i = nodes[mapping].first_child; i != key; i = nodes[nodes[i].next].next) {
                if (nodes[i].kind != NODE_SCALAR || nodes[i].len != k->len ||
                    memcmp(b->tree.text.data + nodes[i].text, b->tree.text.data + k->text,
                           k->len) != 0)
                        continue;
                (void)config_error_add(b->d, k->at, "the key \"%s\" is given twice",
                                       yaml_tree_text(&b->tree, k));
                config_error_note(b->d, nodes[i].at, "the first is here");
                return;
        }
}

/* Appends to the innermost open collection. */
static int add_node(struct build *b, const struct node *n)
{
        struct level *in = b->depth > 0 ? &b->open[b->depth - 1] : NULL;
        uint32_t id = b->tree.n;
        bool key;
        int r;

        if (id > YAMLTREE_NODES_MAX) {
                b->done = true;
                return config_error_add(b->d, n->at, "more than %d values", YAMLTREE_NODES_MAX);
        }
        r = grow(&b->tree);
        if (r < 0)
                return r;
        b->tree.nodes[b->tree.n++] = *n;
        if (!in)
                return 0;

        *(in->last ? &b->tree.nodes[in->last].next : &b->tree.nodes[in->node].first_child) = id;
        in->last = id;
        key = in->n_children++ % 2 == 0 && b->tree.nodes[in->node].kind == NODE_MAPPING;
        if (key && (n->kind == NODE_LIST || n->kind == NODE_MAPPING))
                return config_error_add(b->d, n->at, "a list or a mapping cannot be a key");
        if (key)
                check_duplicate(b, in->node, id);
        return 0;
}

/* ---- events ---------------------------------------------------------------------------------- */

/* Faults for the words at *at that begin with & and !; *at moves on to the value behind them. */
static void refuse_properties(struct build *b, unsigned n, struct mark *at)
{
        size_t i, end;

        if (b->d->n_errors >= CONFIG_ERROR_SHOWN_MAX) { /* looking for places takes time */
                while (n-- > 0)
                        (void)config_error_add(b->d, *at, "anchors and tags are not allowed");
                return;
        }
        i = yaml_text_offset(&b->in, at->line, at->column);
        for (; n > 0 && i < b->in.len && strchr("&!", b->in.text[i]); n--) {
                struct mark m = yaml_text_mark(&b->in, i);

                end = i;
                while (end < b->in.len && !strchr(" \t\r\n,[]{}", b->in.text[end]))
                        end++;
                m.length = (uint32_t)(end - i);
                (void)config_error_add(b->d, m, "%s are not allowed",
                                       b->in.text[i] == '&' ? "anchors" : "tags");
                for (i = end; i < b->in.len && strchr(" \t\r\n", b->in.text[i]);)
                        i++;
        }
        *at = yaml_text_mark(&b->in, i);
}

static int take_scalar(struct build *b, const yaml_event_t *e)
{
        bool anchor = e->data.scalar.anchor, tag = e->data.scalar.tag;
        struct node n = {
                .kind = NODE_SCALAR,
                .plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE,
                .text = b->tree.text.len,
                .len = e->data.scalar.length,
                .at = span(&e->start_mark, &e->end_mark),
        };

        if (anchor || tag) {
                refuse_properties(b, (unsigned)anchor + tag, &n.at);
                if (n.at.line == e->end_mark.line + 1 && n.at.column <= e->end_mark.column)
                        n.at.length = (uint32_t)e->end_mark.column + 1 - n.at.column;
        }
        buf_add(&b->tree.text, e->data.scalar.value, n.len);
        buf_add(&b->tree.text, "", 1);
        return b->tree.text.error < 0 ? b->tree.text.error : add_node(b, &n);
}

static int take_start(struct build *b, const yaml_event_t *e, enum node_kind kind, bool anchor,
                      bool tag, bool flow)
{
        struct node n = { .kind = kind, .at = span(&e->start_mark, &e->end_mark) };
        uint32_t id = b->tree.n;
        int r;

        if (anchor || tag)
                refuse_properties(b, (unsigned)anchor + tag, &n.at);
        if (b->depth == YAMLTREE_DEPTH_MAX) {
                b->done = true;
                return config_error_add(b->d, n.at, "nested more than %d deep", YAMLTREE_DEPTH_MAX);
        }
        r = add_node(b, &n);
        if (b->tree.n == id)
                return r;
        b->open[b->depth++] = (struct level){ .node = id, .flow = flow };
        return r;
}

/* Now that the end is known: a flow collection is underlined as a whole, others as far as their
 * first entry goes, since where they end is a matter of the line behind them. */
static void take_end(struct build *b, const yaml_event_t *e)
{
        const struct level *level = &b->open[--b->depth];
        struct node *n = &b->tree.nodes[level->node];
        const struct mark *first = &b->tree.nodes[n->first_child].at;

        if (level->flow && e->end_mark.line + 1 == n->at.line)
                n->at.length = (uint32_t)e->end_mark.column + 1 - n->at.column;
        else if (level->flow)
                n->at.length = UINT32_MAX;
        else if (first->line == n->at.line && first->length < UINT32_MAX - first->column)
                n->at.length = first->column + first->length - n->at.column;
}

static int take_document(struct build *b, const yaml_event_t *e)
{
        struct mark at = span(&e->start_mark, &e->end_mark);

        if (e->data.document_start.version_directive ||
            e->data.document_start.tag_directives.start !=
                    e->data.document_start.tag_directives.end) {
                at.length = UINT32_MAX;
                (void)config_error_add(b->d, at, "directives are not allowed");
        }
        if (++b->documents == 1)
                return 0;
        b->done = true;
        return config_error_add(b->d, at, "a second document begins here; only one is allowed");
}

static int take_alias(struct build *b, const yaml_event_t *e)
{
        struct node n = { .kind = NODE_REFUSED, .at = span(&e->start_mark, &e->end_mark) };

        (void)config_error_add(b->d, n.at, "aliases are not allowed");
        return add_node(b, &n);
}

static int take_event(struct build *b, const yaml_event_t *e)
{
        switch (e->type) {
        case YAML_DOCUMENT_START_EVENT:
                return take_document(b, e);
        case YAML_ALIAS_EVENT:
                return take_alias(b, e);
        case YAML_SCALAR_EVENT:
                return take_scalar(b, e);
        case YAML_SEQUENCE_START_EVENT:
                return take_start(b, e, NODE_LIST, e->data.sequence_start.anchor,
                                  e->data.sequence_start.tag,
                                  e->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE);
        case YAML_MAPPING_START_EVENT:
                return take_start(b, e, NODE_MAPPING, e->data.mapping_start.anchor,
                                  e->data.mapping_start.tag,
                                  e->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE);
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT:
                take_end(b, e);
                return 0;
        case YAML_STREAM_END_EVENT:
                b->done = true;
                return 0;
        default:
                return 0;
        }
}

/* ---- the whole ------------------------------------------------------------------------------- */

static char character_at(const struct build *b, const yaml_mark_t *at)
{
        size_t i = yaml_text_offset(&b->in, (uint32_t)at->line + 1, (uint32_t)at->column + 1);

        return i < b->in.len ? b->in.text[i] : '\0';
}

static int syntax_fault(struct build *b, const yaml_parser_t *p)
{
        struct mark at, begin;
        char c;

        if (p->error == YAML_MEMORY_ERROR)
                return -ENOMEM;
        if (p->error == YAML_READER_ERROR) /* has no mark; yaml_text_check() should come first */
                return config_error_add(b->d, yaml_text_mark(&b->in, p->problem_offset), "%s",
                                        p->problem);

        at = place_of_problem(b, &p->problem_mark);
        c = character_at(b, &p->problem_mark);
        if (c == '\t')
                return config_error_add(b->d, at, "a tab cannot indent");
        (void)config_error_add(b->d, at, "%s%s", p->problem,
                               c == ':' ? " (a value with a colon may need quotes)" : "");
        begin = p->context ? place_of_problem(b, &p->context_mark) : at;
        if (begin.line != at.line || begin.column != at.column)
                config_error_note(b->d, begin, "%s", p->context);
        return -EBADMSG;
}

/* Removes the root's last entry if reading ended inside of it. */
static void drop_unfinished(struct build *b)
{
        const struct level *root = &b->open[0];
        struct node *nodes = b->tree.nodes;
        uint32_t drop, *link;

        if (b->depth == 0)
                return;
        drop = root->n_children % 2 ? 1 : b->depth > 1 ? 2 : 0;
        if (nodes[root->node].kind != NODE_MAPPING)
                drop = 0;
        link = &nodes[root->node].first_child;
        for (uint32_t i = drop; i < root->n_children; i++)
                link = &nodes[*link].next;
        *link = 0;
}

static int read_events(struct build *b, yaml_parser_t *p)
{
        yaml_event_t event;
        int r;

        while (!b->done) {
                if (!yaml_parser_parse(p, &event))
                        return syntax_fault(b, p);
                r = take_event(b, &event);
                yaml_event_delete(&event);
                if (r == -ENOMEM)
                        return r;
        }
        return 0;
}

static int build(struct build *b)
{
        AUTO(yaml_parser_delete) yaml_parser_t parser = { 0 };
        unsigned before = b->d->n_errors;
        int r;

        if (!yaml_parser_initialize(&parser))
                return -ENOMEM;
        yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&parser, (const unsigned char *)b->in.text, b->in.len);
        r = read_events(b, &parser);
        if (r == -ENOMEM)
                return r;
        drop_unfinished(b);
        return b->d->n_errors > before ? -EBADMSG : 0;
}

int yaml_tree_parse(const char *text, size_t len, struct config_error *d, struct yaml_tree *ret)
{
        struct build b = { .d = d, .in = yaml_text_of(text, len) };
        int r;

        r = grow(&b.tree);
        if (r == 0) {
                b.tree.nodes[b.tree.n++] = (struct node){ .kind = NODE_REFUSED };
                r = yaml_text_check(&b.in, d);
        }
        if (r == 0)
                r = build(&b);
        *ret = b.tree;
        return r;
}

const struct node *yaml_tree_root(const struct yaml_tree *t)
{
        const struct node *root = t->n > 1 ? &t->nodes[1] : NULL;

        return root && root->kind == NODE_SCALAR && root->plain && root->len == 0 ? NULL : root;
}

const struct node *yaml_tree_first(const struct yaml_tree *t, const struct node *n)
{
        return n->first_child ? &t->nodes[n->first_child] : NULL;
}

const struct node *yaml_tree_next(const struct yaml_tree *t, const struct node *n)
{
        return n->next ? &t->nodes[n->next] : NULL;
}

const char *yaml_tree_text(const struct yaml_tree *t, const struct node *n)
{
        return t->text.data + n->text;
}

bool yaml_tree_is(const struct yaml_tree *t, const struct node *n, const char *text)
{
        return n->kind == NODE_SCALAR && n->len == strlen(text) &&
               memcmp(yaml_tree_text(t, n), text, n->len) == 0;
}

void yaml_tree_free(struct yaml_tree *t)
{
        free(t->nodes);
        buf_free(&t->text);
        *t = (struct yaml_tree){ 0 };
}
