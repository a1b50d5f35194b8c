/* SPDX-License-Identifier: MIT
 *
 * ssh-banner.c: see ssh-banner.h. Lines are judged as the OpenSSH client does (kex.c,
 * kex_exchange_identification), the packet by RFC 4253 §6, §7.1 and §11.1; the first fault ends
 * it, so that more bytes change no verdict. It neither reads nor answers, knows no time, and keeps
 * nothing of what came but the two texts.
 */
#include "core/format/ssh-banner.h"

#include "core/util/printable.h"

#include <string.h>

#define SSH_MSG_DISCONNECT 1
#define SSH_MSG_KEXINIT    20

/* Offsets in a disconnect packet: length, padding length, message, reason code, description. */
#define AT_PADDING     4
#define AT_MESSAGE     5
#define AT_DESC_LENGTH 10
#define AT_DESC        14

/* §6: at least 16 bytes, four of which are the length. */
#define LENGTH_MIN 12

/* ---- the identification line ----------------------------------------------------------------- */

static bool starts(const char *line, size_t len, const char *prefix)
{
        size_t n = strlen(prefix);

        return len >= n && memcmp(line, prefix, n) == 0;
}

/* kex.c takes "SSH-" alone for one of the lines before, too. */
static bool is_ident(const char *line, size_t len)
{
        return len > strlen("SSH-") && starts(line, len, "SSH-");
}

/* A line, or its beginning, of `n` bytes up to the newline: without its CRs, which count as one, as
 * in kex.c. RFC 4253 §4.2: 255 bytes with CR LF for the identification. OpenSSH takes more, other
 * clients do not. */
static bool take_line(const char *line, size_t n, size_t *ret_len)
{
        while (n > 0 && line[n - 1] == '\r')
                n--;
        *ret_len = n;
        return !memchr(line, '\r', n) && !memchr(line, '\0', n) &&
               n <= (is_ident(line, n) ? SSH_BANNER_IDENT_MAX - strlen("\r\n")
                                       : SSH_BANNER_LINE_MAX);
}

static size_t skip_digits(const char *line, size_t len, size_t at)
{
        while (at < len && line[at] >= '0' && line[at] <= '9')
                at++;
        return at;
}

/* SSH-protoversion-softwareversion, both not empty. */
static enum ssh_banner_state judge_ident(const char *line, size_t len)
{
        const size_t major = strlen("SSH-");
        size_t dot = skip_digits(line, len, major), minus;

        if (dot == major || dot == len || line[dot] != '.')
                return SSH_BANNER_NOT_SSH;
        minus = skip_digits(line, len, dot + 1);
        if (minus == dot + 1 || minus + 1 >= len || line[minus] != '-')
                return SSH_BANNER_NOT_SSH;
        /* §5.1: 1.99 is a 2.0 server that also takes clients of old. */
        return starts(line, len, "SSH-2.0-") || starts(line, len, "SSH-1.99-") ? SSH_BANNER_IDENT
                                                                               : SSH_BANNER_VERSION;
}

static enum ssh_banner_state judge_line(struct ssh_banner *b, const char *line, size_t len)
{
        enum ssh_banner_state s = is_ident(line, len) ? judge_ident(line, len) : SSH_BANNER_MORE;

        if (s == SSH_BANNER_IDENT || s == SSH_BANNER_VERSION) {
                printable_ascii(b->ident, sizeof(b->ident), line, len);
                b->reason[0] = '\0';
        } else if (len > 0) {
                /* sshd says so when it refuses ("Exceeded MaxStartups"), and so does what runs
                 * instead. */
                printable_ascii(b->reason, sizeof(b->reason), line, len);
        }
        return s;
}

/* ---- the packet ------------------------------------------------------------------------------ */

static uint32_t read_u32(const unsigned char *p)
{
        return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* As much of the description as `reason` holds is waited for, not its language tag. */
static enum ssh_banner_state judge_disconnect(struct ssh_banner *b, const unsigned char *p,
                                              size_t len, size_t payload)
{
        size_t desc;

        if (payload < AT_DESC - AT_MESSAGE)
                return SSH_BANNER_BAD_PACKET;
        if (len < AT_DESC)
                return SSH_BANNER_IDENT;
        desc = read_u32(p + AT_DESC_LENGTH);
        if (desc > payload - (AT_DESC - AT_MESSAGE))
                return SSH_BANNER_BAD_PACKET;
        if (desc > SSH_BANNER_REASON_MAX)
                desc = SSH_BANNER_REASON_MAX;
        if (len < AT_DESC + desc)
                return SSH_BANNER_IDENT;
        printable_ascii(b->reason, sizeof(b->reason), p + AT_DESC, desc);
        return SSH_BANNER_DISCONNECT;
}

/* Each field is judged as soon as it is there: text where a packet should be is told at once. */
static enum ssh_banner_state judge_packet(struct ssh_banner *b, const unsigned char *p, size_t len)
{
        size_t length;

        if (len < sizeof(uint32_t))
                return SSH_BANNER_IDENT;
        length = read_u32(p);
        if (length < LENGTH_MIN || length > SSH_BANNER_PACKET_MAX - sizeof(uint32_t))
                return SSH_BANNER_BAD_PACKET;
        if (len <= AT_MESSAGE)
                return SSH_BANNER_IDENT;
        if (p[AT_PADDING] + 1U >= length)
                return SSH_BANNER_BAD_PACKET;
        if (p[AT_MESSAGE] == SSH_MSG_KEXINIT)
                return SSH_BANNER_OK;
        if (p[AT_MESSAGE] == SSH_MSG_DISCONNECT)
                return judge_disconnect(b, p, len, length - 1 - p[AT_PADDING]);
        return SSH_BANNER_BAD_PACKET;
}

static enum ssh_banner_state judge(struct ssh_banner *b, const char *data, size_t len)
{
        for (unsigned i = 0; i < SSH_BANNER_LINES_MAX; i++) {
                const char *end = len > 0 ? memchr(data, '\n', len) : NULL;
                enum ssh_banner_state s;
                size_t n;

                if (!take_line(data, end ? (size_t)(end - data) : len, &n))
                        return SSH_BANNER_NOT_SSH;
                if (!end)
                        return SSH_BANNER_MORE;
                s = judge_line(b, data, n);
                len -= (size_t)(end + 1 - data);
                data = end + 1;
                if (s == SSH_BANNER_IDENT)
                        return judge_packet(b, (const unsigned char *)data, len);
                if (s != SSH_BANNER_MORE)
                        return s;
        }
        return SSH_BANNER_NOT_SSH;
}

void ssh_banner_judge(const void *data, size_t len, struct ssh_banner *ret)
{
        *ret = (struct ssh_banner){ .ident = "" };
        ret->state = judge(ret, len > 0 ? data : "", len);
}
