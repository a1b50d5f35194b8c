/* SPDX-License-Identifier: MIT
 *
 * passwd.c: see passwd.h. Cuts the bytes of a passwd(5) file into users, as glibc's files-pwd
 * parser would, but stricter: what is odd is skipped, never repaired, since names and homes end up
 * in paths. It asks no name service and opens nothing.
 */
#include "core/format/passwd.h"

#include "core/util/words.h"

#include <errno.h>
#include <string.h>

enum { NAME, PASSWORD, UID, GID, GECOS, HOME, SHELL, N_FIELDS };

struct field {
        const char *text;
        size_t len;
};

/* The shell is the rest of the line, colons and all, as in glibc. */
static bool line_split(const char *line, size_t len, struct field fields[N_FIELDS])
{
        for (size_t i = 0; i < N_FIELDS; i++) {
                const char *colon = i < SHELL && len > 0 ? memchr(line, ':', len) : NULL;

                if (i < SHELL && !colon)
                        return false;
                fields[i].text = line;
                fields[i].len = colon ? (size_t)(colon - line) : len;
                if (colon) {
                        len -= fields[i].len + 1;
                        line = colon + 1;
                }
        }
        return true;
}

/* Also drops comments and the "+" and "-" lines of NIS. */
static bool name_is_sane(const struct field *f)
{
        if (f->len == 0 || f->text[0] == '-')
                return false;
        for (size_t i = 0; i < f->len; i++) {
                char c = f->text[i];

                if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
                    c != '.' && c != '_' && c != '-')
                        return false;
        }
        return true;
}

/* UINT32_MAX is (uid_t)-1, which chown(2) takes for "leave it". */
static bool parse_id(const struct field *f, uint32_t *ret)
{
        uint64_t id = 0;

        if (f->len == 0)
                return false;
        for (size_t i = 0; i < f->len; i++) {
                if (f->text[i] < '0' || f->text[i] > '9')
                        return false;
                id = id * 10 + (uint64_t)(f->text[i] - '0');
                if (id >= UINT32_MAX)
                        return false;
        }
        *ret = (uint32_t)id;
        return true;
}

static void user_done(struct user *u)
{
        free(u->name);
        free(u->home);
        free(u->shell);
}

/* 1 when the line is a user, 0 when it is to be skipped. */
static int parse_line(const char *line, size_t len, struct user *ret)
{
        struct field fields[N_FIELDS];
        struct user u = { 0 };

        /* A NUL would cut the strings below short of what the line says. */
        if (len == 0 || memchr(line, '\0', len) || !line_split(line, len, fields))
                return 0;
        if (!name_is_sane(&fields[NAME]) || !parse_id(&fields[UID], &u.uid) ||
            !parse_id(&fields[GID], &u.gid) ||
            (fields[HOME].len > 0 && fields[HOME].text[0] != '/'))
                return 0;

        u.name = strndup(fields[NAME].text, fields[NAME].len);
        u.home = strndup(fields[HOME].text, fields[HOME].len);
        u.shell = strndup(fields[SHELL].text, fields[SHELL].len);
        if (!u.name || !u.home || !u.shell) {
                user_done(&u);
                return -ENOMEM;
        }
        *ret = u;
        return 1;
}

/* Those of one name are in the file's order. */
static int by_name(const void *a, const void *b)
{
        const struct user *one = *(const struct user *const *)a;
        const struct user *other = *(const struct user *const *)b;
        int order = strcmp(one->name, other->name);

        return order ? order : (one > other) - (one < other);
}

static int sort(struct users *u)
{
        u->by_name = calloc(u->n + 1, sizeof(struct user *));
        for (size_t i = 0; u->by_name && i < u->n; i++)
                u->by_name[i] = &u->list[i];
        if (u->by_name)
                qsort(u->by_name, u->n, sizeof(struct user *), by_name);
        return u->by_name ? 0 : -ENOMEM;
}

int users_parse(const char *text, size_t len, struct users *ret)
{
        AUTO(users_free) struct users u = { 0 };
        const char *end = text + len;

        for (struct word line; line_next(&text, end, &line);) {
                struct user *list = list_room(u.list, u.n, sizeof(*list));
                int r;

                if (!list)
                        return -ENOMEM;
                u.list = list;
                r = parse_line(line.text, line.len, &u.list[u.n]);
                if (r < 0)
                        return r;
                u.n += r > 0;
        }
        if (sort(&u) < 0)
                return -ENOMEM;
        *ret = u;
        memset(&u, 0, sizeof(u));
        return 0;
}

const struct user *users_find(const struct users *u, const char *name)
{
        size_t low = 0, high = u->n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (strcmp(u->by_name[middle]->name, name) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low < u->n && strcmp(u->by_name[low]->name, name) == 0 ? u->by_name[low] : NULL;
}

/* ---- who can log in -------------------------------------------------------------------------- */

/* Where the packages that own these shells put them differs; their names do not. */
static bool shell_lets_in(const char *shell)
{
        static const char *const refusing[] = { "nologin", "false", "sync", "shutdown", "halt" };
        const char *slash = strrchr(shell, '/');
        const char *base = slash ? slash + 1 : shell;

        for (size_t i = 0; i < ELEMENTSOF(refusing); i++)
                if (strcmp(base, refusing[i]) == 0)
                        return false;
        return strcmp(shell, "/dev/null") != 0;
}

/* systemd's UIDS-GIDS.md: distributions give people 1000…60000; up to 65535 follow homed's,
 * containers', dynamic services' users, nobody, and the 16-bit -1. */
static bool uid_is_a_person(uint32_t uid)
{
        return uid == 0 || (uid >= 1000 && uid <= 60000) || uid > 65535;
}

static const char *skip_slashes(const char *path)
{
        while (path[0] == '/' || (path[0] == '.' && (path[1] == '/' || path[1] == '\0')))
                path++;
        return path;
}

/* Whether an absolute path is the directory `name` of the root, or inside of it. */
static bool path_is_under(const char *path, const char *name)
{
        const char *first = skip_slashes(path);
        size_t n = strlen(name);

        return strncmp(first, name, n) == 0 && (first[n] == '\0' || first[n] == '/');
}

bool user_can_login(const struct user *u)
{
        static const char *const nowhere[] = { "", "nonexistent", "proc", "run", "dev" };

        for (size_t i = 0; u->home[0] && i < ELEMENTSOF(nowhere); i++)
                if (path_is_under(u->home, nowhere[i]))
                        return false;
        return uid_is_a_person(u->uid) && shell_lets_in(u->shell);
}

void users_free(struct users *u)
{
        for (size_t i = 0; i < u->n; i++)
                user_done(&u->list[i]);
        free(u->list);
        free(u->by_name);
        *u = (struct users){ 0 };
}
