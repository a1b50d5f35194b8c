/* SPDX-License-Identifier: MIT
 *
 * log.c: see log.h. Each line is one write, so that lines of two processes do not mix.
 */
#include "host/log.h"

#include "core/util/buf.h"
#include "core/util/printable.h"
#include "host/libsystemd.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const struct {
        const char *journal; /* sd-daemon(3) */
        const char *mark;
        const char *colour;
        const char *plain;
} styles[] = {
        [LOG_LEVEL_ERROR] = { "<3>", "✗", "\033[31;1m", "error: " },
        [LOG_LEVEL_WARN] = { "<4>", "!", "\033[33m", "warning: " },
        [LOG_LEVEL_STEP] = { "<5>", "✓", "\033[32m", "" },
        [LOG_LEVEL_DETAIL] = { "<6>", "·", "\033[2m", "" },
};

/* systemd names the journal's socket by device and inode (systemd.exec(5), $JOURNAL_STREAM). */
static bool stderr_is_journal(void)
{
        const char *stream = getenv("JOURNAL_STREAM");
        unsigned long long dev, ino;
        struct stat st;

        return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
               fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

bool log_has_colours(int fd)
{
        const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

        return isatty(fd) && !(no_color && no_color[0]) && !(term && strcmp(term, "dumb") == 0);
}

void log_init(struct log *l, enum log_level max)
{
        l->max = max;
        l->journal = stderr_is_journal();
        /* the journal calls lines of a unit's stderr by the name of the program that systemd
         * started (systemd.exec(5), SyslogIdentifier=): by ours, unless one in between started us
         */
        l->named = l->journal && getppid() == 1;
        l->colour = log_has_colours(STDERR_FILENO);
}

/* What every message passes: whatever text from outside it holds, it is one line. */
static char *one_line(const char *fmt, va_list ap) PRINTF(1, 0);
static char *one_line(const char *fmt, va_list ap)
{
        AUTO_FREE char *text = NULL;
        AUTO_BUF line = BUF_INIT;
        char *ret = NULL;

        if (vasprintf(&text, fmt, ap) < 0) {
                text = NULL;
                return NULL;
        }
        printable_line(&line, text, strlen(text));
        return buf_take(&line, &ret, NULL) < 0 ? NULL : ret;
}

static void emit(const struct log *l, enum log_level level, const char *text)
{
        AUTO_BUF line = BUF_INIT;
        ssize_t n;

        if (l->journal)
                buf_addf(&line, "%s%s%s\n", styles[level].journal,
                         l->named ? "" : "sshd-vsock: ", text);
        else if (l->colour)
                buf_addf(&line, "%s%s\033[0m %s\n", styles[level].colour, styles[level].mark, text);
        else
                buf_addf(&line, "sshd-vsock: %s%s\n", styles[level].plain, text);
        n = write(STDERR_FILENO, buf_str(&line), line.len);
        (void)n; /* nowhere left to say it */
}

static const char *const event_ids[] = {
        [LOG_EVENT_VERIFIED] = "a3a4142cca1845eea5f086d54f226af0",
        [LOG_EVENT_FAILED] = "623a4b07f13444af94cdfb60af636d6c",
        [LOG_EVENT_TCP_CLOSED] = "30fcb3783c2f42018cc4d0a1fbeadc8b",
        [LOG_EVENT_TCP_KEPT] = "d766cf5c788f426db171f1a4e5061b5e",
        [LOG_EVENT_TCP_OPEN] = "11e01ce000b8498a89407a69df530ad2",
        [LOG_EVENT_TCP_DOWN] = "5b7d3c1e0a9f4d6e8f2b41c6d7a0935e",
        [LOG_EVENT_REMOVED] = "340a5264f86d44ac9a63a3e5de6bdd4e",
};

/* Fields cannot travel over stderr, so the journal's own protocol; false where it is not there. */
static bool send_event(enum log_event event, enum log_level level, const char *cause,
                       const char *text)
{
        /* the list ends with the first NULL, which may be the one in the cause's place */
        return libsystemd_load(NULL) == 0 &&
               sd_journal_send("MESSAGE=%s", text, "PRIORITY=%d", styles[level].journal[1] - '0',
                               "MESSAGE_ID=%s", event_ids[event], "SYSLOG_IDENTIFIER=sshd-vsock",
                               cause ? "SSHD_VSOCK_CAUSE=%s" : NULL, cause, NULL) >= 0;
}

void log_event(const struct log *l, enum log_event event, enum log_level level, const char *cause,
               const char *fmt, ...)
{
        AUTO_FREE char *text = NULL;
        va_list ap;

        va_start(ap, fmt);
        text = one_line(fmt, ap);
        va_end(ap);
        if (text && level <= l->max && !(l->journal && send_event(event, level, cause, text)))
                emit(l, level, text);
}

void log_line(const struct log *l, enum log_level level, const char *fmt, ...)
{
        AUTO_FREE char *text = NULL;
        va_list ap;

        if (level > l->max)
                return;
        va_start(ap, fmt);
        text = one_line(fmt, ap);
        va_end(ap);
        if (text)
                emit(l, level, text);
}
