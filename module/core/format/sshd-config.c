/* SPDX-License-Identifier: MIT
 *
 * sshd-config.c: see sshd-config.h. Tokens are those of OpenSSH: lines as load_server_config() and
 * process_server_config_line_depth() (servconf.c) take them, keywords as strdelim(), arguments as
 * argv_split() (misc.c). It follows no Include, opens nothing and judges no value; edits touch our
 * block and our comment marks, all other bytes pass through.
 */
#include "core/format/sshd-config.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <strings.h>

#define SSHDIR     "/etc/ssh/"
#define WHITESPACE " \t\r\n"

struct scan {
        struct sshd_config found;
        struct buf begins; /* size_t each: how many items there were at each open begin line */
        struct buf blocks; /* two of them each: which items are in one; none is in another */
        uint32_t line;
        bool in_match;
};

static void scan_done(struct scan *s)
{
        sshd_config_free(&s->found);
        buf_free(&s->begins);
        buf_free(&s->blocks);
}

/* With its newline, where it has one. */
static size_t line_length(const char *text, size_t len)
{
        const char *newline = memchr(text, '\n', len);

        return newline ? (size_t)(newline - text) + 1 : len;
}

/* Whatever an editor may have made of it: CRLF, and a byte order mark in front. */
static bool line_is(const char *line, size_t len, const char *want)
{
        const size_t mark = len >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

        while (len > 0 && line[len - 1] != '\0' && strchr(WHITESPACE, line[len - 1]))
                len--;
        return len == mark + strlen(want) && memcmp(line + mark, want, len - mark) == 0;
}

static bool line_is_commented(const char *line, size_t len)
{
        return len >= strlen(SSHD_CONFIG_STRAY) &&
               memcmp(line, SSHD_CONFIG_STRAY, strlen(SSHD_CONFIG_STRAY)) == 0;
}

/* A stack of numbers in a buffer: begin lines that wait for their end line. */
static void push(struct buf *stack, size_t n)
{
        buf_add(stack, &n, sizeof(n));
}

static bool pop(struct buf *stack, size_t *ret)
{
        if (stack->error < 0 || stack->len == 0)
                return false;
        stack->len -= sizeof(*ret);
        memcpy(ret, stack->data + stack->len, sizeof(*ret));
        return true;
}

/* ---- tokens ---------------------------------------------------------------------------------- */

/* misc.c, strdelim(): cuts the next token off in place; *s is NULL after the last. Its quotes are
 * another kind than those of arguments: `Po"rt"` is a keyword too. */
static char *next_word(char **s)
{
        char *word = *s, *end;
        bool quote, equals;

        if (!word)
                return NULL;
        end = strpbrk(word, WHITESPACE "\"=");
        *s = end;
        if (!end)
                return word;
        quote = *end == '"';
        equals = *end == '=';
        if (quote) {
                memmove(end, end + 1, strlen(end));
                *s = end = strchr(end, '"');
                if (!end)
                        return NULL;
        }
        *end = '\0';
        *s = end + 1 + strspn(end + 1, WHITESPACE);
        if (**s == '=' && !quote && !equals)
                *s += 1 + strspn(*s + 1, WHITESPACE);
        return word;
}

/* misc.c, argv_split() with terminate_on_comment, one argument at a time and in place (an argument
 * never grows). 1 and *ret, 0 at the end, -EBADMSG for a quote that is not closed. */
static int next_argument(char **s, char **ret)
{
        char *in = *s, *out, quote = '\0';

        in += strspn(in, " \t");
        if (*in == '\0' || *in == '#')
                return 0;
        *ret = out = in;
        for (; *in != '\0'; in++) {
                if (*in == '\\' && (in[1] == '\'' || in[1] == '"' || in[1] == '\\' ||
                                    (quote == '\0' && in[1] == ' ')))
                        *out++ = *++in;
                else if (quote == '\0' && (*in == ' ' || *in == '\t'))
                        break;
                else if (quote == '\0' && (*in == '"' || *in == '\''))
                        quote = *in;
                else if (quote != '\0' && *in == quote)
                        quote = '\0';
                else
                        *out++ = *in;
        }
        if (quote != '\0')
                return -EBADMSG;
        *s = *in == '\0' ? in : in + 1;
        *out = '\0';
        return 1;
}

static int add_item(struct scan *s, enum sshd_config_kind kind, const char *argument)
{
        struct sshd_config_item *items = list_room(s->found.items, s->found.n, sizeof(*items));
        char *copy;

        if (!items)
                return -ENOMEM;
        s->found.items = items;
        copy = strdup(argument);
        if (!copy)
                return -ENOMEM;
        items[s->found.n++] = (struct sshd_config_item){
                .kind = kind, .line = s->line, .in_match = s->in_match, .argument = copy
        };
        return 0;
}

/* All arguments of an Include, the first of the others: what follows an address is its rdomain. */
static int scan_arguments(struct scan *s, enum sshd_config_kind kind, char *text)
{
        const size_t before = s->found.n;
        bool more = true;
        char *argument;
        int r;

        while ((r = next_argument(&text, &argument)) > 0) {
                /* To sshd an empty one is a fault, and it looks at no later one. */
                more = more && argument[0] != '\0';
                if (!more)
                        continue; /* to the end: a quote may be open */
                more = kind == SSHD_CONFIG_INCLUDE;
                r = add_item(s, kind, argument);
                if (r < 0)
                        return r;
        }
        if (r == -EBADMSG) {
                while (s->found.n > before)
                        free(s->found.items[--s->found.n].argument);
                return 0; /* sshd takes none of them and refuses the file */
        }
        return r;
}

/* The keyword of a line, as sshd finds it, or NULL; *ret_rest is what follows it. */
static char *find_keyword(char *line, char **ret_rest)
{
        size_t n;
        char *keyword;

        line += strspn(line, " \t\r");
        /* A form feed is allowed at the end only; the first byte stays in any case. */
        for (n = strlen(line); n > 1 && strchr(WHITESPACE "\f", line[n - 1]); n--)
                line[n - 1] = '\0';

        keyword = next_word(&line);
        if (keyword && *keyword == '\0')
                keyword = next_word(&line);
        if (!keyword || *keyword == '\0' || *keyword == '#' || !line || *line == '\0')
                return NULL;
        *ret_rest = line;
        return keyword;
}

/* servconf.c, match_cfg_line(): it holds for all, and nothing stands beside it. */
static bool is_all(char *rest)
{
        char *all, *more;

        return next_argument(&rest, &all) > 0 && strcasecmp(all, "all") == 0 &&
               next_argument(&rest, &more) == 0;
}

static int scan_line(struct scan *s, const char *text, size_t len)
{
        static const struct {
                const char *name;
                enum sshd_config_kind kind;
        } keywords[] = {
                { "Include", SSHD_CONFIG_INCLUDE },
                { "ListenAddress", SSHD_CONFIG_LISTEN_ADDRESS },
                { "Port", SSHD_CONFIG_PORT },
                { "AddressFamily", SSHD_CONFIG_ADDRESS_FAMILY },
                { "HostKey", SSHD_CONFIG_HOST_KEY },
        };
        AUTO_FREE char *copy = strndup(text, len); /* a NUL ends the line, as for sshd */
        char *keyword, *rest = NULL;

        if (!copy)
                return -ENOMEM;
        keyword = find_keyword(copy, &rest);
        if (!keyword)
                return 0;
        if (strcasecmp(keyword, "Match") == 0)
                s->in_match = !is_all(rest);
        for (size_t i = 0; i < ELEMENTSOF(keywords); i++)
                if (strcasecmp(keyword, keywords[i].name) == 0)
                        return scan_arguments(s, keywords[i].kind, rest);
        return 0;
}

/* Those inside are part of it from now on: however they are nested, each item is marked once. */
static void end_block(struct scan *s)
{
        size_t first, from, to;

        if (!pop(&s->begins, &first))
                return;
        do
                from = to = first;
        while (pop(&s->blocks, &to) && pop(&s->blocks, &from) && from >= first);
        push(&s->blocks, from);
        push(&s->blocks, to);
        push(&s->blocks, first);
        push(&s->blocks, s->found.n);
}

static void mark_ours(struct scan *s)
{
        size_t from, to;

        while (pop(&s->blocks, &to) && pop(&s->blocks, &from))
                for (size_t i = from; i < to; i++)
                        s->found.items[i].ours = true;
}

int sshd_config_scan(const char *text, size_t len, struct sshd_config *ret)
{
        AUTO(scan_done) struct scan s = { 0 };
        size_t n;
        int r;

        for (size_t at = 0; at < len; at += n) {
                n = line_length(text + at, len - at);
                s.line += s.line < UINT32_MAX;
                if (line_is(text + at, n, SSHD_CONFIG_BEGIN))
                        push(&s.begins, s.found.n);
                else if (line_is(text + at, n, SSHD_CONFIG_END))
                        end_block(&s);
                r = scan_line(&s, text + at, n);
                if (r < 0)
                        return r;
        }
        if (s.begins.error < 0 || s.blocks.error < 0)
                return -ENOMEM;
        mark_ours(&s);
        *ret = s.found;
        s.found = (struct sshd_config){ 0 };
        return 0;
}

void sshd_config_free(struct sshd_config *c)
{
        for (size_t i = 0; i < c->n; i++)
                free(c->items[i].argument);
        free(c->items);
        *c = (struct sshd_config){ 0 };
}

/* ---- what is included ------------------------------------------------------------------------ */

/* The path has one slash between its directories, and so has the pattern: `//` and `/./` go. */
static void add_normalized(struct buf *out, const char *path)
{
        for (; *path != '\0'; path++) {
                while (path[0] == '/' && (path[1] == '/' || (path[1] == '.' && path[2] == '/')))
                        path += path[1] == '/' ? 1 : 2;
                buf_add(out, path, 1);
        }
}

static bool item_covers(const struct sshd_config_item *item, const char *path)
{
        AUTO_BUF full = BUF_INIT;
        AUTO_BUF pattern = BUF_INIT;

        if (item->kind != SSHD_CONFIG_INCLUDE || item->in_match)
                return false;
        /* '~' is not put after SSHDIR, and means nothing to a glob(3) without GLOB_TILDE. */
        if (item->argument[0] != '/' && item->argument[0] != '~')
                buf_adds(&full, SSHDIR);
        buf_adds(&full, item->argument);
        add_normalized(&pattern, buf_str(&full));
        return full.error == 0 && pattern.error == 0 &&
               fnmatch(buf_str(&pattern), path, FNM_PATHNAME | FNM_PERIOD) == 0;
}

bool sshd_config_includes(const struct sshd_config *c, const char *path)
{
        for (size_t i = 0; i < c->n; i++)
                if (item_covers(&c->items[i], path))
                        return true;
        return false;
}

/* ---- edits ----------------------------------------------------------------------------------- */

/* The text without its blocks: end lines pair with the nearest begin line before them. A begin or
 * end line that is left over belongs to nobody, and what is around it is not ours to delete. */
static int without_blocks(const char *text, size_t len, struct buf *out)
{
        AUTO_BUF begins = BUF_INIT;
        size_t n, begin;

        for (size_t at = 0; at < len; at += n) {
                n = line_length(text + at, len - at);
                if (line_is(text + at, n, SSHD_CONFIG_END) && pop(&begins, &begin)) {
                        if (out->error == 0) {
                                out->len = begin;
                                out->data[begin] = '\0';
                        }
                        continue;
                }
                if (line_is(text + at, n, SSHD_CONFIG_BEGIN))
                        push(&begins, out->len);
                buf_add(out, text + at, n);
        }
        return begins.error;
}

void sshd_config_set_block(const char *text, size_t len, const char *body, struct buf *out)
{
        AUTO_BUF rest = BUF_INIT;

        if (without_blocks(text, len, &rest) < 0 || rest.error < 0) {
                out->error = -ENOMEM;
                return;
        }
        if (body) {
                buf_adds(out, SSHD_CONFIG_BEGIN "\n");
                buf_adds(out, body);
                if (body[0] != '\0' && body[strlen(body) - 1] != '\n')
                        buf_adds(out, "\n");
                buf_adds(out, SSHD_CONFIG_END "\n");
        }
        buf_add(out, rest.data, rest.len);
}

void sshd_config_comment_strays(const char *text, size_t len, const struct sshd_config *c,
                                struct buf *out)
{
        uint32_t number = 0;
        size_t n, k = 0;

        for (size_t at = 0; at < len; at += n) {
                bool stray = false;

                n = line_length(text + at, len - at);
                number += number < UINT32_MAX;
                for (; k < c->n && c->items[k].line <= number; k++)
                        stray = stray || (c->items[k].line == number &&
                                          c->items[k].kind == SSHD_CONFIG_LISTEN_ADDRESS);
                if (stray && !line_is_commented(text + at, n))
                        buf_adds(out, SSHD_CONFIG_STRAY);
                buf_add(out, text + at, n);
        }
}

void sshd_config_uncomment(const char *text, size_t len, struct buf *out)
{
        size_t n;

        for (size_t at = 0; at < len; at += n) {
                size_t mark;

                n = line_length(text + at, len - at);
                mark = line_is_commented(text + at, n) ? strlen(SSHD_CONFIG_STRAY) : 0;
                buf_add(out, text + at + mark, n - mark);
        }
}
