/* SPDX-License-Identifier: MIT
 *
 * journal.c: see journal.h. A process of sshd that dies at once is gone before journald can look up
 * its unit, so its name counts as well as the unit's.
 */
#include "journal.h"

#include <stdio.h>
#include <string.h>
#include <systemd/sd-journal.h>
#include <time.h>

#define ENTRIES_MAX 500 /* a flooded journal must not keep a diagnosis waiting */

/* The value of a field "NAME=value" of the current entry; false where it has none. */
static bool field(sd_journal *j, const char *name, const char **ret, size_t *ret_len)
{
        const void *data;
        size_t len, n = strlen(name) + 1;

        if (sd_journal_get_data(j, name, &data, &len) < 0 || len < n)
                return false;
        *ret = (const char *)data + n;
        *ret_len = len - n;
        return true;
}

static bool starts_with(sd_journal *j, const char *name, const char *prefix)
{
        const char *value;
        size_t len, n = strlen(prefix);

        return field(j, name, &value, &len) && len >= n && memcmp(value, prefix, n) == 0;
}

/* Neither ourselves, who quote such lines, nor the sshd of the TCP door, which may have troubles of
 * its own. */
static bool is_sshd_of_door(sd_journal *j)
{
        return starts_with(j, "SYSLOG_IDENTIFIER", "sshd") &&
               !starts_with(j, "SYSLOG_IDENTIFIER", "sshd-vsock") &&
               !starts_with(j, "_SYSTEMD_UNIT", "ssh.service") &&
               !starts_with(j, "_SYSTEMD_UNIT", "sshd.service");
}

static bool concerns_door(sd_journal *j)
{
        return starts_with(j, "UNIT", "sshd-vsock") ||
               starts_with(j, "_SYSTEMD_UNIT", "sshd-vsock@") || is_sshd_of_door(j) ||
               starts_with(j, "_TRANSPORT", "audit") || starts_with(j, "_TRANSPORT", "kernel");
}

static enum cause scan(sd_journal *j, uint64_t since, char *line, size_t size)
{
        char text[512];

        for (unsigned i = 0; i < ENTRIES_MAX && sd_journal_previous(j) > 0; i++) {
                const char *message;
                enum cause cause;
                uint64_t at;
                size_t len;

                if (sd_journal_get_realtime_usec(j, &at) < 0 || at < since)
                        break;
                if (!concerns_door(j) || !field(j, "MESSAGE", &message, &len))
                        continue;
                (void)snprintf(text, sizeof(text), "%.*s", (int)(len < 500 ? len : 500), message);
                cause = cause_from_journal(text);
                if (cause == CAUSE_NONE && (line[0] || !starts_with(j, "UNIT", "sshd-vsock")))
                        continue;
                (void)snprintf(line, size, "%s", text);
                if (cause != CAUSE_NONE)
                        return cause;
        }
        return CAUSE_NONE;
}

enum cause journal_cause(unsigned seconds, char *line, size_t size)
{
        enum cause cause = CAUSE_NONE;
        sd_journal *j = NULL;
        struct timespec now;
        uint64_t since;

        line[0] = '\0';
        (void)clock_gettime(CLOCK_REALTIME, &now);
        since = ((uint64_t)now.tv_sec - seconds) * 1000000u;
        if (sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY) < 0)
                return CAUSE_NONE;
        if (sd_journal_seek_tail(j) >= 0)
                cause = scan(j, since, line, size);
        sd_journal_close(j);
        return cause;
}
