/* SPDX-License-Identifier: MIT
 *
 * takeover-command.c: see takeover-command.h. Words are systemd's (exec-start.h), options those of
 * sshd's getopt(3).
 */
#include "core/plan/takeover-command.h"

#include "core/format/distro.h"
#include "core/format/exec-start.h"
#include "core/util/argv.h"

#include <string.h>
#include <strings.h>

static bool is_in(const char *word, const char *const *list)
{
        while (*list && strcmp(word, *list) != 0)
                list++;
        return *list != NULL;
}

/* An escape of C's other than of a quote may be anything: all of the command is refused then. */
static int split(const char *value, struct argv *ret)
{
        for (const char *at = value; (at = strchr(at, '\\')); at += 2)
                if (!at[1] || !strchr("\"'\\", at[1]))
                        return 0;
        return command_split(value, ret);
}

/* By that name, or where /usr is merged by another. */
static bool is_system_sshd(const char *path)
{
        static const char *const merged[] = { "sshd", "/sbin/sshd", "/bin/sshd", NULL };

        return is_in(path, merged) || is_in(path, distro_sshd);
}

/* An option of sshd that is about logs, greetings or a peer's name, which a vsock peer has none of;
 * all others decide who gets in, or to what. */
static bool is_harmless(const char *option)
{
        static const char *const keys[] = { "UseDNS", "LogLevel", "SyslogFacility", "PrintLastLog",
                                            "PrintMotd" };
        char key[32];
        size_t n = strcspn(option, "= ");

        if (n == 0 || n >= sizeof(key))
                return false;
        memcpy(key, option, n);
        key[n] = '\0';
        option += n;
        /* mkosi's, against the slow look-up that our hosts entry ends */
        if (strcasecmp(key, "UsePAM") == 0)
                return strcasecmp(option + strspn(option, "= "), "no") == 0;
        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                if (strcasecmp(key, keys[i]) == 0)
                        return true;
        return false;
}

/* "$NAME", or "${NAME}", which is one word. */
static bool is_environment_variable(const char *word)
{
        for (size_t i = 0; i < N_SSHD_ENVIRONMENTS; i++) {
                const char *name = distro_environments[i].variable + 1;
                size_t n = strlen(name);

                if (strcmp(word, distro_environments[i].variable) == 0 ||
                    (strncmp(word, "${", 2) == 0 && strncmp(word + 2, name, n) == 0 &&
                     strcmp(word + 2 + n, "}") == 0))
                        return true;
        }
        return false;
}

/* Options without an argument that change nothing about who gets in, several in a word perhaps. */
static bool are_flags(const char *word)
{
        return word[0] == '-' && word[1] && !word[1 + strspn(word + 1, "ieqD46")];
}

/* How many words of sshd's command, from here, change nothing about who gets in; 0: this does. */
static size_t harmless_words(const struct argv *w, size_t i)
{
        const char *word = w->list[i], *next = i + 1 < w->n ? w->list[i + 1] : "";

        if (are_flags(word) || strcmp(word, "-u0") == 0 || is_environment_variable(word))
                return 1;
        if (strcmp(word, "-u") == 0 && strcmp(next, "0") == 0)
                return 2;
        if (strcmp(word, "-o") == 0 && is_harmless(next))
                return 2;
        return strncmp(word, "-o", 2) == 0 && is_harmless(word + 2) ? 1 : 0;
}

int takeover_sshd_differs(const char *value, const char **ret_reason)
{
        AUTO(argv_free) struct argv w = { 0 };
        bool inetd = false;
        size_t n;
        int r = split(value + (*value == '-'), &w);

        *ret_reason = "another program than the system's sshd";
        if (r < 0 || w.n == 0 || !is_system_sshd(w.list[0]))
                return r;
        for (size_t i = 1; i < w.n; i += n) {
                inetd = inetd || (are_flags(w.list[i]) && strchr(w.list[i], 'i'));
                n = harmless_words(&w, i);
                if (n == 0) {
                        *ret_reason = "options that sshd-vsock does not pass: put them into "
                                      "sshd_config";
                        return 0;
                }
        }
        *ret_reason = inetd ? NULL : "not for one connection: it lacks -i";
        return 0;
}

/* Ours has a keygen unit, and RuntimeDirectory=. */
int takeover_preparation_differs(const char *value, const char **ret_reason)
{
        static const char *const commands[] = { "mkdir", "ssh-keygen", "install", NULL };
        static const char *const words[] = {
                "-p", "-m", "0755", "-m0755",    "755",           "-m755",
                "-d", "-A", "-pm",  "/run/sshd", "/var/run/sshd", NULL
        };
        AUTO(argv_free) struct argv w = { 0 };
        const char *name;
        int r = split(value + (*value == '-'), &w);

        *ret_reason = "another command";
        if (r < 0 || w.n == 0)
                return r;
        name = strrchr(w.list[0], '/');
        for (size_t i = 1; i < w.n; i++)
                if (!is_in(w.list[i], words))
                        return 0;
        if (is_in(name ? name + 1 : w.list[0], commands))
                *ret_reason = NULL;
        return 0;
}

/* systemd.service(5), COMMAND LINES: what may stand before the program; "@" has another word for
 * argv[0] follow it. sshd's -i may stand among other letters that take no argument. */
int takeover_is_server(const char *value)
{
        const size_t prefix = strspn(value, "@-:+!|");
        const bool renamed = memchr(value, '@', prefix) != NULL;
        AUTO(argv_free) struct argv w = { 0 };
        int r = split(value + prefix, &w);

        if (r < 0 || w.n == 0 || !is_system_sshd(w.list[0]))
                return r;
        for (size_t i = renamed ? 2 : 1; i < w.n; i++) {
                const char *word = w.list[i];

                if (word[0] == '-' && strspn(word + 1, "46DdeiqTt") == strlen(word + 1) &&
                    strchr(word, 'i'))
                        return 1;
                i += word[0] == '-' && word[1] && strchr("bCcEfghkopu", word[1]) && !word[2];
        }
        return 0;
}
