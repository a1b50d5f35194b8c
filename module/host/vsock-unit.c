/* SPDX-License-Identifier: MIT
 *
 * vsock-unit.c: see vsock-unit.h. systemd prints such an address as "vsock:CID:PORT", with no CID
 * for any (socket-util.c, sockaddr_pretty).
 */
#include "host/vsock-unit.h"

#include "core/util/words.h"

#include <stdio.h>
#include <string.h>

struct search {
        uint32_t port;
        char *name;
        size_t size;
};

static bool is_port(const char *stream, size_t len, uint32_t port)
{
        char text[16];
        size_t n = (size_t)snprintf(text, sizeof(text), ":%u", port);

        return len > 6 + n - 1 && strncmp(stream, "vsock:", 6) == 0 &&
               strncmp(stream + len - n, text, n) == 0;
}

static int look_at(const struct socket_unit *unit, void *userdata)
{
        const struct search *s = userdata;
        const char *at = unit->streams;

        for (struct word w; word_next(&at, ' ', &w);)
                if (is_port(w.text, w.len, s->port)) {
                        (void)snprintf(s->name, s->size, "%s", unit->name);
                        return 1;
                }
        return 0;
}

int vsock_unit_find(struct systemd *m, uint32_t port, char *name, size_t size, struct error *error)
{
        struct search s = { port, name, size };
        int r;

        name[0] = '\0';
        r = systemd_each_socket(m, look_at, &s, error);
        return r < 0 ? r : 0;
}
