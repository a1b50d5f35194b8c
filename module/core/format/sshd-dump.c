/* SPDX-License-Identifier: MIT
 *
 * sshd-dump.c: see sshd-dump.h. The lines are those of dump_config() (servconf.c).
 */
#include "core/format/sshd-dump.h"

#include "core/util/words.h"

#include <stdio.h>
#include <string.h>

const char *sshd_dump_next(const char **at, const char *keyword, size_t *ret_len)
{
        size_t n = strlen(keyword);

        for (struct word l; word_next(at, '\n', &l);)
                if (l.len > n + 1 && strncasecmp(l.text, keyword, n) == 0 && l.text[n] == ' ') {
                        *ret_len = l.len - n - 1;
                        return l.text + n + 1;
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
