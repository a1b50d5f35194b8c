/* SPDX-License-Identifier: MIT
 *
 * journal.c: see journal.h. A process of sshd that dies at once is gone before journald can look up
 * its unit, so its name counts as well as the unit's.
 */
#include "host/journal.h"

#include "core/util/printable.h"
#include "host/clock.h"
#include "host/libsystemd.h"

#include <stdio.h>
#include <string.h>

#define WORDS_TRIES 10  /* of 100 ms: journald is a process of its own and may lag */
#define ENTRIES_MAX 500 /* a flooded journal must not keep a diagnosis waiting */

static int open_journal(sd_journal **ret)
{
        int r = libsystemd_load(NULL);

        return r < 0 ? r : sd_journal_open(ret, SD_JOURNAL_LOCAL_ONLY);
}

/* To the entry before, of so many at most, unless that is older. */
static bool step_back(sd_journal *j, uint64_t since, unsigned *left)
{
        uint64_t at;

        return (*left)-- > 0 && sd_journal_previous(j) > 0 &&
               sd_journal_get_realtime_usec(j, &at) >= 0 && at >= since;
}

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

static bool is(sd_journal *j, const char *name, const char *wanted)
{
        const char *value;
        size_t len;

        return field(j, name, &value, &len) && len == strlen(wanted) &&
               memcmp(value, wanted, len) == 0;
}

/* Who says it? systemd of its units, or an sshd of root's, but neither we ourselves, who quote such
 * lines, nor the sshd of the TCP listener, which may have troubles of its own. Fields without an
 * underscore are anybody's to write. */
static bool is_listener(sd_journal *j)
{
        if (is(j, "_PID", "1"))
                return starts_with(j, "UNIT", "sshd-vsock@") || is(j, "UNIT", "sshd-vsock.socket");
        if (!is(j, "_UID", "0"))
                return false;
        if (starts_with(j, "_SYSTEMD_UNIT", "sshd-vsock@"))
                return true;
        return starts_with(j, "SYSLOG_IDENTIFIER", "sshd") &&
               !starts_with(j, "SYSLOG_IDENTIFIER", "sshd-vsock") &&
               !is(j, "_SYSTEMD_UNIT", "ssh.service") && !is(j, "_SYSTEMD_UNIT", "sshd.service");
}

/* What a line says, and whether it is one of the vsock listener's own. */
static enum cause judge(sd_journal *j, const char *text, bool *ret_listener)
{
        *ret_listener = is_listener(j);
        if (*ret_listener)
                return cause_from_journal(text);
        if (is(j, "_TRANSPORT", "kernel") || is(j, "_TRANSPORT", "audit"))
                return cause_from_kernel(text);
        return CAUSE_NONE;
}

/* The message as one line that is safe for any terminal; false where there is none. */
static bool message(sd_journal *j, char *text, size_t size)
{
        const char *value;
        size_t len;

        if (!field(j, "MESSAGE", &value, &len))
                return false;
        printable_ascii(text, size, value, len);
        return true;
}

/* What was found so far: the line to quote, and the one before it that names the place. */
struct found {
        enum cause cause;
        unsigned weight;
        char line[512];
        char place[512];
        char pid[16]; /* who said it */
};

static unsigned priority(sd_journal *j)
{
        const char *value;
        size_t len;

        return field(j, "PRIORITY", &value, &len) && len == 1 ? (unsigned)(value[0] - '0') : 6;
}

static void take(sd_journal *j, const char *text, struct found *f)
{
        const char *value;
        size_t len;

        (void)snprintf(f->line, sizeof(f->line), "%s", text);
        f->pid[0] = '\0';
        if (field(j, "_PID", &value, &len) && len < sizeof(f->pid))
                (void)snprintf(f->pid, sizeof(f->pid), "%.*s", (int)len, value);
}

/* One entry, which is older than all before it. "terminating, 1 bad configuration options" comes
 * last, "no hostkeys available" too; which option and which key, the same process said before. */
static void consider(sd_journal *j, struct found *f)
{
        char text[sizeof(f->line)];
        unsigned weight = 0;
        enum cause cause;
        bool listener;

        if (!message(j, text, sizeof(text)))
                return;
        if (f->cause != CAUSE_NONE) {
                if (!f->place[0] && is(j, "_PID", f->pid) && priority(j) <= 3 &&
                    cause_names_place(f->cause, text) && strcmp(text, f->line) != 0)
                        (void)snprintf(f->place, sizeof(f->place), "%s", text);
                return;
        }
        cause = judge(j, text, &listener);
        if (cause == CAUSE_NONE && listener)
                weight = cause_weight(text, priority(j), is(j, "_PID", "1"));
        if (cause == CAUSE_NONE && weight <= f->weight)
                return;
        f->cause = cause;
        f->weight = weight;
        take(j, text, f);
}

/* Newest first, until a line names a cause; else the one that tells most, the newest of equals. */
static void scan(sd_journal *j, uint64_t since, struct found *f)
{
        for (unsigned left = ENTRIES_MAX; step_back(j, since, &left);) {
                consider(j, f);
                if (f->cause != CAUSE_NONE &&
                    (f->place[0] || cause_names_place(f->cause, f->line) || !f->pid[0]))
                        break;
        }
}

enum cause journal_denial(uint64_t since, char *line, size_t size)
{
        enum cause cause = CAUSE_NONE;
        char text[512];
        sd_journal *j = NULL;
        unsigned left = ENTRIES_MAX;

        line[0] = '\0';
        if (open_journal(&j) < 0)
                return CAUSE_NONE;
        if (sd_journal_add_match(j, "_TRANSPORT=kernel", 0) >= 0 &&
            sd_journal_add_match(j, "_TRANSPORT=audit", 0) >= 0 && sd_journal_seek_tail(j) >= 0)
                while (cause == CAUSE_NONE && step_back(j, since, &left))
                        if (message(j, text, sizeof(text)))
                                cause = cause_from_kernel(text);
        sd_journal_close(j);
        if (cause != CAUSE_NONE)
                (void)snprintf(line, size, "%s", text);
        return cause;
}

enum cause journal_cause(uint64_t since, char *line, size_t size)
{
        struct found f = { 0 };
        sd_journal *j = NULL;

        line[0] = '\0';
        if (open_journal(&j) < 0)
                return CAUSE_NONE;
        if (sd_journal_seek_tail(j) >= 0)
                scan(j, since, &f);
        sd_journal_close(j);
        (void)snprintf(line, size, "%s%s%s", f.place, f.place[0] ? "; " : "", f.line);
        return f.cause;
}

/* How much a line of the unit tells, the least first: that it failed and how (systemd's words),
 * what it said itself, sshd's last word, sshd's own error, the fault itself. */
enum worth {
        WORTH_NOTHING,
        WORTH_FAILED,
        WORTH_RESULT,
        WORTH_OWN,
        WORTH_FATAL,
        WORTH_ERROR,
        WORTH_FAULT,
};

static enum worth worth(sd_journal *j, const char *unit, const char *text)
{
        bool systemd = is(j, "_PID", "1") && is(j, "UNIT", unit);

        if (!systemd && !(is(j, "_SYSTEMD_UNIT", unit) && is(j, "_UID", "0")))
                return WORTH_NOTHING;
        if (cause_from_journal(text) != CAUSE_NONE)
                return WORTH_FAULT;
        if (systemd)
                return strncmp(text, "Failed to start ", 16) == 0 ? WORTH_FAILED : WORTH_RESULT;
        if (strncmp(text, "error: ", 7) == 0)
                return WORTH_ERROR;
        return strncmp(text, "fatal: ", 7) == 0 ? WORTH_FATAL : WORTH_OWN;
}

/* systemd begins with the unit's name, which whoever quotes the line has said. */
static const char *without(const char *text, const char *unit)
{
        size_t n = strlen(unit);

        return strncmp(text, unit, n) == 0 && strncmp(text + n, ": ", 2) == 0 ? text + n + 2 : text;
}

static enum worth best_words(sd_journal *j, const char *unit, uint64_t since, char *line,
                             size_t size)
{
        char text[512];
        enum worth best = WORTH_NOTHING;

        for (unsigned left = ENTRIES_MAX; step_back(j, since, &left);) {
                enum worth w;

                if (!message(j, text, sizeof(text)))
                        continue;
                w = worth(j, unit, text);
                if (w > best)
                        (void)snprintf(line, size, "%s", without(text, unit));
                best = w > best ? w : best;
        }
        return best;
}

void journal_last_words(const char *unit, uint64_t since, char *line, size_t size)
{
        enum worth best = WORTH_NOTHING;

        line[0] = '\0';
        for (unsigned i = 0; i < WORDS_TRIES && best < WORTH_OWN; i++) {
                sd_journal *j = NULL;

                if (i > 0)
                        clock_pause(100);
                if (open_journal(&j) < 0)
                        return;
                if (sd_journal_seek_tail(j) >= 0)
                        best = best_words(j, unit, since, line, size);
                sd_journal_close(j);
        }
}
