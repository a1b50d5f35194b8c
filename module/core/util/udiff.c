/* SPDX-License-Identifier: MIT
 *
 * udiff.c: see udiff.h. Sets the common head and tail aside, cuts what is between them into lines,
 * marks those that differ by a table of longest common subsequences, and prints the marks as hunks.
 * What the table would be too large for is printed as it stands: the record of a line may be 24
 * times the line. A failed allocation shows in the buffer's error as every other append does.
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
        bool changed; /* removed, or added */
};

struct lines {
        struct line *list;
        size_t n;
        size_t skipped; /* before the first */
};

struct part {
        const char *text;
        size_t len;
        size_t n; /* lines */
};

/* What differs, with the context before and after it, which both texts have. */
struct window {
        struct part before, from, to, after;
        size_t skipped; /* lines before that */
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

static struct part part_of(const char *text, size_t len)
{
        struct part part = { text, len, 0 };

        for (size_t at = 0; at < len; at += line_length(text + at, len - at))
                part.n++;
        return part;
}

/* The part of one text, with the context. */
static int lines_split(const struct window *w, const struct part *part, struct lines *ret)
{
        const char *text = part->text - w->before.len;
        const char *end = part->text + part->len + w->after.len;

        ret->skipped = w->skipped;
        ret->list = calloc(w->before.n + part->n + w->after.n + 1, sizeof(*ret->list));
        if (!ret->list)
                return -ENOMEM;
        while (text < end) {
                struct line *l = &ret->list[ret->n++];

                l->text = text;
                l->len = line_length(text, (size_t)(end - text));
                text += l->len;
        }
        return 0;
}

static bool same(const struct line *a, const struct line *b)
{
        return a->len == b->len && (a->len == 0 || memcmp(a->text, b->text, a->len) == 0);
}

/* ---- head and tail --------------------------------------------------------------------------- */

static bool starts_line(const struct udiff_side *side, size_t at)
{
        return at == 0 || side->text[at - 1] == '\n';
}

/* Bytes of the lines that both begin with. */
static size_t common_head(const struct udiff_side *a, const struct udiff_side *b)
{
        size_t n = 0;

        while (n < a->len && n < b->len && a->text[n] == b->text[n])
                n++;
        while (!starts_line(a, n))
                n--;
        return n;
}

/* Bytes of the lines behind that which both end with. */
static size_t common_tail(const struct udiff_side *a, const struct udiff_side *b, size_t head)
{
        size_t at = a->len, other = b->len;

        while (at > head && other > head && a->text[at - 1] == b->text[other - 1]) {
                at--;
                other--;
        }
        if (at < a->len && (!starts_line(a, at) || !starts_line(b, other)))
                at += line_length(a->text + at, a->len - at);
        return a->len - at;
}

static void set_window(const struct udiff_side *a, const struct udiff_side *b, struct window *ret)
{
        size_t head = common_head(a, b), tail = common_tail(a, b, head), start = head, after = 0;

        for (size_t i = 0; i < CONTEXT && start > 0; i++)
                do
                        start--;
                while (!starts_line(a, start));
        for (size_t i = 0; i < CONTEXT && after < tail; i++)
                after += line_length(a->text + a->len - tail + after, tail - after);
        *ret = (struct window){ .before = part_of(a->text + start, head - start),
                                .from = part_of(a->text + head, a->len - tail - head),
                                .to = part_of(b->text + head, b->len - tail - head),
                                .after = part_of(a->text + a->len - tail, after),
                                .skipped = part_of(a->text, start).n };
}

/* ---- the search ------------------------------------------------------------------------------ */

/* Whether all of both goes and comes: where one is empty, or the table would grow beyond bounds. */
static bool is_replacement(const struct window *w)
{
        return w->from.n == 0 || w->to.n == 0 || w->from.n >= CELLS_MAX / (w->to.n + 1);
}

/* Marks what is in no longest common subsequence of the two. Cell (x, y) is how long that of a from
 * x on and of b from y on is. */
static int mark_changes(struct line *a, size_t n, struct line *b, size_t m)
{
        AUTO_FREE uint32_t *common = NULL;
        size_t row = m + 1, x = 0, y = 0;

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

/* ---- printing -------------------------------------------------------------------------------- */

/* Nobody looks at more of one line. */
#define SHOWN_MAX ((size_t)64 << 10)

static void add_line(struct buf *out, char sign, const struct line *l)
{
        bool terminated = l->text[l->len - 1] == '\n';
        const size_t len = terminated ? l->len - 1 : l->len;

        buf_add(out, &sign, 1);
        printable_line(out, l->text, len < SHOWN_MAX ? len : SHOWN_MAX);
        if (len > SHOWN_MAX)
                buf_addf(out, "… and %zu bytes more", len - SHOWN_MAX);
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

static void add_ranges(struct buf *out, size_t a, size_t n, size_t b, size_t m)
{
        buf_adds(out, "@@ ");
        add_range(out, '-', a, n);
        buf_adds(out, " ");
        add_range(out, '+', b, m);
        buf_adds(out, " @@\n");
}

static void add_part(struct buf *out, char sign, const struct part *part)
{
        struct line l = { .text = part->text };

        for (const char *end = l.text + part->len; l.text < end; l.text += l.len) {
                l.len = line_length(l.text, (size_t)(end - l.text));
                add_line(out, sign, &l);
        }
}

static void add_replacement(struct buf *out, const struct window *w)
{
        size_t common = w->before.n + w->after.n;

        add_ranges(out, w->skipped, common + w->from.n, w->skipped, common + w->to.n);
        add_part(out, ' ', &w->before);
        add_part(out, '-', &w->from);
        add_part(out, '+', &w->to);
        add_part(out, ' ', &w->after);
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

        add_ranges(out, from->skipped + start.a, end.a - start.a, to->skipped + start.b,
                   end.b - start.b);
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

static int add_changes(struct buf *out, const struct window *w)
{
        AUTO(lines_free) struct lines a = { 0 };
        AUTO(lines_free) struct lines b = { 0 };

        if (lines_split(w, &w->from, &a) < 0 || lines_split(w, &w->to, &b) < 0 ||
            mark_changes(a.list + w->before.n, w->from.n, b.list + w->before.n, w->to.n) < 0)
                return -ENOMEM;
        add_hunks(out, &a, &b);
        return 0;
}

void udiff(const struct udiff_side *from, const struct udiff_side *to, struct buf *out)
{
        struct window w;

        if (from->len == to->len && (from->len == 0 || memcmp(from->text, to->text, to->len) == 0))
                return;
        set_window(from, to, &w);
        add_header(out, "--- ", from);
        add_header(out, "+++ ", to);
        if (is_replacement(&w))
                add_replacement(out, &w);
        else if (add_changes(out, &w) < 0)
                out->error = -ENOMEM;
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
