/* SPDX-License-Identifier: MIT
 *
 * exec-start.c: see exec-start.h. The rules are those of systemd's env-util.c (replace_env_argv)
 * and env-file.c.
 */
#include "core/format/exec-start.h"

#include <errno.h>
#include <string.h>

static bool is_name(char c, bool first)
{
        return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               (!first && c >= '0' && c <= '9');
}

static size_t name_length(const char *text)
{
        size_t n = 0;

        while (is_name(text[n], n == 0))
                n++;
        return n;
}

static const char *value_of(const struct argv *env, const char *name, size_t len)
{
        for (size_t i = env->n; i-- > 0;)
                if (strncmp(env->list[i], name, len) == 0 && env->list[i][len] == '=')
                        return env->list[i] + len + 1;
        return "";
}

/* ---- the file -------------------------------------------------------------------------------- */

struct reader {
        const char *at, *end;
        struct buf value;
        size_t kept; /* of the value, without the blanks that may end it */
};

static void keep(struct reader *r, char c)
{
        buf_add(&r->value, &c, 1);
        r->kept = r->value.len;
}

/* Within single quotes all counts as it is; in double quotes a backslash spares the few that mean
 * something there. */
static void read_quoted(struct reader *r, char quote)
{
        for (; r->at < r->end && *r->at != quote; r->at++) {
                if (quote == '"' && *r->at == '\\' && r->at + 1 < r->end) {
                        r->at++;
                        if (*r->at == '\n')
                                continue;
                        if (!strchr("\"\\`$", *r->at))
                                keep(r, '\\');
                }
                keep(r, *r->at);
        }
        r->at += r->at < r->end;
}

static void read_value(struct reader *r)
{
        while (r->at < r->end && (*r->at == ' ' || *r->at == '\t'))
                r->at++;
        while (r->at < r->end && *r->at != '\n' && *r->at != '\r') {
                char c = *r->at++;

                if (c == '"' || c == '\'') {
                        read_quoted(r, c);
                } else if (c == '\\' && r->at < r->end) {
                        c = *r->at++;
                        if (c != '\n')
                                keep(r, c);
                } else if (c == ' ' || c == '\t') {
                        buf_add(&r->value, &c, 1);
                } else {
                        keep(r, c);
                }
        }
}

static void skip_line(struct reader *r)
{
        while (r->at < r->end && *r->at != '\n')
                r->at += *r->at == '\\' && r->at + 1 < r->end ? 2 : 1;
}

int environment_parse(const char *text, size_t len, struct argv *env)
{
        struct reader r = { .at = text, .end = text + len, .value = BUF_INIT };
        int rc = 0;

        while (rc == 0 && r.at < r.end) {
                size_t n;

                r.at += strspn(r.at, " \t\r\n");
                n = r.at < r.end ? name_length(r.at) : 0;
                if (n == 0 || r.at + n >= r.end || r.at[n] != '=') {
                        skip_line(&r);
                        continue;
                }
                buf_free(&r.value);
                buf_add(&r.value, r.at, n + 1);
                r.at += n + 1;
                r.kept = r.value.len;
                read_value(&r);
                rc = r.value.error < 0 ? r.value.error : argv_add(env, r.value.data, r.kept);
        }
        buf_free(&r.value);
        return rc;
}

/* ---- the words ------------------------------------------------------------------------------- */

/* Quotes hold a word together and go, as does a backslash; what is not closed ends with the value:
 * replace_env_argv() of systemd's env-util.c, EXTRACT_RELAX|EXTRACT_UNQUOTE. */
static const char *take_word(const char *at, struct buf *word)
{
        char quote = '\0';

        for (; *at && (quote || !strchr(" \t\n\r", *at)); at++) {
                if (*at == '\\' && at[1])
                        buf_add(word, ++at, 1);
                else if (*at == quote)
                        quote = '\0';
                else if (!quote && (*at == '\'' || *at == '"'))
                        quote = *at;
                else if (*at != '\\')
                        buf_add(word, at, 1);
        }
        return at;
}

static int split(const char *value, struct argv *ret)
{
        int r = 0;

        while (r == 0 && *(value += strspn(value, " \t\n\r"))) {
                AUTO_BUF word = BUF_INIT;

                value = take_word(value, &word);
                r = word.error < 0 ? word.error : argv_add(ret, buf_str(&word), word.len);
        }
        return r;
}

static int replace(const char *word, const struct argv *env, struct argv *ret)
{
        AUTO_BUF out = BUF_INIT;

        while (*word) {
                size_t n = word[0] == '$' && word[1] == '{' ? name_length(word + 2) : 0;

                if (n > 0 && word[2 + n] == '}') {
                        buf_adds(&out, value_of(env, word + 2, n));
                        word += n + 3;
                } else {
                        word += word[0] == '$' && word[1] == '$';
                        buf_add(&out, word++, 1);
                }
        }
        return out.error < 0 ? out.error : argv_adds(ret, buf_str(&out));
}

int command_expand(const struct argv *words, const struct argv *env, struct argv *ret)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < words->n; i++) {
                const char *word = words->list[i];
                size_t n = word[0] == '$' ? name_length(word + 1) : 0;

                if (n > 0 && word[n + 1] == '\0')
                        r = split(value_of(env, word + 1, n), ret);
                else
                        r = replace(word, env, ret);
        }
        return r;
}

void command_quote(const char *word, struct buf *out)
{
        buf_adds(out, "'");
        for (; *word; word++) {
                if (*word == '\'')
                        buf_adds(out, "'\\''");
                else if (*word == '%')
                        buf_adds(out, "%%");
                else
                        buf_add(out, word, 1);
        }
        buf_adds(out, "'");
}
