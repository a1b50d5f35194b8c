/* SPDX-License-Identifier: MIT
 *
 * audit-log.c: see audit-log.h. Lines are auditd.conf(5)'s, in either log_format: "type=AVC
 * msg=audit(1700000000.123:45): avc:  denied  …". A log that was rotated a moment ago is not looked
 * for: auditd keeps 8 MB in each.
 */
#include "host/audit-log.h"

#include "core/util/printable.h"
#include "host/rootfs.h"

#include <stdio.h>
#include <string.h>

#define PATH "/var/log/audit/audit.log"

/* When the kernel said it; 0: the line does not tell. */
static uint64_t time_of(const char *line)
{
        const char *at = strstr(line, "msg=audit(");
        unsigned long long seconds;
        unsigned milliseconds;

        if (!at || sscanf(at + 10, "%llu.%3u:", &seconds, &milliseconds) != 2)
                return 0;
        return seconds * 1000000u + UINT64_C(1000) * milliseconds;
}

static void take(const char *from, char *line, size_t size)
{
        const char *words = strstr(from, "): ");

        words = words ? words + 3 : from;
        printable_ascii(line, size, words, strlen(words));
}

enum cause audit_log_denial(uint64_t since, char *line, size_t size)
{
        struct rootfs root = ROOTFS_INIT;
        AUTO_FREE char *text = NULL;
        enum cause cause = CAUSE_NONE;
        size_t len;

        line[0] = '\0';
        if (rootfs_open(NULL, &root, NULL) < 0)
                return CAUSE_NONE;
        if (rootfs_read(&root, PATH, ROOTFS_FILE_MAX, &text, &len, NULL) < 0)
                len = 0;
        rootfs_close(&root);
        /* from the end, line by line */
        while (len > 0 && cause == CAUSE_NONE) {
                const char *start;
                uint64_t at;

                text[--len] = '\0';
                while (len > 0 && text[len - 1] != '\n')
                        len--;
                start = text + len;
                at = time_of(start);
                if (at != 0 && at < since)
                        break;
                cause = cause_from_kernel(start);
                if (cause != CAUSE_NONE)
                        take(start, line, size);
        }
        return cause;
}
