/* SPDX-License-Identifier: MIT
 *
 * run-again.c: what went wrong and what to do about it, with the command that applies the
 * configuration at hand: alone, "sshd-vsock apply" would apply the system's own file. Words only.
 */
#include "cli/run.h"

#include "core/plan/render.h"

#include <string.h>

static const char apply_alone[] = "sshd-vsock apply";

/* As a shell takes it; without quotes where it needs none, as a person would write it. */
static void add_word(struct buf *out, const char *word)
{
        if (word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                              "/._-+:@%,")] == '\0')
                buf_adds(out, word);
        else
                buf_add_quoted(out, word);
}

/* The length of the options that stand there, " --takeover" and the like. */
static size_t options_length(const char *rest)
{
        size_t n = 0;

        while (strncmp(rest + n, " --", 3) == 0)
                n += 1 + strspn(rest + n + 1, "abcdefghijklmnopqrstuvwxyz-");
        return n;
}

/* The command in the place of the one that applies alone; returns what of the fix stands behind it.
 * The provision unit takes no options, and what is to be its input is said behind a closing quote.
 */
static const char *fix_again(const struct run *r, const char *rest, struct buf *out)
{
        const size_t n = options_length(rest);

        if (r->again == AGAIN_UNIT && n == 0) {
                buf_adds(out, "systemctl start " UNIT_PROVISION);
                return rest;
        }
        buf_addf(out, "%s --config=", apply_alone);
        add_word(out, r->again == AGAIN_FILE ? r->options.config : "-");
        buf_add(out, rest, n);
        rest += n;
        if (r->again == AGAIN_FILE)
                return rest;
        if (*rest == '"') {
                buf_adds(out, "\"");
                rest++;
        }
        buf_adds(out, r->source == CONFIG_NAMED ? " (with the same input)"
                                                : " (with the configuration that " UNIT_PROVISION
                                                  " carries as its input)");
        return rest;
}

void run_add_fix(const struct run *r, const char *fix, struct buf *out)
{
        for (const char *at; r->again != AGAIN_ALONE && (at = strstr(fix, apply_alone)) != NULL;) {
                buf_add(out, fix, (size_t)(at - fix));
                fix = fix_again(r, at + strlen(apply_alone), out);
        }
        buf_adds(out, fix);
}

void run_say_error(const struct run *r, enum log_level level, const struct error *error)
{
        AUTO_BUF fix = BUF_INIT;

        run_add_fix(r, error->fix, &fix);
        log_line(&r->log, level, "%s%s%s", error->text, fix.len ? "; fix: " : "", buf_str(&fix));
}

int run_fail(struct run *r)
{
        run_say_error(r, LOG_LEVEL_ERROR, &r->error);
        return EXIT_WORLD;
}

int run_said(const struct run *r, int rc, struct error *error)
{
        if (rc < 0)
                run_say_error(r, LOG_LEVEL_ERROR, error);
        *error = (struct error){ 0 };
        return rc;
}
