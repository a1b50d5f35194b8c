/* SPDX-License-Identifier: MIT
 *
 * yaml-text.c: see yaml-text.h. Looks at bytes and counts lines; what the text says is
 * yaml-tree.c's business.
 */
#include "core/format/yaml-text.h"

#include "core/util/utf8.h"

#include <errno.h>
#include <string.h>

struct yaml_text yaml_text_of(const char *text, size_t len)
{
        size_t bom = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

        return (struct yaml_text){ text + bom, len - bom };
}

size_t yaml_text_offset(const struct yaml_text *t, uint32_t line, uint32_t column)
{
        size_t i = 0;

        for (uint32_t l = 1; l < line && i < t->len; l++) {
                const char *newline = memchr(t->text + i, '\n', t->len - i);

                i = newline ? (size_t)(newline - t->text) + 1 : t->len;
        }
        for (uint32_t c = 1; c < column && i < t->len && t->text[i] != '\n'; c++)
                i += utf8_step(t->text + i, t->len - i);
        return i;
}

struct mark yaml_text_mark(const struct yaml_text *t, size_t offset)
{
        struct mark m = { 1, 1, 1 };

        for (size_t i = 0; i < offset && i < t->len;) {
                if (t->text[i] == '\n') {
                        m.line++;
                        m.column = 1;
                } else {
                        m.column++;
                }
                i += utf8_step(t->text + i, t->len - i);
        }
        return m;
}

/* NULL when a YAML file may hold it. YAML 1.1 breaks lines at U+0085, U+2028 and U+2029, YAML 1.2
 * and editors do not: what looks like a comment could be a key. The same goes for a lone CR. */
static const char *refuse_character(uint32_t c, bool newline_follows)
{
        if (c == 0)
                return "a NUL byte is not allowed";
        if (c == '\r')
                return newline_follows ? NULL : "a carriage return that ends no line";
        if (c == 0x85 || c == 0x2028 || c == 0x2029)
                return "this character ends a line for some programs only";
        if (c != '\t' && c != '\n' && (c < 0x20 || (c >= 0x7f && c < 0xa0)))
                return "a control character is not allowed";
        if (c == 0xfeff || (c & 0xfffe) == 0xfffe)
                return "this character is not allowed";
        return NULL;
}

/* One fault per line is enough, of whatever kind. libyaml would stop at the first, say so only in
 * bytes from the beginning, and might have stopped before for another reason. */
int yaml_text_check(const struct yaml_text *t, struct config_error *d)
{
        uint32_t line = 1, column = 1, last_fault = 0;
        unsigned before = d->n_errors;

        for (size_t i = 0; i < t->len;) {
                uint32_t c = 0;
                size_t n = utf8_decode(t->text + i, t->len - i, &c);
                bool newline = i + 1 < t->len && t->text[i + 1] == '\n';
                const char *fault = n ? refuse_character(c, newline) : "invalid UTF-8";

                if (fault && last_fault != line) {
                        (void)config_error_add(d, (struct mark){ line, column, 1 }, "%s", fault);
                        last_fault = line;
                }
                column++;
                if (c == '\n') {
                        line++;
                        column = 1;
                }
                i += n ? n : 1;
        }
        return d->n_errors > before ? -EBADMSG : 0;
}
