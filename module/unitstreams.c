/* SPDX-License-Identifier: MIT
 *
 * unitstreams.c: see unitstreams.h. Reads lines as systemd does (conf-parser.c, config_parse():
 * comments, continued lines, sections), and addresses as it does (socket-util.c,
 * socket_address_parse()). An empty Listen…= takes away all of them, of whatever kind
 * (load-fragment.c, config_parse_socket_listen()). What is neither surely TCP nor surely something
 * else is left out: a line that is repeated by mistake could open a port.
 */
#include "unitstreams.h"

#include <string.h>

#define BLANKS " \t\n\r"

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

/* A socket in the file system, in the abstract namespace, on vsock. Specifiers that stand for a
 * folder may open a path (systemd.unit(5)). */
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
                s->others.len = 0;
                if (s->others.data)
                        s->others.data[0] = '\0';
        } else if (stream && tcp_port(value) != 0) {
                add_port(s, tcp_port(value));
        } else if (!stream || is_local(value)) {
                add_other(s, key, value);
        }
}

static char *trim(char *text)
{
        size_t len;

        text += strspn(text, BLANKS);
        len = strlen(text);
        while (len > 0 && strchr(BLANKS, text[len - 1]))
                len--;
        text[len] = '\0';
        return text;
}

static bool is_listen(const char *key)
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

/* A line with all that continues it. */
static void take_line(struct unit_streams *s, char *line, bool *in_socket)
{
        char *equals;

        line = trim(line);
        if (line[0] == '[') {
                *in_socket = strcmp(line, "[Socket]") == 0;
                return;
        }
        equals = strchr(line, '=');
        if (!*in_socket || !equals)
                return;
        *equals = '\0';
        line = trim(line);
        if (is_listen(line))
                take_listen(s, line, trim(equals + 1));
}

/* Whether the next line belongs to it: a backslash at its end that is no other's second half. */
static bool is_continued(const char *line)
{
        size_t n = strlen(line), slashes = 0;

        while (slashes < n && line[n - 1 - slashes] == '\\')
                slashes++;
        return slashes % 2 == 1;
}

int unit_streams_read(struct unit_streams *s, const char *text, size_t len)
{
        static const char mark[] = "\xef\xbb\xbf";
        AUTO_BUF line = BUF_INIT;
        bool in_socket = false;
        size_t i = len >= strlen(mark) && memcmp(text, mark, strlen(mark)) == 0 ? strlen(mark) : 0;

        while (i < len) {
                size_t start = i;

                while (i < len && text[i] && text[i] != '\n' && text[i] != '\r')
                        i++;
                while (start < i && (text[start] == ' ' || text[start] == '\t'))
                        start++;
                i++;
                if (start < i - 1 && (text[start] == '#' || text[start] == ';'))
                        continue;
                if (start == i - 1 && i > 1 && text[i - 2] == '\r')
                        continue; /* the other half of a line's end */
                buf_add(&line, text + start, i - 1 - start);
                if (line.len > 0 && is_continued(line.data)) {
                        line.data[line.len - 1] = ' ';
                        continue;
                }
                if (line.len > 0)
                        take_line(s, line.data, &in_socket);
                if (line.error == 0)
                        buf_free(&line);
        }
        if (line.len > 0)
                take_line(s, line.data, &in_socket);
        return line.error < 0 ? line.error : s->others.error;
}

void unit_streams_free(struct unit_streams *s)
{
        buf_free(&s->others);
        *s = (struct unit_streams){ 0 };
}
