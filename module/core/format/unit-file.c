/* SPDX-License-Identifier: MIT
 *
 * unit-file.c: see unit-file.h. Reads lines as systemd does (conf-parser.c, config_parse():
 * comments, continued lines, sections). Keeps nothing.
 */
#include "core/format/unit-file.h"

#include "core/util/buf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\n\r"

struct reader {
        char *section; /* NULL before the first */
        unit_setting_fn setting;
        void *userdata;
};

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

static int take_section(struct reader *r, const char *line)
{
        size_t n = strlen(line);

        free(r->section); /* one that nothing closes is none that anybody asks for */
        r->section = line[n - 1] == ']' ? strndup(line + 1, n - 2) : strdup(line);
        return r->section ? 0 : -ENOMEM;
}

/* A line with all that continues it. */
static int take_line(struct reader *r, char *line)
{
        const char *section = r->section ? r->section : "";
        char *equals;

        line = trim(line);
        if (line[0] == '[')
                return take_section(r, line);
        equals = strchr(line, '=');
        if (!equals)
                return line[0] ? r->setting(r->userdata, section, "", line) : 0;
        *equals = '\0';
        return r->setting(r->userdata, section, trim(line), trim(equals + 1));
}

/* Whether the next line belongs to it: a backslash at its end that is no other's second half. */
static bool is_continued(const struct buf *line)
{
        size_t slashes = 0;

        while (slashes < line->len && line->data[line->len - 1 - slashes] == '\\')
                slashes++;
        return slashes % 2 == 1;
}

static int read_lines(struct reader *r, const char *text, size_t len)
{
        static const char mark[] = "\xef\xbb\xbf";
        AUTO_BUF line = BUF_INIT;
        size_t i = len >= strlen(mark) && memcmp(text, mark, strlen(mark)) == 0 ? strlen(mark) : 0;
        int rc = 0;

        while (rc == 0 && i < len) {
                size_t start = i;

                while (i < len && text[i] && text[i] != '\n' && text[i] != '\r')
                        i++;
                while (start < i && (text[start] == ' ' || text[start] == '\t'))
                        start++;
                i++;
                if (start < i - 1 && (text[start] == '#' || text[start] == ';'))
                        continue;
                if (start == i - 1 && i > 1 && text[i - 2] == '\r')
                        continue; /* the other half of a line's end */
                buf_add(&line, text + start, i - 1 - start);
                if (line.len > 0 && is_continued(&line)) {
                        line.data[line.len - 1] = ' ';
                        continue;
                }
                if (line.len > 0)
                        rc = take_line(r, line.data);
                if (line.error == 0)
                        buf_free(&line);
        }
        if (rc == 0 && line.len > 0)
                rc = take_line(r, line.data);
        return rc < 0 ? rc : line.error;
}

int unit_file_read(const char *text, size_t len, unit_setting_fn setting, void *userdata)
{
        struct reader r = { .setting = setting, .userdata = userdata };
        int rc = read_lines(&r, text, len);

        free(r.section);
        return rc;
}
