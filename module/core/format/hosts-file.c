/* SPDX-License-Identifier: MIT
 *
 * hosts-file.c: see hosts-file.h. Reads lines as glibc's nss/nss_files/files-hosts.c does (cut at
 * '#', blanks as isspace(3) has them, lines without a valid address ignored) and puts one line in
 * or removes it. Everything else passes through as bytes. It opens and resolves nothing.
 */
#include "core/format/hosts-file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#define BLANKS " \t\r\v\f"

struct address {
        int family; /* AF_UNSPEC: not an address */
        unsigned char bytes[16];
};

struct line {
        const char *text; /* with its line end */
        size_t len;
        size_t end; /* length of the line end: 0, 1, or 2 for CR LF */

        const char *token; /* the address, as written */
        size_t token_len;
        struct address address;
        bool localhost; /* names localhost */
        bool unknown;   /* names UNKNOWN, whoever wrote it */
        bool ours;
        bool names_both; /* ours, and localhost before UNKNOWN */
};

/* ---- lines ----------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
        return c != '\0' && strchr(BLANKS, c);
}

static void address_parse(const char *s, size_t len, struct address *ret)
{
        char text[INET6_ADDRSTRLEN];

        *ret = (struct address){ .family = AF_UNSPEC };
        if (len >= sizeof(text))
                return;
        memcpy(text, s, len);
        text[len] = '\0';
        if (inet_pton(AF_INET, text, ret->bytes) == 1)
                ret->family = AF_INET;
        else if (inet_pton(AF_INET6, text, ret->bytes) == 1)
                ret->family = AF_INET6;
}

static bool address_equal(const struct address *a, const struct address *b)
{
        return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static bool next_token(const char *s, size_t len, size_t *at, const char **ret, size_t *ret_len)
{
        while (*at < len && is_blank(s[*at]))
                (*at)++;
        *ret = s + *at;
        while (*at < len && !is_blank(s[*at]))
                (*at)++;
        *ret_len = (size_t)(s + *at - *ret);
        return *ret_len > 0;
}

static bool is_name(const char *token, size_t len, const char *name)
{
        return len == strlen(name) && strncasecmp(token, name, len) == 0;
}

/* Blanks around the marker do not matter: cloud-init's HostsConf writes our line anew with tabs
 * and without the blank before '#' when it edits another one. */
static bool is_marker(const char *s, size_t len)
{
        while (len > 0 && is_blank(s[len - 1]))
                len--;
        return len == strlen(HOSTS_MARKER) && memcmp(s, HOSTS_MARKER, len) == 0;
}

/* A line of ours holds nothing that somebody else could have added and would miss. */
static void line_parse(struct line *l)
{
        size_t len = l->len - l->end, at = 0, names = 0, n;
        const char *hash = memchr(l->text, '#', len);
        const char *nul = memchr(l->text, '\0', len);
        const char *token;
        bool first_localhost = false;

        if (hash && (!nul || hash < nul))
                len = (size_t)(hash - l->text);
        else if (nul)
                len = (size_t)(nul - l->text); /* what a C string reader sees */

        if (!next_token(l->text, len, &at, &l->token, &l->token_len))
                return;
        address_parse(l->token, l->token_len, &l->address);
        if (l->address.family == AF_UNSPEC)
                return;
        for (; next_token(l->text, len, &at, &token, &n); names++) {
                first_localhost |= names == 0 && is_name(token, n, "localhost");
                l->localhost |= is_name(token, n, "localhost");
                l->unknown |= is_name(token, n, HOSTS_NAME);
        }
        l->names_both = l->unknown && names == 2 && first_localhost;
        l->ours = l->unknown && (names == 1 || l->names_both) &&
                  is_marker(l->text + len, l->len - l->end - len);
}

static bool next_line(const char *text, size_t len, size_t *at, struct line *ret)
{
        const char *newline;

        if (!text || *at >= len)
                return false;
        newline = memchr(text + *at, '\n', len - *at);
        *ret = (struct line){ .text = text + *at };
        ret->len = newline ? (size_t)(newline - ret->text) + 1 : len - *at;
        if (newline)
                ret->end = ret->len > 1 && newline[-1] == '\r' ? 2 : 1;
        line_parse(ret);
        *at += ret->len;
        return true;
}

/* ---- inspect --------------------------------------------------------------------------------- */

int hosts_file_inspect(const char *text, size_t len, enum hosts_state *ret, char **ret_address)
{
        enum hosts_state state = HOSTS_ABSENT;
        struct line l, found = { 0 };
        size_t at = 0;
        char *address = NULL;

        while (state != HOSTS_OURS && next_line(text, len, &at, &l)) {
                if (!l.unknown || (state == HOSTS_FOREIGN && !l.ours))
                        continue;
                state = l.ours ? HOSTS_OURS : HOSTS_FOREIGN;
                found = l;
        }
        if (ret_address && state != HOSTS_ABSENT) {
                address = strndup(found.token, found.token_len);
                if (!address)
                        return -ENOMEM;
        }
        *ret = state;
        if (ret_address)
                *ret_address = address;
        return 0;
}

/* ---- edit ------------------------------------------------------------------------------------ */

/* With `both`, nothing else in the file names the address: it keeps the name that nss-myhostname,
 * or everybody, knows it by. The first name of the first line is what getnameinfo(3) answers. */
static void add_ours(struct buf *out, const char *address, bool both)
{
        buf_addf(out, "%s %s%s %s", address, both ? "localhost " : "", HOSTS_NAME, HOSTS_MARKER);
}

static bool is_localhost(const struct address *a)
{
        static const struct address known[] = { { AF_INET, { 127, 0, 0, 1 } },
                                                { AF_INET6, { [15] = 1 } } };

        return address_equal(a, &known[0]) || address_equal(a, &known[1]);
}

/* The line end of a file whose last line has none, judged by its first line; `len` stops short of
 * the newline that an insertion supplied, so that insertion and removal judge alike. */
static const char *file_line_end(const char *text, size_t len)
{
        const char *newline = len > 0 ? memchr(text, '\n', len) : NULL;

        return newline && newline > text && newline[-1] == '\r' ? "\r\n" : "\n";
}

/* Where our line goes: the offset after the line that it must not precede. See the header. */
static size_t insertion_point(const char *text, size_t len, const struct address *wanted,
                              bool *ret_both)
{
        size_t at = 0, loopback = 0, localhost = 0, same_address = 0, point;
        struct line l;

        while (next_line(text, len, &at, &l)) {
                if (loopback == 0 && l.localhost && l.address.family == AF_INET &&
                    l.address.bytes[0] == 127)
                        loopback = at;
                if (localhost == 0 && l.localhost)
                        localhost = at;
                if (same_address == 0 && address_equal(&l.address, wanted))
                        same_address = at;
        }
        point = loopback ? loopback : localhost ? localhost : len;
        *ret_both = is_localhost(wanted) && same_address == 0;
        return point > same_address ? point : same_address;
}

static void insert(const char *text, size_t len, const char *address, const struct address *wanted,
                   struct buf *out)
{
        bool both;
        size_t point = insertion_point(text, len, wanted, &both);
        const char *end = "\n";

        buf_add(out, text, point);
        if (point > 0 && text && text[point - 1] != '\n') {
                /* The supplied newline comes before our line, which then has none itself: by that
                 * its removal knows that there was none. */
                buf_adds(out, file_line_end(text, len));
                add_ours(out, address, both);
                return;
        }
        if (point > 1 && text && text[point - 2] == '\r')
                end = "\r\n";
        add_ours(out, address, both);
        buf_adds(out, end);
        if (point < len) /* a NULL text has no offsets */
                buf_add(out, text + point, len - point);
}

/* Takes the newline away that insert() supplied. out->data from `start` is the text so far. The end
 * of an empty line was not supplied: before it, the text ended with a newline already. */
static void drop_supplied_newline(struct buf *out, size_t start)
{
        const char *end, *text;
        size_t len, n;

        if (out->error < 0 || out->len == start || out->data[out->len - 1] != '\n')
                return;
        text = out->data + start;
        len = out->len - start;
        end = file_line_end(text, len - 1);
        n = strlen(end);
        if (len <= n || memcmp(text + len - n, end, n) != 0 || text[len - n - 1] == '\n')
                return;
        out->len -= n;
        out->data[out->len] = '\0';
}

bool hosts_file_is_created(const char *text, size_t len)
{
        return len >= strlen(HOSTS_CREATED) &&
               memcmp(text, HOSTS_CREATED, strlen(HOSTS_CREATED)) == 0;
}

/* Passes everything but our lines; of those the first stays, if any is to stay, with the wanted
 * address. */
static void rewrite(const char *text, size_t len, const char *address, const struct address *wanted,
                    struct buf *out)
{
        size_t at = 0, start = out->len;
        bool placed = !address, named = address && !is_localhost(wanted);
        struct line l;

        if (!address && hosts_file_is_created(text, len))
                at = strlen(HOSTS_CREATED);
        while (next_line(text, len, &at, &l)) {
                if (!l.ours ||
                    (!placed && address_equal(&l.address, wanted) && (named || l.names_both))) {
                        buf_add(out, l.text, l.len);
                        named |= address_equal(&l.address, wanted);
                } else if (!placed) {
                        add_ours(out, address, !named);
                        buf_add(out, l.text + l.len - l.end, l.end);
                } else if (l.end == 0) {
                        drop_supplied_newline(out, start);
                }
                placed |= l.ours;
        }
}

void hosts_file_edit(const char *text, size_t len, const char *address, struct buf *out)
{
        bool ours = false, mapped = false;
        struct address wanted = { .family = AF_UNSPEC };
        size_t at = 0;
        struct line l;

        if (address)
                address_parse(address, strlen(address), &wanted);
        if (address && !text)
                buf_adds(out, HOSTS_CREATED);
        while (next_line(text, len, &at, &l)) {
                ours |= l.ours;
                mapped |= l.unknown && address_equal(&l.address, &wanted);
        }
        if (address && !ours && !mapped)
                insert(text, len, address, &wanted, out);
        else
                rewrite(text, len, address, &wanted, out);
}
