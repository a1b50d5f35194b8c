/* SPDX-License-Identifier: MIT
 *
 * config-error.c: see config-error.h. Renders faults the way compilers do, and keeps them in the
 * order of the file, whatever check found them first. It trusts neither the input nor the message
 * with the terminal. It prints nothing, opens nothing, and does not know what the input means.
 */
#include "core/util/config-error.h"

#include "core/util/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
        LINE_SHOWN_MAX = 96,     /* code points of a quoted line */
        MESSAGE_SHOWN_MAX = 300, /* code points of a message: a key can be as long as the file */
};

#define ELLIPSIS "..."

/* One code point, tabs as they are: the caret's line repeats them. Returns its bytes. */
static size_t add_safe(struct buf *out, const char *s, size_t len)
{
        uint32_t c = 0;
        size_t n = utf8_decode(s, len, &c);

        if (n == 0 || (utf8_is_unsafe(c) && c != '\t'))
                buf_adds(out, "?");
        else
                buf_add(out, s, n);
        return n ? n : 1;
}

static void add_safe_text(struct buf *out, const char *s, size_t len)
{
        for (size_t i = 0, shown = 0; i < len; shown++) {
                if (shown == MESSAGE_SHOWN_MAX) {
                        buf_adds(out, ELLIPSIS);
                        return;
                }
                i += add_safe(out, s + i, len - i);
        }
}

/* ---- the quoted line ------------------------------------------------------------------------- */

/* Without its end; false when the input has no such line. A byte order mark has no column. */
static bool find_line(const struct config_error *d, uint32_t line, const char **ret,
                      size_t *ret_len)
{
        const char *s = d->text, *end, *newline;

        if (!s || line == 0)
                return false;
        end = s + d->text_len;
        if (d->text_len >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0)
                s += 3;
        for (uint32_t i = 1; i < line; i++) {
                newline = memchr(s, '\n', (size_t)(end - s));
                if (!newline)
                        return false;
                s = newline + 1;
        }
        newline = memchr(s, '\n', (size_t)(end - s));
        if (newline)
                end = newline;
        if (end > s && end[-1] == '\r')
                end--;
        *ret = s;
        *ret_len = (size_t)(end - s);
        return true;
}

static uint32_t count(const char *s, size_t len)
{
        uint32_t n = 0;

        for (size_t i = 0; i < len; n++)
                i += utf8_step(s + i, len - i);
        return n;
}

/* Columns [from, to) of the line; for the caret's line only the tabs of it, blanks for the rest. */
static void add_columns(struct buf *out, const char *s, size_t len, uint32_t from, uint32_t to,
                        bool blank)
{
        uint32_t column = 1;

        for (size_t i = 0; i < len && column < to; column++) {
                size_t n = utf8_step(s + i, len - i);

                if (column >= from && blank)
                        buf_adds(out, s[i] == '\t' ? "\t" : " ");
                else if (column >= from)
                        (void)add_safe(out, s + i, len - i);
                i += n;
        }
}

static void add_quote(struct buf *out, const struct config_error *d, struct mark at)
{
        uint32_t from = 1, to, length, n;
        const char *s;
        size_t len;

        if (!find_line(d, at.line, &s, &len))
                return;
        n = count(s, len);
        if (at.column > n + 1)
                at.column = n + 1;
        to = n + 1;
        if (n > LINE_SHOWN_MAX) { /* the place in the middle, where there is room on both sides */
                from = at.column > LINE_SHOWN_MAX / 2 ? at.column - LINE_SHOWN_MAX / 2 : 1;
                if (from > to - LINE_SHOWN_MAX)
                        from = to - LINE_SHOWN_MAX;
                to = from + LINE_SHOWN_MAX;
        }

        buf_addf(out, "%5u | %s", at.line, from > 1 ? ELLIPSIS : "");
        add_columns(out, s, len, from, to, false);
        buf_addf(out, "%s\n      | %s", to <= n ? ELLIPSIS : "", from > 1 ? "   " : "");
        add_columns(out, s, len, from, at.column, true);
        buf_adds(out, "^");
        length = at.length > to - at.column ? to - at.column : at.length;
        for (uint32_t i = 1; i < length; i++)
                buf_adds(out, "~");
        buf_adds(out, "\n");
}

/* ---- faults ---------------------------------------------------------------------------------- */

static void PRINTF(5, 0) render(struct buf *out, const struct config_error *d, struct mark at,
                                const char *kind, const char *fmt, va_list ap)
{
        AUTO_FREE char *message = NULL;

        if (vasprintf(&message, fmt, ap) < 0) {
                message = NULL;
                out->error = -ENOMEM;
                return;
        }
        add_safe_text(out, d->file, strlen(d->file));
        if (at.line > 0)
                buf_addf(out, ":%u:%u", at.line, at.column);
        buf_addf(out, ": %s: ", kind);
        add_safe_text(out, message, strlen(message));
        buf_adds(out, "\n");
        add_quote(out, d, at);
}

/* Puts `text` into d->out at `offset`; the places from `first` on move. */
static void insert(struct config_error *d, size_t offset, const struct buf *text, unsigned first)
{
        size_t behind = d->out.len - offset;

        if (text->error < 0)
                d->out.error = text->error;
        buf_add(&d->out, buf_str(text), text->len); /* makes room, and fails here if it must */
        if (d->out.error < 0)
                return;
        memmove(d->out.data + offset + text->len, d->out.data + offset, behind);
        memcpy(d->out.data + offset, buf_str(text), text->len);
        for (unsigned i = first; i < CONFIG_ERROR_SHOWN_MAX; i++)
                d->places[i].end += text->len;
}

static bool is_before(struct mark at, const struct config_error_place *p)
{
        return at.line < p->line || (at.line == p->line && at.column < p->column);
}

int config_error_add(struct config_error *d, struct mark at, const char *fmt, ...)
{
        AUTO_BUF text = BUF_INIT;
        unsigned k = d->n_errors++;
        size_t offset;
        va_list ap;

        if (k >= CONFIG_ERROR_SHOWN_MAX)
                return -EBADMSG;
        va_start(ap, fmt);
        render(&text, d, at, "error", fmt, ap);
        va_end(ap);

        for (; k > 0 && is_before(at, &d->places[k - 1]); k--)
                d->places[k] = d->places[k - 1];
        offset = k > 0 ? d->places[k - 1].end : 0;
        d->places[k] = (struct config_error_place){ at.line, at.column, offset };
        d->last = k;
        insert(d, offset, &text, k);
        return -EBADMSG;
}

void config_error_note(struct config_error *d, struct mark at, const char *fmt, ...)
{
        AUTO_BUF text = BUF_INIT;
        va_list ap;

        if (d->n_errors == 0 || d->n_errors > CONFIG_ERROR_SHOWN_MAX)
                return;
        va_start(ap, fmt);
        render(&text, d, at, "note", fmt, ap);
        va_end(ap);
        insert(d, d->places[d->last].end, &text, d->last);
}

void config_error_free(struct config_error *d)
{
        buf_free(&d->out);
}
