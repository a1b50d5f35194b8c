/* SPDX-License-Identifier: MIT
 *
 * unit-streams.c: see unit-streams.h. Reads addresses as systemd does (socket-util.c,
 * socket_address_parse()). An empty Listen…= takes away all of them, of whatever kind
 * (load-fragment.c, config_parse_socket_listen()). What is neither surely TCP nor surely something
 * else is left out: a line that is repeated by mistake could open a port.
 */
#include "core/format/unit-streams.h"

#include "core/format/unit-file.h"
#include "core/util/ip-address.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lines, each compared with those before it, and the bytes of one: twice what a path may have. */
#define OTHERS_MAX 1024
#define LONGEST    8192

static bool has_prefix(const char *text, const char *prefix)
{
        return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* The port that ends the address, be there an interface behind it ("[fe80::1]:22%eth0") or not; 0:
 * none. */
static unsigned port_at(const char *text)
{
        unsigned port = 0;
        size_t n = strspn(text, "0123456789");

        if (n == 0 || n > 5 || (text[n] && text[n] != '%'))
                return 0;
        for (size_t i = 0; i < n; i++)
                port = port * 10 + (unsigned)(text[i] - '0');
        return port <= UINT16_MAX ? port : 0;
}

/* "22", "0.0.0.0:22", "[::]:22", "[fe80::1%eth0]:22". */
static unsigned tcp_port(const char *address)
{
        const char *at = address;

        if (address[0] == '[') {
                at = strchr(address, ']');
                return at && at[1] == ':' ? port_at(at + 2) : 0;
        }
        at += strspn(address, "0123456789.");
        return *at == ':' ? port_at(at + 1) : port_at(address);
}

/* Of one that has a port: "22" alone is all addresses. */
static bool is_outside(const char *address)
{
        const bool brackets = address[0] == '[';
        char host[64];

        address += brackets;
        if (!brackets && !strchr(address, ':'))
                return true;
        (void)snprintf(host, sizeof(host), "%.*s", (int)strcspn(address, brackets ? "%]" : ":"),
                       address);
        return ip_is_outside(host);
}

/* A socket in the file system, in the abstract namespace, on vsock. Specifiers that stand for a
 * directory may open a path (systemd.unit(5)). */
static bool is_local(const char *address)
{
        if (address[0] == '%')
                return address[1] && strchr("tSCLETVhdDyY", address[1]) && address[2] == '/';
        return address[0] == '/' || address[0] == '@' || has_prefix(address, "vsock:") ||
               has_prefix(address, "vsock-");
}

static void add_port(struct unit_streams *s, unsigned port)
{
        for (size_t i = 0; i < s->n_ports; i++)
                if (s->ports[i] == port)
                        return;
        if (s->n_ports < ELEMENTSOF(s->ports))
                s->ports[s->n_ports++] = (uint16_t)port;
}

static void add_other(struct unit_streams *s, const char *key, const char *value)
{
        AUTO_BUF line = BUF_INIT;

        if (++s->n_others > OTHERS_MAX || strlen(value) > LONGEST) {
                s->others.error = -E2BIG;
                return;
        }
        buf_addf(&line, "%s=%s\n", key, value);
        for (const char *at = buf_str(&s->others); (at = strstr(at, buf_str(&line))); at++)
                if (at == s->others.data || at[-1] == '\n')
                        return;
        buf_adds(&s->others, buf_str(&line));
        if (line.error < 0)
                s->others.error = line.error;
}

static void take_listen(struct unit_streams *s, const char *key, const char *value)
{
        bool stream = strcmp(key, "ListenStream") == 0;

        if (!value[0]) {
                s->n_ports = 0;
                s->n_others = 0;
                s->outside = false;
                s->others.len = 0;
                if (s->others.data)
                        s->others.data[0] = '\0';
        } else if (stream && tcp_port(value) != 0) {
                add_port(s, tcp_port(value));
                s->outside = s->outside || is_outside(value);
        } else if (!stream || is_local(value)) {
                add_other(s, key, value);
        }
}

bool unit_setting_listens(const char *key)
{
        static const char *const keys[] = {
                "ListenStream",  "ListenDatagram", "ListenSequentialPacket", "ListenFIFO",
                "ListenSpecial", "ListenNetlink",  "ListenMessageQueue",     "ListenUSBFunction",
        };

        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                if (strcmp(key, keys[i]) == 0)
                        return true;
        return false;
}

int unit_streams_read(struct unit_streams *s, const char *text, size_t len)
{
        AUTO_UNIT_FILE file = { .text = text, .len = len };

        for (struct unit_setting one; unit_file_next(&file, &one);)
                if (strcmp(one.section, "Socket") == 0 && unit_setting_listens(one.key))
                        take_listen(s, one.key, one.value);
        return file.error < 0 ? file.error : s->others.error;
}

/* parse-util.c, safe_atou(): any base that the number says. */
static bool is_number(const char *text, unsigned number)
{
        char *end;
        unsigned long n;

        text += *text == '+';
        if (text[0] < '0' || text[0] > '9')
                return false;
        if (text[0] == '0' && (text[1] == 'b' || text[1] == 'o'))
                n = strtoul(text + 2, &end, text[1] == 'b' ? 2 : 8);
        else
                n = strtoul(text, &end, 0);
        return !*end && n == number;
}

/* socket-util.c, socket_address_parse_vsock(). The port of one CID is in the way of the same for
 * any (af_vsock.c, __vsock_find_bound_socket()). */
bool unit_stream_is_vsock(const char *address, unsigned port)
{
        const char *at = NULL;

        if (has_prefix(address, "vsock:"))
                at = strchr(address + strlen("vsock:"), ':');
        else if (has_prefix(address, "vsock-stream:"))
                at = strchr(address + strlen("vsock-stream:"), ':');
        return at && is_number(at + 1, port);
}

void unit_streams_free(struct unit_streams *s)
{
        buf_free(&s->others);
        *s = (struct unit_streams){ 0 };
}
