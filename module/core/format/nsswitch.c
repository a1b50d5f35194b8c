/* SPDX-License-Identifier: MIT
 *
 * nsswitch.c: see nsswitch.h. Reads a line as glibc's nss_database.c and nss_action_parse.c do; of
 * services it knows those that matter here. What a service finds is not looked at.
 */
#include "core/format/nsswitch.h"

#include "core/util/words.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

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
                if (word_is(&service, "files") || word_is(&service, "resolve"))
                        return NSSWITCH_FILES;
                if (word_is(&service, "dns"))
                        return NSSWITCH_OTHERS;
        }
        return NSSWITCH_OTHERS;
}

enum nsswitch_hosts nsswitch_hosts(const char *text, size_t len)
{
        static const char name[] = "hosts";
        const char *end_of_text = text + len;
        const size_t n = sizeof(name) - 1;
        enum nsswitch_hosts ret = NSSWITCH_SILENT;

        for (struct word l; line_next(&text, end_of_text, &l);) {
                const char *line = l.text, *comment = memchr(line, '#', l.len);
                const char *end = comment ? comment : line + l.len;

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
