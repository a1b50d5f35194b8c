/* SPDX-License-Identifier: MIT
 *
 * nsswitch.c: see nsswitch.h. Reads a line as glibc's nss_database.c and nss_action_parse.c do; of
 * services it knows those that matter here. What a service finds is not looked at.
 */
#include "core/format/nsswitch.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct word {
        const char *text;
        size_t len;
};

static bool is(const struct word *w, const char *name)
{
        return w->len == strlen(name) && strncmp(w->text, name, w->len) == 0;
}

/* The next service; what stands in brackets is about the one before. */
static bool next_service(const char **at, const char *end, struct word *ret)
{
        while (*at < end && (isspace((unsigned char)**at) || **at == '[')) {
                if (**at == '[')
                        while (*at < end && **at != ']')
                                ++*at;
                if (*at < end)
                        ++*at;
        }
        ret->text = *at;
        while (*at < end && !isspace((unsigned char)**at) && **at != '[')
                ++*at;
        ret->len = (size_t)(*at - ret->text);
        return ret->len > 0;
}

/* nss-resolve hands the question to systemd-resolved, which reads /etc/hosts itself. */
static enum nsswitch_hosts judge_line(const char *at, const char *end)
{
        struct word service;

        while (next_service(&at, end, &service)) {
                if (is(&service, "files") || is(&service, "resolve"))
                        return NSSWITCH_FILES;
                if (is(&service, "dns"))
                        return NSSWITCH_OTHERS;
        }
        return NSSWITCH_OTHERS;
}

enum nsswitch_hosts nsswitch_hosts(const char *text, size_t len)
{
        static const char name[] = "hosts";
        const size_t n = sizeof(name) - 1;
        enum nsswitch_hosts ret = NSSWITCH_SILENT;

        for (size_t at = 0; at < len;) {
                const char *line = text + at, *newline = memchr(line, '\n', len - at);
                const char *end = newline ? newline : text + len;
                const char *comment = memchr(line, '#', (size_t)(end - line));

                at = (size_t)(end - text) + 1;
                if (comment)
                        end = comment;
                while (line < end && isspace((unsigned char)*line))
                        line++;
                if ((size_t)(end - line) <= n || strncmp(line, name, n) != 0 ||
                    (line[n] != ':' && !isspace((unsigned char)line[n])))
                        continue;
                for (line += n; line < end && (*line == ':' || isspace((unsigned char)*line));)
                        line++;
                ret = judge_line(line, end); /* the last one counts */
        }
        return ret;
}

enum nsswitch_hosts nsswitch_default(const char *version)
{
        const char *dot = strchr(version, '.');
        long major = strtol(version, NULL, 10), minor = dot ? strtol(dot + 1, NULL, 10) : 0;

        return major > 2 || (major == 2 && minor >= 35) ? NSSWITCH_FILES : NSSWITCH_OTHERS;
}
