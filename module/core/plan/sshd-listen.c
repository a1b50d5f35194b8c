/* SPDX-License-Identifier: MIT
 *
 * sshd-listen.c: see sshd-listen.h. Reads sshd's own dump, where each ListenAddress stands with its
 * port (servconf.c, dump_config()); keywords are lower case up to 10.3 and mixed case from 10.4 on.
 */
#include "core/plan/sshd-listen.h"

#include "core/format/sshd-dump.h"
#include "core/util/words.h"

#include <stdio.h>
#include <string.h>

#define FEW 8

/* Appends every wanted ADDRESS:PORT; without a port of its own an address takes each Port. */
static void add_wanted(const struct config *c, const char *effective, struct buf *out)
{
        for (size_t i = 0; i < c->n_listen; i++) {
                const struct listen_address *l = &c->listen[i];
                const char *open = l->ipv6 ? "[" : "", *close = l->ipv6 ? "]" : "";
                const char *at = effective, *port;
                size_t n;

                if (l->port != 0)
                        buf_addf(out, "%s%s%s:%u ", open, l->address, close, l->port);
                while (l->port == 0 && (port = sshd_dump_next(&at, "port", &n)))
                        buf_addf(out, "%s%s%s:%.*s ", open, l->address, close, (int)n, port);
        }
}

void listen_addresses(const char *effective, struct buf *out)
{
        const char *at = effective, *value;
        size_t n;

        while ((value = sshd_dump_next(&at, "listenaddress", &n)))
                buf_add_word(out, value, n);
}

void listen_compare(const struct config *c, const char *effective, struct buf *extra,
                    struct buf *missing)
{
        AUTO_BUF wanted = BUF_INIT, found = BUF_INIT;
        const char *at = effective, *value;
        size_t n;

        add_wanted(c, effective, &wanted);
        while ((value = sshd_dump_next(&at, "listenaddress", &n))) {
                buf_add(&found, value, n);
                buf_adds(&found, " ");
                if (!word_is_in(buf_str(&wanted), value, n))
                        buf_add_word(extra, value, n);
        }
        at = buf_str(&wanted);
        for (struct word w; word_next(&at, ' ', &w);)
                if (!word_is_in(buf_str(&found), w.text, w.len))
                        buf_add_word(missing, w.text, w.len);
}

bool listen_split(const char *word, size_t len, char *host, size_t size, unsigned *ret_port)
{
        const char *colon = memrchr(word, ':', len), *end = colon;
        unsigned port = 0;

        if (!colon || colon + 1 == word + len)
                return false;
        for (const char *c = colon + 1; c < word + len; c++) {
                if (*c < '0' || *c > '9' || port > UINT16_MAX)
                        return false;
                port = port * 10 + (unsigned)(*c - '0');
        }
        if (word[0] == '[') {
                word++;
                end = memchr(word, ']', (size_t)(colon - word));
                if (!end || end + 1 != colon)
                        return false;
        }
        len = strcspn(word, "%") < (size_t)(end - word) ? strcspn(word, "%") : (size_t)(end - word);
        if (len == 0 || len >= size || port > UINT16_MAX)
                return false;
        (void)snprintf(host, size, "%.*s", (int)len, word);
        if (ret_port)
                *ret_port = port;
        return true;
}

static bool is_wildcard(const char *host)
{
        return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

/* servconf.c, sListenAddress: no bracket and two colons are an address without a port; all else is
 * misc.c's hpdelim() and cleanhostname(). */
void listen_host(const char *argument, char *host, size_t size)
{
        const char *colon = strchr(argument, ':'), *end = argument + strlen(argument);
        size_t len;

        host[0] = '\0';
        if (argument[0] == '[') {
                end = strchr(argument, ']');
                if (!end || (end[1] != '\0' && end[1] != ':'))
                        return;
                argument++;
        } else if (!colon || strchr(argument, '[') || !strchr(colon + 1, ':')) {
                end = argument + strcspn(argument, ":/");
                if (*end == '/')
                        return;
        }
        len = strcspn(argument, "%");
        if (len > (size_t)(end - argument))
                len = (size_t)(end - argument);
        if (len < size)
                (void)snprintf(host, size, "%.*s", (int)len, argument);
}

/* "127.1" is an address, too, for inet_aton(3). */
static bool is_name(const char *host)
{
        return host[strspn(host, "0123456789.")] && !strchr(host, ':') && strcmp(host, "*") != 0 &&
               strcasecmp(host, "localhost") != 0;
}

static bool hosts_have(const char *hosts, const char *name)
{
        const char *end = hosts + strlen(hosts);

        for (struct word line; line_next(&hosts, end, &line);) {
                const char *at = line.text, *comment = memchr(at, '#', line.len);
                const char *stop = comment ? comment : at + line.len;

                for (size_t n; at < stop; at += n + 1) {
                        n = strcspn(at, " \t\r\n#");
                        if (n == strlen(name) && strncasecmp(at, name, n) == 0)
                                return true;
                }
        }
        return false;
}

void listen_names(const struct argv *lines, const char *hosts, struct buf *out)
{
        char host[256];

        for (size_t i = 0; i < lines->n; i++) {
                listen_host(lines->list[i], host, sizeof(host));
                if (is_name(host) && !hosts_have(hosts, host) &&
                    !word_is_in(buf_str(out), host, strlen(host)))
                        buf_add_word(out, host, strlen(host));
        }
}

/* Whether `wide` is the other one, or the wildcard of its family. */
static bool covers(const char *wide, const char *host)
{
        if (is_wildcard(wide))
                return (strchr(wide, ':') != NULL) == (strchr(host, ':') != NULL);
        return strcmp(wide, host) == 0;
}

static bool is_wanted(const struct config *c, const char *host, unsigned port)
{
        for (size_t i = 0; i < c->n_listen; i++)
                if (covers(c->listen[i].address, host) &&
                    (c->listen[i].port == 0 || c->listen[i].port == port))
                        return true;
        return false;
}

void listen_beyond(const struct config *c, const char *real, struct buf *beyond)
{
        char host[64];
        unsigned port;

        for (struct word w; word_next(&real, ' ', &w);)
                if (w.len > 0 && !(listen_split(w.text, w.len, host, sizeof(host), &port) &&
                                   is_wanted(c, host, port)))
                        buf_add_word(beyond, w.text, w.len);
}

const struct listen_address *listen_refused(const struct config *c, int family)
{
        for (size_t i = 0; family != 0 && i < c->n_listen; i++)
                if (c->listen[i].ipv6 != (family == 6))
                        return &c->listen[i];
        return NULL;
}

/* Whether a boot starts an sshd that opens its own sockets. */
static bool opens_itself(const struct facts *f)
{
        for (size_t k = 0; k < N_TCP_PAIRS; k++)
                if (f->tcp[distro_tcp_pairs[k].service].enabled &&
                    !f->tcp[distro_tcp_pairs[k].socket].enabled)
                        return true;
        return false;
}

/* Whether a boot starts a socket unit that has this drop-in, of its own or of all sockets. */
static bool is_read(const struct facts *f, const char *path)
{
        for (size_t k = 0; k < N_TCP_PAIRS; k++) {
                const size_t socket = distro_tcp_pairs[k].socket;
                char directory[64];

                (void)snprintf(directory, sizeof(directory), "/%s.d/", distro_tcp_units[socket]);
                if (f->tcp[socket].enabled &&
                    (strstr(path, directory) || strstr(path, "/socket.d/")))
                        return true;
        }
        return false;
}

const char *listen_late(const struct facts *f)
{
        for (size_t i = 0; i < f->late_tcp.n; i++)
                if (is_read(f, f->late_tcp.list[i]))
                        return f->late_tcp.list[i];
        return NULL;
}

void listen_overruled(const struct config *c, const struct facts *f, struct buf *out)
{
        const struct sshd_settings *s = &f->sshd_settings;
        const size_t n = opens_itself(f) ? s->listen.n : 0;

        if (listen_late(f)) {
                buf_adds(out, listen_late(f));
                return;
        }
        if (opens_itself(f) && s->config && n == 0)
                buf_addf(out, "its option -f %s", s->config);
        for (size_t i = 0; out->len == 0 && i < n; i++) {
                const char *argument = s->listen.list[i];
                unsigned port = 0;
                char host[64], same[64];

                listen_host(argument, host, sizeof(host));
                if (!strchr(host, ':') || argument[0] == '[')
                        (void)listen_split(argument, strlen(argument), same, sizeof(same), &port);
                if (!is_wanted(c, host, port))
                        buf_addf(out, "its option %s%s", s->config ? "-f " : "-o ListenAddress=",
                                 s->config ? s->config : argument);
        }
}

bool listen_heard(const struct listen_address *l, const char *real)
{
        char host[64];
        unsigned port;

        for (struct word w; word_next(&real, ' ', &w);)
                if (listen_split(w.text, w.len, host, sizeof(host), &port) &&
                    covers(host, l->address) && (l->port == 0 || l->port == port))
                        return true;
        return false;
}

void listen_name(const struct listen_address *l, struct buf *out)
{
        bool brackets = l->ipv6 && l->port != 0;

        buf_addf(out, "%s%s%s", brackets ? "[" : "", l->address, brackets ? "]" : "");
        if (l->port != 0)
                buf_addf(out, ":%u", l->port);
}

void listen_few(const char *list, struct buf *out)
{
        size_t said = 0, more = 0;

        for (struct word w; word_next(&list, ' ', &w);)
                if (said == FEW)
                        more++;
                else
                        buf_addf(out, "%s%.*s", said++ ? " " : "", (int)w.len, w.text);
        if (more > 0)
                buf_addf(out, " and %zu more", more);
}

static const char *const wildcards[] = { "0.0.0.0", "[::]" };

bool listen_is_wide(const char *list)
{
        for (size_t i = 0; i < ELEMENTSOF(wildcards); i++)
                for (const char *at = list; (at = strstr(at, wildcards[i])); at++)
                        if ((at == list || at[-1] == ' ') && at[strlen(wildcards[i])] == ':')
                                return true;
        return false;
}

enum stale listen_stale(const char *listening, const char *effective)
{
        AUTO_BUF said = BUF_INIT;
        bool elsewhere = false, opens = false;
        const char *at;

        listen_addresses(effective, &said);
        if (said.error < 0 || said.len == 0)
                return STALE_NOT;
        at = listening;
        for (struct word w; word_next(&at, ' ', &w);)
                elsewhere = elsewhere || !word_is_in(buf_str(&said), w.text, w.len);
        at = buf_str(&said);
        for (struct word w; word_next(&at, ' ', &w);)
                opens = opens || !word_is_in(listening, w.text, w.len);
        if (!elsewhere)
                return STALE_NOT;
        return opens && !listen_is_wide(listening) ? STALE_CONFINED : STALE;
}
