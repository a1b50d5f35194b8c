/* SPDX-License-Identifier: MIT
 *
 * udiff.c: see udiff.h. Cuts both texts into lines, marks the lines that differ (Myers, "An O(ND)
 * Difference Algorithm and Its Variations", 1986, the greedy form of §4, after the common head and
 * tail are set aside) and prints the marks as hunks. It allocates and appends; it reads no file and
 * writes nowhere, and a failed allocation shows in the buffer's error as every other append does.
 */
#include "core/util/udiff.h"

#include "core/util/printable.h"

#include <errno.h>
#include <string.h>

#define CONTEXT ((size_t)3)

/* The trace of the search grows with the square of this: 8 MiB at the limit. */
#define CHANGES_MAX 2000

struct line {
        const char *text;
        size_t len; /* with its newline */
        uint64_t hash;
        bool changed; /* taken out, or put in */
};

struct lines {
        struct line *list;
        size_t n;
};

static void lines_free(struct lines *l)
{
        free(l->list);
}

/* ---- lines ----------------------------------------------------------------------------------- */

static size_t line_length(const char *text, size_t len)
{
        const char *newline = memchr(text, '\n', len);

        return newline ? (size_t)(newline - text) + 1 : len;
}

/* FNV-1a: only saves comparing long lines that differ late. */
static uint64_t hash(const char *text, size_t len)
{
        uint64_t h = 0xcbf29ce484222325U;

        for (size_t i = 0; i < len; i++)
                h = (h ^ (unsigned char)text[i]) * 0x100000001b3U;
        return h;
}

static int lines_split(const char *text, size_t len, struct lines *ret)
{
        size_t n = 0;

        for (size_t at = 0; at < len; at += line_length(text + at, len - at))
                n++;
        ret->list = calloc(n + 1, sizeof(*ret->list));
        if (!ret->list)
                return -ENOMEM;

        for (size_t at = 0; at < len;) {
                struct line *l = &ret->list[ret->n++];

                l->text = text + at;
                l->len = line_length(text + at, len - at);
                l->hash = hash(l->text, l->len);
                at += l->len;
        }
        return 0;
}

static bool same(const struct line *a, const struct line *b)
{
        return a->hash == b->hash && a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static void mark_all(struct line *list, size_t n)
{
        for (size_t i = 0; i < n; i++)
                list[i].changed = true;
}

/* ---- the search ------------------------------------------------------------------------------ */

/* Diagonal k = x - y. Step d reaches the diagonals -d, -d+2 … d; what it reached on them is the row
 * d of the trace, d + 1 entries long, and rows follow one another. */
struct search {
        const struct line *a, *b;
        size_t n, m;
        size_t *trace;
        size_t cap;
};

static void search_free(struct search *s)
{
        free(s->trace);
}

static size_t *search_row(const struct search *s, size_t d)
{
        return s->trace + d * (d + 1) / 2;
}

static int search_reserve(struct search *s, size_t d)
{
        size_t need = (d + 1) * (d + 2) / 2, cap;
        size_t *trace;

        if (need <= s->cap)
                return 0;
        cap = need > s->cap * 2 ? need : s->cap * 2;
        trace = realloc(s->trace, cap * sizeof(*trace));
        if (!trace)
                return -ENOMEM;
        s->trace = trace;
        s->cap = cap;
        return 0;
}

/* Whether the best way to entry i of row d (k = 2i - d) comes down from k + 1, putting a line of b
 * in, rather than across from k - 1, taking a line of a out. In row d - 1 those two are the entries
 * i and i - 1. */
static bool comes_down(const size_t *previous, size_t d, size_t i)
{
        return i == 0 || (i < d && previous[i - 1] < previous[i]);
}

/* Fills row d; returns true once the end of both texts is reached. A diagonal that left the grid
 * keeps its overshoot (x > n or y > m), which no later step can turn into a match. */
static bool search_step(struct search *s, size_t d)
{
        size_t *row = search_row(s, d);
        const size_t *previous = d > 0 ? search_row(s, d - 1) : NULL;

        for (size_t i = 0; i <= d; i++) {
                size_t x, y;

                if (d == 0)
                        x = 0;
                else if (comes_down(previous, d, i))
                        x = previous[i];
                else
                        x = previous[i - 1] + 1;
                y = x + d - 2 * i;
                while (x < s->n && y < s->m && same(&s->a[x], &s->b[y])) {
                        x++;
                        y++;
                }
                row[i] = x;
                if (x >= s->n && y >= s->m)
                        return true;
        }
        return false;
}

/* Walks the trace back from the end and marks each step. */
static void search_mark(const struct search *s, size_t d, struct line *a, struct line *b)
{
        size_t x = s->n, y = s->m;

        for (; d > 0; d--) {
                const size_t *previous = search_row(s, d - 1);
                size_t i = (x + d - y) / 2;

                if (comes_down(previous, d, i)) {
                        x = previous[i];
                        y = x + d - 2 * i - 1;
                        b[y].changed = true;
                } else {
                        x = previous[i - 1];
                        y = x + d + 1 - 2 * i;
                        a[x].changed = true;
                }
        }
}

/* Marks a shortest way from a to b, or all of both when that takes more than CHANGES_MAX. */
static int mark_changes(struct line *a, size_t n, struct line *b, size_t m)
{
        AUTO(search_free) struct search s = { .a = a, .b = b, .n = n, .m = m };
        int r;

        for (size_t d = 0; d <= CHANGES_MAX; d++) {
                r = search_reserve(&s, d);
                if (r < 0)
                        return r;
                if (search_step(&s, d)) {
                        search_mark(&s, d, a, b);
                        return 0;
                }
        }
        mark_all(a, n);
        mark_all(b, m);
        return 0;
}

static int compare(struct lines *from, struct lines *to)
{
        size_t head = 0, n = from->n, m = to->n;

        while (head < n && head < m && same(&from->list[head], &to->list[head]))
                head++;
        while (n > head && m > head && same(&from->list[n - 1], &to->list[m - 1])) {
                n--;
                m--;
        }
        return mark_changes(from->list + head, n - head, to->list + head, m - head);
}

/* ---- printing -------------------------------------------------------------------------------- */

static void add_line(struct buf *out, char sign, const struct line *l)
{
        bool terminated = l->text[l->len - 1] == '\n';

        buf_add(out, &sign, 1);
        printable_line(out, l->text, terminated ? l->len - 1 : l->len);
        buf_adds(out, terminated ? "\n" : "\n\\ No newline at end of file\n");
}

/* A range of no lines names the line before it (POSIX, diff, "Diff -u Output Format"). */
static void add_range(struct buf *out, char sign, size_t start, size_t n)
{
        if (n == 1)
                buf_addf(out, "%c%zu", sign, start + 1);
        else
                buf_addf(out, "%c%zu,%zu", sign, n > 0 ? start + 1 : start, n);
}

/* Places in both texts, equally far along. */
struct place {
        size_t a, b;
};

static void skip_changed(const struct lines *from, const struct lines *to, struct place *at)
{
        while (at->a < from->n && from->list[at->a].changed)
                at->a++;
        while (at->b < to->n && to->list[at->b].changed)
                at->b++;
}

static void skip_unchanged(const struct lines *from, const struct lines *to, struct place *at)
{
        while (at->a < from->n && at->b < to->n && !from->list[at->a].changed &&
               !to->list[at->b].changed) {
                at->a++;
                at->b++;
        }
}

static void add_hunk(struct buf *out, const struct lines *from, const struct lines *to,
                     struct place start, struct place end)
{
        struct place at = start;

        buf_adds(out, "@@ ");
        add_range(out, '-', start.a, end.a - start.a);
        buf_adds(out, " ");
        add_range(out, '+', start.b, end.b - start.b);
        buf_adds(out, " @@\n");

        while (at.a < end.a || at.b < end.b) {
                if (at.a < end.a && from->list[at.a].changed)
                        add_line(out, '-', &from->list[at.a++]);
                else if (at.b < end.b && to->list[at.b].changed)
                        add_line(out, '+', &to->list[at.b++]);
                else {
                        add_line(out, ' ', &from->list[at.a++]);
                        at.b++;
                }
        }
}

static void add_hunks(struct buf *out, const struct lines *from, const struct lines *to)
{
        struct place at = { 0, 0 };

        skip_unchanged(from, to, &at);
        while (at.a < from->n || at.b < to->n) {
                size_t before = at.a < CONTEXT ? at.a : CONTEXT, after;
                struct place start = { at.a - before, at.b - before };
                struct place end;

                /* Changes whose contexts touch share a hunk, as with GNU diff. */
                do {
                        skip_changed(from, to, &at);
                        end = at;
                        skip_unchanged(from, to, &at);
                } while (at.a - end.a <= 2 * CONTEXT && (at.a < from->n || at.b < to->n));

                after = at.a - end.a < CONTEXT ? at.a - end.a : CONTEXT;
                end.a += after;
                end.b += after;
                add_hunk(out, from, to, start, end);
        }
}

static void add_header(struct buf *out, const char *sign, const struct udiff_side *side)
{
        const char *label = side->text ? side->label : "/dev/null";

        buf_adds(out, sign);
        printable_line(out, label, strlen(label));
        buf_adds(out, "\n");
}

void udiff(const struct udiff_side *from, const struct udiff_side *to, struct buf *out)
{
        AUTO(lines_free) struct lines a = { 0 };
        AUTO(lines_free) struct lines b = { 0 };

        if (from->len == to->len && (from->len == 0 || memcmp(from->text, to->text, to->len) == 0))
                return;
        if (lines_split(from->text, from->len, &a) < 0 || lines_split(to->text, to->len, &b) < 0 ||
            compare(&a, &b) < 0) {
                out->error = -ENOMEM;
                return;
        }
        add_header(out, "--- ", from);
        add_header(out, "+++ ", to);
        add_hunks(out, &a, &b);
}
