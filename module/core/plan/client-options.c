/* SPDX-License-Identifier: MIT
 *
 * client-options.c: see client-options.h. What is let through needs no quotes anywhere it gets to:
 * ssh_config, a shell on either end, socat's addresses.
 */
#include "core/plan/client-options.h"

#include "core/util/nearest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS   "0123456789"
#define LETTERS  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define PLAIN    LETTERS DIGITS "._-"
#define TEXT_MAX 255

static bool consists_of(const char *text, const char *characters)
{
        size_t n = strspn(text, characters);

        return n > 0 && n <= TEXT_MAX && text[n] == '\0';
}

/* No option to ssh or to another program, and no hidden file. */
static bool is_word(const char *text, const char *characters)
{
        return consists_of(text, characters) && text[0] != '-' && text[0] != '.';
}

static bool is_name(const char *text)
{
        return is_word(text, PLAIN) && strlen(text) < CLIENT_NAME_MAX;
}

/* DOMAIN\user, as winbind has it: before a letter ssh takes a backslash for itself (misc.c,
 * argv_split). */
static bool is_user(const char *text)
{
        const char *slash = strchr(text, '\\');

        return is_word(text, PLAIN "@+\\") &&
               (!slash || (slash > text && strspn(slash + 1, LETTERS DIGITS) > 0 &&
                           !strchr(slash + 1, '\\')));
}

/* A percent sign begins one of ssh's tokens, "${" a variable (ssh_config(5)); what is neither would
 * end each run of ssh. */
static bool is_expandable(const char *text)
{
        for (; *text; text++) {
                if (*text == '%' && (text[1] == '\0' || !strchr("%CdhijkLlnpru", *++text)))
                        return false;
                if (text[0] == '$' && text[1] == '{' && !strchr(text, '}'))
                        return false;
        }
        return true;
}

/* In double quotes, where ssh knows a quote and a backslash. */
static bool is_identity(const char *text)
{
        size_t n = strlen(text);

        if (n == 0 || n > TEXT_MAX || strpbrk(text, "\"\\"))
                return false;
        for (size_t i = 0; i < n; i++)
                if ((unsigned char)text[i] < ' ' || text[i] == 127)
                        return false;
        return is_expandable(text);
}

/* A port stands in an ssh:// address only; an IPv6 address has more colons than one. */
static bool is_destination(const char *text)
{
        static const char scheme[] = "ssh://";
        bool address = strncmp(text, scheme, strlen(scheme)) == 0;
        const char *at = strrchr(text, '@');
        const char *host = at ? at + 1 : address ? text + strlen(scheme) : text;
        const char *colon = strchr(host, ':');

        return is_word(text, PLAIN "@:/") && *host && *host != ':' &&
               (address || !colon || strchr(colon + 1, ':'));
}

static bool is_cid(const char *text)
{
        return consists_of(text, DIGITS) && strlen(text) <= 10 &&
               strtoull(text, NULL, 10) <= UINT32_MAX &&
               host_transport_is_address((uint32_t)strtoull(text, NULL, 10));
}

static bool is_path(const char *text)
{
        return text[0] == '/' && consists_of(text, PLAIN "/@+");
}

static bool is_guid(const char *text)
{
        static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

        for (size_t i = 0; i < sizeof(shape); i++)
                if (shape[i] == 'x' ? text[i] == '\0' || !strchr(DIGITS "abcdefABCDEF", text[i])
                                    : text[i] != shape[i])
                        return false;
        return true;
}

static bool is_vm(const char *text)
{
        return is_word(text, PLAIN);
}

static const struct {
        bool (*fits)(const char *text);
        const char *what;
} addresses[] = {
        [ADDRESS_CID] = { is_cid, "a CID, a number from 3 on" },
        [ADDRESS_PATH] = { is_path, "an absolute path of letters, digits and / . _ - + @" },
        [ADDRESS_VM] = { is_vm, "a name of letters, digits and . _ - (else its id)" },
        [ADDRESS_VM_ID] = { is_guid, "the id of a Hyper-V machine" },
        [ADDRESS_WSL] = { is_vm, "the name of a WSL distribution" },
};

bool client_is_address(enum client_address kind, const char *text)
{
        return addresses[kind].fits(text);
}

static int unknown_kind(const char *word, struct error *error)
{
        struct nearest near = { .word = word };
        char list[128];
        size_t n = 0;

        for (unsigned route = 0; route < N_ROUTES; route++) {
                nearest_offer(&near, client_routes[route].id);
                n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", route ? ", " : "",
                                      client_routes[route].id);
        }
        if (near.best)
                return error_say(error, -EINVAL,
                                 "--for names no kind of host (%s); did you mean \"%s\"?", list,
                                 near.best);
        return error_say(error, -EINVAL, "--for names no kind of host (%s)", list);
}

/* KIND or KIND:ADDRESS. */
static int take_kind(const char *text, struct client *c, struct error *error)
{
        char word[16];
        size_t n = strcspn(text, ":");
        unsigned route = 0;

        (void)snprintf(word, sizeof(word), "%.*s", (int)(n < sizeof(word) ? n : sizeof(word) - 1),
                       text);
        while (route < N_ROUTES && strcmp(word, client_routes[route].id) != 0)
                route++;
        if (route == N_ROUTES)
                return unknown_kind(word, error);
        c->asked = true;
        c->route = route;
        if (text[n] != ':')
                return 0;
        c->address = text + n + 1;
        if (!client_is_address(client_routes[route].address, c->address))
                return error_say(error, -EINVAL, "--for=%s:… wants %s", client_routes[route].id,
                                 addresses[client_routes[route].address].what);
        return 0;
}

int client_take_request(const struct client_request *q, struct client *ret, struct error *error)
{
        if (q->name && !is_name(q->name))
                return error_say(error, -EINVAL,
                                 "--name wants letters, digits and . _ - alone, at most %d, the "
                                 "first none of . -",
                                 CLIENT_NAME_MAX - 1);
        if (q->user && !is_user(q->user))
                return error_say(error, -EINVAL,
                                 "--user wants a login name of letters, digits and . _ - @ +, or "
                                 "DOMAIN\\NAME");
        if (q->identity && !is_identity(q->identity))
                return error_say(error, -EINVAL,
                                 "--identity wants a file name without quotes, backslashes (on "
                                 "Windows / works, too) or line breaks; %% and ${ have a meaning "
                                 "to ssh (ssh_config(5), TOKENS)");
        if (q->jump && !is_destination(q->jump))
                return error_say(error, -EINVAL,
                                 "--jump wants what ssh calls a destination: [USER@]HOST, or "
                                 "ssh://[USER@]HOST[:PORT]");
        ret->name = q->name;
        ret->user = q->user;
        ret->identity = q->identity;
        ret->jump = q->jump;
        return q->kind ? take_kind(q->kind, ret, error) : 0;
}

int client_check_fit(const struct client *c, struct error *error)
{
        enum client_route route = client_pick(c);

        if (c->asked && route == ROUTE_HVC && c->virt == VIRT_WSL)
                return error_say(error, -EINVAL,
                                 "hvc knows no machine of WSL's; --for=wsl is for its Windows");
        if (c->jump && !client_routes[route].jumps)
                return error_say(
                        error, -EINVAL,
                        "there is no --jump with --for=%s, which works on the host alone%s",
                        client_routes[route].id,
                        route == ROUTE_WSL   ? ""
                        : route == ROUTE_MUX ? "; --for=unix has one"
                                             : "; --for=socat has one");
        return 0;
}

/* Of no machine in particular: what systemd and distributions set where nobody gave a name
 * (hostname(5), "localhost.localdomain" by Red Hat's). */
static bool is_nobodys(const char *name, size_t n)
{
        static const char nobodys[] = "localhost";
        size_t len = strlen(nobodys);

        return n == 0 || name[0] == '-' || name[0] == '.' ||
               (n >= len && strncmp(name, nobodys, len) == 0 && (n == len || name[len] == '.'));
}

/* machine-id(5) wants the id kept from strangers: hashed (FNV-1a), and 48 bits of it. */
static uint64_t hash(const char *text)
{
        uint64_t h = 0xcbf29ce484222325;

        for (; *text && *text != '\n'; text++)
                h = (h ^ (unsigned char)*text) * 0x100000001b3;
        return (h ^ h >> 48) & 0xffffffffffff;
}

/* Where the name begins: blank lines and comments are passed over (hostname(5)). */
static const char *skip_comments(const char *text)
{
        text += strspn(text, " \t\r\n");
        while (*text == '#') {
                text += strcspn(text, "\n");
                text += strspn(text, " \t\r\n");
        }
        return text;
}

bool client_default_name(const char *hostname, const char *machine_id, char ret[CLIENT_NAME_MAX])
{
        hostname = hostname ? skip_comments(hostname) : "";

        size_t n = strspn(hostname, LETTERS DIGITS ".-");
        bool own = n < CLIENT_NAME_MAX && !is_nobodys(hostname, n);

        if (own)
                (void)snprintf(ret, CLIENT_NAME_MAX, "%.*s", (int)n, hostname);
        else if (machine_id && consists_of(machine_id, "abcdef" DIGITS "\n"))
                (void)snprintf(ret, CLIENT_NAME_MAX, "guest-%012llx",
                               (unsigned long long)hash(machine_id));
        else
                (void)snprintf(ret, CLIENT_NAME_MAX, "guest");
        return own;
}
