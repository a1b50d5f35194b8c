/* SPDX-License-Identifier: MIT
 *
 * printable.c: see printable.h. The sinks use it (log.c, standard output in main.c), and whoever
 * puts text from outside into a text of several lines, where a newline of his could not be told
 * from ours.
 */
#include "core/util/printable.h"

#include "core/util/utf8.h"

static void add_escaped(struct buf *out, const char *bytes, size_t n)
{
        static const char digits[] = "0123456789abcdef";

        for (size_t i = 0; i < n; i++) {
                const unsigned char c = (unsigned char)bytes[i];

                buf_add(out, (char[]){ '\\', 'x', digits[c >> 4], digits[c & 15] }, 4);
        }
}

static void add(struct buf *out, const char *text, size_t len, bool newlines)
{
        size_t from = 0, n;

        for (size_t i = 0; i < len; i += n) {
                uint32_t c = 0;

                n = utf8_decode(text + i, len - i, &c);
                if (n > 0 && (!utf8_is_unsafe(c) || c == '\t' || (c == '\n' && newlines)))
                        continue;
                n = n > 0 ? n : 1;
                buf_add(out, text + from, i - from);
                add_escaped(out, text + i, n);
                from = i + n;
        }
        buf_add(out, text + from, len - from);
}

void printable_line(struct buf *out, const char *text, size_t len)
{
        add(out, text, len, false);
}

void printable_text(struct buf *out, const char *text, size_t len)
{
        add(out, text, len, true);
}

void printable_ascii(char *to, size_t size, const void *text, size_t len)
{
        const char *s = text;
        size_t n = len < size ? len : size - 1;

        for (size_t i = 0; i < n; i++)
                to[i] = s[i] >= ' ' && s[i] <= '~' ? s[i] : '?';
        to[n] = '\0';
}
