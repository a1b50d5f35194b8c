/* SPDX-License-Identifier: MIT
 *
 * error.c: see error.h. Texts are cut at the buffer's end, never allocated: running out of memory
 * must still be sayable.
 */
#include "core/util/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void say(struct error *w, int error, const char *fmt, va_list ap) PRINTF(3, 0);
static void say(struct error *w, int error, const char *fmt, va_list ap)
{
        int n;

        if (!w || w->text[0])
                return;
        n = vsnprintf(w->text, sizeof(w->text), fmt, ap);
        if (error != 0 && n >= 0 && (size_t)n < sizeof(w->text)) {
                size_t left = sizeof(w->text) - (size_t)n;

                (void)snprintf(w->text + n, left, ": %s", strerror(error < 0 ? -error : error));
        }
}

int error_set(struct error *w, int error, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        say(w, error, fmt, ap);
        va_end(ap);
        return error;
}

int error_say(struct error *w, int error, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        say(w, 0, fmt, ap);
        va_end(ap);
        return error;
}

void error_fix(struct error *w, const char *fmt, ...)
{
        va_list ap;

        if (!w || w->fix[0])
                return;
        va_start(ap, fmt);
        (void)vsnprintf(w->fix, sizeof(w->fix), fmt, ap);
        va_end(ap);
}
