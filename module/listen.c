/* SPDX-License-Identifier: MIT
 *
 * listen.c: see listen.h. Reads sshd's own dump, where each ListenAddress stands with its port
 * (servconf.c, dump_config()); keywords are lower case up to 10.3 and mixed case from 10.4 on.
 */
#include "listen.h"

#include "sshddump.h"

#include <string.h>

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
                while (l->port == 0 && (port = sshddump_next(&at, "port", &n)))
                        buf_addf(out, "%s%s%s:%.*s ", open, l->address, close, (int)n, port);
        }
}

/* Whether the word stands in the blank-separated list. */
static bool has_word(const char *list, const char *word, size_t len)
{
        while (*list) {
                size_t n = strcspn(list, " ");

                if (n == len && memcmp(list, word, len) == 0)
                        return true;
                list += n + (list[n] == ' ');
        }
        return false;
}

void listen_addresses(const char *effective, struct buf *out)
{
        const char *at = effective, *value;
        size_t n;

        while ((value = sshddump_next(&at, "listenaddress", &n)))
                buf_addf(out, "%s%.*s", out->len ? " " : "", (int)n, value);
}

void listen_compare(const struct config *c, const char *effective, struct buf *extra,
                    struct buf *missing)
{
        AUTO_BUF wanted = BUF_INIT, found = BUF_INIT;
        const char *at = effective, *value;
        size_t n;

        add_wanted(c, effective, &wanted);
        while ((value = sshddump_next(&at, "listenaddress", &n))) {
                buf_add(&found, value, n);
                buf_adds(&found, " ");
                if (!has_word(buf_str(&wanted), value, n))
                        buf_addf(extra, "%s%.*s", extra->len ? " " : "", (int)n, value);
        }
        for (const char *w = buf_str(&wanted); *w; w += n + 1) {
                n = strcspn(w, " ");
                if (!has_word(buf_str(&found), w, n))
                        buf_addf(missing, "%s%.*s", missing->len ? " " : "", (int)n, w);
        }
}
