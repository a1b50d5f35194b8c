/* SPDX-License-Identifier: MIT
 *
 * udiff.c: see udiff.h. Cuts both texts into lines, sets the common head and tail aside, marks the
 * lines that differ by a table of longest common subsequences, and prints the marks as hunks. A
 * failed allocation shows in the buffer's error as every other append does.
 */
#include "core/util/udiff.h"

#include "core/util/printable.h"

#include <errno.h>
#include <string.h>

#define CONTEXT ((size_t)3)

/* Of the table: 16 MiB. */
#define CELLS_MAX ((size_t)4 << 20)

struct line {
        const char *text;
        size_t len;   /* with its newline */
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
                at += l->len;
        }
        return 0;
}

static bool same(const struct line *a, const struct line *b)
{
        return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static void mark_all(struct line *list, size_t n)
{
        for (size_t i = 0; i < n; i++)
                list[i].changed = true;
}

/* ---- the search ------------------------------------------------------------------------------ */

/* Marks what is in no longest common subsequence of the two, or all of both where the table would
 * grow beyond bounds. Cell (x, y) is how long that of a from x on and of b from y on is. */
static int mark_changes(struct line *a, size_t n, struct line *b, size_t m)
{
        AUTO_FREE uint32_t *common = NULL;
        size_t row = m + 1, x = 0, y = 0;

        if (n == 0 || m == 0 || n >= CELLS_MAX / row) {
                mark_all(a, n);
                mark_all(b, m);
                return 0;
        }
        common = calloc((n + 1) * row, sizeof(*common));
        if (!common)
                return -ENOMEM;
        for (x = n; x-- > 0;)
                for (y = m; y-- > 0;) {
                        uint32_t right = common[x * row + y + 1], below = common[(x + 1) * row + y];

                        common[x * row + y] = same(&a[x], &b[y]) ? common[(x + 1) * row + y + 1] + 1
                                              : right > below    ? right
                                                                 : below;
                }
        for (x = 0, y = 0; x < n || y < m;) {
                if (x < n && y < m && same(&a[x], &b[y])) {
                        x++;
                        y++;
                } else if (x < n &&
                           (y == m || common[(x + 1) * row + y] >= common[x * row + y + 1]))
                        a[x++].changed = true;
                else
                        b[y++].changed = true;
        }
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

void udiff_colour(const char *text, size_t len, struct buf *out)
{
        for (size_t at = 0, n; at < len; at += n) {
                const char *line = text + at;
                const char *colour = line[0] == '+'   ? "\033[32m"
                                     : line[0] == '-' ? "\033[31m"
                                     : line[0] == '@' ? "\033[36m"
                                                      : "";
                n = line_length(line, len - at);
                buf_adds(out, colour);
                buf_add(out, line, line[n - 1] == '\n' ? n - 1 : n);
                buf_adds(out, colour[0] ? "\033[0m" : "");
                buf_adds(out, line[n - 1] == '\n' ? "\n" : "");
        }
}
