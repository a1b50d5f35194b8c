/* SPDX-License-Identifier: MIT
 *
 * config.c: see config.h. The table of keys, what each value may be, and what contradicts what. A
 * new key is a row here, a line in config-text.c, which writes it, and a property in the JSON
 * schema. It opens nothing, resolves no name, and asks no user database.
 */
#include "core/plan/config.h"

#include "core/format/passwd.h"
#include "core/plan/config-users.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

enum { LISTEN_MAX = 16 };

#define ADDRESS_WANTED "an IP address, or a list of them,"
#define HOSTS_WANTED   "true, false or an IP address"

static void listen_free(struct listen_address *list, size_t n)
{
        for (size_t i = 0; i < n; i++)
                free(list[i].address);
        free(list);
}

/* ---- addresses ------------------------------------------------------------------------------- */

/* In the canonical form of inet_ntop(3). inet_pton(3) takes no zone, no short forms and no leading
 * zeros. */
static bool canonical_address(const char *text, char ret[INET6_ADDRSTRLEN], bool *ret_ipv6)
{
        unsigned char bytes[sizeof(struct in6_addr)];
        int family = strchr(text, ':') ? AF_INET6 : AF_INET;

        if (inet_pton(family, text, bytes) != 1)
                return false;
        *ret_ipv6 = family == AF_INET6;
        return inet_ntop(family, bytes, ret, INET6_ADDRSTRLEN) != NULL;
}

static bool is_address(const char *text)
{
        char address[INET6_ADDRSTRLEN];
        bool ipv6;

        return canonical_address(text, address, &ipv6);
}

static bool parse_port(const char *text, uint16_t *ret)
{
        size_t n = strspn(text, "0123456789");
        unsigned long port;

        if (n == 0 || n > 5 || text[n] || text[0] == '0')
                return false;
        port = strtoul(text, NULL, 10);
        if (port > UINT16_MAX)
                return false;
        *ret = (uint16_t)port;
        return true;
}

/* Cuts `[ADDRESS]:PORT`, `[ADDRESS]`, `V4:PORT` or an address alone in two, in place. False where
 * brackets do not match. *ret_port is NULL when there is none. */
static bool split_port(char *text, char **ret_address, char **ret_port)
{
        char *colon = strchr(text, ':'), *close;

        *ret_address = text;
        *ret_port = NULL;
        if (text[0] == '[') {
                close = strchr(text, ']');
                if (!close || (close[1] && close[1] != ':'))
                        return false;
                *ret_address = text + 1;
                if (close[1])
                        *ret_port = close + 2;
                *close = '\0';
                return strchr(*ret_address, ':') != NULL; /* brackets are for IPv6 */
        }
        if (colon && !strchr(colon + 1, ':')) {
                *colon = '\0';
                *ret_port = colon + 1;
        }
        return true;
}

/* What the kernel binds no socket to, as sshd and systemd open it (af_inet6.c, __inet6_bind()): a
 * link-local address without its interface, and IPv4 in IPv6's form where that is for IPv6 alone.
 */
static int check_bindable(const struct value *v, const char *text, const char *address)
{
        static const char mapped[] = "::ffff:";

        if (strncmp(address, mapped, strlen(mapped)) == 0 && strchr(address, '.'))
                return schema_fault(v, "\"%s\" is an IPv4 address in another form: say %s", text,
                                    address + strlen(mapped));
        if (strncmp(address, "fe", 2) == 0 && strchr("89ab", address[2]) && address[4] == ':')
                return schema_fault(v,
                                    "\"%s\" is a link-local address, which needs a zone; zones "
                                    "are not supported",
                                    text);
        return 0;
}

static int parse_listen(const struct value *v, const char *text, struct listen_address *ret)
{
        char copy[80], address[INET6_ADDRSTRLEN], *host, *port;
        struct listen_address l = { .at = v->node->at };
        size_t len = strlen(text);
        int r;

        if (len >= sizeof(copy))
                return schema_fault(v, "\"%s\" is not an IP address", text);
        memcpy(copy, text, len + 1);
        if (!split_port(copy, &host, &port) || !canonical_address(host, address, &l.ipv6))
                return schema_fault(v, "\"%s\" is not an IP address%s", text,
                                    strchr(text, '%') ? "; zones are not supported" : "");
        r = check_bindable(v, text, address);
        if (r < 0)
                return r;
        if (port && !parse_port(port, &l.port))
                return schema_fault(v, "\"%s\" is not a port (1 to 65535)", port);
        l.address = strdup(address);
        if (!l.address)
                return -ENOMEM;
        *ret = l;
        return 0;
}

/* ---- listen_address -------------------------------------------------------------------------- */

struct listen_list {
        struct listen_address *list;
        size_t n;
};

static int add_listen(const struct value *v, void *userdata)
{
        struct listen_list *l = userdata;
        struct listen_address *new = &l->list[l->n];
        const char *text = NULL;
        int r = schema_text(v, "an IP address", is_address, &text);

        if (r == 0)
                r = parse_listen(v, text, new);
        if (r < 0)
                return r;
        for (size_t i = 0; i < l->n; i++) {
                if (l->list[i].port != new->port || strcmp(l->list[i].address, new->address) != 0)
                        continue;
                free(new->address);
                r = schema_fault(v, "\"%s\" is listed twice", text);
                config_error_note(v->d, l->list[i].at, "the first is here");
                return r;
        }
        l->n++;
        return 0;
}

static int read_listen(const struct value *v, void *target)
{
        struct config *c = target;
        struct listen_list l = { 0 };
        size_t n = v->node->kind == NODE_LIST ? schema_count(v) : 1;
        int r;

        if (v->node->kind != NODE_LIST && v->node->kind != NODE_SCALAR)
                return schema_wrong_type(v, ADDRESS_WANTED);
        if (n == 0)
                return schema_fault(v, "the list is empty; leave the key out instead");
        l.list = calloc(n, sizeof(*l.list));
        if (!l.list)
                return -ENOMEM;
        r = v->node->kind == NODE_LIST ? schema_list(v, add_listen, &l) : add_listen(v, &l);
        if (r != -ENOMEM && n > LISTEN_MAX)
                r = schema_fault(v, "%zu addresses; at most %d are allowed", n, LISTEN_MAX);
        if (r < 0) {
                listen_free(l.list, l.n);
                return r;
        }
        listen_free(c->listen, c->n_listen);
        c->listen = l.list;
        c->n_listen = l.n;
        return 0;
}

/* ---- hosts_entry ----------------------------------------------------------------------------- */

static int read_hosts(const struct value *v, void *target)
{
        struct config *c = target;
        char address[INET6_ADDRSTRLEN] = HOSTS_ADDRESS_DEFAULT;
        char *copy = NULL;
        const char *text = NULL;
        bool on = true, ipv6;
        int r;

        if (schema_is_bool(v)) {
                r = schema_bool(v, &on);
        } else {
                if (v->node->kind != NODE_SCALAR)
                        return schema_wrong_type(v, HOSTS_WANTED);
                r = schema_text(v, HOSTS_WANTED, is_address, &text);
                if (r == 0 && !canonical_address(text, address, &ipv6))
                        r = schema_fault(v, "\"%s\" is not an IP address", text);
        }
        if (r < 0)
                return r;
        if (on) {
                copy = strdup(address);
                if (!copy)
                        return -ENOMEM;
        }
        free(c->hosts_address);
        c->hosts_address = copy;
        return 0;
}

/* ---- the whole ------------------------------------------------------------------------------- */

#define MEMBER(name) .offset = offsetof(struct config, name)

static const struct field fields[] = {
        { "port", FIELD_UINT, MEMBER(port), .min = 1, .max = UINT32_MAX - 1 },
        { "disable_tcp", FIELD_BOOL, MEMBER(disable_tcp) },
        { "listen_address", FIELD_OTHER, .read = read_listen },
        { "host_transport", FIELD_CHOICE, MEMBER(assume_host), .words = { "auto", "assume" } },
        { "hushlogin", FIELD_OTHER, .read = config_read_hushlogin },
        { "hosts_entry", FIELD_OTHER, .read = read_hosts },
        { "require_login", FIELD_OTHER, .read = config_read_require },
        { "verify_timeout", FIELD_UINT, MEMBER(verify_timeout), .min = 1, .max = 300 },
};

/* Faults in either value do not hide it: both keys are there, whatever the list holds. */
static void check_contradictions(const struct yaml_tree *t, const struct config *c,
                                 struct config_error *d)
{
        struct mark listen = { 0 };
        const struct node *tcp = schema_find(t, "disable_tcp", NULL);

        if (!c->disable_tcp || !tcp || !schema_find(t, "listen_address", &listen))
                return;
        (void)config_error_add(
                d, tcp->at,
                "disable_tcp: true contradicts listen_address: no TCP at all, or these "
                "addresses");
        config_error_note(d, listen, "listen_address is here");
}

static void check_users(const struct config *c, const struct users *users, struct config_error *d)
{
        for (size_t i = 0; i < c->n_users; i++)
                if (!users_find(users, c->users[i].name))
                        (void)config_error_add(d, c->users[i].at,
                                               "hushlogin[%zu]: there is no user \"%s\"", i,
                                               c->users[i].name);
}

static int parse(const char *text, size_t len, const struct users *users, struct config_error *d,
                 struct config *c)
{
        AUTO(yaml_tree_free) struct yaml_tree tree = { 0 };
        int r = yaml_tree_parse(text, len, d, &tree);

        if (r == -ENOMEM)
                return r;
        r = schema_read(&tree, fields, ELEMENTSOF(fields), c, d);
        if (r == -ENOMEM)
                return r;
        check_contradictions(&tree, c, d);
        if (users)
                check_users(c, users, d);
        return 0;
}

static int defaults(struct config *ret)
{
        char *hosts = strdup(HOSTS_ADDRESS_DEFAULT);

        if (!hosts)
                return -ENOMEM;
        *ret = (struct config){ .port = CONFIG_PORT_DEFAULT,
                                .hosts_address = hosts,
                                .verify_timeout = CONFIG_TIMEOUT_DEFAULT };
        return 0;
}

int config_parse(const char *text, size_t len, const struct users *users, struct config_error *d,
                 struct config *ret)
{
        struct config c = { 0 };
        unsigned before = d->n_errors;
        int r = defaults(&c);

        if (r < 0)
                return r;
        d->text = text;
        d->text_len = len;
        if (len > CONFIG_SIZE_MAX)
                r = config_error_add(d, (struct mark){ 0 }, "is larger than %u KiB",
                                     CONFIG_SIZE_MAX / 1024);
        else
                r = parse(text, len, users, d, &c);
        if (r == 0 && d->n_errors > before)
                r = -EBADMSG;
        if (r != -ENOMEM && d->out.error < 0)
                r = d->out.error;
        if (r < 0)
                config_free(&c);
        else
                *ret = c;
        return r;
}

void config_free(struct config *c)
{
        listen_free(c->listen, c->n_listen);
        user_names_free(c->users, c->n_users);
        user_names_free(c->logins, c->n_logins);
        free(c->hosts_address);
        *c = (struct config){ 0 };
}
