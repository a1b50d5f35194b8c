/* SPDX-License-Identifier: MIT
 *
 * vsockunit.c: see vsockunit.h. systemd prints such an address as "vsock:CID:PORT", with no CID for
 * any (socket-util.c, sockaddr_pretty).
 */
#include "host/vsockunit.h"

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

        for (const char *at = unit->streams; *at;) {
                size_t n = strcspn(at, " ");

                if (is_port(at, n, s->port)) {
                        (void)snprintf(s->name, s->size, "%s", unit->name);
                        return 1;
                }
                at += n + (at[n] == ' ');
        }
        return 0;
}

int vsockunit_find(struct manager *m, uint32_t port, char *name, size_t size, struct why *why)
{
        struct search s = { port, name, size };
        int r;

        name[0] = '\0';
        r = manager_each_socket(m, look_at, &s, why);
        return r < 0 ? r : 0;
}
