/* SPDX-License-Identifier: MIT
 *
 * proc-text.c: see proc-text.h. The rules are those of OpenSSH's sshd.c and of systemd's
 * cgroup-util.c.
 */
#include "core/format/proc-text.h"

#include <stdio.h>
#include <string.h>

/* The kernel appends " (deleted)" once a package upgrade has replaced the file. */
bool program_is_sshd(const char *path)
{
        const char *slash = strrchr(path, '/');
        const char *base = slash ? slash + 1 : path;

        return strcmp(base, "sshd") == 0 || strcmp(base, "sshd (deleted)") == 0;
}

/* From 9.8 on a session is another program, sshd-session. Before, it is sshd with another title:
 * "sshd: ana@pts/0", "sshd: ana [priv]", "sshd: [accepted]". A listener keeps the words it was
 * started with, and from 8.2 on says "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups": cut
 * short where it was started with few words and no environment, so the path is looked at first. */
bool process_is_sshd_listener(const char *exe, const char *title)
{
        const char *words = title[0] == '/' ? NULL : strstr(title, ": ");

        if (!program_is_sshd(exe))
                return false;
        return !words || words[2] == '/' || strstr(words, "[listener]");
}

bool process_is_root(const char *status)
{
        const char *line = strstr(status, "\nUid:\t");
        unsigned real, effective, saved, fs;

        return line &&
               sscanf(line, "\nUid:\t%u\t%u\t%u\t%u", &real, &effective, &saved, &fs) == 4 &&
               real == 0 && effective == 0 && saved == 0;
}

/* Length of the option that begins there: its letter, with its argument behind it or in the next
 * word. 0 for one that does not tell where to listen. */
static size_t listen_option(const char *at)
{
        size_t n = strcspn(at, " ");
        const char *argument = n > 2 ? at + 2 : at + n + strspn(at + n, " ");
        size_t len = (size_t)(argument - at) + strcspn(argument, " ");

        if (at[0] != '-' || !at[1] || !strchr("fo", at[1]) || argument[0] == '\0')
                return 0;
        return at[1] == 'o' && strncasecmp(argument, "ListenAddress", 13) != 0 ? 0 : len;
}

void process_listen_options(const char *title, struct buf *out)
{
        size_t n;

        for (const char *at = strchr(title, ' '); at && *at; at += n) {
                at += strspn(at, " ");
                n = listen_option(at);
                if (n > 0)
                        buf_addf(out, "%s%.*s", out->len ? ", " : "", (int)n, at);
                else
                        n = strcspn(at, " ");
        }
}

bool process_is_plain_listener(const char *title)
{
        static const char *const harmless[] = { "-D", "-e", "-q" };
        const char *at = strstr(title, ": /");

        if (!at)
                return false;
        at += 2 + strcspn(at + 2, " ");
        while (*(at += strspn(at, " ")) && *at != '[') {
                size_t n = strcspn(at, " ");
                bool known = false;

                for (size_t i = 0; i < ELEMENTSOF(harmless); i++)
                        known = known || (n == 2 && strncmp(at, harmless[i], n) == 0);
                if (!known)
                        return false;
                at += n;
        }
        return true;
}

/* The path of the line that systemd answers for: its own hierarchy where there are several, or the
 * only one. */
static const char *cgroup_path(const char *text)
{
        static const char *const marks[] = { ":name=systemd:", "\n0::" };

        for (size_t i = 0; i < ELEMENTSOF(marks); i++) {
                const char *mark = strstr(text, marks[i]);

                if (mark)
                        return mark + strlen(marks[i]);
        }
        return strncmp(text, "0::", 3) == 0 ? text + 3 : "";
}

static bool ends_with(const char *text, size_t len, const char *end)
{
        size_t n = strlen(end);

        return len > n && strncmp(text + len - n, end, n) == 0;
}

/* unit_name_is_valid(): all that systemd lets into a name. */
static bool is_unit_name(const char *name, size_t len)
{
        for (size_t i = 0; i < len; i++) {
                char c = name[i];

                if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
                    !(c && strchr(":-_.\\@", c)))
                        return false;
        }
        return ends_with(name, len, ".service") || ends_with(name, len, ".scope");
}

void process_unit(const char *cgroup, char *unit, size_t size)
{
        const char *at = cgroup_path(cgroup);
        size_t len;

        /* Slices first, then the unit; what comes below it is the unit's own affair. */
        do {
                at += strspn(at, "/");
                len = strcspn(at, "/\n");
                if (!ends_with(at, len, ".slice"))
                        break;
                at += len;
        } while (*at == '/');
        if (at[0] == '_') { /* cg_escape() */
                at++;
                len--;
        }
        if (len >= size || !is_unit_name(at, len))
                len = 0;
        (void)snprintf(unit, size, "%.*s", (int)len, at);
}
