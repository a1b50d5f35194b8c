/* SPDX-License-Identifier: MIT
 *
 * unit-file.c: see unit-file.h. Reads lines as systemd does (conf-parser.c, config_parse():
 * comments, continued lines, sections). Keeps no more than one of them.
 */
#include "core/format/unit-file.h"

#include "core/util/buf.h"

#include <string.h>

#define BLANKS " \t\n\r"

static char *trim(char *text)
{
        size_t len;

        text += strspn(text, BLANKS);
        len = strlen(text);
        while (len > 0 && strchr(BLANKS, text[len - 1]))
                len--;
        text[len] = '\0';
        return text;
}

/* Whether the next line belongs to it: a backslash at its end that is no other's second half. */
static bool is_continued(const struct buf *line)
{
        size_t slashes = 0;

        while (slashes < line->len && line->data[line->len - 1 - slashes] == '\\')
                slashes++;
        return slashes % 2 == 1;
}

/* The next line with all that continues it. */
static bool next_line(struct unit_file *f)
{
        static const char mark[] = "\xef\xbb\xbf";
        const char *text = f->text;

        buf_free(&f->line);
        if (f->at == 0 && f->len >= strlen(mark) && memcmp(text, mark, strlen(mark)) == 0)
                f->at = strlen(mark);
        while (f->at < f->len && f->line.error == 0) {
                size_t start = f->at, end = start;

                while (end < f->len && text[end] && text[end] != '\n' && text[end] != '\r')
                        end++;
                while (start < end && (text[start] == ' ' || text[start] == '\t'))
                        start++;
                f->at = end + 1;
                if (start < end && (text[start] == '#' || text[start] == ';'))
                        continue;
                if (start == end && end > 0 && text[end - 1] == '\r')
                        continue; /* the other half of a line's end */
                buf_add(&f->line, text + start, end - start);
                if (f->line.len == 0 || f->line.error < 0)
                        continue;
                if (!is_continued(&f->line))
                        return true;
                f->line.data[f->line.len - 1] = ' ';
        }
        f->error = f->line.error;
        return f->error == 0 && f->line.len > 0;
}

static void take_section(struct unit_file *f, const char *line)
{
        const size_t n = strlen(line);
        const bool closed = line[n - 1] == ']'; /* else it is none that anybody asks for */

        buf_free(&f->section);
        buf_add(&f->section, line + closed, closed ? n - 2 : n);
        f->error = f->section.error;
}

/* systemd.syntax(7): what begins so is for other programs, and a whole section, too. */
static bool is_foreign(const char *section, const char *line)
{
        return strncmp(section, "X-", 2) == 0 || strncmp(line, "X-", 2) == 0;
}

bool unit_file_next(struct unit_file *f, struct unit_setting *ret)
{
        while (f->error == 0 && next_line(f)) {
                char *line = trim(f->line.data), *equals = strchr(line, '=');

                if (line[0] == '[') {
                        take_section(f, line);
                } else if ((equals || line[0]) && !is_foreign(buf_str(&f->section), line)) {
                        if (equals)
                                *equals = '\0';
                        *ret = (struct unit_setting){ buf_str(&f->section),
                                                      equals ? trim(line) : "",
                                                      equals ? trim(equals + 1) : line };
                        return true;
                }
        }
        return false;
}

void unit_file_free(struct unit_file *f)
{
        buf_free(&f->section);
        buf_free(&f->line);
}

bool unit_setting_is(const struct unit_setting *s, const char *section, const char *key)
{
        return strcmp(s->section, section) == 0 && strcmp(s->key, key) == 0;
}
