/* SPDX-License-Identifier: MIT
 *
 * unit-path.c: see unit-path.h. The one place that knows systemd's quoting: specifiers are doubled
 * everywhere; a command line is split into words and unescaped before (systemd.service(5), COMMAND
 * LINES; load-fragment.c, config_parse_exec()), other values are taken as they are. Quotes and
 * backslashes cannot be in a program's path, escaped or not (string_is_safe(); newer: globs too). A
 * dollar needs nothing: variables are expanded in arguments, not in the program's path.
 */
#include "core/format/unit-path.h"

#include "core/util/utf8.h"

#include <string.h>

bool unit_can_name(const char *path)
{
        size_t len = strlen(path);

        if (path[0] != '/' || path[len - 1] == ' ' || strpbrk(path, "\"'\\*?["))
                return false;
        for (size_t i = 0; i < len;) {
                uint32_t c;
                size_t n = utf8_decode(path + i, len - i, &c);

                if (n == 0 || utf8_is_unsafe(c))
                        return false;
                i += n;
        }
        return true;
}

static bool needs_quotes(const char *path)
{
        return strpbrk(path, " ;") != NULL;
}

void unit_add_path(struct buf *out, const char *path, enum unit_place place)
{
        bool quoted = place == UNIT_COMMAND && needs_quotes(path);

        buf_adds(out, quoted ? "\"" : "");
        for (; *path; path++) {
                if (*path == '%')
                        buf_adds(out, "%");
                buf_add(out, path, 1);
        }
        buf_adds(out, quoted ? "\"" : "");
}
