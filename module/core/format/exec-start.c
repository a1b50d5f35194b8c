/* SPDX-License-Identifier: MIT
 *
 * exec-start.c: see exec-start.h. The rules are those of systemd's env-util.c (replace_env_argv)
 * and env-file.c (parse_env_file_internal()).
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
        struct buf text;
        size_t kept; /* of the text, without the blanks that may end it */
};

static void keep(struct reader *r, char c)
{
        buf_add(&r->text, &c, 1);
        r->kept = r->text.len;
}

/* To the name's end, which is the first '='; false where the line has none. */
static bool read_name(struct reader *r)
{
        for (; r->at < r->end && !strchr("=\r\n", *r->at); r->at++)
                if (*r->at == ' ' || *r->at == '\t')
                        buf_add(&r->text, r->at, 1);
                else
                        keep(r, *r->at);
        return r->at < r->end && *r->at == '=';
}

/* Within single quotes all counts as it is; in double quotes a backslash spares the few that mean
 * something there. */
static void read_quoted(struct reader *r, char quote)
{
        for (; r->at < r->end && *r->at != quote; r->at++) {
                if (quote == '"' && *r->at == '\\') {
                        if (++r->at == r->end)
                                return;
                        if (*r->at == '\n')
                                continue;
                        if (!strchr("\"\\`$", *r->at))
                                keep(r, '\\');
                }
                keep(r, *r->at);
        }
        r->at += r->at < r->end;
}

/* PRE_VALUE: quotes are some at the beginning and behind others, and blanks between them go. */
static void read_leading(struct reader *r)
{
        for (; r->at < r->end; r->at++) {
                if (*r->at == '"' || *r->at == '\'') {
                        r->at++;
                        read_quoted(r, r->at[-1]);
                        r->at--;
                } else if (*r->at != ' ' && *r->at != '\t') {
                        return;
                }
        }
}

/* VALUE: quotes are what they are. */
static void read_value(struct reader *r)
{
        read_leading(r);
        while (r->at < r->end && *r->at != '\n' && *r->at != '\r') {
                char c = *r->at++;

                if (c == '\\') {
                        if (r->at < r->end && !strchr("\r\n", *r->at))
                                keep(r, *r->at);
                        r->at += r->at < r->end;
                } else if (c == ' ' || c == '\t') {
                        buf_add(&r->text, &c, 1);
                } else {
                        keep(r, c);
                }
        }
}

/* Up to systemd 253 a backslash has a comment go on, from 254 on it does not. */
static void skip_comment(struct reader *r)
{
        while (r->at < r->end && *r->at != '\n' && *r->at != '\r')
                r->at += *r->at == '\\' && r->at + 1 < r->end ? 2 : 1;
}

/* An assignment to what is no name is read to its end, too. */
static int read_assignment(struct reader *r, struct argv *env)
{
        size_t name;

        buf_free(&r->text);
        r->kept = 0;
        if (!read_name(r))
                return r->text.error;
        r->at++;
        name = r->kept;
        if (r->text.error == 0 && r->text.len > 0)
                r->text.len = name;
        keep(r, '=');
        read_value(r);
        if (r->text.error < 0 || name == 0 || name_length(buf_str(&r->text)) != name)
                return r->text.error;
        return argv_add(env, r->text.data, r->kept);
}

int environment_parse(const char *text, size_t len, struct argv *env)
{
        struct reader r = { .at = text, .end = text + strnlen(text, len), .text = BUF_INIT };
        int rc = 0;

        while (rc == 0 && r.at < r.end) {
                if (strchr(" \t\r\n", *r.at))
                        r.at++;
                else if (*r.at == '#' || *r.at == ';')
                        skip_comment(&r);
                else
                        rc = read_assignment(&r, env);
        }
        buf_free(&r.text);
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

int command_split(const char *value, struct argv *ret)
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
                        r = command_split(value_of(env, word + 1, n), ret);
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
