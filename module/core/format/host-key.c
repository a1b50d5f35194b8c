/* SPDX-License-Identifier: MIT
 *
 * host-key.c: see host-key.h. Uses no private number: the public key comes before them. What was
 * decoded is wiped.
 */
#include "core/format/host-key.h"

#include <string.h>

/* sshkey.c, private2_uudecode(), wants these lines as they are, and passes over a CR between them.
 */
#define BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----\n"
#define END   "\n-----END OPENSSH PRIVATE KEY-----\n"
#define MAGIC "openssh-key-v1" /* with its NUL */

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* `out` has room for as many bytes as the text has. Their number. */
static size_t decode(const char *text, size_t len, unsigned char *out)
{
        unsigned bits = 0, n = 0;
        size_t done = 0;

        for (size_t i = 0; i < len && text[i] != '='; i++) {
                const char *letter = text[i] ? strchr(letters, text[i]) : NULL;

                if (!letter && (text[i] == '\0' || !strchr(" \t\r\n", text[i])))
                        return 0;
                if (!letter)
                        continue;
                bits = bits << 6 | (unsigned)(letter - letters);
                n += 6;
                if (n >= 8) {
                        out[done++] = (unsigned char)(bits >> (n - 8) & 0xff);
                        n -= 8;
                }
        }
        return done;
}

static void encode(const unsigned char *data, size_t len, struct buf *out)
{
        for (size_t i = 0; i < len; i += 3) {
                unsigned bits = (unsigned)data[i] << 16;
                char four[4];

                bits |= i + 1 < len ? (unsigned)data[i + 1] << 8 : 0;
                bits |= i + 2 < len ? data[i + 2] : 0;
                for (unsigned k = 0; k < 4; k++)
                        four[k] = i + k > len ? '=' : letters[bits >> (18 - 6 * k) & 63];
                buf_add(out, four, 4);
        }
}

struct reader {
        const unsigned char *at;
        size_t left;
};

static bool read_number(struct reader *r, size_t *ret)
{
        if (r->left < 4)
                return false;
        *ret = (size_t)r->at[0] << 24 | (size_t)r->at[1] << 16 | (size_t)r->at[2] << 8 | r->at[3];
        r->at += 4;
        r->left -= 4;
        return true;
}

static bool read_string(struct reader *r, const unsigned char **ret, size_t *ret_len)
{
        if (!read_number(r, ret_len) || *ret_len > r->left)
                return false;
        *ret = r->at;
        r->at += *ret_len;
        r->left -= *ret_len;
        return true;
}

/* The key's name stands at the beginning of the key itself, too; only a sane one is shown. */
static bool add_key(const unsigned char *key, size_t len, struct buf *out)
{
        struct reader r = { key, len };
        const unsigned char *type;
        size_t n;

        if (!read_string(&r, &type, &n) || n == 0 || n > 64)
                return false;
        for (size_t i = 0; i < n; i++)
                if (type[i] <= ' ' || type[i] > '~')
                        return false;
        buf_add(out, type, n);
        buf_adds(out, " ");
        encode(key, len, out);
        return out->error == 0;
}

/* Cipher and kdf, with a passphrase not "none"; its options, how many keys, the public one; and to
 * the end the private one, in blocks of eight bytes, which begins with one number twice (sshkey.c,
 * private2_decrypt()). */
static bool find_key(const unsigned char *file, size_t len, struct buf *out)
{
        struct reader r = { file, len };
        const unsigned char *skipped, *key;
        size_t n, key_len;

        if (r.left < sizeof(MAGIC) || memcmp(r.at, MAGIC, sizeof(MAGIC)) != 0)
                return false;
        r.at += sizeof(MAGIC);
        r.left -= sizeof(MAGIC);
        for (unsigned i = 0; i < 2; i++)
                if (!read_string(&r, &skipped, &n) || n != 4 || memcmp(skipped, "none", n) != 0)
                        return false;
        return read_string(&r, &skipped, &n) && read_number(&r, &n) && n == 1 &&
               read_string(&r, &key, &key_len) && read_string(&r, &skipped, &n) && n >= 8 &&
               n % 8 == 0 && memcmp(skipped, skipped + 4, 4) == 0 && r.left == 0 &&
               add_key(key, key_len, out);
}

bool host_key_public(const char *text, size_t len, struct buf *out)
{
        /* of its whole size at once: a buffer that grows would leave copies behind */
        AUTO_FREE unsigned char *file = NULL;
        const char *end;
        bool found;

        if (len < strlen(BEGIN) || memcmp(text, BEGIN, strlen(BEGIN)) != 0)
                return false;
        text += strlen(BEGIN);
        len -= strlen(BEGIN);
        end = memmem(text, len, END, strlen(END));
        file = end ? malloc(len) : NULL;
        if (!file)
                return false;
        found = find_key(file, decode(text, (size_t)(end - text), file), out);
        explicit_bzero(file, len);
        return found;
}

bool host_key_is_openssh(const char *text)
{
        return strncmp(text, BEGIN, strlen(BEGIN) - 1) == 0;
}

bool host_key_is_private(const char *text)
{
        return strncmp(text, "-----BEGIN ", 11) == 0 && strstr(text, "PRIVATE KEY-----");
}
