/* SPDX-License-Identifier: MIT
 *
 * proc-text.c: see proc-text.h. The rules are those of OpenSSH's sshd.c and of systemd's
 * cgroup-util.c.
 */
#include "core/format/proc-text.h"

#include "core/format/sshd-settings.h"
#include "core/util/words.h"

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

/* fib_route_seq_show() of net/ipv4/fib_trie.c, rt6_info_route() of net/ipv6; a route that rejects
 * is none (RTF_REJECT). */
static bool is_default(const char *line, bool v6, const char *name, size_t len)
{
        char device[64], to[33];
        unsigned flags, mask;
        int n = v6 ? sscanf(line, "%32s %2x %*s %*s %*s %*s %*s %*s %8x %63s", to, &mask, &flags,
                            device)
                   : sscanf(line, "%63s %32s %*s %4x %*s %*s %*s %8x", device, to, &flags, &mask);

        return n == 4 && !to[strspn(to, "0")] && mask == 0 && (flags & 0x201) == 1 &&
               strlen(device) == len && memcmp(device, name, len) == 0;
}

bool routes_lead_out(const char *v4, const char *v6, const char *name, size_t len)
{
        const char *const tables[] = { v4, v6 };

        for (size_t i = 0; i < ELEMENTSOF(tables); i++)
                for (const char *line = tables[i]; line; line = strchr(line, '\n')) {
                        line += *line == '\n';
                        if (is_default(line, i == 1, name, len))
                                return true;
                }
        return false;
}

bool process_is_root(const char *status)
{
        const char *line = strstr(status, "\nUid:\t");
        unsigned real, effective, saved, fs;

        return line &&
               sscanf(line, "\nUid:\t%u\t%u\t%u\t%u", &real, &effective, &saved, &fs) == 4 &&
               real == 0 && effective == 0 && saved == 0;
}

/* The letter of a word's option that takes an argument, which is behind it or in the next word;
 * NULL: none does. (getopt(3) of sshd.c, main()) */
static const char *argument_option(const char *word, size_t len)
{
        for (size_t i = 1; word[0] == '-' && i < len; i++)
                if (strchr(SSHD_WITH_ARGUMENT, word[i]))
                        return word + i;
        return NULL;
}

/* The next word's length, of several that are separated by blanks. */
static size_t next_word(const char **at)
{
        *at += strspn(*at, " ");
        return strcspn(*at, " ");
}

/* Appends the option where it tells where to listen. What stood in quotes is two words here. */
static void add_listen_option(char letter, const char *argument, size_t len, bool behind,
                              struct buf *out)
{
        static const char key[] = "ListenAddress";
        const char *value = argument + len;
        size_t n;

        if (letter == 'o' && strncasecmp(argument, key, strlen(key)) != 0)
                return;
        if (letter == 'o' && len == strlen(key) && (n = next_word(&value)) > 0)
                len = (size_t)(value - argument) + n;
        buf_addf(out, "%s-%c%s%.*s", out->len ? ", " : "", letter, behind ? "" : " ", (int)len,
                 argument);
}

void process_listen_options(const char *title, struct buf *out)
{
        const char *at = strchr(title, ' ');

        for (size_t n; at && (n = next_word(&at)) > 0; at += n) {
                const char *letter = argument_option(at, n), *argument = at + n;
                const bool behind = letter && letter + 1 < at + n;

                if (!letter)
                        continue;
                if (behind) {
                        argument = letter + 1;
                        n -= (size_t)(argument - at);
                } else {
                        n = next_word(&argument);
                }
                if (n > 0 && strchr("fo", *letter))
                        add_listen_option(*letter, argument, n, behind, out);
                at = argument;
        }
}

/* Of the line that begins there, be it the last or not. */
static bool line_passes(const char *line, size_t len, const char *words)
{
        const char *first = line + strspn(line, " \t"), *end = line + len;
        const size_t n = strlen(words);

        if (*first == '#' || *first == ';')
                return false;
        for (const char *at = line; (at = memmem(at, (size_t)(end - at), words, n)); at++)
                if (at > line && strchr(" \t=\"'", at[-1]) && strchr(" \t\r\n\"'", at[n]))
                        return true;
        return false;
}

bool text_passes(const char *text, const char *words)
{
        for (size_t n; *text; text += n) {
                n = strcspn(text, "\n");
                if (n >= strlen(words) && line_passes(text, n, words))
                        return true;
                n += text[n] == '\n';
        }
        return false;
}

/* Adds the words, but for those that say nothing of where it listens. */
static void add_telling(const char *words, size_t len, struct buf *out)
{
        static const char harmless[] = "-D -e -q";
        const char *at = words;

        for (size_t n; (n = next_word(&at)) > 0 && at < words + len; at += n) {
                if (n > (size_t)(words + len - at))
                        n = (size_t)(words + len - at);
                if (!word_is_in(harmless, at, n))
                        buf_add_word(out, at, n);
        }
}

bool process_is_plain_listener(const char *title, const struct argv *options)
{
        AUTO_BUF has = BUF_INIT, passed = BUF_INIT;
        const char *at = strstr(title, ": /"), *end;

        if (!at)
                return false;
        at += 2 + strcspn(at + 2, " ");
        end = strstr(at, " [listener]");
        add_telling(at, end ? (size_t)(end - at) : strlen(at), &has);
        for (size_t i = 0; i < options->n; i++)
                add_telling(options->list[i], strlen(options->list[i]), &passed);
        return has.error == 0 && passed.error == 0 &&
               (has.len == 0 || strcmp(buf_str(&has), buf_str(&passed)) == 0);
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
