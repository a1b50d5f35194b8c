/* SPDX-License-Identifier: MIT
 *
 * admission.c: see admission.h. The phrases are OpenSSH's own, from 8.4 to 10.6: auth.c, auth2.c,
 * auth-pam.c, auth-options.c, session.c; PAM's are pam_nologin's and pam_unix's.
 */
#include "core/plan/admission.h"

#include "core/format/distro.h"
#include "core/format/sshd-dump.h"
#include "core/util/words.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *admission_word(enum admission a)
{
        static const char *const words[] = {
                [ADMISSION_NO] = "no",
                [ADMISSION_UNTRIED] = "untried",
                [ADMISSION_ACCEPTED] = "accepted",
                [ADMISSION_PASSWORD] = "password",
                [ADMISSION_PROVEN] = "proven",
        };

        return words[a];
}

static bool gets_in(const struct login *l)
{
        return l->admission >= ADMISSION_PASSWORD;
}

static bool has(const struct logins *l, const char *user)
{
        for (size_t i = 0; i < l->n; i++)
                if (strcmp(l->list[i].user.name, user) == 0)
                        return gets_in(&l->list[i]);
        return false;
}

bool logins_suffice(const struct config *c, const struct logins *l)
{
        if (c->require == REQUIRE_UNCHECKED)
                return true;
        for (size_t i = 0; c->require == REQUIRE_USERS && i < c->n_logins; i++)
                if (!has(l, c->logins[i].name))
                        return false;
        for (size_t i = 0; c->require == REQUIRE_ANY && i < l->n; i++)
                if (gets_in(&l->list[i]))
                        return true;
        return c->require == REQUIRE_USERS;
}

bool logins_refused(const struct logins *l, bool any)
{
        bool refused = any && l->n > 0;

        if (l->no_client || l->obstacle[0] || l->unseen > 0)
                return false;
        for (size_t i = 0; i < l->n; i++) {
                if (l->list[i].admission != ADMISSION_NO)
                        return false;
                refused = refused || l->list[i].n_accepted > 0 || l->list[i].password;
        }
        return refused;
}

/* ---- what the configuration allows ------------------------------------------------------------
 */

static bool is_set(const char *dump, const char *keyword)
{
        size_t len = 0;
        const char *value = sshd_dump_next(&dump, keyword, &len);

        return value && !(len == 4 && strncasecmp(value, "none", len) == 0);
}

static bool is_on(const char *dump, const char *keyword)
{
        return sshd_dump_is(dump, keyword, "yes");
}

/* The algorithm's own name in a list that is separated by commas. */
static bool has_algorithm(const char *list, const char *name)
{
        for (struct word w; word_next(&list, ',', &w);)
                if (word_is(&w, name))
                        return true;
        return false;
}

static void get_algorithms(const char *dump, char *list, size_t size)
{
        sshd_dump_get(dump, "pubkeyacceptedalgorithms", list, size);
        if (!list[0]) /* its name before 8.5 */
                sshd_dump_get(dump, "pubkeyacceptedkeytypes", list, size);
}

bool admission_takes_any(const char *dump, const char *keys)
{
        char list[4096], type[64];

        get_algorithms(dump, list, sizeof(list));
        if (!list[0] || strchr(list, '*'))
                return true;
        for (struct word w; word_next(&keys, '\n', &w);) {
                (void)snprintf(type, sizeof(type), "%.*s", (int)strcspn(w.text, " \n"), w.text);
                if (has_algorithm(list, type) ||
                    (strcmp(type, "ssh-rsa") == 0 && strstr(list, "rsa-sha2-")))
                        return true;
        }
        return false;
}

static void find_key_type(const char *dump, struct admission_rules *ret)
{
        static const struct {
                const char *algorithm, *type;
        } table[] = { { "ssh-ed25519", "ed25519" },
                      { "ecdsa-sha2-nistp256", "ecdsa" },
                      { "rsa-sha2-512", "rsa" },
                      { "rsa-sha2-256", "rsa" } };
        char list[4096];

        get_algorithms(dump, list, sizeof(list));
        (void)snprintf(ret->key_type, sizeof(ret->key_type), "ed25519");
        for (size_t i = ELEMENTSOF(table); i-- > 0;)
                if (has_algorithm(list, table[i].algorithm))
                        (void)snprintf(ret->key_type, sizeof(ret->key_type), "%s", table[i].type);
}

static bool is_method(const char *text, size_t len, const char *method)
{
        size_t n = strlen(method);

        /* "keyboard-interactive:pam" */
        return len >= n && strncmp(text, method, n) == 0 && (len == n || text[n] == ':');
}

/* Several lists may be enough each; whether one of them has that method alone. */
static bool is_enough(const char *methods, const char *method)
{
        for (struct word w; word_next(&methods, ' ', &w);)
                if (!memchr(w.text, ',', w.len) && is_method(w.text, w.len, method))
                        return true;
        return false;
}

/* Whether one of the lists needs no key. */
static bool is_enough_without_key(const char *methods)
{
        for (size_t n; *methods; methods += n + (methods[n] == ' ')) {
                bool key = false;

                n = strcspn(methods, " ");
                for (size_t at = 0; at < n; at += strcspn(methods + at, ", ") + 1)
                        key = key ||
                              is_method(methods + at, strcspn(methods + at, ", "), "publickey");
                if (n > 0 && !key)
                        return true;
        }
        return false;
}

static void read_methods(const char *dump, struct admission_rules *r)
{
        char methods[2048];

        if (!is_set(dump, "authenticationmethods") ||
            sshd_dump_is(dump, "authenticationmethods", "any"))
                return;
        sshd_dump_get(dump, "authenticationmethods", methods, sizeof(methods));
        if (!is_enough_without_key(methods))
                r->passwords = false;
        if (!is_enough(methods, "publickey"))
                (void)snprintf(r->methods, sizeof(r->methods), "AuthenticationMethods %.200s",
                               methods);
}

static void read_forced(const char *dump, struct admission_rules *r)
{
        const char *at = dump;
        size_t len = 0;
        const char *value = sshd_dump_next(&at, "forcecommand", &len);

        if (is_set(dump, "forcecommand"))
                (void)snprintf(r->forced, sizeof(r->forced), "ForceCommand %.*s",
                               (int)(len < 200 ? len : 200), value);
}

/* The command of our own prints a file: its keys are no worse known than others. */
static void read_key_files(const char *dump, struct admission_rules *r)
{
        char command[sizeof(CREDENTIAL_COMMAND) + 1];
        size_t n;

        sshd_dump_get(dump, "authorizedkeysfile", r->key_files, sizeof(r->key_files));
        sshd_dump_get(dump, "authorizedkeyscommand", command, sizeof(command));
        n = strlen(r->key_files);
        if (strcmp(command, CREDENTIAL_COMMAND) == 0)
                (void)snprintf(r->key_files + n, sizeof(r->key_files) - n, " " CREDENTIAL_FILE);
        else
                r->elsewhere = r->elsewhere || is_set(dump, "authorizedkeyscommand");
}

void admission_rules_read(const char *dump, uint32_t uid, struct admission_rules *ret)
{
        struct admission_rules r = { .keys = is_on(dump, "pubkeyauthentication") };
        bool asks = is_on(dump, "kbdinteractiveauthentication") ||
                    is_on(dump, "challengeresponseauthentication"); /* its name before 8.7 */
        char text[200];

        r.passwords = is_on(dump, "passwordauthentication") || (asks && is_on(dump, "usepam"));
        if (uid == 0 && !is_on(dump, "permitrootlogin"))
                r.passwords = false;
        r.elsewhere = is_set(dump, "trustedusercakeys");
        sshd_dump_get(dump, "maxauthtries", text, sizeof(text));
        r.tries = text[0] ? (unsigned)strtoul(text, NULL, 10) : 6;
        read_key_files(dump, &r);
        find_key_type(dump, &r);
        read_forced(dump, &r);
        read_methods(dump, &r);
        *ret = r;
}

/* ---- what was printed ---------------------------------------------------------------------------
 */

bool admission_was_asked(const char *said)
{
        return strstr(said, "debug1: Authentications that can continue: ") ||
               strstr(said, "debug1: Server accepts key: ") ||
               strstr(said, "debug1: Offering public key: ");
}

/* "debug1: Server accepts key: DIRECTORY/3.pub ED25519 SHA256:… explicit" */
static bool read_accepted(const char *line, const char *directory, unsigned *ret, char *key,
                          size_t size)
{
        static const char start[] = "debug1: Server accepts key: ";
        size_t n = strlen(directory);
        const char *at;

        if (strncmp(line, start, strlen(start)) != 0)
                return false;
        at = line + strlen(start);
        if (strncmp(at, directory, n) != 0 || at[n] != '/' ||
            sscanf(at + n + 1, "%2u.pub", ret) != 1 || *ret >= 64)
                return false;
        at += strcspn(at, " \r\n");
        at += *at == ' ';
        (void)snprintf(key, size, "%.*s", (int)strcspn(at, "\r\n"), at);
        if (strstr(key, " explicit"))
                *strstr(key, " explicit") = '\0';
        return true;
}

uint64_t admission_accepted(const char *said, const char *directory, char *key, size_t size)
{
        uint64_t accepted = 0;

        for (const char *line = said; line; line = strchr(line, '\n')) {
                char name[128];
                unsigned n;

                line += *line == '\n';
                if (!read_accepted(line, directory, &n, name, sizeof(name)))
                        continue;
                if (accepted == 0)
                        (void)snprintf(key, size, "%s", name);
                accepted |= UINT64_C(1) << n;
        }
        return accepted;
}

/* In order of precedence: the first phrase that stands anywhere is the reason. %s is the user. */
static const struct {
        const char *phrase, *fix;
} reasons[] = {
        { "not listed in AllowUsers",
          "name %s without @HOST in AllowUsers of sshd_config: a vsock client has no address" },
        { "listed in DenyUsers", "take %s out of DenyUsers in sshd_config" },
        { "are listed in AllowGroups", "put %s into one of the groups in AllowGroups" },
        { "a group is listed in DenyGroups", "take %s out of the groups in DenyGroups" },
        { "not allowed because shell", "give %s a shell that exists (\"usermod --shell\")" },
        { "not allowed because account is locked", "unlock it: \"usermod --password '*' %s\"" },
        { "Invalid user", "create the account %s" },
        { "ROOT LOGIN REFUSED",
          "set \"PermitRootLogin prohibit-password\" in sshd_config outside of "
          "Match Address, or let another account in than %s" },
        { "account has expired", "chage --expiredate -1 %s" },
        { "Password change required", "set a new password for %s (\"passwd %s\")" },
        { "password has expired", "set a new password for %s (\"passwd %s\")" },
        { " has expired", "chage --expiredate -1 %s" },
        { "revoked by file",
          "give %s another key, or take this one out of what RevokedKeys names" },
        { "entry expired at", "put a key without expiry-time= into authorized_keys of %s" },
        { "not in PubkeyAccepted",
          "give %s a key of a type that PubkeyAcceptedAlgorithms has (\"sshd -T\")" },
        { "System is booting up", "wait until the system has booted (/run/nologin), for %s" },
        { "by PAM account configuration",
          "see what PAM's account rules have against %s: /etc/nologin, \"chage --list %s\", "
          "/etc/security/access.conf" },
        { "from a permitted host", "put a key without from= into authorized_keys of %s: a vsock "
                                   "client has no address" },
        { "bad ownership or modes",
          "make %s own what that line names, and nobody else write to it (\"chmod go-w\")" },
        { "bad owner or modes",
          "make %s own what that line names, and nobody else write to it (\"chmod go-w\")" },
        { "does not permit", "see the options of that key in authorized_keys of %s" },
        { "currently not available", "give %s a shell that logs in (\"usermod --shell\")" },
        { "fatal: ", "correct what sshd says there, for %s and all others" },
};

bool admission_was_refused_in_session(const char *said)
{
        return strstr(said, "Password change required") || strstr(said, "currently not available");
}

/* The line in which `at` stands, without what log.c puts before or behind it. */
static void copy_line(const char *text, const char *at, char *out, size_t size)
{
        size_t len;

        while (at > text && at[-1] != '\n')
                at--;
        at += strncmp(at, "debug1: ", 8) == 0 ? 8 : 0;
        len = strcspn(at, "\r\n");
        if (len > 10 && strncmp(at + len - 10, " [preauth]", 10) == 0)
                len -= 10;
        (void)snprintf(out, size, "%.*s", (int)len, at);
}

/* ssh's own end of the matter, where sshd gave no reason that is known. */
static void last_word(const char *said, char *out, size_t size)
{
        out[0] = '\0';
        for (const char *line = said; line; line = strchr(line, '\n')) {
                line += *line == '\n';
                if (*line && *line != '\n' && *line != '\r' && strncmp(line, "debug", 5) != 0 &&
                    strncmp(line, "Warning: Permanently added", 26) != 0 &&
                    strncmp(line, "mm_log_handler: ", 16) != 0) /* ssh left before sshd */
                        copy_line(said, line, out, size);
        }
}

void admission_explain(const char *said, struct login *l)
{
        if (l->reason[0])
                return;
        for (size_t i = 0; i < ELEMENTSOF(reasons); i++) {
                const char *at = strstr(said, reasons[i].phrase), *fix = reasons[i].fix, *name;

                if (!at)
                        continue;
                copy_line(said, at, l->reason, sizeof(l->reason));
                l->fix[0] = '\0';
                while ((name = strstr(fix, "%s"))) {
                        size_t n = strlen(l->fix);

                        (void)snprintf(l->fix + n, sizeof(l->fix) - n, "%.*s%s", (int)(name - fix),
                                       fix, l->user.name);
                        fix = name + 2;
                }
                (void)snprintf(l->fix + strlen(l->fix), sizeof(l->fix) - strlen(l->fix), "%s", fix);
                return;
        }
        last_word(said, l->reason, sizeof(l->reason));
        (void)snprintf(l->fix, sizeof(l->fix), "see \"journalctl -t sshd -t sshd-session\"");
}

void admission_because(struct login *l, const char *fix, const char *fmt, ...)
{
        va_list ap;

        if (l->reason[0])
                return;
        va_start(ap, fmt);
        (void)vsnprintf(l->reason, sizeof(l->reason), fmt, ap);
        va_end(ap);
        (void)snprintf(l->fix, sizeof(l->fix), "%s", fix);
}

void logins_free(struct logins *l)
{
        free(l->list);
        *l = (struct logins){ 0 };
}
