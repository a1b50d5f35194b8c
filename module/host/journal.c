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

static void close_journal(sd_journal **j)
{
        if (*j)
                sd_journal_close(*j);
}
#define AUTO_JOURNAL AUTO(close_journal) sd_journal

/* At its end; of all who write, or of the kernel alone. */
static bool open_journal(sd_journal **ret, bool kernel)
{
        return libsystemd_load(NULL) >= 0 && sd_journal_open(ret, SD_JOURNAL_LOCAL_ONLY) >= 0 &&
               (!kernel || (sd_journal_add_match(*ret, "_TRANSPORT=kernel", 0) >= 0 &&
                            sd_journal_add_match(*ret, "_TRANSPORT=audit", 0) >= 0)) &&
               sd_journal_seek_tail(*ret) >= 0;
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

/* The message before, of so many entries at most, as one line that is safe for any terminal. */
static bool step_back_to(sd_journal *j, uint64_t since, unsigned *left, char *text, size_t size)
{
        const char *value;
        size_t len;

        while (step_back(j, since, left))
                if (field(j, "MESSAGE", &value, &len)) {
                        printable_ascii(text, size, value, len);
                        return true;
                }
        return false;
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
static void consider(sd_journal *j, const char *text, struct found *f)
{
        unsigned weight = 0;
        enum cause cause;
        bool listener;

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

enum cause journal_denial(uint64_t since, char *line, size_t size)
{
        AUTO_JOURNAL *j = NULL;
        enum cause cause = CAUSE_NONE;
        unsigned left = ENTRIES_MAX;
        char text[512] = "";

        if (open_journal(&j, true))
                while (cause == CAUSE_NONE && step_back_to(j, since, &left, text, sizeof(text)))
                        cause = cause_from_kernel(text);
        (void)snprintf(line, size, "%s", cause != CAUSE_NONE ? text : "");
        return cause;
}

/* Newest first, until a line names a cause; else the one that tells most, the newest of equals. */
enum cause journal_cause(uint64_t since, char *line, size_t size)
{
        AUTO_JOURNAL *j = NULL;
        struct found f = { 0 };
        unsigned left = ENTRIES_MAX;
        bool complete = !open_journal(&j, false);
        char text[sizeof(f.line)];

        while (!complete && step_back_to(j, since, &left, text, sizeof(text))) {
                consider(j, text, &f);
                complete = f.cause != CAUSE_NONE &&
                           (f.place[0] || cause_names_place(f.cause, f.line) || !f.pid[0]);
        }
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

static enum worth best_words(const char *unit, uint64_t since, char *line, size_t size)
{
        AUTO_JOURNAL *j = NULL;
        enum worth best = WORTH_NOTHING;
        unsigned left = ENTRIES_MAX;
        char text[512];

        if (!open_journal(&j, false))
                return WORTH_FAULT; /* nothing to wait for */
        while (step_back_to(j, since, &left, text, sizeof(text))) {
                enum worth w = worth(j, unit, text);

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
                if (i > 0)
                        clock_pause(100);
                best = best_words(unit, since, line, size);
        }
}
