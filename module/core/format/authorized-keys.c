/* SPDX-License-Identifier: MIT
 *
 * authorized-keys.c: see authorized-keys.h. A line is options, type, key and comment (sshd(8),
 * AUTHORIZED_KEYS FILE FORMAT); options may hold blanks within double quotes (auth2-pubkeyfile.c,
 * skip_cp_quoted).
 */
#include "core/format/authorized-keys.h"

#include "core/util/words.h"

#include <string.h>

#define BLOB_MAX 16384u /* RSA of 16384 bits has 2800 characters */

static bool is_type(const char *word, size_t len)
{
        static const char *const prefixes[] = { "ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-" };

        for (size_t i = 0; i < len; i++)
                if (!(word[i] >= 'a' && word[i] <= 'z') && !(word[i] >= '0' && word[i] <= '9') &&
                    !(word[i] && strchr("-@.", word[i])))
                        return false;
        for (size_t i = 0; i < ELEMENTSOF(prefixes); i++)
                if (len > strlen(prefixes[i]) && len < 64 &&
                    strncmp(word, prefixes[i], strlen(prefixes[i])) == 0)
                        return true;
        return false;
}

static size_t skip_blanks(const char *line, size_t len, size_t at)
{
        while (at < len && (line[at] == ' ' || line[at] == '\t'))
                at++;
        return at;
}

/* Where the word that begins at `at` ends; quotes hold blanks together. */
static size_t skip_word(const char *line, size_t len, size_t at)
{
        bool quoted = false;

        for (; at < len && (quoted || (line[at] != ' ' && line[at] != '\t')); at++) {
                if (line[at] == '\\' && at + 1 < len && line[at + 1] == '"')
                        at++;
                else if (line[at] == '"')
                        quoted = !quoted;
        }
        return at < len ? at : len;
}

/* Options are separated by commas outside of quotes; a name may be followed by "=". */
static bool has_option(const char *options, size_t len, const char *name)
{
        size_t n = strlen(name), at = 0;
        bool quoted = false;

        while (at < len) {
                if (at + n <= len && strncasecmp(options + at, name, n) == 0 &&
                    (at + n == len || options[at + n] == ',' || options[at + n] == '='))
                        return true;
                for (; at < len && (quoted || options[at] != ','); at++) {
                        if (options[at] == '\\' && at + 1 < len && options[at + 1] == '"')
                                at++;
                        else if (options[at] == '"')
                                quoted = !quoted;
                }
                at++;
        }
        return false;
}

static bool is_base64(const char *text, size_t len)
{
        for (size_t i = 0; i < len; i++)
                if (!(text[i] >= 'A' && text[i] <= 'Z') && !(text[i] >= 'a' && text[i] <= 'z') &&
                    !(text[i] >= '0' && text[i] <= '9') && !(text[i] && strchr("+/=", text[i])))
                        return false;
        return len > 0 && len <= BLOB_MAX;
}

static bool read_line(const char *line, size_t len, struct key_line *ret)
{
        size_t at = skip_blanks(line, len, 0), end = skip_word(line, len, at);
        struct key_line k = { 0 };

        if (at == len || line[at] == '#')
                return false;
        if (!is_type(line + at, end - at)) {
                k.authority = has_option(line + at, end - at, "cert-authority");
                k.forced = has_option(line + at, end - at, "command");
                at = skip_blanks(line, len, end);
                end = skip_word(line, len, at);
                if (!is_type(line + at, end - at))
                        return false;
        }
        k.type = line + at;
        k.type_len = end - at;
        at = skip_blanks(line, len, end);
        k.blob = line + at;
        while (at < len && line[at] != ' ' && line[at] != '\t' && line[at] != '\r')
                at++;
        k.blob_len = (size_t)(line + at - k.blob);
        if (!is_base64(k.blob, k.blob_len))
                return false;
        *ret = k;
        return true;
}

bool authorized_keys_next(const char **at, struct key_line *ret)
{
        for (struct word line; word_next(at, '\n', &line);)
                if (read_line(line.text, line.len, ret))
                        return true;
        return false;
}

bool authorized_keys_path(const char *pattern, size_t len, const struct user *u, struct buf *out)
{
        if (len == 0)
                return false;
        if (pattern[0] != '/' && strncmp(pattern, "%h", len < 2 ? len : 2) != 0)
                buf_addf(out, "%s/", strcmp(u->home, "/") == 0 ? "" : u->home);
        else if (pattern[0] != '/' && !u->home[0] && !(len > 2 && pattern[2] == '/'))
                buf_adds(out, "/"); /* sshd looks at what came out (auth2-pubkeyfile.c) */
        for (size_t i = 0; i < len; i++) {
                if (pattern[i] != '%') {
                        buf_add(out, pattern + i, 1);
                        continue;
                }
                switch (++i < len ? pattern[i] : '\0') {
                case '%':
                        buf_adds(out, "%");
                        break;
                case 'h':
                        buf_adds(out, u->home);
                        break;
                case 'u':
                        buf_adds(out, u->name);
                        break;
                case 'U':
                        buf_addf(out, "%u", u->uid);
                        break;
                default:
                        return false;
                }
        }
        return true;
}

bool shadow_has_password(const char *text, size_t len, const char *user)
{
        const char *end = text + len;
        size_t n = strlen(user);

        for (struct word line; line_next(&text, end, &line);) {
                const char *hash, *stop;
                size_t size;

                if (line.len <= n || strncmp(line.text, user, n) != 0 || line.text[n] != ':')
                        continue;
                hash = line.text + n + 1;
                stop = memchr(hash, ':', line.len - n - 1);
                size = stop ? (size_t)(stop - hash) : line.len - n - 1;
                /* crypt(5): what begins with ! or * matches nothing; DES has 13 letters */
                return size >= 13 && hash[0] != '!' && hash[0] != '*';
        }
        return false;
}
