/* SPDX-License-Identifier: MIT
 *
 * sshd-dump.c: see sshd-dump.h. The lines are those of dump_config() (servconf.c).
 */
#include "core/format/sshd-dump.h"

#include <stdio.h>
#include <string.h>

const char *sshd_dump_next(const char **at, const char *keyword, size_t *ret_len)
{
        size_t n = strlen(keyword);

        while (**at) {
                const char *line = *at;
                size_t len = strcspn(line, "\n");

                *at = line + len + (line[len] == '\n');
                if (len > n + 1 && strncasecmp(line, keyword, n) == 0 && line[n] == ' ') {
                        *ret_len = len - n - 1;
                        return line + n + 1;
                }
        }
        return NULL;
}

void sshd_dump_get(const char *dump, const char *keyword, char *value, size_t size)
{
        size_t len = 0;
        const char *found = sshd_dump_next(&dump, keyword, &len);

        (void)snprintf(value, size, "%.*s", found && len < size ? (int)len : 0, found ? found : "");
}

bool sshd_dump_is(const char *dump, const char *keyword, const char *value)
{
        char found[64];

        sshd_dump_get(dump, keyword, found, sizeof(found));
        return strcasecmp(found, value) == 0;
}
